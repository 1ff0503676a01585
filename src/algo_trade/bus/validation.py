"""What a plane lets in: a message, or every reason why it is none.

Three validators, one for the border before each plane. An object that its producer handed over is that producer's
validated, frozen message and is taken as it is; bytes are parsed. Either way the plane sees the same message, and
`Invalid` lists all that is wrong with it at once: that list is what a dead letter is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from algo_trade.bus.port import MAX_RECORD_BYTES, Record
from algo_trade.contracts import MESSAGES, TOPICS, Message

M = TypeVar("M", bound=Message)


class Invalid(ValueError):
    """Not a message this plane may see; `reasons` are all there are, each with the field it is about."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def reasons_of(error: ValidationError) -> tuple[str, ...]:
    """One line for each thing that is wrong: where, and what. Never the value: it may be long, or private."""
    return tuple(_line(detail["loc"], detail["msg"]) for detail in error.errors(include_url=False))


def _line(location: tuple[int | str, ...], text: str) -> str:
    # A choice between contracts puts the chosen one's name first; it says nothing about the field.
    path = ".".join(str(part) for part in location if part not in _EVENT_TYPES)
    text = text.removeprefix("Value error, ")
    return f"{path}: {text}" if path else text


_EVENT_TYPES = frozenset(model.EVENT_TYPE for model in MESSAGES.values())


@cache
def _one_of(models: tuple[type[Message], ...]) -> TypeAdapter[Message]:
    choice: Any = Annotated[reduce(or_, models), Field(discriminator="event_type")]
    return TypeAdapter(choice)


def _check_body(record: Record) -> None:
    """No bus of ours wrote what fails here; a foreign producer may have. Raises Invalid."""
    if not record.value:
        raise Invalid(("the record has no body",))
    if len(record.value) > MAX_RECORD_BYTES:
        raise Invalid((f"the record has {len(record.value)} bytes; at most {MAX_RECORD_BYTES} are allowed",))


class Validator:
    """What the three have in common. `name` is how a dead letter tells who refused it."""

    name: ClassVar[str]

    def validate(self, record: Record, model: type[M]) -> M:
        """The record's message. Raises Invalid."""
        handed_over = record.message
        if type(handed_over) is model:
            return handed_over
        _check_body(record)
        try:
            return model.decode(record.value)
        except ValidationError as error:
            raise Invalid(reasons_of(error)) from None

    def validate_any(self, record: Record) -> Message:
        """The record's message, whichever of its topic's contracts it says it is. Raises Invalid."""
        models = TOPICS[record.topic].models if record.topic in TOPICS else ()
        if not models:
            raise Invalid((f"{record.topic} carries no messages",))
        if len(models) == 1:
            return self.validate(record, models[0])
        handed_over = record.message
        if handed_over is not None and type(handed_over) in models:
            return handed_over
        _check_body(record)
        try:
            message: Message = _one_of(models).validate_json(record.value)
        except ValidationError as error:
            raise Invalid(reasons_of(error)) from None
        return message


class DataPlaneValidator(Validator):
    """Before market_events: candidates of the normaliser, and what is read back."""

    name = "DataPlaneValidator"

    def build(self, model: type[M], fields: Mapping[str, Any]) -> M:
        """A message of what the normaliser found. Raises Invalid."""
        try:
            return model(**fields)
        except ValidationError as error:
            raise Invalid(reasons_of(error)) from None


class StrategyPlaneValidator(Validator):
    """Before the strategy: market events, and the reports on its own intents."""

    name = "StrategyPlaneValidator"


class OrderPlaneValidator(Validator):
    """Before the order plane: intents."""

    name = "OrderPlaneValidator"
