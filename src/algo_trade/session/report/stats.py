"""Small pieces of statistics, and how much data each of them needs before it says anything."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from algo_trade.session.report.summary_parts import Proportion

# A 95th percentile from fewer than 59 values is below the true one with more than 5 % probability even when
# the largest value is given for it (0.95 ** 59 < 0.05); the same for the 99th and 299 values. A median of few
# values is vague but is one, so it is given from the first.
LEAST_N = {50: 1, 95: 59, 99: 299}

_Z_95 = 1.959963984540054


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Nearest rank: the smallest value with at least `percent` % of all at or below it. It did happen, always.

    None below LEAST_N values: insufficient data.
    """
    count = len(values)
    if count < LEAST_N[percent]:
        return None
    return sorted(values)[-(-percent * count // 100) - 1]


def wilson(k: int, n: int) -> tuple[float, float] | None:
    """95 % interval of a proportion of `k` in `n` (Wilson's score interval); None when n is 0."""
    if not 0 <= k <= n:
        raise ValueError(f"a proportion of {k} in {n}")
    if n == 0:
        return None
    share, z2 = k / n, _Z_95 * _Z_95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if k == 0 else middle - half  # exactly, not up to rounding
    high = 1.0 if k == n else middle + half
    return low, high


def proportion(k: int, n: int) -> Proportion:
    """`k` of `n` with its interval, as the summary tells it."""
    interval = wilson(k, n)
    if interval is None:
        return Proportion(k=k, n=n, value=None, ci95=None)
    return Proportion(k=k, n=n, value=round(k / n, 6), ci95=(round(interval[0], 6), round(interval[1], 6)))


def thin(times: Sequence[int], values: Sequence[float], most: int) -> list[tuple[int, float]]:
    """The series with at most `most` points, its extremes kept. `times` never go back."""
    count = len(times)
    if count <= most:
        return list(zip(times, values, strict=True))
    parts = most // 2 - 1
    first, span = times[0], max(1, times[-1] - times[0])
    kept: list[int] = [0]
    start = 0
    for part in range(1, parts + 1):
        end = count if part == parts else bisect_left(times, first + span * part // parts, lo=start)
        if end > start:
            indexes = range(start, end)
            lowest, highest = min(indexes, key=values.__getitem__), max(indexes, key=values.__getitem__)
            kept += sorted({lowest, highest})
        start = end
    kept.append(count - 1)
    return [(times[index], values[index]) for index in sorted(set(kept))]
