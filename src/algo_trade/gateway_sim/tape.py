"""What happens in one symbol, in order: its quotes, its halts, its openings.

Theory. A source of quotes is a path that knows nothing of halts, so that a halt changes nothing after it. The tape is
that path as the public sees it, in one of two states:

    trading   a halt is due, or a trade leaves the price band  →  halted
    halted    the halt is over                                 →  trading
    halted    another halt is due                              →  halted, until the later end

While halted, quotes are passed over and nobody hears of them; the first thing after a halt is the quote the path then
stands at, without its trade. A halt that reaches the close lasts until the next opening. A recorded day has no halts
but its own: it is played as it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from algo_trade.gateway_sim.days import Days, MarketDay, Span
from algo_trade.gateway_sim.halts import PAUSE_NS, PriceBand
from algo_trade.gateway_sim.quotes import Quote


class Opening(NamedTuple):
    """A new day, not the first: what the day before ended with is its closing price."""

    offset_ns: int
    previous_close_e4: int


class Halting(NamedTuple):
    """The symbol stops trading, or goes on."""

    offset_ns: int
    halted: bool


Happening = Quote | Opening | Halting


class Tape:
    """The happenings of one symbol, once. `pause_ns` is how long it pauses outside its band, in market time."""

    def __init__(
        self, quotes: Iterator[Quote], days: Days, band: PriceBand, pause_ns: int = PAUSE_NS
    ) -> None:
        self._quotes = quotes
        self._band = band
        self._days = days()
        self._next_day = next(self._days)
        self._close_ns = self._next_day.open_ns
        self._halts: deque[Span] = deque()
        self._until_ns: int | None = None
        self._standing: Quote | None = None
        self._trade_e4 = 0

    def __iter__(self) -> Iterator[Happening]:
        due_ns = self._next_day.open_ns
        for quote in self._quotes:
            while quote.offset_ns >= due_ns:
                yield from self._happen(due_ns)
                due_ns = self._due_ns()
            if self._until_ns is not None:
                self._standing = quote
                continue
            if quote.trade_size:
                if not self._band.allows(quote.offset_ns, quote.trade_e4):
                    self._standing = quote
                    yield self._halt(quote.offset_ns, quote.offset_ns + PAUSE_NS)
                    due_ns = self._due_ns()
                    continue
                self._trade_e4 = quote.trade_e4
            self._standing = quote
            yield quote

    def _due_ns(self) -> int:
        """When the next thing happens that is not a quote."""
        due_ns = self._next_day.open_ns
        if self._halts:
            due_ns = min(due_ns, self._halts[0].start_ns)
        return due_ns if self._until_ns is None else min(due_ns, self._until_ns)

    def _happen(self, now_ns: int) -> Iterator[Happening]:
        """All that is due now: the end of a halt, an opening, the start of a halt."""
        if self._until_ns is not None and self._until_ns <= now_ns:
            yield from self._resume(now_ns)
        if self._next_day.open_ns <= now_ns:
            yield from self._open(now_ns)
        while self._halts and self._halts[0].start_ns <= now_ns:
            halt = self._halts.popleft()
            if self._until_ns is None:
                yield self._halt(now_ns, halt.end_ns)
            else:
                self._until_ns = max(self._until_ns, self._end_of_halt(halt.end_ns))

    def _open(self, now_ns: int) -> Iterator[Opening]:
        day: MarketDay = self._next_day
        self._next_day = next(self._days)
        self._close_ns = day.close_ns
        self._halts.extend(day.halts)
        standing = self._standing
        if standing is not None:
            yield Opening(now_ns, self._trade_e4 or (standing.bid_e4 + standing.ask_e4) // 2)

    def _halt(self, now_ns: int, end_ns: int) -> Halting:
        self._until_ns = self._end_of_halt(end_ns)
        return Halting(now_ns, True)

    def _end_of_halt(self, end_ns: int) -> int:
        """A halt that reaches the close ends with the next opening."""
        return end_ns if end_ns < self._close_ns else max(end_ns, self._next_day.open_ns)

    def _resume(self, now_ns: int) -> Iterator[Happening]:
        self._until_ns = None
        self._band.restart()
        yield Halting(now_ns, False)
        standing = self._standing
        if standing is not None and now_ns < self._close_ns:
            yield standing._replace(offset_ns=now_ns, trade_e4=0, trade_size=0)
