"""Five-second bars of the running market, made from every quote and trade, passed-over ones included.

Time is cut at multiples of five seconds of the clock, and only while the exchange is open. A bar opens at the price
that stands at its beginning. Where nothing happens prices stand still and nothing is traded: a bar without trades
carries the last trade's price and no volume. Before the first trade of a session there is no bar of trades.

A bar that was told is never changed: a quote that comes after its interval was settled counts for the next one.
"""

from __future__ import annotations

from dataclasses import dataclass

from algo_trade.gateway_sim.bars.columns import Bar, PriceColumns, QuoteColumns, TradeColumns
from algo_trade.gateway_sim.bars.sizes import What
from algo_trade.gateway_sim.hours import TradingHours
from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.quotes import Quote

STEP_S = 5
_NS = 1_000_000_000
_LONG_AGO_NS = -(2**63)
# No share costs a hundred billion dollars, and an absurd file must not stop the market.
_PRICE_MAX_E4 = 10**15
_MICROS_PER_E4 = 100
_MINUTE_S = 60
# Sessions whose five seconds are kept; older ones keep minutes, so that a server may run for months.
_DETAILED_SESSIONS = 5


@dataclass(slots=True)
class DayTrades:
    """The trades of the session under way, or of the last one. Prices in ten-thousandths of a dollar."""

    count: int = 0
    open_e4: int = 0
    high_e4: int = 0
    low_e4: int = 0
    last_e4: int = 0
    last_size: int = 0
    last_ns: int = 0
    volume: int = 0
    value_e4: int = 0

    def add(self, price_e4: int, size: int, time_ns: int) -> None:
        """One more trade."""
        if not self.count:
            self.open_e4 = self.high_e4 = self.low_e4 = price_e4
        self.count += 1
        self.high_e4 = max(self.high_e4, price_e4)
        self.low_e4 = min(self.low_e4, price_e4)
        self.last_e4, self.last_size, self.last_ns = price_e4, size, time_ns
        self.volume += size
        self.value_e4 += price_e4 * size


class RecordedSession:
    """The bars of one session, from `open_s` to `close_s` (UTC epoch seconds), as far as it has come."""

    def __init__(self, open_s: int, close_s: int, has_trades: bool, step_s: int) -> None:
        self.open_s = open_s
        self.close_s = close_s
        self.trades = TradeColumns(step_s) if has_trades else None
        self.middle = PriceColumns(step_s)
        self.bid = QuoteColumns(step_s)
        self.ask = QuoteColumns(step_s)

    def bar(self, what: What, start_s: int, end_s: int) -> Bar | None:
        """One bar over [start_s, end_s); None where there is nothing. Without trades, TRADES are the middle."""
        if what is What.BID_ASK:
            return self._bid_ask(start_s, end_s)
        columns: PriceColumns = {What.BID: self.bid, What.ASK: self.ask}.get(what, self.middle)
        if what in {What.TRADES, What.ADJUSTED_LAST} and self.trades is not None:
            columns = self.trades
        return columns.bar(start_s, end_s)

    def _bid_ask(self, start_s: int, end_s: int) -> Bar | None:
        bid, ask = self.bid.bar(start_s, end_s), self.ask.bar(start_s, end_s)
        mean_bid, mean_ask = self.bid.mean_between(start_s, end_s), self.ask.mean_between(start_s, end_s)
        if bid is None or ask is None or mean_bid is None or mean_ask is None:
            return None
        return Bar(start_s, mean_bid, ask.high, bid.low, mean_ask, average=(mean_bid + mean_ask) // 2)

    def forget_detail(self) -> None:
        """Keep minutes only."""
        if self.trades is not None:
            self.trades = self.trades.coarser(_MINUTE_S)
        self.middle = self.middle.coarser(_MINUTE_S)
        self.bid, self.ask = self.bid.coarser(_MINUTE_S), self.ask.coarser(_MINUTE_S)


class _Running:
    """Open, high, low and close of the interval under way, of one price."""

    __slots__ = ("close", "high", "low", "open")

    def __init__(self, price: int) -> None:
        self.open = self.high = self.low = self.close = price

    def move(self, price: int) -> None:
        self.close = price
        if price > self.high:
            self.high = price
        if price < self.low:
            self.low = price

    def roll(self) -> tuple[int, int, int, int]:
        """The interval is over: its prices; the next one opens where it closed."""
        prices = (self.open, self.high, self.low, self.close)
        self.open = self.high = self.low = self.close
        return prices


class _SideRunning(_Running):
    """As well, the price summed over market time."""

    __slots__ = ("area", "since_ns")

    def __init__(self, price: int, offset_ns: int) -> None:
        super().__init__(price)
        self.area = 0
        self.since_ns = offset_ns

    def stand(self, offset_ns: int) -> None:
        """The price has stood until now."""
        self.area += self.close * max(0, offset_ns - self.since_ns)
        self.since_ns = max(self.since_ns, offset_ns)


class BarRecorder:
    """Makes bars of every quote it hears of. Prices inside are millionths of a dollar."""

    def __init__(self, market: SymbolMarket, hours: TradingHours, step_s: int = STEP_S) -> None:
        self.market = market
        self._step_s = step_s
        self.sessions: list[RecordedSession] = []
        self.day = DayTrades()
        self._hours = hours
        self._session: RecordedSession | None = None
        self._slot_s = 0
        # Market time at which the interval under way ends, or the next session begins. The first quote is past it.
        self._next_ns = _LONG_AGO_NS
        self._begun_ns = 0  # market time at which it began
        self._bid_e4 = self._ask_e4 = 0
        self._bid = self._ask = _SideRunning(0, 0)
        self._middle = _Running(0)
        self._last: _Running | None = None
        self._volume = self._value = self._count = 0

    def settle(self, until_s: int) -> None:
        """Every interval that ends at or before `until_s` (UTC epoch seconds) is over."""
        while self._session is not None and self._slot_s + self._step_s <= until_s:
            self._close_interval(self._session)

    # -- every quote -------------------------------------------------------------------------------
    def hear(self, quote: Quote) -> None:
        """A quote, passed over or shown: a listener to a market."""
        offset_ns = quote.offset_ns
        if offset_ns >= self._next_ns:
            self._move_on(quote)
        if self._session is None:
            return
        if quote.bid_e4 != self._bid_e4 or quote.ask_e4 != self._ask_e4:
            self._requote(quote)
        if quote.trade_size:
            self._trade(quote)

    def _requote(self, quote: Quote) -> None:
        """A price changed. A quote without two sides leaves the prices where they were."""
        if not _has_two_sides(quote):
            return
        self._bid_e4, self._ask_e4 = quote.bid_e4, quote.ask_e4
        self._bid.stand(quote.offset_ns)
        self._ask.stand(quote.offset_ns)
        self._bid.move(quote.bid_e4 * _MICROS_PER_E4)
        self._ask.move(quote.ask_e4 * _MICROS_PER_E4)
        self._middle.move((quote.bid_e4 + quote.ask_e4) * _MICROS_PER_E4 // 2)

    def _trade(self, quote: Quote) -> None:
        if not 0 < quote.trade_e4 < _PRICE_MAX_E4:
            return
        self.day.add(quote.trade_e4, quote.trade_size, self._time_ns(quote.offset_ns))
        price = quote.trade_e4 * _MICROS_PER_E4
        if self._last is None or not self._count:
            self._last = _Running(price)  # the first trade of an interval opens it, not the last one before
        else:
            self._last.move(price)
        self._volume += quote.trade_size
        self._value += price * quote.trade_size
        self._count += 1

    # -- time ----------------------------------------------------------------------------------------
    def _move_on(self, quote: Quote) -> None:
        """The quote is the first one past the interval under way, or past the opening that was waited for."""
        time_s = self._time_ns(quote.offset_ns) // _NS
        self.settle(time_s)
        if self._session is None:
            window = next(self._hours.windows(time_s * _NS))
            open_s = window.open_ns // _NS
            if open_s > time_s:
                self._next_ns = self._offset_ns(window.open_ns)
            elif _has_two_sides(quote):
                self._open_session(open_s, window.close_ns // _NS, time_s, quote)

    def _open_session(self, open_s: int, close_s: int, time_s: int, quote: Quote) -> None:
        """With its first two-sided quote."""
        if len(self.sessions) >= _DETAILED_SESSIONS:
            self.sessions[-_DETAILED_SESSIONS].forget_detail()
        self._session = RecordedSession(open_s, close_s, self.market.has_trades, self._step_s)
        self.sessions.append(self._session)
        self.day = DayTrades()
        self._last = None
        self._bid_e4, self._ask_e4 = quote.bid_e4, quote.ask_e4
        self._bid = _SideRunning(quote.bid_e4 * _MICROS_PER_E4, quote.offset_ns)
        self._ask = _SideRunning(quote.ask_e4 * _MICROS_PER_E4, quote.offset_ns)
        self._middle = _Running((quote.bid_e4 + quote.ask_e4) * _MICROS_PER_E4 // 2)
        self._begin_interval(time_s - time_s % self._step_s, quote.offset_ns)

    def _time_ns(self, offset_ns: int) -> int:
        """The moment (UTC epoch ns) of a market time."""
        assert self.market.origin_ns is not None
        return self.market.origin_ns + int(offset_ns / self.market.speed)

    def _offset_ns(self, at_ns: int) -> int:
        assert self.market.origin_ns is not None
        return round((at_ns - self.market.origin_ns) * self.market.speed)

    def _begin_interval(self, slot_s: int, offset_ns: int) -> None:
        self._slot_s = slot_s
        self._begun_ns = offset_ns
        self._next_ns = self._offset_ns((slot_s + self._step_s) * _NS)

    def _close_interval(self, session: RecordedSession) -> None:
        start_s, ends_ns = self._slot_s, self._next_ns
        for side, columns in ((self._bid, session.bid), (self._ask, session.ask)):
            side.stand(ends_ns)
            columns.mean.append(side.area // max(1, ends_ns - self._begun_ns))
            side.area = 0
            columns.append(start_s, *side.roll())
        session.middle.append(start_s, *self._middle.roll())
        if session.trades is not None and self._last is not None:
            bar = Bar(start_s, *self._last.roll())
            session.trades.trade_bar(bar, volume=self._volume, value=self._value, trades=self._count)
        self._volume = self._value = self._count = 0
        if start_s + self._step_s >= session.close_s:
            self._session = None  # quotes after the close are nobody's
        else:
            self._begin_interval(start_s + self._step_s, ends_ns)


def _has_two_sides(quote: Quote) -> bool:
    """Whether there are a bid and an ask a bar could be made of; a recorded file may hold any number."""
    return 0 < quote.bid_e4 < _PRICE_MAX_E4 and 0 < quote.ask_e4 < _PRICE_MAX_E4
