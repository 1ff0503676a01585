"""How long the gateway and the exchange take: a mean from the configuration, spread by seed."""

from __future__ import annotations

import random

from algo_trade.gateway_sim.config import SimulatorConfig

# A delay is uniform between these multiples of its mean.
_SHORTEST, _LONGEST = 0.6, 1.4
_COMMISSION_MEAN_MS = 15.0
_NS_PER_MS = 1_000_000


class Latencies:
    """Delays in nanoseconds, one draw each."""

    def __init__(self, config: SimulatorConfig, generator: random.Random) -> None:
        self._ack_ms = config.ack_ms
        self._fill_ms = config.fill_ms
        self._generator = generator
        self.extra_ack_ns = 0

    def ack_ns(self) -> int:
        """From a frame's arrival to the broker's first word about it."""
        return self._draw(self._ack_ms) + self.extra_ack_ns

    def fill_ns(self) -> int:
        """From acknowledgement to the exchange."""
        return self._draw(self._fill_ms)

    def commission_ns(self) -> int:
        """From an execution to its commission report."""
        return self._draw(_COMMISSION_MEAN_MS)

    def _draw(self, mean_ms: float) -> int:
        return int(self._generator.uniform(_SHORTEST, _LONGEST) * mean_ms * _NS_PER_MS)
