"""Measures the constants of `gateway_sim/book_market/shape.py` on the book itself, beside what its formulas say.

For whoever changes the mechanism: run it, put the new numbers into the formulas, and run it again. Flat days of ten
arrivals a second, wide gaps where the gap is not what is measured. Queues are averaged over arrivals, not quite as over
quotes. Takes a minute or two; `make bench` leaves it out.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from math import sqrt

from algo_trade.gateway_sim.book_market import shape as shapes
from algo_trade.gateway_sim.book_market.book import Book
from algo_trade.gateway_sim.book_market.shape import BookShape
from algo_trade.gateway_sim.book_market.terms import MarketTerms

SEEDS = range(4)
BINS = 2340
ARRIVALS_A_BIN = 100
ARRIVALS_A_SLOT = 20
QUEUE_SHARES = 8000
WIDE_CENTS = 20.0


def shape(fraction: float, *, coarseness: float = 1.0, gap_cents: float = WIDE_CENTS) -> BookShape:
    """A book whose mean order is this fraction of the usual queue."""
    depth = round(fraction / 0.2 / coarseness * QUEUE_SHARES)
    return shapes._make(
        MarketTerms(base_price=(1000, 1000), depth_shares=depth, trade_share=0.214), coarseness, gap_cents
    )


def days(made: BookShape, pressure: float) -> Iterator[tuple[float, float]]:
    """For each seed the variance an arrival adds, in squared cents, and the mean displayed queue in usual ones."""
    for seed in SEEDS:
        generator = random.Random(seed)
        book = Book(made, generator, 100_000, QUEUE_SHARES)
        changes, shown, before = [], 0, 0
        for number in range(BINS * ARRIVALS_A_BIN):
            if number % ARRIVALS_A_SLOT == 0:
                up_chance = 0.5 + pressure * sqrt(3) * generator.uniform(-1, 1)
            book.arrive(up_chance)
            while book.left_shares:
                book.walk()
            shown += book.bid.shares[-1] + book.ask.shares[-1]
            if number % ARRIVALS_A_BIN == 0:
                middle = book.bid.cents[-1] + book.ask.cents[-1]
                changes.append((middle - before) / 2)
                before = middle
        variance = statistics.fmean(change**2 for change in changes[1:]) / ARRIVALS_A_BIN
        yield variance, shown / (BINS * ARRIVALS_A_BIN) / 2 / QUEUE_SHARES


def measured(made: BookShape, pressure: float = 0.0) -> tuple[float, float]:
    """Means over the seeds."""
    variances, queues = zip(*days(made, pressure), strict=True)
    return statistics.fmean(variances), statistics.fmean(queues)


def row(what: str, found: float, formula: float) -> None:
    print(f"  {what:32} measured {found:10.5f}   formula {formula:10.5f}   ratio {found / formula:.2f}")


def main() -> None:
    market = 2 * shape(0.2).market_below - 1
    print(
        "variance an arrival, in squared gaps, and displayed queue, in usual ones; by mean order in usual queues"
    )
    for fraction in (0.02, 0.04, 0.08, 0.16, 0.24, 0.4, 0.6, 1.0):
        made = shape(fraction)
        variance, queue = measured(made)
        row(f"variance, order {fraction}", variance / WIDE_CENTS**2, shapes._variance(fraction, market, 0.15))
        row(f"queue, order {fraction}", queue, shapes._displayed(fraction))
    wide, _ = measured(shape(0.25))
    print("squared step of narrow gaps, in cents")
    for gap_cents, square in shapes._STEPS[:-1]:
        variance, _ = measured(shape(0.25, gap_cents=gap_cents))
        row(f"gap {gap_cents} cents", variance / wide * WIDE_CENTS**2, square)
    print("relative variance of a pressure of 0.2, by coarseness")
    for coarseness in (0.04, 0.16, 0.4, 1.0, 1.6):
        made = shape(0.25 * coarseness, coarseness=coarseness, gap_cents=1.0)
        plain, pressed = measured(made)[0], measured(made, 0.2)[0]
        row(
            f"coarseness {coarseness}",
            pressed / plain,
            1 + 4 * 20 * 0.2**2 * shapes._pressure_gain(coarseness),
        )


if __name__ == "__main__":
    main()
