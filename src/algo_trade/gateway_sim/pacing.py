"""The message rate a client may not exceed."""

from __future__ import annotations

from collections import deque

_WINDOW_S = 1.0
_STRIKES = 3


class RateLimit:
    """At most `limit` messages in any second; the third second in which there were more ends the connection."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._times_s: deque[float] = deque()
        self._struck_s = float("-inf")
        self.strikes = 0

    @property
    def is_exhausted(self) -> bool:
        return self.strikes >= _STRIKES

    def allows(self, now_s: float) -> bool:
        """Count a message that arrives now; False when it is one too many."""
        times = self._times_s
        while times and now_s - times[0] >= _WINDOW_S:
            times.popleft()
        if len(times) < self._limit:
            times.append(now_s)
            return True
        if now_s - self._struck_s >= _WINDOW_S:
            self._struck_s = now_s
            self.strikes += 1
        return False
