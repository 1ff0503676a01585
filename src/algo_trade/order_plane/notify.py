"""How this plane says that something a person should know has happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pydantic import JsonValue

from algo_trade.contracts import SessionEventKind, Severity


class Notify(Protocol):
    """Writes one event into the session's log; never blocks and never fails the caller."""

    def __call__(
        self,
        kind: SessionEventKind,
        text: str,
        *,
        severity: Severity = Severity.INFO,
        code: int | None = None,
        symbol: str | None = None,
        data: Mapping[str, JsonValue] | None = None,
    ) -> None: ...
