"""A session's records out of Kafka and into its directory: evidence does not live in a cluster that forgets.

What is copied is the log of the session's time: of every topic, in the order of the records' times and never against
the order of a partition, into an embedded log that `report` reads as it reads any other. A record keeps its bytes and
its time; where it stood in Kafka is in two headers behind its own (`place_of`). Records of another session in the same
topics are left out where they say whose they are. One too large for any bus, which only somebody else can have written,
leaves its place and its headers: its bytes are in its dead letter. The copy is whole or not there: it is made beside
its place and moved.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from pydantic_core import from_json

from algo_trade.bus import MAX_RECORD_BYTES, Bus, EmbeddedBus, Headers, Record
from algo_trade.bus.headers import headers_from, headers_text, with_place
from algo_trade.clock import Clock, IdSource
from algo_trade.contracts import TOPICS, Topic

_BATCH = 500
# Clocks of two machines, and a record that was under way when the session was planned.
_EARLIER_NS = 1_000_000_000


class _TimeOfRecord:
    """The clock of the copy: it shows the time of the record that is being copied."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.shows_ns = 0

    def now_ns(self) -> int:
        return self.shows_ns

    def monotonic_ns(self) -> int:
        return self._clock.monotonic_ns()


async def gather(
    bus: Bus, directory: Path, *, session_id: str, since_ns: int, clock: Clock, ids: IdSource
) -> dict[str, int]:
    """Copy what `bus` holds of a session into `directory`, replacing what is there; how many records, by topic.

    `since_ns` is the session's start, UTC epoch ns. Raises BusError.
    """
    draft = directory.with_name(directory.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    time = _TimeOfRecord(clock)
    copy = EmbeddedBus(draft, clock=time, ids=ids, hand_over=False)
    await copy.open()
    try:
        copied = {
            name: await _copy_topic(bus, copy, topic, draft, time, session_id, since_ns)
            for name, topic in TOPICS.items()
        }
    finally:
        await copy.close()
    shutil.rmtree(directory, ignore_errors=True)
    draft.rename(directory)
    return copied


async def _copy_topic(
    bus: Bus, copy: Bus, topic: Topic, draft: Path, time: _TimeOfRecord, session_id: str, since_ns: int
) -> int:
    sorting = _Sorting(draft / "sorting.tmp")
    try:
        async for record in bus.replay(topic.name, from_time_ns=since_ns - _EARLIER_NS):
            if _is_ours(record, topic, session_id):
                sorting.add(record)
        for number, (timestamp_ns, key, value, headers) in enumerate(sorting.in_order()):
            time.shows_ns = timestamp_ns
            kept = value if len(value) <= MAX_RECORD_BYTES or topic.is_dead_letters else b""
            copy.append(topic.name, kept, key=key, headers=headers)
            if number % _BATCH == 0:
                await copy.drain()
        await copy.flush()
        return sorting.count
    finally:
        sorting.close()


def _is_ours(record: Record, topic: Topic, session_id: str) -> bool:
    """Unless it says that it is another session's. What came in from outside, and dead letters, say nothing."""
    if not topic.models:
        return True
    try:
        content = from_json(record.value)
    except ValueError:
        return True
    if not isinstance(content, dict):
        return True
    about = content.get("metadata")
    said = content.get("session_id") or (about.get("session_id") if isinstance(about, dict) else None)
    return said is None or said == session_id


class _Sorting:
    """Records of a topic, sorted on disk: a day of quotes has more of them than should be held in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(
            "CREATE TABLE records (at_ns INTEGER, part INTEGER, off INTEGER, key TEXT, value BLOB, headers TEXT)"
        )
        self._newest: dict[int, int] = {}
        self._waiting: list[tuple[int, int, int, str | None, bytes, str | None]] = []
        self.count = 0

    def add(self, record: Record) -> None:
        """In a partition's own order. A clock set back must not carry a record before the one it came after."""
        at_ns = max(record.timestamp_ns, self._newest.get(record.partition, 0))
        self._newest[record.partition] = at_ns
        packed = headers_text(record.headers)
        self._waiting.append((at_ns, record.partition, record.offset, record.key, record.value, packed))
        self.count += 1
        if len(self._waiting) >= _BATCH:
            self._write()

    def in_order(self) -> Iterator[tuple[int, str | None, bytes, Headers]]:
        """Time, key, value, and the headers with the place behind them."""
        self._write()
        rows = self._db.execute(
            "SELECT at_ns, part, off, key, value, headers FROM records ORDER BY at_ns, part, off"
        )
        for at_ns, partition, offset, key, value, packed in rows:
            yield at_ns, key, value, with_place(headers_from(packed), partition, offset)

    def close(self) -> None:
        self._db.close()
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO records VALUES (?,?,?,?,?,?)", self._waiting)
        self._db.execute("COMMIT")
        self._waiting.clear()
