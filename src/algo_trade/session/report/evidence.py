"""Everything a session left, read once: its record, and its log topic by topic.

Reading changes nothing in the directory and asks nobody: a copy of it, on another machine, years later, gives
the same SessionData. A session that was killed is read as far as its log goes.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from pydantic import JsonValue, ValidationError
from pydantic_core import from_json

from algo_trade.bus.headers import place_of
from algo_trade.bus.port import Record
from algo_trade.clock import from_utc
from algo_trade.contracts import (
    TOPICS,
    ExecutionReport,
    Message,
    OFIEvent,
    OrderAmendment,
    OrderIntent,
    SessionEvent,
    SessionEventKind,
)
from algo_trade.session.report.digest import DIGEST_TOPICS, digest_of
from algo_trade.session.report.errors import EvidenceInvalid, EvidenceMissing
from algo_trade.session.report.executions import Told
from algo_trade.session.report.log import open_log
from algo_trade.session.report.quotes import Quotes, load_quotes
from algo_trade.session.report.record import SessionRecord, load_record

DEAD_LETTER_TOPICS = ("dlq_market_events", "dlq_order_intents", "dlq_execution_reports")

M = TypeVar("M", bound=Message)


@dataclass(slots=True)
class TopicStats:
    """What reading a topic showed: how many records, where it began, which offsets are missing in between."""

    count: int = 0
    first_offset: int = 0
    next_offset: int | None = None
    last_ns: int = 0
    missing: list[int] = field(default_factory=list)  # the first offset of each hole


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record that was refused: where its original bytes came from, and why."""

    topic: str
    reasons: tuple[str, ...]
    origin_topic: str
    origin_place: tuple[int, int] | None  # (partition, offset); None for what never had one


@dataclass(slots=True)
class OfiColumns:
    """One symbol's ofi_events: the end of each bin (UTC epoch ns), its z-score, its flow in shares."""

    at_ns: array[int] = field(default_factory=lambda: array("q"))
    z: array[float] = field(default_factory=lambda: array("d"))
    flow: float = 0.0


@dataclass(frozen=True, slots=True)
class SessionData:
    """One session. `intents` and `amendments` are (offset, message); `bad_intents` the offsets on order_intents that
    hold neither."""

    directory: Path
    record: SessionRecord
    quotes: Quotes
    intents: tuple[tuple[int, OrderIntent], ...]
    amendments: tuple[tuple[int, OrderAmendment], ...]
    bad_intents: tuple[int, ...]
    told: tuple[Told, ...]
    events: tuple[SessionEvent, ...]
    ofi: dict[str, OfiColumns]
    dead_letters: tuple[DeadLetter, ...]
    topics: dict[str, TopicStats]
    digest: str

    @property
    def finished(self) -> bool:
        """Whether it came to its own end: the record or the log says so."""
        if self.record.ended is not None:
            return True
        return any(event.kind is SessionEventKind.SESSION_ENDED for event in self.events)

    @property
    def last_ns(self) -> int:
        """UTC epoch ns of the log's last record; the start where there is none."""
        return max([self.record.started_ns, *(stats.last_ns for stats in self.topics.values())])

    @property
    def end_ns(self) -> int:
        """UTC epoch ns of the session's end; of its last record where it did not come to one."""
        ended = self.record.ended
        return max(self.last_ns, 0 if ended is None else from_utc(ended))

    @property
    def settings(self) -> dict[str, JsonValue]:
        """The settings the session said it started with; empty where it said nothing."""
        for event in self.events:
            found = event.data.get("settings")
            if event.kind is SessionEventKind.SESSION_STARTED and isinstance(found, dict):
                return found
        return {}

    @property
    def intent_by_id(self) -> dict[UUID, OrderIntent]:
        wanted: dict[UUID, OrderIntent] = {}
        for _, intent in self.intents:
            wanted.setdefault(intent.intent_id, intent)
        return wanted


def read_session(directory: Path) -> SessionData:
    """Read the session in `directory`. Raises EvidenceMissing or EvidenceInvalid."""
    record = load_record(directory)
    topics: dict[str, TopicStats] = {}
    if record.bus == "kafka" and not (directory / record.log).exists():
        raise EvidenceMissing(
            f"the log of this session is still in Kafka: algotrade report {directory} --gather"
        )
    with open_log(directory / record.log) as log:

        def read(topic: str) -> Iterator[Record]:
            topics[topic] = stats = TopicStats()
            return _watched(log.replay(topic), stats)

        decided = {topic: tuple(read(topic)) for topic in DIGEST_TOPICS}
        dead = tuple(_dead_letter(item) for topic in DEAD_LETTER_TOPICS for item in read(topic))
        refused = {letter.origin_place for letter in dead if letter.origin_topic == "order_intents"}
        wishes, bad = _read_wishes(decided["order_intents"], refused)
        return SessionData(
            directory=directory,
            record=record,
            quotes=load_quotes(read("market_events")),
            intents=tuple((at, wish) for at, wish in wishes if isinstance(wish, OrderIntent)),
            amendments=tuple((at, wish) for at, wish in wishes if isinstance(wish, OrderAmendment)),
            bad_intents=bad,
            told=tuple(
                Told(_decode(item, ExecutionReport), item.timestamp_ns, item.offset)
                for item in decided["exec_reports"]
            ),
            events=tuple(_decode(item, SessionEvent) for item in read("session_events")),
            ofi=_read_ofi(read("ofi_events")),
            dead_letters=dead,
            topics=topics,
            digest=digest_of(item for topic in DIGEST_TOPICS for item in decided[topic]),
        )


def last_record_ns(directory: Path) -> int:
    """When the newest record of the session's log was written, UTC epoch ns; 0 where nothing was yet.

    Raises EvidenceMissing or EvidenceInvalid for a directory that holds no session or a damaged one.
    """
    log_directory = directory / load_record(directory).log
    if not any(log_directory.glob("*.db")):
        return 0  # it died before it had a log
    newest = 0
    with open_log(log_directory) as log:
        for topic in TOPICS:
            for item in log.replay(topic, from_offset=max(0, log.head(topic) - 1)):
                newest = max(newest, item.timestamp_ns)
    return newest


def _watched(records: Iterator[Record], stats: TopicStats) -> Iterator[Record]:
    expected: int | None = None
    record = None
    count = 0
    for record in records:
        offset = record.offset
        if offset != expected:
            if expected is None:
                stats.first_offset = offset
            else:
                stats.missing.append(expected)
        expected = offset + 1
        count += 1
        yield record
    stats.count = count
    stats.next_offset = expected
    stats.last_ns = 0 if record is None else record.timestamp_ns


def _decode(record: Record, model: type[M]) -> M:
    try:
        return model.decode(record.value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole of it"
        text = (
            f"{record.topic}, offset {record.offset}: not a valid {model.__name__} ({where}: {first['msg']})"
        )
        raise EvidenceInvalid(text) from error


def _read_wishes(
    records: tuple[Record, ...], refused: set[tuple[int, int] | None]
) -> tuple[list[tuple[int, OrderIntent | OrderAmendment]], tuple[int, ...]]:
    """Intents and amendments with their offsets, and the offsets of those the order plane made dead letters of."""
    wishes: list[tuple[int, OrderIntent | OrderAmendment]] = []
    bad: list[int] = []
    for record in records:
        if place_of(record) in refused:
            bad.append(record.offset)
        elif _event_type(record.value) == OrderAmendment.EVENT_TYPE:
            wishes.append((record.offset, _decode(record, OrderAmendment)))
        else:
            wishes.append((record.offset, _decode(record, OrderIntent)))
    return wishes, tuple(bad)


def _event_type(value: bytes) -> str | None:
    """Which message the bytes say they are; None where they say nothing."""
    try:
        content = from_json(value)
    except ValueError:
        return None
    said = content.get("event_type") if isinstance(content, dict) else None
    return said if isinstance(said, str) else None


def _read_ofi(records: Iterator[Record]) -> dict[str, OfiColumns]:
    columns: dict[str, OfiColumns] = {}
    for record in records:
        event = _decode(record, OFIEvent)
        told = columns.setdefault(event.symbol, OfiColumns())
        told.at_ns.append(from_utc(event.timestamp))
        told.z.append(event.ofi_z)
        told.flow += event.ofi_raw or 0.0
    return columns


def _dead_letter(record: Record) -> DeadLetter:
    headers = dict(record.headers)

    def text(name: str, read: Callable[[str], object] = str) -> object:
        raw = headers.get(f"dlq.{name}")
        try:
            return None if raw is None else read(raw.decode())
        except ValueError:
            return None

    reasons = text("reasons", json.loads)
    partition, offset = text("partition", int), text("offset", int)
    return DeadLetter(
        topic=record.topic,
        reasons=tuple(str(item) for item in reasons) if isinstance(reasons, list) else (),
        origin_topic=str(text("topic") or ""),
        origin_place=(partition, offset) if isinstance(partition, int) and isinstance(offset, int) else None,
    )
