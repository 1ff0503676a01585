"""The session's own events, on their way into its log."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from algo_trade.clock import Clock, utc
from algo_trade.contracts import SessionEvent, SessionEventKind, Severity
from algo_trade.order_plane.outbox import Outbox

TOPIC = "session_events"


class SessionLog:
    """Callable: what every part of the session uses to say that something happened."""

    def __init__(self, outbox: Outbox, clock: Clock, session_id: str) -> None:
        self._outbox = outbox
        self._clock = clock
        self._session_id = session_id

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
        event = SessionEvent(
            timestamp=utc(self._clock.now_ns()),
            session_id=self._session_id,
            kind=kind,
            severity=severity,
            code=code,
            symbol=symbol,
            text=text,
            data=dict(data or {}),
        )
        self._outbox.put(TOPIC, event, kind.value)
