"""A day of quotes measured as Cont, Kukanov and Stoikov measured theirs: bins of ten seconds, half-hours of 180."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from algo_trade.clock import VIRTUAL_START_NS
from algo_trade.gateway_sim.book_market import FLAT, IntradayPattern, MarketTerms, SeededQuotes
from algo_trade.gateway_sim.catalogue_file import load_listing
from algo_trade.gateway_sim.days import Days, market_days
from algo_trade.gateway_sim.hours import TradingHours
from algo_trade.gateway_sim.quotes import Quote

NS = 1_000_000_000
DAY_NS = 23_400 * NS
BIN_NS = 10 * NS
HALF_HOUR = 180


def regular_days() -> Days:
    """Days from a Monday's opening on, at market time zero."""
    return market_days(TradingHours(VIRTUAL_START_NS, VIRTUAL_START_NS), VIRTUAL_START_NS, 1.0)


def seeded(
    seed: int, symbol: str, terms: MarketTerms | None = None, pattern: IntradayPattern | None = None
) -> SeededQuotes:
    """A symbol's quotes on regular days: the shipped catalogue's unless `terms` and `pattern` say otherwise."""
    listing = load_listing()
    if terms is None:
        instrument = listing.instruments[symbol]
        terms, pattern = instrument, pattern or listing.patterns[instrument.pattern]
    return SeededQuotes(seed, symbol, terms, pattern or FLAT, regular_days())


def until(quotes: Iterable[Quote], end_ns: int) -> Iterator[Quote]:
    """The quotes before a moment of market time."""
    for quote in quotes:
        if quote.offset_ns >= end_ns:
            return
        yield quote


@dataclass
class Day:
    """What was measured. Lists have a value a bin: order flow and signed trades in shares, mid change in cents."""

    quotes: int = 0
    trades: int = 0
    queue_shares: int = 0
    spread_cents: float = 0.0
    flow: list[float] = field(default_factory=list)
    change: list[float] = field(default_factory=list)
    traded: list[float] = field(default_factory=list)

    @property
    def depth(self) -> float:
        """Mean shares at a best price, over quotes and sides."""
        return self.queue_shares / self.quotes / 2

    def slope(self, first: int = 0, last: int | None = None) -> float:
        """Cents a share: the regression of change on flow over these bins."""
        flow, change = self.flow[first:last], self.change[first:last]
        return statistics.linear_regression(flow, change).slope

    def fit(self, of: str = "flow") -> float:
        """R² of change on `flow` or `traded` by half-hours, as the paper averages it."""
        explaining: list[float] = getattr(self, of)
        return statistics.fmean(
            statistics.correlation(explaining[at : at + HALF_HOUR], self.change[at : at + HALF_HOUR]) ** 2
            for at in range(0, len(self.change) - HALF_HOUR + 1, HALF_HOUR)
        )

    def deviation(self, bins: int = 6) -> float:
        """The day's standard deviation in cents, from the changes of its minutes."""
        moves = [sum(self.change[at : at + bins]) for at in range(0, len(self.change), bins)]
        return math.sqrt(sum(move * move for move in moves))


def flow_of(before: Quote, after: Quote) -> int:
    """One event's order flow imbalance at the best prices, in shares (Cont, Kukanov and Stoikov, equation 10)."""
    return (
        after.bid_size * (after.bid_e4 >= before.bid_e4)
        - before.bid_size * (after.bid_e4 <= before.bid_e4)
        + before.ask_size * (after.ask_e4 >= before.ask_e4)
        - after.ask_size * (after.ask_e4 <= before.ask_e4)
    )


def measure(quotes: Iterable[Quote], length_ns: int = DAY_NS) -> Day:
    """Measure what happens from market time zero on for this long."""
    count = length_ns // BIN_NS
    day = Day(flow=[0.0] * count, change=[0.0] * count, traded=[0.0] * count)
    for before, after in pairwise(until(quotes, length_ns)):
        slot = after.offset_ns // BIN_NS
        day.quotes += 1
        day.queue_shares += after.bid_size + after.ask_size
        day.spread_cents += (after.ask_e4 - after.bid_e4) / 100
        day.flow[slot] += flow_of(before, after)
        day.change[slot] += (after.bid_e4 + after.ask_e4 - before.bid_e4 - before.ask_e4) / 200
        if after.trade_size:
            day.trades += 1
            day.traded[slot] += after.trade_size if after.trade_e4 >= before.ask_e4 else -after.trade_size
    return day
