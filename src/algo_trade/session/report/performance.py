"""Sharpe ratio and probabilistic Sharpe ratio of one session, with what they are worth.

Returns are the changes of the result after commission from one full minute to the next, on the allocated capital:
minutes without a position are returns of 0, as they are for the capital. The Sharpe ratio S is mean over standard
deviation (divisor n - 1) of these, per minute; only for display is it scaled to a year of 252 days of 390 minutes.

Returns are neither normal nor many, so S comes with the standard error that their skew g3 and raw kurtosis g4 give
it (Mertens 2002; 3 is the kurtosis of a normal):

    se = sqrt((1 - g3 S + (g4 - 1)/4 S^2) / (n - 1))

PSR, the probabilistic Sharpe ratio against 0 (Bailey and Lopez de Prado 2012), is the probability that the true ratio
is above 0 given what was seen: Phi(S / se). Both suppose that minutes are independent of one another. How many
minutes of the same kind would be needed before |S| differs from 0 with 95 % confidence (one-sided) is MinTRL:

    n* = 1 + (1 - g3 S + (g4 - 1)/4 S^2) (1.645 / S)^2
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

from algo_trade.session.report.pnl import EquityCurve

BAR_S = 60
BARS_A_YEAR = 252 * 390

# Of 30 values even the standard error of a Sharpe ratio near 0 is 0.19 a bar, which is 58 a year: fewer say nothing at
# all. The third and fourth moments need values that are not 0, so as many bars have to have changed the result.
LEAST_BARS = 60
LEAST_CHANGED = 30

_NORMAL = NormalDist()
_Z_95_ONE_SIDED = _NORMAL.inv_cdf(0.95)
_Z_95 = _NORMAL.inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Performance:
    """`insufficient` says why there is no ratio, and then all others but the counts are None. Per bar unless named."""

    n: int
    changed: int  # bars that changed the result
    insufficient: str
    sharpe: float | None = None
    standard_error: float | None = None
    skew: float | None = None
    kurtosis: float | None = None  # raw
    psr: float | None = None
    bars_needed: int | None = None  # MinTRL

    @property
    def sharpe_annual(self) -> float | None:
        return None if self.sharpe is None else self.sharpe * math.sqrt(BARS_A_YEAR)

    @property
    def annual_ci95(self) -> tuple[float, float] | None:
        if self.sharpe is None or self.standard_error is None:
            return None
        half, year = _Z_95 * self.standard_error, math.sqrt(BARS_A_YEAR)
        return (self.sharpe - half) * year, (self.sharpe + half) * year


def bar_returns(curve: EquityCurve, end_ns: int, capital_micros: int) -> list[float]:
    """One return for each full bar from the curve's start to `end_ns`, as a fraction of the capital."""
    start_ns = curve.at_ns[0]
    bars = max(0, end_ns - start_ns) // (BAR_S * 1_000_000_000)
    ends = (start_ns + number * BAR_S * 1_000_000_000 for number in range(1, bars + 1))
    levels = [curve.net[0], *(curve.net[bisect_right(curve.at_ns, end) - 1] for end in ends)]
    return [(after - before) / capital_micros for before, after in pairwise(levels)]


def performance_of(returns: Sequence[float]) -> Performance:
    """The ratios of a series of returns, or why it is too little."""
    n, changed = len(returns), sum(value != 0 for value in returns)
    if n < LEAST_BARS:
        return Performance(n, changed, f"needs {LEAST_BARS} full minutes, there are {n}")
    if changed < LEAST_CHANGED:
        return Performance(
            n, changed, f"needs {LEAST_CHANGED} minutes that changed the result, there are {changed}"
        )
    mean = math.fsum(returns) / n
    second, third, fourth = (
        math.fsum((value - mean) ** power for value in returns) / n for power in (2, 3, 4)
    )
    if second <= (1e-12 * mean) ** 2:
        return Performance(n, changed, "every minute brought the same: there is no deviation to measure by")
    sharpe = mean / math.sqrt(second * n / (n - 1))
    skew, kurtosis = third / second**1.5, fourth / second**2
    spread = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    error = math.sqrt(spread / (n - 1))
    return Performance(
        n,
        changed,
        "",
        sharpe=sharpe,
        standard_error=error,
        skew=skew,
        kurtosis=kurtosis,
        psr=_NORMAL.cdf(sharpe / error) if error else None,
        bars_needed=math.ceil(1 + spread * (_Z_95_ONE_SIDED / sharpe) ** 2) if sharpe else None,
    )
