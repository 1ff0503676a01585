"""The session's own events, on their way into its log; and the last of them that somebody who watches should see."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from pydantic import JsonValue

from algo_trade.clock import Clock, utc
from algo_trade.contracts import SessionEvent, SessionEventKind, Severity
from algo_trade.order_plane.outbox import Outbox
from algo_trade.session.progress import Note
from algo_trade.session.report import NOTICE_CODES

TOPIC = "session_events"

# More than any screen shows, and enough that a watcher who looks twice a second misses none of a burst.
_NOTES_KEPT = 200


class SessionLog:
    """Callable: what every part of the session uses to say that something happened."""

    def __init__(self, outbox: Outbox, clock: Clock, session_id: str) -> None:
        self._outbox = outbox
        self._clock = clock
        self._session_id = session_id
        self._noted = 0
        self.notes: deque[Note] = deque(maxlen=_NOTES_KEPT)

    def __call__(
        self,
        kind: SessionEventKind,
        text: str,
        *,
        severity: Severity = Severity.INFO,
        code: int | None = None,
        symbol: str | None = None,
        data: Mapping[str, JsonValue] | None = None,
    ) -> None:
        now_ns = self._clock.now_ns()
        event = SessionEvent(
            timestamp=utc(now_ns),
            session_id=self._session_id,
            kind=kind,
            severity=severity,
            code=code,
            symbol=symbol,
            text=text,
            data=dict(data or {}),
        )
        self._outbox.put(TOPIC, event, kind.value)
        if _worth_a_look(event):
            self._noted += 1
            words = " ".join(part for part in (_words(event), event.symbol, text) if part)
            self.notes.append(Note(self._noted, now_ns, severity, words))


def _worth_a_look(event: SessionEvent) -> bool:
    """Not what is said every time that all is well: farm states, agreeing books."""
    if event.kind is SessionEventKind.GATEWAY_ERROR:
        return event.severity is not Severity.INFO and event.code not in NOTICE_CODES
    return event.kind is not SessionEventKind.BROKER_CHECK or event.severity is not Severity.INFO


def _words(event: SessionEvent) -> str:
    name = event.kind.replace("_", " ").lower()
    return f"{name}{'' if event.code is None else f' {event.code}'}:"
