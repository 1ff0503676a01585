"""When orders arrive and which way they press: the weather a book stands in, from two seconds to two seconds.

Four things change with time, and none of them knows the price:

- how busy it is: the day's pattern, times a level that drifts over ten minutes or so, times bursts of two seconds;
- how deep the queues are: the day's pattern;
- which way orders press: a pressure that all symbols feel at once, new every two seconds.

The last is drawn from one stream that every symbol draws for itself, so symbols move together although no market knows
of another. It is independent from one two seconds to the next: nothing beyond them can be foreseen from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, sqrt
from random import Random
from typing import NamedTuple

from algo_trade.clock import rng
from algo_trade.gateway_sim.book_market.shape import SLOT_S
from algo_trade.gateway_sim.book_market.terms import IntradayPattern

SLOT_NS = SLOT_S * 1_000_000_000
_SLOTS_PER_LEVEL = 60 // SLOT_S
# The logarithm of the busy level: its standard deviation, and what is left of it a minute later (ten minutes to 1/e).
_LEVEL_DEVIATION = 0.35
_LEVEL_KEPT = exp(-1 / 10)
_BURST_DEVIATION = 0.5
# Uniform, so that there is no rare slot in which nothing else counts; of standard deviation one.
_WIDEST_PRESSURE = sqrt(3.0)


class Slot(NamedTuple):
    """Two seconds. `activity` and `depth` are multiples of their averages; `pressure` has standard deviation one."""

    start_ns: int
    end_ns: int
    activity: float
    depth: float
    pressure: float


class Flow:
    """The slots of one symbol under one seed, day after day."""

    def __init__(self, seed: int, symbol: str, pattern: IntradayPattern) -> None:
        self._pattern = pattern
        self._own = rng(seed, "market-activity", symbol)
        self._common = rng(seed, "market-pressure")
        self._level = self._own.gauss(0.0, _LEVEL_DEVIATION)

    def day(self, open_ns: int, close_ns: int) -> Iterator[Slot]:
        """The slots of a day that lasts so long; its activity averages one."""
        count = max(1, -(-(close_ns - open_ns) // SLOT_NS))
        levels = self._levels(-(-count // _SLOTS_PER_LEVEL))
        pressure, burst = self._common.uniform, self._own.gauss
        depth = 1.0
        for index in range(count):
            if index % _SLOTS_PER_LEVEL == 0:
                depth = self._pattern.depth_at((index + 0.5 * _SLOTS_PER_LEVEL) / count)
            start_ns = open_ns + index * SLOT_NS
            yield Slot(
                start_ns,
                min(start_ns + SLOT_NS, close_ns),
                levels[index // _SLOTS_PER_LEVEL] * exp(burst(-(_BURST_DEVIATION**2) / 2, _BURST_DEVIATION)),
                depth,
                pressure(-_WIDEST_PRESSURE, _WIDEST_PRESSURE),
            )

    def _levels(self, count: int) -> list[float]:
        """How busy each minute of a day is: drawn before the day, so that its mean can be made one."""
        levels = []
        for minute in range(count):
            levels.append(self._pattern.activity_at((minute + 0.5) / count) * exp(self._level))
            self._level = _next_level(self._level, self._own)
        mean = sum(levels) / count
        return [level / mean for level in levels]


def _next_level(level: float, generator: Random) -> float:
    return _LEVEL_KEPT * level + generator.gauss(0.0, _LEVEL_DEVIATION * sqrt(1 - _LEVEL_KEPT**2))
