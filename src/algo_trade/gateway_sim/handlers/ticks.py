"""Requests for ticks one by one: as they come, and those of the past."""

from __future__ import annotations

from algo_trade.gateway_sim.bars.sizes import parse_end_s, refuse
from algo_trade.gateway_sim.bars.tick_history import TICKS_MAX, TickKind, TickQuery, tick_history
from algo_trade.gateway_sim.bars.tick_log import Timed
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.gateway import Gateway, Handler
from algo_trade.gateway_sim.handlers.contracts import find_or_refuse
from algo_trade.gateway_sim.handlers.history import answer_later, check_pace
from algo_trade.gateway_sim.streams import (
    BID_ASK,
    LAST_KINDS,
    MID_POINT,
    LastStream,
    MiddleStream,
    PriceStream,
    TickStream,
)
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.values import clean, money_text, price_text

_NS = 1_000_000_000
_MICROS_PER_HALF_E4 = 50
_OF_STREAM = {
    **dict.fromkeys(LAST_KINDS, TickKind.TRADES),
    BID_ASK: TickKind.BID_ASK,
    MID_POINT: TickKind.MIDPOINT,
}


def tick_by_tick(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    """A stream, after as many of the ticks before it as are asked for: those come in one message of history."""
    instrument = find_or_refuse(gateway, request)
    kind = request.text("kind")
    if kind not in _OF_STREAM:
        raise RequestError(10189, f"Failed to request tick-by-tick data.No such kind: {clean(kind)}")
    _check_entitled(
        gateway, instrument, _OF_STREAM[kind], 10189, f"Failed to request tick-by-tick data ({kind})."
    )
    count = _count(request, at_least=0)
    ignore_size = request.flag("ignoreSize")
    stream: TickStream | LastStream
    if kind in LAST_KINDS:
        stream = LastStream(request.request_id, kind, instrument.listing, client.send)
    elif kind == MID_POINT:
        stream = MiddleStream(request.request_id, client.send)
    else:
        stream = (PriceStream if ignore_size else TickStream)(request.request_id, client.send)
    # Refusals come before the market starts: a recorded day must not begin with a request that failed.
    gateway.subscriptions(client).check_ticks(request.request_id)
    gateway.markets.subscribe(instrument.con_id)
    if count:
        now_s = gateway.clock.now_ns() // _NS
        query = TickQuery(_OF_STREAM[kind], count, None, now_s + 1, ignore_size)
        _send_ticks(gateway, client, request.request_id, instrument, query)
    gateway.subscriptions(client).add_ticks(request.request_id, gateway.broadcast(instrument), stream)


def cancel_tick_by_tick(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    gateway.subscriptions(client).remove_ticks(request.request_id)


def historical_ticks(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    """Checked at once, answered after the time history takes; an answer may be empty."""
    instrument = find_or_refuse(gateway, request)
    now_ns = gateway.clock.now_ns()
    try:
        kind = TickKind(request.text("what").upper())
    except ValueError:
        raise refuse(f"What to show field is missing or incorrect: {clean(request.text('what'))}") from None
    start_s, end_s = (parse_end_s(request.text(name), now_ns) for name in ("start", "end"))
    if (start_s is None) == (end_s is None):
        raise refuse("Historical ticks want either a start or an end date/time.")
    count = _count(request, at_least=1)
    _check_entitled(gateway, instrument, kind, 10187, "Failed to request historical ticks:")
    gateway.subscriptions(client).history.check_new(request.request_id)
    check_pace(gateway, client, request, instrument, is_double=kind is TickKind.BID_ASK)
    request_id, ignore_size = request.request_id, request.flag("ignoreSize")

    def give() -> None:
        gateway.markets.look(instrument.con_id)
        now_s = gateway.clock.now_ns() // _NS
        # The second under way is not over: it is nobody's past yet.
        query = TickQuery(kind, count, start_s, now_s if end_s is None else min(now_s, end_s), ignore_size)
        _send_ticks(gateway, client, request_id, instrument, query)

    answer_later(gateway, client, request_id, give)


def _count(request: Decoded, *, at_least: int) -> int:
    count = request.integer("count") or 0
    if not at_least <= count <= TICKS_MAX:
        raise refuse(f"The number of ticks must be between {at_least} and {TICKS_MAX}: {count}")
    return count


def _check_entitled(gateway: Gateway, instrument: Instrument, kind: TickKind, code: int, failed: str) -> None:
    """Raises RequestError where the account has no right to ticks, or none of this kind were recorded."""
    if instrument.symbol in gateway.config.delayed_symbols:
        raise RequestError(code, f"{failed}No market data permissions for {instrument.listing} STK")
    if kind is TickKind.TRADES and not gateway.markets.of(instrument).has_trades:
        raise RequestError(code, f"{failed}{instrument.symbol} was recorded without its trades")


def _send_ticks(
    gateway: Gateway, client: ClientConnection, request_id: int, instrument: Instrument, query: TickQuery
) -> None:
    ticks = tick_history(gateway.bar_broadcast(instrument).bars, query)
    if query.kind is TickKind.TRADES:
        layout = replies.HISTORICAL_TICKS_LAST
        rows = [_trade_row(tick, instrument.listing) for tick in ticks]
    elif query.kind is TickKind.BID_ASK:
        layout = replies.HISTORICAL_TICKS_BID_ASK
        rows = [_bid_ask_row(tick) for tick in ticks]
    else:
        layout = replies.HISTORICAL_TICKS
        rows = [_middle_row(tick) for tick in ticks]
    client.reply(layout, reqId=request_id, ticks=rows)


def _trade_row(tick: Timed, venue: str) -> tuple[str, ...]:
    time_s, quote = tick
    return str(time_s), "0", price_text(quote.trade_e4), str(quote.trade_size), venue, ""


def _bid_ask_row(tick: Timed) -> tuple[str, ...]:
    time_s, quote = tick
    bid, ask = price_text(quote.bid_e4), price_text(quote.ask_e4)
    return str(time_s), "0", bid, ask, str(quote.bid_size), str(quote.ask_size)


def _middle_row(tick: Timed) -> tuple[str, ...]:
    """A mid-point has no size; the field between time and price is read by nobody."""
    time_s, quote = tick
    return str(time_s), "0", money_text((quote.bid_e4 + quote.ask_e4) * _MICROS_PER_HALF_E4), "0"


HANDLERS: dict[str, Handler] = {
    "tick_by_tick": tick_by_tick,
    "cancel_tick_by_tick": cancel_tick_by_tick,
    "historical_ticks": historical_ticks,
}
