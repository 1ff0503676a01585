"""The limit order book: whatever arrives, its queues stay queues, and a trade takes what it says."""

from __future__ import annotations

import random
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from algo_trade.gateway_sim.book_market.book import LONGEST_QUEUE, Book, Side
from algo_trade.gateway_sim.book_market.shape import BookShape, shape_of
from algo_trade.gateway_sim.book_market.terms import FLAT, MarketTerms


class Picture(NamedTuple):
    """Both sides, levels from the best one out."""

    bid: tuple[tuple[int, int], ...]
    ask: tuple[tuple[int, int], ...]


def picture(book: Book) -> Picture:
    def levels(side: Side) -> tuple[tuple[int, int], ...]:
        return tuple(zip(reversed(side.cents), reversed(side.shares), strict=True))

    return Picture(levels(book.bid), levels(book.ask))


def shape(depth: int = 200, spread: int = 1, volatility: float = 0.02, trades: float = 0.3) -> BookShape:
    terms = MarketTerms(
        base_price=(100, 100),
        depth_shares=depth,
        spread_cents=spread,
        daily_volatility=volatility,
        trade_share=trades,
    )
    return shape_of(terms, FLAT, 10_000)


def check_levels(book: Book, spread: int) -> None:
    """Queues of at least a share, six to nine levels a side, each further out than the one before, none crossed."""
    seen = picture(book)
    assert seen.ask[0][0] - seen.bid[0][0] >= spread
    for levels, sign in ((seen.bid, -1), (seen.ask, 1)):
        assert 6 <= len(levels) <= 9
        assert all(shares >= 1 for _, shares in levels)
        prices = [cents * sign for cents, _ in levels]
        assert prices == sorted(set(prices))


def check_trade(before: Picture, after: Picture, cents: int, shares: int) -> None:
    """It was at the best price of one side, and is what is missing there."""
    for was, now in ((before.bid, after.bid), (before.ask, after.ask)):
        if was[0][0] != cents:
            continue
        if shares < was[0][1]:
            assert now[0] == (cents, was[0][1] - shares)
        else:
            assert shares == was[0][1]
            assert now[0] == was[1]
        return
    raise AssertionError(f"a trade at {cents}, which was no best price")


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    depth=st.sampled_from([10, 200, 50_000]),
    spread=st.integers(1, 4),
    volatility=st.sampled_from([0.02, 0.15]),
    pressures=st.lists(st.sampled_from([0.05, 0.4, 0.5, 0.8, 0.95]), min_size=1, max_size=8),
    usual=st.sampled_from([1.0, 20.0, 10_000.0]),
)
def test_any_arrivals_leave_a_book_and_trades_take_what_they_say(
    seed: int, depth: int, spread: int, volatility: float, pressures: list[float], usual: float
) -> None:
    """Hundreds of orders pressed either way, queues deep and shallow; what cannot be seen changes no best level."""
    book = Book(shape(depth, spread, volatility), random.Random(seed), 10_000, depth)
    for pressure in pressures:
        for _ in range(40):
            before = picture(book)
            seen = book.arrive(pressure)
            after = picture(book)
            check_levels(book, spread)
            if not seen:
                assert (before.bid[0], before.ask[0]) == (after.bid[0], after.ask[0])
                assert not book.trade_shares
                continue
            if book.trade_shares:
                check_trade(before, after, book.trade_cents, book.trade_shares)
            else:
                assert (before.bid[0] != after.bid[0]) != (before.ask[0] != after.ask[0])
            while book.left_shares:
                before, left = picture(book), book.left_shares
                book.walk()
                check_levels(book, spread)
                check_trade(before, picture(book), book.trade_cents, book.trade_shares)
                assert book.left_shares == left - book.trade_shares
        book.deepen(usual)


def test_a_market_order_walks_level_by_level_until_it_is_done() -> None:
    """Prices get worse with every level, and only the last one may be left standing."""
    book = Book(shape(), random.Random(3), 10_000, 200)
    walks = 0
    for _ in range(5000):
        before = picture(book)
        if not book.arrive(0.5) or not book.left_shares:
            continue
        walks += 1
        levels = before.ask if book.trade_cents == before.ask[0][0] else before.bid
        taken = [(book.trade_cents, book.trade_shares)]
        while book.left_shares:
            book.walk()
            taken.append((book.trade_cents, book.trade_shares))
        assert taken[:-1] == list(levels[: len(taken) - 1])
    assert walks > 50


def test_nobody_joins_a_queue_twice_as_long_as_usual() -> None:
    """A joining order may overshoot, the next one stays away."""
    made = shape()
    book = Book(made, random.Random(5), 10_000, 200)
    longest = LONGEST_QUEUE * 200
    for _ in range(5000):
        before = picture(book)
        book.arrive(0.5)
        book.left_shares = 0
        for was, now in zip(before, picture(book), strict=True):
            if was[0][1] >= longest and now[0][0] == was[0][0]:
                assert now[0][1] <= was[0][1]


def test_a_side_that_follows_leaves_no_hole_behind() -> None:
    """However fast it went: no two of the first levels are further apart than a gap and a usual hole."""
    made = shape(volatility=0.15)
    widest = max(made.gap_cents) + made.hole_cents
    book = Book(made, random.Random(8), 100_000, 200)
    for pressure in (0.95, 0.05) * 5:
        for _ in range(300):
            book.arrive(pressure)
            while book.left_shares:
                book.walk()
            for side in (book.bid, book.ask):
                prices = side.cents[-4:]
                assert all(abs(near - far) <= widest for near, far in zip(prices[1:], prices, strict=False))
