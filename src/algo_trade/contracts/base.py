"""What every message between planes has in common.

A message is a fact: made once, checked once, never changed. Its bytes are compact JSON; a field that has no
value is left out. Numbers are taken strictly (no "1.5", no true for 1), times must say their offset and are
kept in UTC, and a field nobody declared is refused: a producer that misspells a name hears of it at once.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, Strict, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

# "2026-03-02T14:30:00Z": the shortest text that names a day, a second and an offset.
_SHORTEST_TIME = 20


def _utc_time(value: Any) -> datetime:
    """An aware datetime, or its RFC 3339 text, in UTC.

    pydantic's own parser would take the text "1700000000" and guess whether that means seconds or milliseconds.
    """
    if type(value) is str and len(value) >= _SHORTEST_TIME and value[10] in "Tt":
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"not an RFC 3339 time: {error}") from None
    if not isinstance(value, datetime):
        raise ValueError("not an RFC 3339 time with a date, a time and an offset")
    if value.tzinfo is UTC:
        return value
    if value.utcoffset() is None:
        raise ValueError("a time without an offset could be any of 38 hours")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the years that can be told in UTC") from None


class _UtcTimeSchema:
    """pydantic's `PlainValidator` would also put a Python call into every serialisation."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_utc_time)


UtcTime = Annotated[datetime, _UtcTimeSchema(), WithJsonSchema({"type": "string", "format": "date-time"})]
Symbol = Annotated[str, Field(min_length=1, max_length=20)]
Text = Annotated[str, Field(min_length=1)]
Number = Annotated[float, Strict()]
Positive = Annotated[float, Strict(), Field(gt=0)]
NotNegative = Annotated[float, Strict(), Field(ge=0)]
Fraction = Annotated[float, Strict(), Field(ge=0, le=1)]
Weight = Annotated[float, Strict(), Field(ge=-1, le=1)]
Count = Annotated[int, Strict(), Field(ge=0)]
PositiveCount = Annotated[int, Strict(), Field(gt=0)]
Flag = Annotated[bool, Strict()]


class Part(BaseModel):
    """A group of fields inside a message."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Message(Part):
    """One fact on the bus."""

    # Which of several messages on one topic this is: the default of the field `event_type`.
    EVENT_TYPE: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.EVENT_TYPE = cls.model_fields["event_type"].default

    def encode(self) -> bytes:
        """Compact JSON, UTF-8. The same message has the same bytes in every process."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The message these bytes tell.

        Raises pydantic.ValidationError, which lists every reason, when they tell none.
        """
        message: Self = cls.__pydantic_validator__.validate_json(data)
        return message


class Metadata(Part):
    """Where a message came from: who made it, as which number, in which session, and because of what."""

    producer_id: str | None = None
    sequence_number: Count | None = None
    kafka_topic: str | None = None
    session_id: str | None = None
    # What this message answers, as "topic/partition/offset" or an id.
    causation_id: str | None = None


def all_finite(value: Any) -> bool:
    """Whether a JSON value holds no NaN and no infinity, however deep."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(all_finite(item) for item in value.values())
    if isinstance(value, list):
        return all(all_finite(item) for item in value)
    return True
