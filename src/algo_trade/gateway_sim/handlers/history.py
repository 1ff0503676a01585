"""Requests for bars: historical ones, kept up to date or not, and real-time ones."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from algo_trade.clock import new_york, utc
from algo_trade.gateway_sim.bars.history import Named, Query
from algo_trade.gateway_sim.bars.sizes import (
    STREAMED,
    Unit,
    What,
    parse_end_s,
    parse_size,
    parse_span,
    parse_what,
    refuse,
)
from algo_trade.gateway_sim.bars.streams import KeptUpToDate, RealTimeBars, bar_values, date_text
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.gateway import Gateway, Handler
from algo_trade.gateway_sim.handlers.contracts import find_or_refuse
from algo_trade.gateway_sim.hours import ZONE, eastern_text
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.values import money_text

_NS = 1_000_000_000
_AS_TEXT, _AS_EPOCH = 1, 2
# Bars up to this length are paced; larger ones are only slowed down by a real gateway.
_PACED_UP_TO_S = 30
_MAKE_IT_IDENTICAL = (
    "exchange", "start", "end", "count", "barSize", "duration", "useRth", "what", "format", "keepUpToDate"
)  # fmt: skip
_PACING = "Historical Market Data Service error message:Historical data request pacing violation"


def historical_data(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    """Checked at once, answered after the time history takes."""
    instrument = find_or_refuse(gateway, request)
    query = read_query(request, gateway.clock.now_ns())
    as_epoch = _as_epoch(request)
    keep = request.flag("keepUpToDate")
    if keep and request.text("end").strip():
        raise refuse("End date/time may not be given for historical data that is kept up to date.")
    if keep and query.what not in STREAMED:
        raise refuse("Only trades, midpoint, bid and ask are kept up to date.")
    if query.what is What.ADJUSTED_LAST and query.end_s is not None:
        raise refuse("End date/time is not supported for adjusted last.")
    if keep and query.size.seconds == 1:
        raise refuse("Bars of one second are not kept up to date.")
    queries = gateway.subscriptions(client).history
    queries.check_new(request.request_id)
    if query.size.unit is Unit.SECONDS and query.size.seconds <= _PACED_UP_TO_S:
        check_pace(gateway, client, request, instrument, is_double=query.what is What.BID_ASK)
    answer = _Answer(gateway, client, request.request_id, instrument, query, as_epoch, keep)
    answer_later(gateway, client, request.request_id, answer.give)


def answer_later(
    gateway: Gateway, client: ClientConnection, request_id: int, give: Callable[[], None]
) -> None:
    """An answer of the history service, or its error, when the time it takes is over."""
    pending = gateway.subscriptions(client).history.pending

    def answer() -> None:
        del pending[request_id]
        try:
            give()
        except RequestError as error:
            client.error(request_id, error.code, error.text)

    pending[request_id] = asyncio.get_running_loop().call_later(gateway.config.history_ms / 1000, answer)


def read_query(request: Decoded, now_ns: int) -> Query:
    """Raises RequestError 321, 10314 or 162 for what cannot be."""
    return Query(
        parse_what(request.text("what")),
        parse_size(request.text("barSize")),
        parse_span(request.text("duration")),
        parse_end_s(request.text("end"), now_ns),
    )


def _as_epoch(request: Decoded) -> bool:
    form = request.integer("format")
    if form not in {None, _AS_TEXT, _AS_EPOCH}:
        raise refuse("Date format is invalid: 1 is text, 2 is epoch seconds.")
    return form == _AS_EPOCH


def check_pace(
    gateway: Gateway, client: ClientConnection, request: Decoded, instrument: Instrument, *, is_double: bool
) -> None:
    """Count a request that is paced; raises RequestError 162 when it is one too many."""
    allowed = gateway.subscriptions(client).history.pacing.allows(
        (request.message_id, instrument.con_id, *request.texts(_MAKE_IT_IDENTICAL)),
        (instrument.con_id, request.text("exchange"), request.text("what")),
        weight=2 if is_double else 1,
        now_s=asyncio.get_running_loop().time(),
    )
    if not allowed:
        raise RequestError(162, _PACING)


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer to one request, when its time has come."""

    gateway: Gateway
    client: ClientConnection
    request_id: int
    instrument: Instrument
    query: Query
    as_epoch: bool
    keep: bool

    def give(self) -> None:
        gateway, client, con_id = self.gateway, self.client, self.instrument.con_id
        # Keeping up to date is a subscription, and may begin a recorded day; looking back is not.
        (gateway.markets.subscribe if self.keep else gateway.markets.look)(con_id)
        broadcast = gateway.bar_broadcast(self.instrument)
        if self.query.what is What.SCHEDULE:
            self._send_schedule(broadcast.bars.schedule(self.query, gateway.clock.now_ns()))
            return
        bars = broadcast.bars.answer(self.query, gateway.clock.now_ns())
        if not bars and not self.keep:
            raise broadcast.bars.no_data(self.query.what)
        self._send(bars)
        if self.keep:
            stream = KeptUpToDate(
                self.request_id, client.version, self.query, as_epoch=self.as_epoch, send=client.send
            )
            gateway.subscriptions(client).history.live.add(self.request_id, broadcast, stream)

    def _send_schedule(self, sessions: list[tuple[int, int]]) -> None:
        """Trading days; the whole stretch is from the first opening to the last close."""
        rows = [(_dashed(open_s), _dashed(close_s), _dashed(open_s)[:8]) for open_s, close_s in sessions]
        self.client.reply(
            replies.HISTORICAL_SCHEDULE,
            reqId=self.request_id,
            start=rows[0][0] if rows else "",
            end=rows[-1][1] if rows else "",
            timeZone=ZONE,
            sessions=rows,
        )

    def _send(self, bars: list[Named]) -> None:
        rows = []
        for named in bars:
            name = date_text(named, self.query, as_epoch=self.as_epoch)
            rows.append((name, *map(str, bar_values(named.bar).values())))
        now_ns = self.gateway.clock.now_ns()
        end_ns = now_ns if self.query.end_s is None else self.query.end_s * _NS
        begin_ns = bars[0].bar.start_s * _NS if bars else end_ns
        self.client.reply(
            replies.HISTORICAL_DATA,
            reqId=self.request_id,
            start=self._moment(begin_ns),
            end=self._moment(end_ns),
            bars=rows,
        )

    def _moment(self, ns: int) -> str:
        """With epoch bars the ends are in the old form, with two spaces and no zone."""
        text = eastern_text(ns)
        return "  ".join(text.split()[:2]) if self.as_epoch else text


def _dashed(at_s: int) -> str:
    """A moment as a schedule has it: `20260302-09:30:00`, in the zone told beside it."""
    return f"{new_york(at_s * _NS):%Y%m%d-%H:%M:%S}"


def cancel_historical(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    if not gateway.subscriptions(client).history.end(request.request_id):
        raise RequestError(366, f"No historical data query found for ticker id:{request.request_id}")
    raise RequestError(
        162,
        "Historical Market Data Service error message:API historical data query cancelled: "
        f"{request.request_id}",
    )


def head_timestamp(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    instrument = find_or_refuse(gateway, request)
    if parse_what(request.text("what")) is What.SCHEDULE:
        raise refuse("There is no head time stamp of a schedule.")
    as_epoch = _as_epoch(request)
    gateway.markets.look(instrument.con_id)
    head_s = gateway.bar_broadcast(instrument).bars.head_s()
    text = str(head_s) if as_epoch else f"{utc(head_s * _NS):%Y%m%d-%H:%M:%S}"
    client.reply(replies.HEAD_TIMESTAMP, reqId=request.request_id, time=text)


def histogram(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    """Shares traded by price over a period such as `3 days`: minutes count at their closes."""
    instrument = find_or_refuse(gateway, request)
    words = request.text("period").split()
    span = parse_span(f"{words[0]} {words[1][:1].upper()}" if len(words) > 1 else "")
    gateway.markets.look(instrument.con_id)
    query = Query(What.TRADES, parse_size("1 min"), span)
    shares: Counter[int] = Counter()
    for named in gateway.bar_broadcast(instrument).bars.answer(query, gateway.clock.now_ns()):
        shares[named.bar.close] += named.bar.volume
    rows = [(money_text(price), str(count)) for price, count in sorted(shares.items())]
    client.reply(replies.HISTOGRAM, reqId=request.request_id, bars=rows)


def realtime_bars(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    """Five seconds whatever bar size is asked for: there is no other."""
    instrument = find_or_refuse(gateway, request)
    what = parse_what(request.text("what"))
    if what not in STREAMED:
        raise refuse("Real-time bars are of trades, midpoint, bid or ask.")
    feeds = gateway.subscriptions(client)
    feeds.check_bars(request.request_id, asyncio.get_running_loop().time())
    gateway.markets.subscribe(instrument.con_id)
    stream = RealTimeBars(request.request_id, client.version, what, client.send)
    feeds.real_time_bars.add(request.request_id, gateway.bar_broadcast(instrument), stream)


def cancel_realtime_bars(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    if not gateway.subscriptions(client).real_time_bars.end(request.request_id):
        raise RequestError(300, f"Can't find EId with tickerId:{request.request_id}")


HANDLERS: dict[str, Handler] = {
    "historical_data": historical_data,
    "cancel_historical": cancel_historical,
    "head_timestamp": head_timestamp,
    "histogram": histogram,
    "realtime_bars": realtime_bars,
    "cancel_realtime_bars": cancel_realtime_bars,
}
