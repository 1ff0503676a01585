"""What a catalogue entry means to a book: how large orders are, how far apart levels, how strong the pressure.

A book's mechanism has no volatility of its own: it follows from how often queues are used up and how far the next
level is. Both were measured on the book itself (benchmarks/measure_book.py: days of ten arrivals a second, n = 4 seeds
each), and the formulas below put those measurements into numbers, within a fifth in variance:

- price variance per arrival, in squared gaps, by the mean order size as a fraction of the usual queue (`_variance`);
- what a gap of few cents is worth against a wide one, since cents cannot be split (`_STEPS`);
- the displayed queue against the usual one, by the same fraction (`_displayed`);
- how much variance a pressure adds (`_pressure_gain`).

`shape_of` solves them for the catalogue's volatility: with gaps of one cent and finer or coarser orders where that is
enough, with wider gaps where it is not. A dear or volatile stock so has a sparse book, a cheap one a dense book with
queues that take long to use up. `tests/gateway_sim/test_book_market.py` holds books to their catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, log2, sqrt
from statistics import NormalDist

from algo_trade.gateway_sim.book_market.terms import PARTS, SESSION_S, IntradayPattern, MarketTerms

ORDER_SIZES = 1024
GAP_SIZES = 256
# Levels that a book keeps on a side at least, and that many more at most.
LEVELS, SPARE_LEVELS = 6, 3
# The part of the price that a side's levels may reach down to: a book that is deeper comes near nothing.
_DEEPEST = 0.3
# Quotes an arrival leads to, before a market has counted its own.
QUOTES_PER_ARRIVAL = 0.86

# Order sizes are lognormal with this standard deviation of the logarithm: the largest in a thousand is 34 means.
_SIZE_SPREAD = 1.35
# The mean order as a fraction of the catalogue's depth, at coarseness one.
_ORDER_SHARE = 0.2
_FINEST, _COARSEST = 0.04, 2.0
_SMALLEST_MEAN_SHARES = 2.0
# Chance that a market order takes the whole best queue whatever its size, at coarseness one and above.
_SWEEP_CHANCE = 0.15
# Mean gap in cents → the squared step, in cents, that a wide gap of the same variance would have.
_STEPS = (
    (1.0, 1.34),
    (1.5, 3.54),
    (2.0, 4.29),
    (2.25, 5.40),
    (2.5, 8.46),
    (3.0, 9.8),
    (4.0, 16.6),
    (6.0, 38.0),
    (10.0, 100.0),
    (1000.0, 1_000_000.0),
)
SLOT_S = 2
"""A pressure lasts so long (`flow`)."""
# A uniform pressure of this standard deviation makes nine orders of ten go one way at its strongest.
STRONGEST_PRESSURE = 0.26
# Of the variance that pressure adds, this part is the same for all who feel it; the rest is their books' own.
_COMMON_PART = 0.6


@dataclass(frozen=True, slots=True)
class BookShape:
    """The numbers a book is made of. Tables hold equally likely values."""

    order_shares: tuple[int, ...]
    gap_cents: tuple[int, ...]
    hole_cents: int
    """A side that moves leaves no two levels further apart than a gap and this."""
    spread_cents: int
    market_below: float
    """Of the draws from one half up, those below this are market orders, the others cancels at the best."""
    sweep_chance: float
    mean_order_shares: float
    coarseness: float
    depth_shares: int
    comovement: float

    def usual_shares(self, depth: float) -> float:
        """The book's usual queue where `depth` times the catalogue's average is to be displayed."""
        wanted = usual = depth * self.depth_shares
        for _ in range(3):
            usual = wanted / _displayed(self.mean_order_shares / usual)
        return usual

    def pressure(self, arrivals: float) -> float:
        """The standard deviation of the common pressure on the chance of an up order, over so many arrivals."""
        return _pressure(self.comovement, self.coarseness, arrivals)


def shape_of(terms: MarketTerms, pattern: IntradayPattern, price_cents: int) -> BookShape:
    """The shape with the catalogue's volatility at this price.

    Raises ValueError where one-cent steps and orders of whole shares are too coarse for it, or so few quotes would have
    to move so far that a book reached down to nothing.
    """
    finest = max(_FINEST, _SMALLEST_MEAN_SHARES / (_ORDER_SHARE * terms.depth_shares))
    wanted = (terms.daily_volatility * price_cents) ** 2
    least = _daily_variance(terms, pattern, finest) * _STEPS[0][1]
    if least > wanted * 1.25:
        raise ValueError(
            f"daily_volatility: {terms.daily_volatility:g} is too little at {terms.quotes_per_s:g} quotes_per_s: "
            f"steps of one cent alone give {sqrt(least) / price_cents:.4f}; ask for more of it, or for fewer quotes"
        )
    squared_step = wanted / _daily_variance(terms, pattern, 1.0)
    if squared_step >= _STEPS[1][1]:
        shape = _make(terms, 1.0, _gap_of(squared_step))
        if max(shape.gap_cents) * (LEVELS + SPARE_LEVELS) > _DEEPEST * price_cents:
            raise ValueError(
                f"daily_volatility: {terms.daily_volatility:g} is too much for {terms.quotes_per_s:g} quotes_per_s: "
                f"levels would be up to {max(shape.gap_cents)} cents apart; ask for less of it, or for more quotes"
            )
        return shape
    low, high = finest, _COARSEST
    for _ in range(40):
        middle = sqrt(low * high)
        if _daily_variance(terms, pattern, middle) * _STEPS[0][1] < wanted:
            low = middle
        else:
            high = middle
    return _make(terms, low, 1.0)


def _make(terms: MarketTerms, coarseness: float, gap_cents: float) -> BookShape:
    mean_order_shares = _mean_order(terms, coarseness)
    return BookShape(
        order_shares=_order_sizes(mean_order_shares),
        gap_cents=tuple(1 + int((2 * gap_cents - 1) * (row + 0.5) / GAP_SIZES) for row in range(GAP_SIZES)),
        hole_cents=int(gap_cents + 0.5),
        spread_cents=terms.spread_cents,
        market_below=0.5 + 0.5 * _market_chance(terms),
        sweep_chance=_sweep_chance(coarseness),
        mean_order_shares=mean_order_shares,
        coarseness=coarseness,
        depth_shares=terms.depth_shares,
        comovement=terms.comovement,
    )


def _order_sizes(mean_shares: float) -> tuple[int, ...]:
    normal = NormalDist()
    sizes = [exp(_SIZE_SPREAD * normal.inv_cdf((row + 0.5) / ORDER_SIZES)) for row in range(ORDER_SIZES)]
    scale = mean_shares * ORDER_SIZES / sum(sizes)
    return tuple(max(1, round(size * scale)) for size in sizes)


def _mean_order(terms: MarketTerms, coarseness: float) -> float:
    return _ORDER_SHARE * coarseness * terms.depth_shares


def _sweep_chance(coarseness: float) -> float:
    return _SWEEP_CHANCE * min(1.0, coarseness**2)


def _market_chance(terms: MarketTerms) -> float:
    """The chance that an order which takes from a queue is a market order, for the catalogue's share of trades."""
    return terms.trade_share * (1.53 + 0.5 * terms.trade_share)


# -- measured on the book -----------------------------------------------------------------------------
def _daily_variance(terms: MarketTerms, pattern: IntradayPattern, coarseness: float) -> float:
    """Variance of a day's price change in squared steps, pressure included."""
    market, sweep = _market_chance(terms), _sweep_chance(coarseness)
    order = _mean_order(terms, coarseness) / terms.depth_shares
    total = 0.0
    for part in PARTS:
        fraction = order / pattern.depth_at(part)
        usual = fraction * _displayed(fraction)
        total += pattern.activity_at(part) * _variance(usual, market, sweep)
    arrivals = SESSION_S * terms.quotes_per_s / QUOTES_PER_ARRIVAL
    return arrivals * total / len(PARTS) * _pressed(terms, coarseness)


def _variance(fraction: float, market_chance: float, sweep_chance: float) -> float:
    """Squared gaps of price variance an arrival adds, at orders of `fraction` of the usual queue in the mean."""
    queues = 0.0275 * fraction + 0.29 * exp(1.9 * log(fraction))
    return queues * (0.3 + 2.0 * market_chance) + 0.11 * market_chance * sweep_chance


def _displayed(fraction: float) -> float:
    """The mean displayed queue in multiples of the usual one."""
    return max(0.5, 0.83 + 0.105 * log2(100 * fraction), 1.1 + 0.78 * fraction if fraction > 0.2 else 0.0)


def _pressure(comovement: float, coarseness: float, arrivals: float) -> float:
    """What a pressure of so many arrivals has to be. Few arrivals cannot be pressed enough."""
    share = comovement / _COMMON_PART
    wanted = sqrt(share / (1 - share) / (4 * arrivals * _pressure_gain(coarseness)))
    return min(wanted, STRONGEST_PRESSURE)


def _pressed(terms: MarketTerms, coarseness: float) -> float:
    """The factor the pressure puts on the variance."""
    arrivals = terms.quotes_per_s * SLOT_S / QUOTES_PER_ARRIVAL
    pressure = _pressure(terms.comovement, coarseness, arrivals)
    return 1 + 4 * arrivals * pressure**2 * _pressure_gain(coarseness)


def _pressure_gain(coarseness: float) -> float:
    """Relative variance that a pressure of standard deviation s adds, over 4 s² for each arrival it lasts."""
    return 0.23 * exp(0.27 * log(coarseness))


def _gap_of(squared_step: float) -> float:
    """The mean gap whose steps have this mean square: between the measured ones, in logarithms."""
    for (gap, square), (wider, more) in pairwise(_STEPS):
        if squared_step <= more:
            part = log(max(squared_step, square) / square) / log(more / square)
            return float(gap * (wider / gap) ** part)
    return sqrt(squared_step)
