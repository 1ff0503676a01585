"""What happened to the session itself: for the person watching, the report, and the next start.

Ours, not the plan's: the plan has no place for "the gateway went away at 10:41", and a report that must explain a
gap needs one that is as durable as the orders.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, JsonValue, field_validator

from algo_trade.contracts.base import Message, Metadata, Symbol, Text, UtcTime, all_finite


class SessionEventKind(StrEnum):
    SESSION_STARTED = "SESSION_STARTED"
    SESSION_RESUMED = "SESSION_RESUMED"
    GATEWAY_STATE = "GATEWAY_STATE"
    GATEWAY_ERROR = "GATEWAY_ERROR"
    RECONCILED = "RECONCILED"
    BROKER_CHECK = "BROKER_CHECK"
    KILL_LATCHED = "KILL_LATCHED"
    DATA_QUALITY = "DATA_QUALITY"
    ORDER_ALARM = "ORDER_ALARM"
    PLANE_STATE = "PLANE_STATE"  # of a plane in a process of its own: data.plane, data.state
    SESSION_ENDED = "SESSION_ENDED"


class Severity(StrEnum):
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class SessionEvent(Message):
    """One line of a session's history. `code` is the gateway's where it has one; `data` is for machines."""

    event_type: Literal["session_event"] = "session_event"
    timestamp: UtcTime
    session_id: Text
    kind: SessionEventKind
    severity: Severity
    code: Annotated[int, Field(strict=True)] | None = None
    symbol: Symbol | None = None
    text: str
    data: dict[str, JsonValue] = Field(default_factory=dict)
    metadata: Metadata | None = None

    @field_validator("data")
    @classmethod
    def _finite(cls, data: dict[str, JsonValue]) -> dict[str, JsonValue]:
        # JSON knows no NaN; it would be written as null and come back as another message.
        if not all_finite(data):
            raise ValueError("NaN and infinity cannot be told in JSON")
        return data
