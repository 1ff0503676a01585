"""How often a client may ask for bars, as a real gateway counts it; one of these a connection.

Historical bars of 30 seconds and less, over sliding windows: never the same request twice within 15 seconds, fewer
than six of one contract and kind within two seconds, at most 60 within ten minutes; BID_ASK counts twice. Larger bars
are not counted. A request that is refused does not count. Real-time bars: at most 60 new ones within ten minutes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

_IDENTICAL_S = 15.0
_BURST_S = 2.0
_BURST = 6
_LONG_S = 600.0
_LONG = 60


class _Window:
    """How much happened in the last so many seconds."""

    def __init__(self, length_s: float, limit: int) -> None:
        self._length_s = length_s
        self._limit = limit
        self._times_s: deque[float] = deque()

    def has_room(self, now_s: float, weight: int = 1) -> bool:
        while self._times_s and now_s - self._times_s[0] >= self._length_s:
            self._times_s.popleft()
        return len(self._times_s) + weight <= self._limit

    def add(self, now_s: float, weight: int = 1) -> None:
        self._times_s.extend([now_s] * weight)


class BarPacing:
    """Times are `loop.time()` seconds."""

    def __init__(self) -> None:
        self._asked_s: dict[Hashable, float] = {}
        self._bursts: dict[Hashable, _Window] = {}
        self._historical = _Window(_LONG_S, _LONG)
        self._real_time = _Window(_LONG_S, _LONG)

    def allows(self, request: Hashable, contract_and_kind: Hashable, *, weight: int, now_s: float) -> bool:
        """Count a request for small historical bars; False when it is one too many."""
        self._asked_s = {key: at_s for key, at_s in self._asked_s.items() if now_s - at_s < _IDENTICAL_S}
        burst = self._bursts.setdefault(contract_and_kind, _Window(_BURST_S, _BURST - 1))
        if request in self._asked_s or not (
            burst.has_room(now_s, weight) and self._historical.has_room(now_s, weight)
        ):
            return False
        self._asked_s[request] = now_s
        burst.add(now_s, weight)
        self._historical.add(now_s, weight)
        return True

    def allows_real_time(self, now_s: float) -> bool:
        """Count a new subscription to real-time bars; False when it is one too many."""
        if not self._real_time.has_room(now_s):
            return False
        self._real_time.add(now_s)
        return True
