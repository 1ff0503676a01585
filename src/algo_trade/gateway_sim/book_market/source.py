"""The seeded quotes of one symbol: its book, day after day, under one seed.

A book that closes is made anew at the next opening, around a price that the night has moved. A market that never closes
keeps its book. Only what can be seen is a quote: a changed best level, or a trade; a market order that goes through
several levels is a quote a level.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log, sqrt

from algo_trade.clock import rng
from algo_trade.gateway_sim.book_market.book import Book
from algo_trade.gateway_sim.book_market.flow import Flow, Slot
from algo_trade.gateway_sim.book_market.shape import QUOTES_PER_ARRIVAL, shape_of
from algo_trade.gateway_sim.book_market.terms import IntradayPattern, MarketTerms
from algo_trade.gateway_sim.days import Days, MarketDay
from algo_trade.gateway_sim.depth import Ladder, Level
from algo_trade.gateway_sim.quotes import Quote

_NS = 1_000_000_000
_CENT_E4 = 100
_CENTS = 100
# The night's move has this share of the standard deviation of a day's.
_NIGHT_SHARE = 0.5
# Beyond this distance from the first opening price, orders press back: so much of the chance for each part beyond.
_FREE_DISTANCE, _PULL, _STRONGEST_PULL = 0.25, 0.2, 0.05
# No night takes the price below this part of the first one.
_LOWEST = 0.2
# No pressure makes one direction certain.
_LEAST_CHANCE = 0.05
# Arrivals a market counts its quotes over are worth more than the first guess after this many.
_GUESS_ARRIVALS = 1_000


class SeededQuotes:
    """The endless quotes of one symbol. `pattern` is the course of a day; `days` are the symbol's."""

    waits_for_subscriber = False
    has_trades = True

    def __init__(
        self, seed: int, symbol: str, terms: MarketTerms, pattern: IntradayPattern, days: Days
    ) -> None:
        self._seed = seed
        self._symbol = symbol
        self._terms = terms
        self._pattern = pattern
        self._days = days
        low, high = terms.base_price
        self._base_cents = round(_CENTS * rng(seed, "market-open", symbol).uniform(low, high))
        self._playing: _Market | None = None

    @property
    def previous_close_e4(self) -> int:
        """Before the first day: its opening bid."""
        return self._base_cents * _CENT_E4

    def quotes(self) -> Iterator[Quote]:
        market = _Market(self._seed, self._symbol, self._terms, self._pattern, self._base_cents)
        self._playing = market
        closed_ns: int | None = None
        for day in self._days():
            if day.open_ns != closed_ns:
                market.open(first=closed_ns is None)
                yield market.quote(day.open_ns)
            yield from market.day(day)
            closed_ns = day.close_ns

    def levels(self) -> Ladder:
        """The book behind the quote that the latest run gave last."""
        return Ladder() if self._playing is None else self._playing.levels()


class _Market:
    """One run through a symbol's quotes: its book, and everything that is drawn for it."""

    def __init__(
        self, seed: int, symbol: str, terms: MarketTerms, pattern: IntradayPattern, base_cents: int
    ) -> None:
        self._terms = terms
        self._base_cents = base_cents
        self._pattern = pattern
        self._generator = rng(seed, "market", symbol)
        self._nights = (rng(seed, "market-night"), rng(seed, "market-night", symbol))
        self._flow = Flow(seed, symbol, pattern)
        self._shape = shape_of(terms, pattern, base_cents)
        self._book = self._new_book(base_cents)
        self._seen = QUOTES_PER_ARRIVAL * _GUESS_ARRIVALS
        self._arrived = float(_GUESS_ARRIVALS)

    def open(self, *, first: bool) -> None:
        """A new book: at the base price, or where the night has moved the last one's price."""
        if not first:
            self._book = self._new_book(self._after_the_night())

    def _new_book(self, bid_cents: int) -> Book:
        usual_shares = self._shape.usual_shares(self._pattern.depth_at(0.0))
        return Book(self._shape, self._generator, bid_cents, usual_shares)

    def _after_the_night(self) -> int:
        """The bid times a lognormal move, partly the same for all symbols."""
        common, own = (generator.gauss(0.0, 1.0) for generator in self._nights)
        shared = self._terms.comovement
        move = sqrt(shared) * common + sqrt(1 - shared) * own
        deviation = _NIGHT_SHARE * self._terms.daily_volatility
        return round(max(_LOWEST * self._base_cents, self._book.bid.cents[-1] * exp(deviation * move)))

    def quote(self, offset_ns: int) -> Quote:
        """What the book shows now, and the trade that led there."""
        book = self._book
        bid, ask = book.bid, book.ask
        return Quote(
            offset_ns,
            bid.cents[-1] * _CENT_E4,
            ask.cents[-1] * _CENT_E4,
            bid.shares[-1],
            ask.shares[-1],
            book.trade_cents * _CENT_E4,
            book.trade_shares,
        )

    def levels(self) -> Ladder:
        bid, ask = (
            tuple(
                Level(cents * _CENT_E4, shares)
                for cents, shares in zip(reversed(side.cents), reversed(side.shares), strict=True)
            )
            for side in (self._book.bid, self._book.ask)
        )
        return Ladder(bid, ask)

    def day(self, day: MarketDay) -> Iterator[Quote]:
        """Everything that can be seen after the opening quote and before the close."""
        book, draw, quote = self._book, self._generator.random, self.quote
        for slot in self._flow.day(day.open_ns, day.close_ns):
            book.deepen(self._shape.usual_shares(slot.depth))
            rate = self._terms.quotes_per_s * slot.activity * self._arrived / self._seen
            up_chance = self._up_chance(slot, rate)
            mean_gap_ns = _NS / rate
            offset_ns, arrived, seen = slot.start_ns, 0, 0
            while True:
                offset_ns += 1 + int(-log(1.0 - draw()) * mean_gap_ns)
                if offset_ns >= slot.end_ns:
                    break
                arrived += 1
                if book.arrive(up_chance):
                    seen += 1
                    yield quote(offset_ns)
                    while book.left_shares:
                        book.walk()
                        seen += 1
                        yield quote(offset_ns)
            self._arrived += arrived
            self._seen += seen

    def _up_chance(self, slot: Slot, rate_per_s: float) -> float:
        arrivals = rate_per_s * (slot.end_ns - slot.start_ns) / _NS
        away = self._book.bid.cents[-1] / self._base_cents - 1.0
        beyond = max(0.0, abs(away) - _FREE_DISTANCE)
        pull = min(_STRONGEST_PULL, _PULL * beyond)
        chance = 0.5 + slot.pressure * self._shape.pressure(arrivals) - (pull if away > 0 else -pull)
        return min(max(chance, _LEAST_CHANCE), 1.0 - _LEAST_CHANCE)
