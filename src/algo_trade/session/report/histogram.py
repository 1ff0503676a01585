"""Values counted in bins that are equally wide on a logarithmic scale: latencies differ by factors, not by sums."""

from __future__ import annotations

import math
from collections.abc import Sequence

from algo_trade.session.report.tables import Bin

# A tenth of a decade is a factor of 1.26; when all values are alike the bins get narrower, down to a factor of 1.02.
_WIDEST, _NARROWEST = 0.1, 0.01
_BINS = 24
# What is below a microsecond is drawn as one: in virtual time a step can take no time at all, which has no logarithm.
LEAST_MS = 0.001


def log_bins(values: Sequence[float]) -> list[Bin]:
    """Every value in one bin, none left out; empty bins between full ones are there. Milliseconds."""
    if not values:
        return []
    logs = [math.log10(max(value, LEAST_MS)) for value in values]
    low, high = min(logs), max(logs)
    width = min(_WIDEST, max(_NARROWEST, (high - low) / _BINS))
    first = math.floor(low / width + 1e-9)
    counts = [0] * (math.floor(high / width + 1e-9) - first + 1)
    for value in logs:
        counts[math.floor(value / width + 1e-9) - first] += 1
    return [
        Bin(
            from_ms=float(f"{10 ** ((first + index) * width):.4g}"),
            to_ms=float(f"{10 ** ((first + index + 1) * width):.4g}"),
            n=count,
        )
        for index, count in enumerate(counts)
    ]
