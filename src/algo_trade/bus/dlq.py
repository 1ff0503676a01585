"""Dead letters, found again: in a Kafka cluster or in a session's directory, by the place they lie in.

A place is written TOPIC/PARTITION/OFFSET, as in dlq_order_intents/0/3, and names one letter of one log.

DlqError                a BusRefuse: this request is wrong and stays wrong
├── NoSuchLetter        the place is none, or nothing lies there                                 exit 2
├── NotReplayable       a letter of a kind that is never put back; the text says why             exit 1
├── AlreadyReplayed     it was put back before; the text says where, when and by whom            exit 1
└── InvalidReplay       what should be put back is no message its topic may carry: all reasons   exit 3
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol, Self

from algo_trade.bus.dead_letters import DeadLetter
from algo_trade.bus.dead_letters import read as read_dead_letter
from algo_trade.bus.errors import BadRecord, BusRefuse, OffsetOutOfRange
from algo_trade.bus.port import Record
from algo_trade.bus.reader import EmbeddedLogReader
from algo_trade.contracts import TOPICS
from algo_trade.exit_codes import ExitCode

DEAD_LETTER_TOPICS = tuple(
    dict.fromkeys(t.dead_letters for t in TOPICS.values() if t.dead_letters is not None)
)


class DlqError(BusRefuse):
    """Root of what can be wrong with a request about dead letters."""

    exit_code: ClassVar[ExitCode] = ExitCode.GATE_FAILED


class NoSuchLetter(DlqError):
    """There is no letter at this place."""

    exit_code = ExitCode.USAGE


class NotReplayable(DlqError):
    """Letters of this kind are never put back."""


class AlreadyReplayed(DlqError):
    """This letter was put back before."""


class InvalidReplay(DlqError):
    """What should be put back cannot be understood either; `reasons` are all there are."""

    exit_code = ExitCode.CONFIG

    def __init__(self, topic: str, reasons: tuple[str, ...], hint: str = "") -> None:
        lines = "\n".join(f"  - {reason}" for reason in reasons)
        super().__init__(f"nothing was written: {topic} cannot carry this{hint}\n{lines}")
        self.reasons = reasons


class Place(NamedTuple):
    """Where a letter lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises NoSuchLetter."""
        topic, _, rest = text.strip().partition("/")
        numbers = rest.split("/")
        if len(numbers) != 2 or not all(part.isascii() and part.isdigit() for part in numbers):
            raise NoSuchLetter(f"{text!r} is no place of a letter; write it like dlq_order_intents/0/3")
        if topic not in DEAD_LETTER_TOPICS:
            raise NoSuchLetter(f"{topic!r} holds no dead letters; there are {', '.join(DEAD_LETTER_TOPICS)}")
        return cls(topic, int(numbers[0]), int(numbers[1]))


@dataclass(frozen=True, slots=True)
class FoundLetter:
    """A record of a dead-letter topic. `letter` is None where it is none; `trouble` then says why."""

    place: Place
    record: Record
    letter: DeadLetter | None
    trouble: str = ""


class LetterSource(Protocol):
    """What letters are read from: any bus, or the log of a session from outside."""

    def replay(
        self, topic: str, *, from_offset: int | None = None, from_time_ns: int | None = None
    ) -> AsyncIterator[Record]:
        """As Bus.replay."""
        ...


class LogSource:
    """The log of a session as a LetterSource; its writer may be at work."""

    def __init__(self, log: EmbeddedLogReader) -> None:
        self._log = log

    async def replay(
        self, topic: str, *, from_offset: int | None = None, from_time_ns: int | None = None
    ) -> AsyncIterator[Record]:
        """As Bus.replay, but for an offset beyond the end, where nothing is."""
        records: Iterator[Record] = self._log.replay(
            topic, from_offset=from_offset or 0, from_time_ns=from_time_ns
        )
        for record in records:
            yield record


def topics_of(name: str) -> tuple[str, ...]:
    """The dead-letter topics that a topic's letters lie in, or the topic itself. Raises NoSuchLetter."""
    if name in DEAD_LETTER_TOPICS:
        return (name,)
    source = TOPICS.get(name)
    if source is None or source.dead_letters is None:
        raise NoSuchLetter(f"{name!r} has no dead letters; topics that have are {', '.join(_with_letters())}")
    return (source.dead_letters,)


def _with_letters() -> list[str]:
    return [name for name, topic in TOPICS.items() if topic.dead_letters is not None]


async def letters(source: LetterSource, topic: str | None = None) -> AsyncIterator[FoundLetter]:
    """Every letter, or those of one topic: a dead-letter topic, or the one they came from. Raises NoSuchLetter."""
    for name in DEAD_LETTER_TOPICS if topic is None else topics_of(topic):
        async for record in source.replay(name):
            found = _found(record)
            if topic in (None, name) or found.letter is None or found.letter.topic == topic:
                yield found


async def find(source: LetterSource, place: Place) -> FoundLetter:
    """The letter at a place. Raises NoSuchLetter."""
    try:
        async for record in source.replay(place.topic, from_offset=place.offset):
            if (record.partition, record.offset) == (place.partition, place.offset):
                return _found(record)
            if record.partition == place.partition and record.offset > place.offset:
                break
    except OffsetOutOfRange:
        pass
    raise NoSuchLetter(f"nothing lies at {place}; `algotrade dlq list` shows what there is")


def _found(record: Record) -> FoundLetter:
    place = Place(record.topic, record.partition, record.offset)
    try:
        return FoundLetter(place, record, read_dead_letter(record))
    except BadRecord as error:
        return FoundLetter(place, record, None, str(error))
