"""When history does not come: whether to wait, for how long, and when to go on without. Told once an episode.

no data         the gateway has none: go on without
refused         it will not say: go on without
pacing          asked too often: again in a minute
no answer       a link that ended, a time that ran out: again soon; five times, while there is a connection
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from algo_trade.clock import Clock
from algo_trade.contracts import Severity
from algo_trade.data_plane.bar_publisher import BarNotice, BarPublisher
from algo_trade.ibkr.answers import Unknown

_NS = 1_000_000_000
RETRY_S = 15  # the identical request is refused within it
_PACING_RETRY_S = 60
_ATTEMPTS = 5


class Verdict(Enum):
    """What an answer that is none means."""

    NO_DATA = "no data"
    REFUSED = "refused"
    PACED = "pacing"
    LATER = "no answer"


def judge(unknown: Unknown) -> Verdict:
    """By the gateway's code, and by its words where the code says several things."""
    if unknown.code is None:
        return Verdict.LATER
    text = unknown.reason.lower()
    if "pacing" in text:
        return Verdict.PACED
    return Verdict.NO_DATA if "no data" in text else Verdict.REFUSED


class Patience:
    """Of one symbol. `retry_s` is when to ask again, UTC epoch seconds."""

    def __init__(
        self, symbol: str, connected: Callable[[], bool], publisher: BarPublisher, clock: Clock
    ) -> None:
        self.retry_s = 0
        self._symbol = symbol
        self._connected = connected
        self._publisher = publisher
        self._clock = clock
        self._attempts = 0
        self._troubled = False

    def wait(self, seconds: int = RETRY_S) -> None:
        """Do not ask again before so many seconds have passed."""
        self.retry_s = self._clock.now_ns() // _NS + seconds

    async def gives_up(self, unknown: Unknown, what: str) -> bool:
        """Whether to go on without; if not, when to ask again has been set. Raises BusError."""
        verdict = judge(unknown)
        if verdict in {Verdict.PACED, Verdict.LATER} and self._attempts < _ATTEMPTS:
            if self._connected():  # while it is not, nothing can be asked and nothing is held against it
                self._attempts += 1
                self.wait(_PACING_RETRY_S if verdict is Verdict.PACED else RETRY_S)
            if not self._troubled:
                self._troubled = True
                text = f"{what} has not come, and is asked for again: {unknown.reason}"
                await self._publisher.tell(BarNotice(self._symbol, "history_late", text))
            return False
        severity = Severity.INFO if verdict is Verdict.NO_DATA else Severity.WARNING
        text = f"{what} is not to be had: {unknown.reason}"
        await self._publisher.tell(BarNotice(self._symbol, "history_missing", text, severity))
        self._settled()
        return True

    async def answered(self) -> None:
        """An answer came. Raises BusError."""
        if self._troubled:
            notice = BarNotice(self._symbol, "history_late", "history has come", Severity.INFO)
            await self._publisher.tell(notice)
        self._settled()

    def _settled(self) -> None:
        self._troubled = False
        self._attempts = 0
