"""One topic as the embedded bus holds it: the newest records in memory, all of them in the file.

    offsets   0 …… oldest ……… tail_start ………… stored ……………… durable ………… head
              removed │ in the database │ there and memory │ written ahead │ memory alone

Readers who keep up share the tail; one who falls behind reads the database, block by block, until it has caught up. The
tail is trimmed by count and by bytes, but never what the database has not: that part is bounded by the bus, which
takes no more when too much waits.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter
from typing import Protocol

from algo_trade.bus.errors import BusCorrupt, OffsetOutOfRange
from algo_trade.bus.port import AtOffsets, AtTime, Earliest, Record, Start
from algo_trade.bus.tables import Table
from algo_trade.contracts import Message, Topic

_TAIL_RECORDS = 2048
_TAIL_BYTES = 32 * 1024 * 1024


class Reader(Protocol):
    """Who may be waiting for records."""

    def wake(self) -> None:
        """Look again, in the loop's next turn."""
        ...


class TopicLog:
    """Offsets, the tail, and who waits for more."""

    def __init__(self, topic: Topic, table: Table) -> None:
        self.name = topic.name
        self.retention_ns = topic.retention_ms * 1_000_000
        self.accepts: frozenset[type[Message]] = frozenset(topic.models)
        self.is_orders = topic.storage_class == "orders"
        self.table = table
        self.oldest, self.head = table.extent(topic.name)
        self.stored = self.durable = self.tail_start = self.head
        self.last_time_ns = table.last_time_ns(topic.name)
        self.tail: list[Record] = []
        self.tail_bytes = 0
        self.readers: list[Reader] = []
        self.anybody_waits = False

    def add(self, record: Record) -> None:
        """The record at the head; readers see it from now on."""
        self.tail.append(record)
        self.tail_bytes += len(record.value)
        self.head += 1
        if self.anybody_waits:
            self.wake()

    def wake(self) -> None:
        """Let whoever waits look again: many records in one turn of the loop, one waking."""
        self.anybody_waits = False
        for reader in self.readers:
            reader.wake()

    def pending(self) -> list[Record]:
        """What is not durable yet."""
        return self.tail[self.durable - self.tail_start :]

    def unstored(self) -> list[Record]:
        """What the database does not have yet."""
        return self.tail[self.stored - self.tail_start :]

    def mark_durable(self) -> None:
        """All up to the head would survive the process."""
        self.durable = self.head

    def mark_stored(self) -> None:
        """All up to the head is in the database; memory may forget the older part."""
        self.stored = self.durable = self.head
        if len(self.tail) > 2 * _TAIL_RECORDS or self.tail_bytes > _TAIL_BYTES:
            kept = self.tail[-_TAIL_RECORDS:] if self.tail_bytes <= _TAIL_BYTES else []
            self.tail = kept
            self.tail_start = self.head - len(kept)
            self.tail_bytes = sum(len(record.value) for record in kept)

    def first_at(self, time_ns: int) -> int:
        """The offset of the first record written at or after a time; the head when there is none."""
        if self.tail and self.tail[0].timestamp_ns < time_ns:
            return self.tail_start + bisect_left(self.tail, time_ns, key=attrgetter("timestamp_ns"))
        offset = self.table.first_at(self.name, time_ns)
        if offset is not None:
            return offset
        return self.stored + bisect_left(self.unstored(), time_ns, key=attrgetter("timestamp_ns"))

    def position_of(self, start: Start) -> int:
        """Where a reader begins. Raises OffsetOutOfRange."""
        if isinstance(start, Earliest):
            return self.oldest
        if isinstance(start, AtTime):
            return self.first_at(start.ns)
        if isinstance(start, AtOffsets):
            return self.checked(start.offsets.get((self.name, 0), self.oldest))
        return self.head

    def checked(self, offset: int) -> int:
        """The offset, if this log ever gave it or will give it next."""
        if not 0 <= offset <= self.head:
            raise OffsetOutOfRange(
                f"{self.name}: offset {offset}, but the log ends at {self.head}: is it another log, or was it cut?"
            )
        return offset


class Cursor:
    """One reader's place in one topic."""

    def __init__(self, log: TopicLog, position: int) -> None:
        self.log = log
        self.position = self.started_at = position
        self.missed = 0  # records that retention removed before this reader came to them
        self._block: list[Record] = []  # read from the file and not handed on yet

    def take(self, limit: int) -> Sequence[Record]:
        """Up to `limit` records; none when retention has just removed all there was.

        Raises BusStop, BusRetry.
        """
        log = self.log
        if self.position >= log.tail_start:
            self._block = []
            if self.position < log.oldest:
                self._skip_to(log.oldest)
            begin = self.position - log.tail_start
            taken = log.tail[begin : begin + limit]
        else:
            if not self._block:
                self._skip_to(max(self.position, log.oldest))
                self._block = self._read()
            taken = self._block[:limit]
            self._block = self._block[limit:]
        if taken:
            self.position = taken[-1].offset + 1
        return taken

    def _skip_to(self, oldest: int) -> None:
        self.missed += oldest - self.position
        self.position = oldest

    def _read(self) -> list[Record]:
        log = self.log
        if self.position >= log.tail_start:
            return log.tail[self.position - log.tail_start :]
        records = log.table.read(log.name, self.position)
        if not records or records[0].offset != self.position:
            raise BusCorrupt(f"{log.name}: offset {self.position} is missing in {log.table.file.path}")
        return records
