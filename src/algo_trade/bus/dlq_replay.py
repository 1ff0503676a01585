"""A dead letter put back: once, mended or as it was, by a named person, and only what its topic may carry.

What may be put back is decided by the topic it came from:

| from | put back | because |
|---|---|---|
| market_events | as it was or mended, with its own time | a reader takes an old time for what it is |
| order_intents: an intent | with a new id, time and validity | the old one may be known, and has run out |
| order_intents: an amendment | under its own id, with a new time and validity | an id is carried out once, for ever |
| market_raw | never | the recording holds it already, and nobody acts on it |
| ofi_events | never | it is counted from market_events, in order, each quote once |
| exec_reports | never | a report is the broker's truth, and is made from the journal |

The new intent's id is a uuid5 of the letter's place and time: whoever puts the same letter back at the same moment
makes the same intent, and the order plane takes an id once. Half a bracket is never put back.

That a letter was put back stands in the headers of the record it became, behind the original's own:

    replay.from      the letter's place
    replay.letter    when the letter was written, UTC epoch ns: a place means nothing in another log
    replay.by, replay.reason, replay.at      who, why, and when (UTC, RFC 3339)

A second replay of the letter is refused where such a record is found: for as long as the topic keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from uuid import UUID, uuid5

from algo_trade.bus.dead_letters import DeadLetter
from algo_trade.bus.dlq import AlreadyReplayed, FoundLetter, InvalidReplay, NotReplayable, Place
from algo_trade.bus.port import Bus, Headers, Record
from algo_trade.bus.validation import (
    DataPlaneValidator,
    Invalid,
    OrderPlaneValidator,
    StrategyPlaneValidator,
    Validator,
)
from algo_trade.clock import Clock, utc
from algo_trade.contracts import TOPICS, Message, OrderAmendment, OrderIntent

_INTENT_NAMESPACE = UUID("0d6cf0f5-9f0c-5b0e-8b57-7f4c9a8f4d21")
_VALIDATORS = {kind.name: kind for kind in (DataPlaneValidator, StrategyPlaneValidator, OrderPlaneValidator)}
# Whoever writes the letter and whoever puts it back may have clocks that differ.
_CLOCKS_DIFFER_NS = 3_600 * 1_000_000_000

FROM, LETTER, BY, REASON, AT = "replay.from", "replay.letter", "replay.by", "replay.reason", "replay.at"

_NEVER = MappingProxyType(
    {
        "market_raw": "market_raw is the recording of what the gateway sent: it holds this message already, at "
        "{origin}, and nothing acts on what is written there",
        "ofi_events": "order flow is counted from market_events, in order and every quote once: a bin that is put back "
        "later would be counted at a restart as if it were new",
        "exec_reports": "an execution report tells the broker's truth, and nobody may write it by hand: the order "
        "plane keeps every report in its journal, and publishes what the log lacks at its next start",
    }
)


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for. `value` replaces the original bytes; `valid_s` is how long an order may still be sent."""

    by: str
    reason: str
    value: bytes | None = None
    valid_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of it. The ids are an intent's: what it was called, and what it is called now."""

    record: Record
    old_id: UUID | None = None
    new_id: UUID | None = None


async def replay(bus: Bus, found: FoundLetter, request: Request, clock: Clock) -> Replayed:
    """Put a letter back on the topic it came from; it is durable there when this returns.

    Raises NotReplayable, InvalidReplay, AlreadyReplayed (nothing was written); BusRetry, BusStop.
    """
    if not request.by.strip() or not request.reason.strip():
        raise ValueError("a replay needs a name and a reason")
    letter = found.letter
    if letter is None:
        raise NotReplayable(found.trouble)
    _refuse_never(letter)
    value = letter.value if request.value is None else request.value
    message = _validated(letter, value, mended=request.value is not None)
    now_ns = clock.now_ns()
    old_id = new_id = None
    if isinstance(message, OrderIntent):
        old_id, message = message.intent_id, _new_intent(message, found, now_ns, request.valid_s)
        new_id, value = message.intent_id, message.encode()
    elif isinstance(message, OrderAmendment):
        value = _renewed(message, now_ns, request.valid_s).encode()
    await _refuse_second(bus, found, letter)
    record = await bus.publish(
        letter.topic, value, key=letter.key, headers=(*letter.headers, *_headers(found, request, now_ns))
    )
    return Replayed(record, old_id, new_id)


def _refuse_never(letter: DeadLetter) -> None:
    if letter.topic not in TOPICS:
        raise NotReplayable(f"the letter came from {letter.topic}, and topics.yaml names no such topic")
    why = _NEVER.get(letter.topic)
    if why is not None:
        raise NotReplayable(why.format(origin=f"{letter.topic}/{letter.partition}/{letter.offset}"))


def _validated(letter: DeadLetter, value: bytes, *, mended: bool) -> Message:
    """What the plane that refused the letter would now make of it."""
    validator: Validator = _VALIDATORS.get(letter.validator, StrategyPlaneValidator)()
    try:
        return validator.validate_any(Record(letter.topic, 0, 0, letter.key, value, 0))
    except Invalid as invalid:
        hint = ""
        if not mended and letter.offset is None:
            hint = ": the letter holds what the gateway sent, of which no message was ever made; give one with --value"
        elif not mended:
            hint = " as it was; give a mended message with --value"
        raise InvalidReplay(letter.topic, invalid.reasons, hint) from None


def _new_intent(intent: OrderIntent, found: FoundLetter, now_ns: int, valid_s: float) -> OrderIntent:
    if intent.parent_intent_id is not None or intent.attached_exits is not None:
        raise NotReplayable(
            "the intent is part of a bracket, and a bracket is sent whole or not at all: give an order that stands "
            "alone with --value, without parent_intent_id and attached_exits"
        )
    cause = json.dumps([str(found.place), found.record.timestamp_ns])
    return intent.model_copy(
        update={
            "intent_id": uuid5(_INTENT_NAMESPACE, cause),
            "timestamp": utc(now_ns),
            "valid_until": utc(now_ns) + timedelta(seconds=valid_s),
        }
    )


def _renewed(amendment: OrderAmendment, now_ns: int, valid_s: float) -> OrderAmendment:
    now = utc(now_ns)
    return amendment.model_copy(update={"timestamp": now, "valid_until": now + timedelta(seconds=valid_s)})


def _headers(found: FoundLetter, request: Request, now_ns: int) -> Headers:
    told = (
        (FROM, str(found.place)),
        (LETTER, str(found.record.timestamp_ns)),
        (BY, request.by.strip()),
        (REASON, request.reason.strip()),
        (AT, f"{utc(now_ns):%Y-%m-%dT%H:%M:%S.%fZ}"),
    )
    return tuple((name, text.encode()) for name, text in told)


async def _refuse_second(bus: Bus, found: FoundLetter, letter: DeadLetter) -> None:
    earliest_ns = max(0, found.record.timestamp_ns - _CLOCKS_DIFFER_NS)
    is_it = _marks_of(found)
    async for record in bus.replay(letter.topic, from_time_ns=earliest_ns):
        if is_it(record.headers):
            told = {name: value.decode(errors="replace") for name, value in record.headers}
            at = Place(record.topic, record.partition, record.offset)
            raise AlreadyReplayed(
                f"{found.place} was put back before, at {at}, by {told.get(BY)} on {told.get(AT)}: {told.get(REASON)}"
            )


def _marks_of(found: FoundLetter) -> Callable[[Headers], bool]:
    """Whether headers say that their record was once this letter; a letter's letter names both."""
    place, written = str(found.place).encode(), str(found.record.timestamp_ns).encode()

    def is_it(headers: Headers) -> bool:
        places = [value for name, value in headers if name == FROM]
        times = [value for name, value in headers if name == LETTER]
        return (place, written) in zip(places, times, strict=False)

    return is_it
