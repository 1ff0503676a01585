"""Top-of-book subscriptions: what changed, at most every 250 ms, starting with everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from algo_trade.gateway_sim.bars.recorder import BarRecorder, DayTrades
from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.framing import message
from algo_trade.gateway_sim.wire.layout import Value
from algo_trade.gateway_sim.wire.values import PRICE_SCALE, price_text, ratio_text

_TOP_OF_BOOK_S = 0.25
_NS = 1_000_000_000
_NS_PER_MS = 1_000_000
_INTERVALS_A_MINUTE = 12
_HALTED = 49
# Tick types of delayed data, by those of live data; the others have no delayed twin.
_DELAYED = {1: 66, 2: 67, 4: 68, 0: 69, 3: 70, 5: 71, 6: 72, 7: 73, 8: 74, 9: 75, 14: 76, 45: 88, _HALTED: 90}
# More than two and a half: at least a thousand shares may be borrowed, and nobody here ever runs out. More than one and
# a half: if somebody who lends is located.
_EASY_TO_BORROW, _SHORTABLE_SHARES = "3.0", 10_000_000
_HARD_TO_BORROW = "2.0"
NO_DIVIDENDS = ",,,"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a subscription is to: generic ticks by number, and whether all of it is told as delayed."""

    generic: Collection[str] = ()
    is_delayed: bool = False


class TopOfBook:
    """One reqMktData subscription, or a snapshot of one."""

    def __init__(
        self,
        request_id: int,
        version: int,
        market: SymbolMarket,
        recorder: BarRecorder,
        send: Callable[[bytes], None],
        wanted: Wanted,
    ) -> None:
        self._request_id = request_id
        self._version = version
        self._market = market
        self._recorder = recorder
        self._send = send
        self._generic = frozenset(wanted.generic)
        self._twins = _DELAYED if wanted.is_delayed else {}
        self._loop = asyncio.get_running_loop()
        self._shown: Quote | None = None
        self._shown_day = DayTrades()
        self._next_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def show_all(self) -> None:
        """All ticks, those that do not move included, as if none had been told."""
        self._shown, self._shown_day = None, DayTrades()
        self._tick_price(9, self._market.previous_close_e4, 0)
        self.show_halt(self._market.halted)
        if "236" in self._generic:
            is_hard = self._market.instrument.hard_to_borrow
            self._tick_generic(46, _HARD_TO_BORROW if is_hard else _EASY_TO_BORROW)
            self._tick_size(89, 0 if is_hard else _SHORTABLE_SHARES)
        if "456" in self._generic:
            self._tick_string(59, NO_DIVIDENDS)
        self.refresh()

    def show_halt(self, halted: bool) -> None:
        self._tick_generic(_HALTED, str(int(halted)))

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
        if self._generic:
            self._show_mark(quote, shown)

    def _show_mark(self, quote: Quote, shown: Quote | None) -> None:
        """The mark price: the last trade where it lies between bid and ask, else the nearer of the two."""
        if self._generic & {"221", "232"}:
            mark, was = self._mark_e4(quote), None if shown is None else self._mark_e4(shown)
            if mark != was:
                self._tick_price(37, mark, 0)

    def _mark_e4(self, quote: Quote) -> int:
        last_e4 = self._recorder.day.last_e4 or (quote.bid_e4 + quote.ask_e4) // 2
        return max(quote.bid_e4, min(quote.ask_e4, last_e4))

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
        if self._generic:
            self._show_generic_trades(day, is_single=not is_new and day.count == shown.count + 1)

    def _show_generic_trades(self, day: DayTrades, *, is_single: bool) -> None:
        if self._generic & {"233", "375"}:
            average = ratio_text(day.value_e4, day.volume * PRICE_SCALE)
            fields = (price_text(day.last_e4), day.last_size, day.last_ns // _NS_PER_MS, day.volume, average)
            text = ";".join((*map(str, fields), "true" if is_single else "false"))
            for number, tick_type in (("233", 48), ("375", 77)):
                if number in self._generic:
                    self._tick_string(tick_type, text)
        if "293" in self._generic:
            self._tick_generic(54, str(day.count))
        trades = self._recorder.sessions[-1].trades if self._recorder.sessions else None
        if trades is not None:
            if "294" in self._generic:
                self._tick_generic(55, str(sum(trades.trades[-_INTERVALS_A_MINUTE:])))
            if "295" in self._generic:
                self._tick_generic(56, str(sum(trades.volume[-_INTERVALS_A_MINUTE:])))
        if "318" in self._generic:
            self._tick_price(57, day.last_e4, 0)

    def _tick_price(self, tick_type: int, price_e4: int, size: int) -> None:
        tick_type = self._twins.get(tick_type, tick_type)
        self._send(message(1, 6, self._request_id, tick_type, price_text(price_e4), size, 0))

    def _tick_size(self, tick_type: int, size: int) -> None:
        tick_type = self._twins.get(tick_type, tick_type)
        values: dict[str, Value] = {"reqId": self._request_id, "tickType": tick_type, "size": size}
        self._send(replies.TICK_SIZE.encode(self._version, values))

    def _tick_string(self, tick_type: int, text: str) -> None:
        tick_type = self._twins.get(tick_type, tick_type)
        values: dict[str, Value] = {"reqId": self._request_id, "tickType": tick_type, "value": text}
        self._send(replies.TICK_STRING.encode(self._version, values))

    def _tick_generic(self, tick_type: int, text: str) -> None:
        tick_type = self._twins.get(tick_type, tick_type)
        values: dict[str, Value] = {"reqId": self._request_id, "tickType": tick_type, "value": text}
        self._send(replies.TICK_GENERIC.encode(self._version, values))
