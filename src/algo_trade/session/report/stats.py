"""Two small pieces of statistics, and how much data each of them needs before it says anything."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
