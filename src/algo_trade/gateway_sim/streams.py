"""Market data subscriptions: quotes and trades tick by tick, and the top of the book four times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from algo_trade.clock import Clock
from algo_trade.gateway_sim.bars.recorder import BarRecorder, DayTrades
from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.framing import message
from algo_trade.gateway_sim.wire.layout import Value
from algo_trade.gateway_sim.wire.values import PRICE_SCALE, money_text, price_text, ratio_text

BID_ASK, MID_POINT = "BidAsk", "MidPoint"
LAST_KINDS = {"Last": 1, "AllLast": 2}
_TOP_OF_BOOK_S = 0.25
_HALTED = 49
_NS = 1_000_000_000
_NS_PER_MS = 1_000_000
_MICROS_PER_HALF_E4 = 50

Send = Callable[[bytes], None]
_price = lru_cache(maxsize=8192)(price_text)


class TickStream:
    """One tick-by-tick subscription: every quote is one message 99, none merged, none left out."""

    def __init__(self, request_id: int, kind: str, send: Send) -> None:
        self.send = send
        self._is_bid_ask = kind == BID_ASK
        self._prefix = f"99\x00{request_id}\x00{3 if self._is_bid_ask else 4}\x00"

    def show(self, time_s: int, quote: Quote, bid_ask: str) -> None:
        """Send one quote; `bid_ask` is its text, made once for all subscribers."""
        if self._is_bid_ask:
            payload = f"{self._prefix}{time_s}\x00{bid_ask}".encode()
        else:
            middle = money_text((quote.bid_e4 + quote.ask_e4) * _MICROS_PER_HALF_E4)
            payload = f"{self._prefix}{time_s}\x00{middle}\x00".encode()
        self.send(len(payload).to_bytes(4, "big") + payload)


def bid_ask_text(quote: Quote) -> str:
    """The part of a tick-by-tick message that is the same for everybody."""
    return (
        f"{_price(quote.bid_e4)}\x00{_price(quote.ask_e4)}\x00{quote.bid_size}\x00{quote.ask_size}\x000\x00"
    )


class LastStream:
    """One tick-by-tick subscription to trades: every one is a message 99. All of them are reported ones."""

    def __init__(self, request_id: int, kind: str, venue: str, send: Send) -> None:
        self.send = send
        self._prefix = f"99\x00{request_id}\x00{LAST_KINDS[kind]}\x00"
        self._suffix = f"0\x00{venue}\x00\x00"

    def show(self, time_s: int, quote: Quote) -> None:
        """Send the trade a quote came with."""
        trade = f"{_price(quote.trade_e4)}\x00{quote.trade_size}\x00"
        payload = f"{self._prefix}{time_s}\x00{trade}{self._suffix}".encode()
        self.send(len(payload).to_bytes(4, "big") + payload)


class TopOfBook:
    """One reqMktData subscription: what changed, at most every 250 ms, starting with everything."""

    def __init__(
        self, request_id: int, version: int, broadcast: Broadcast, send: Send, *, with_volume: bool
    ) -> None:
        self._request_id = request_id
        self._version = version
        self._market = broadcast.market
        self._recorder = broadcast.recorder
        self._send = send
        self._with_volume = with_volume
        self._loop = asyncio.get_running_loop()
        self._shown: Quote | None = None
        self._shown_day = DayTrades()
        self._next_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def show_all(self) -> None:
        """The first ticks, those that do not move included."""
        self._tick_price(9, self._market.previous_close_e4, 0)
        self.show_halt(self._market.halted)
        self.refresh()

    def show_halt(self, halted: bool) -> None:
        values: dict[str, Value] = {"reqId": self._request_id, "tickType": _HALTED, "value": int(halted)}
        self._send(replies.TICK_GENERIC.encode(self._version, values))

    def quoted(self) -> None:
        """There is a new quote: show it now, or when the last one is old enough."""
        if self._timer is None:
            wait_s = self._next_s - self._loop.time()
            if wait_s <= 0:
                self.refresh()
            else:
                self._timer = self._loop.call_later(wait_s, self.refresh)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def refresh(self) -> None:
        """Send what differs from what was sent last: the ask first when prices rise, so they never look crossed."""
        self.stop()
        quote, shown = self._market.quote, self._shown
        if quote is None or quote == shown:
            return
        self._next_s = self._loop.time() + _TOP_OF_BOOK_S
        self._shown = quote
        self._show_trades(self._recorder.day)
        bid = (1, 0, quote.bid_e4, quote.bid_size)
        ask = (2, 3, quote.ask_e4, quote.ask_size)
        rising = shown is not None and quote.ask_e4 > shown.ask_e4
        for price_tick, size_tick, price_e4, size in (ask, bid) if rising else (bid, ask):
            was = (0, -1)
            if shown is not None:
                was = (shown.bid_e4, shown.bid_size) if price_tick == 1 else (shown.ask_e4, shown.ask_size)
            if was[0] != price_e4 or shown is None:
                self._tick_price(price_tick, price_e4, size)
            elif was[1] != size:
                self._tick_size(size_tick, size)

    def _show_trades(self, day: DayTrades) -> None:
        """The last trade and the day's volume and prices, where there was a trade since."""
        shown = self._shown_day
        if not day.count or (day.count, day.last_ns) == (shown.count, shown.last_ns):
            return
        self._shown_day = replace(day)
        self._tick_price(4, day.last_e4, day.last_size)
        self._tick_size(5, day.last_size)
        self._tick_string(45, str(day.last_ns // _NS))
        self._tick_size(8, day.volume)
        is_new = day.count < shown.count or not shown.count
        for tick_type, price_e4, was_e4 in (
            (6, day.high_e4, shown.high_e4), (7, day.low_e4, shown.low_e4), (14, day.open_e4, shown.open_e4)
        ):  # fmt: skip
            if is_new or price_e4 != was_e4:
                self._tick_price(tick_type, price_e4, 0)
        if self._with_volume:
            average = ratio_text(day.value_e4, day.volume * PRICE_SCALE)
            single = "true" if not is_new and day.count == shown.count + 1 else "false"
            fields = (price_text(day.last_e4), day.last_size, day.last_ns // _NS_PER_MS, day.volume, average)
            self._tick_string(48, ";".join((*map(str, fields), single)))

    def _tick_price(self, tick_type: int, price_e4: int, size: int) -> None:
        self._send(message(1, 6, self._request_id, tick_type, price_text(price_e4), size, 0))

    def _tick_size(self, tick_type: int, size: int) -> None:
        values: dict[str, Value] = {"reqId": self._request_id, "tickType": tick_type, "size": size}
        self._send(replies.TICK_SIZE.encode(self._version, values))

    def _tick_string(self, tick_type: int, text: str) -> None:
        values: dict[str, Value] = {"reqId": self._request_id, "tickType": tick_type, "value": text}
        self._send(replies.TICK_STRING.encode(self._version, values))


class Broadcast:
    """All subscriptions of one symbol; the only listener on its quotes that clients cost anything."""

    def __init__(self, market: SymbolMarket, recorder: BarRecorder, clock: Clock) -> None:
        self.market = market
        self.recorder = recorder
        self._now_ns = clock.now_ns
        self._ticks: list[TickStream] = []
        self._lasts: list[LastStream] = []
        self._tops: list[TopOfBook] = []
        market.listen(self._on_quote)
        market.listen_halt(self._on_halt)

    def _on_quote(self, quote: Quote) -> None:
        if self._lasts and quote.trade_size:  # before the quote it led to
            time_s = self._now_ns() // _NS
            for last in self._lasts:
                last.show(time_s, quote)
        if self._ticks:
            text = bid_ask_text(quote)
            time_s = self._now_ns() // _NS
            for stream in self._ticks:
                stream.show(time_s, quote, text)
        for top in self._tops:
            top.quoted()

    def _on_halt(self, halted: bool) -> None:
        for top in self._tops:
            top.show_halt(halted)

    def add_ticks(self, stream: TickStream | LastStream) -> None:
        """Show the quote that stands now, then every one that follows; of trades only those that follow."""
        if isinstance(stream, LastStream):
            self._lasts.append(stream)
            return
        quote = self.market.quote
        if quote is not None:
            stream.show(self._now_ns() // _NS, quote, bid_ask_text(quote))
        self._ticks.append(stream)

    def add_top(self, top: TopOfBook) -> None:
        top.show_all()
        self._tops.append(top)

    def remove(self, stream: TickStream | LastStream | TopOfBook) -> None:
        self._ticks = [other for other in self._ticks if other is not stream]
        self._lasts = [other for other in self._lasts if other is not stream]
        self._tops = [other for other in self._tops if other is not stream]
        if isinstance(stream, TopOfBook):
            stream.stop()
