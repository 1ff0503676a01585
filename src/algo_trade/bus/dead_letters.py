"""Where a record goes that cannot be understood: aside, whole, with everything needed to understand it later.

The value of a dead letter is the original's, byte for byte; what is to be said about it stands in the headers:

    dlq.reasons       all of them, a JSON list
    dlq.validator     who refused it
    dlq.topic, dlq.partition, dlq.offset      where it stood; the offset is empty for what never had one
    dlq.timestamp     when it was written there, UTC epoch ns (when it was refused is the letter's own time)
    and after these the original's own headers, as they were

A letter is published, hence durable, before its reader may go on. If it cannot be written the error is the reader's
to stop on: a poisoned record must not block its partition, and must not vanish either.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from algo_trade.bus.errors import BadRecord, NoDeadLetterTopic
from algo_trade.bus.port import Bus, Headers, Record
from algo_trade.contracts import TOPICS

_OURS = (
    "dlq.reasons",
    "dlq.validator",
    "dlq.topic",
    "dlq.partition",
    "dlq.offset",
    "dlq.timestamp",
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Something refused before it was ever a record of `topic`: a wire message no tick could be made of.

    `timestamp_ns` is when it arrived, UTC epoch ns; `value` its bytes as they came.
    """

    topic: str
    key: str | None
    value: bytes
    timestamp_ns: int
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter read back. Times are UTC epoch ns; `partition` and `offset` are None for an Origin."""

    reasons: tuple[str, ...]
    validator: str
    topic: str
    partition: int | None
    offset: int | None
    timestamp_ns: int
    refused_ns: int
    key: str | None
    value: bytes
    headers: Headers


class DeadLetterOffice:
    """Writes dead letters and counts them, by the topic they were meant for."""

    def __init__(self, bus: Bus) -> None:
        self.counts: Counter[str] = Counter()
        self._bus = bus

    async def send(self, original: Record | Origin, reasons: Sequence[str], validator_name: str) -> Record:
        """Put `original` aside; it is durable when this returns.

        Raises NoDeadLetterTopic, BusRetry, BusStop: then the original is still unread, and its reader must not go on.
        """
        topic = TOPICS.get(original.topic)
        if topic is None or topic.dead_letters is None:
            raise NoDeadLetterTopic(f"{original.topic} has no topic for dead letters")
        place = (original.partition, original.offset) if isinstance(original, Record) else ("", "")
        about = (
            json.dumps(list(reasons)),
            validator_name,
            original.topic,
            str(place[0]),
            str(place[1]),
            str(original.timestamp_ns),
        )
        ours = tuple((name, text.encode()) for name, text in zip(_OURS, about, strict=True))
        letter = await self._bus.publish(
            topic.dead_letters, original.value, key=original.key, headers=(*ours, *original.headers)
        )
        self.counts[original.topic] += 1
        return letter


def read(letter: Record) -> DeadLetter:
    """What a record of a dead-letter topic tells. Raises BadRecord where it is none."""
    names = tuple(name for name, _ in letter.headers[: len(_OURS)])
    if names != _OURS:
        raise BadRecord(f"{letter.topic} at offset {letter.offset} is not a dead letter")
    try:
        reasons, validator, topic, partition, offset, timestamp = (
            value.decode() for _, value in letter.headers[: len(_OURS)]
        )
        return DeadLetter(
            reasons=tuple(str(reason) for reason in json.loads(reasons)),
            validator=validator,
            topic=topic,
            partition=int(partition) if partition else None,
            offset=int(offset) if offset else None,
            timestamp_ns=int(timestamp),
            refused_ns=letter.timestamp_ns,
            key=letter.key,
            value=letter.value,
            headers=letter.headers[len(_OURS) :],
        )
    except (ValueError, TypeError) as error:
        raise BadRecord(f"{letter.topic} at offset {letter.offset}: damaged headers: {error}") from error
