"""Is the gateway still there?

The protocol has no heartbeat, and a peer that vanished without a FIN leaves a socket that looks fine. So the
gateway's clock is asked for every few seconds; when two questions in a row stay unanswered, the connection
is over. The answers also tell how far the gateway's clock is from ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

INTERVAL_S = 10.0
MISSED_MAX = 2


class Heartbeat:
    """`ask` sends the question and says whether it could; `give_up` is called once, with the reason."""

    def __init__(self, ask: Callable[[], bool], give_up: Callable[[str], None]) -> None:
        self._ask = ask
        self._give_up = give_up
        self._timer: asyncio.TimerHandle | None = None
        self._unanswered = 0

    def start(self) -> None:
        self.stop()
        self._unanswered = 0
        self._arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def answered(self) -> None:
        self._unanswered = 0

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(INTERVAL_S, self._beat)

    def _beat(self) -> None:
        self._timer = None
        if self._unanswered >= MISSED_MAX:
            self._give_up(f"the gateway left {MISSED_MAX} heartbeats of {INTERVAL_S:g} s unanswered")
            return
        if self._ask():
            self._unanswered += 1
        self._arm()
