"""Where records lie in a file: market data in compressed blocks, orders one row each.

Both tables answer the same questions, so that the bus and the report read them alike. Offsets within a topic
have no gap between the oldest kept and the head, and times never go back: that is what makes a position or a time
findable.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Protocol

from algo_trade.bus import blocks
from algo_trade.bus.errors import BusCorrupt
from algo_trade.bus.headers import headers_from, headers_text
from algo_trade.bus.port import Record
from algo_trade.bus.sqlite_file import SqliteFile, named_errors

_ROWS_A_READ = 500

BLOCK_SCHEMA = """
CREATE TABLE blocks(
    topic TEXT NOT NULL, first_offset INTEGER NOT NULL, last_offset INTEGER NOT NULL,
    first_ts INTEGER NOT NULL, last_ts INTEGER NOT NULL, count INTEGER NOT NULL, blob BLOB NOT NULL,
    PRIMARY KEY(topic, first_offset));
CREATE INDEX blocks_by_time ON blocks(topic, last_ts);
"""

ROW_SCHEMA = """
CREATE TABLE records(
    topic TEXT NOT NULL, offset INTEGER NOT NULL, ts INTEGER NOT NULL, key TEXT, headers TEXT,
    value BLOB NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY(topic, offset)) WITHOUT ROWID;
"""


class Table(Protocol):
    """The records of one file. Everything raises BusCorrupt, BusUnusable or BusRetry."""

    file: SqliteFile

    def extent(self, topic: str) -> tuple[int, int]:
        """The offset of the oldest record kept, and the one the next will get; equal where there is none."""
        ...

    def last_time_ns(self, topic: str) -> int:
        """When the newest record was written, UTC epoch ns; 0 where there is none."""
        ...

    def read(self, topic: str, offset: int) -> list[Record]:
        """Some records in order, from `offset` or else the oldest kept after it; none at the end."""
        ...

    def first_at(self, topic: str, time_ns: int) -> int | None:
        """The offset of the first record written at or after a time."""
        ...

    def insert(self, records: Sequence[Record]) -> None:
        """Inside a transaction: records of one topic that follow its head."""
        ...

    def remove_before(self, topic: str, time_ns: int) -> int:
        """Inside a transaction: remove what was written before a time, as far as it fills whole blocks; how many."""
        ...


class BlockTable:
    """Blocks of records, for topics of class "market"."""

    def __init__(self, file: SqliteFile) -> None:
        self.file = file
        self._execute = file.connection.execute

    def extent(self, topic: str) -> tuple[int, int]:
        return _checked_extent(
            self.file,
            topic,
            first="SELECT first_offset FROM blocks WHERE topic=:topic ORDER BY first_offset LIMIT 1",
            last="SELECT last_offset FROM blocks WHERE topic=:topic ORDER BY first_offset DESC LIMIT 1",
        )

    def last_time_ns(self, topic: str) -> int:
        sql = "SELECT last_ts FROM blocks WHERE topic=? ORDER BY first_offset DESC LIMIT 1"
        return self._one(sql, topic) or 0

    def read(self, topic: str, offset: int) -> list[Record]:
        with named_errors(self.file.path):
            # The block that holds the offset is the last that begins at or before it.
            row = self._execute(
                "SELECT first_offset, last_offset, blob FROM blocks WHERE topic=? AND first_offset<=?"
                " ORDER BY first_offset DESC LIMIT 1",
                (topic, offset),
            ).fetchone()
            if row is None or row[1] < offset:
                row = self._execute(
                    "SELECT first_offset, last_offset, blob FROM blocks WHERE topic=? AND first_offset>?"
                    " ORDER BY first_offset LIMIT 1",
                    (topic, offset),
                ).fetchone()
            if row is None:
                return []
            first_offset, last_offset, blob = row
            try:
                records = blocks.unpack(blob, topic, first_offset)
                if len(records) != last_offset - first_offset + 1:
                    raise ValueError("the block lacks records")
            except ValueError as error:
                raise BusCorrupt(f"{self.file.path}: {topic} at offset {first_offset}: {error}") from error
            return records[offset - first_offset :] if offset > first_offset else records

    def first_at(self, topic: str, time_ns: int) -> int | None:
        first_offset = self._one(
            "SELECT first_offset FROM blocks WHERE topic=? AND last_ts>=? ORDER BY last_ts, first_offset LIMIT 1",
            topic,
            time_ns,
        )
        if first_offset is None:
            return None
        records = self.read(topic, first_offset)
        return next(record.offset for record in records if record.timestamp_ns >= time_ns)

    def insert(self, records: Sequence[Record]) -> None:
        for start in range(0, len(records), blocks.MAX_RECORDS):
            part = records[start : start + blocks.MAX_RECORDS]
            first, last = part[0], part[-1]
            self._execute(
                "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    first.topic,
                    first.offset,
                    last.offset,
                    first.timestamp_ns,
                    last.timestamp_ns,
                    len(part),
                    blocks.pack(part),
                ),
            )
        self.file.write_head(records[-1].topic, records[-1].offset + 1)

    def remove_before(self, topic: str, time_ns: int) -> int:
        kept = self._one(
            "SELECT first_offset FROM blocks WHERE topic=? AND last_ts>=? ORDER BY last_ts, first_offset LIMIT 1",
            topic,
            time_ns,
        )
        oldest, head = self.file.extent(topic)
        keep_from = head if kept is None else kept
        self._execute("DELETE FROM blocks WHERE topic=? AND first_offset<?", (topic, keep_from))
        self.file.write_oldest(topic, keep_from)
        return keep_from - oldest

    def _one(self, sql: str, *parameters: str | int) -> int | None:
        with named_errors(self.file.path):
            row = self._execute(sql, parameters).fetchone()
        return None if row is None else int(row[0])


class RowTable:
    """One row a record, for topics of class "orders"; each row carries a checksum."""

    def __init__(self, file: SqliteFile) -> None:
        self.file = file
        self._execute = file.connection.execute

    def extent(self, topic: str) -> tuple[int, int]:
        return _checked_extent(
            self.file,
            topic,
            first="SELECT offset FROM records WHERE topic=:topic ORDER BY offset LIMIT 1",
            last="SELECT offset FROM records WHERE topic=:topic ORDER BY offset DESC LIMIT 1",
        )

    def last_time_ns(self, topic: str) -> int:
        return self._one("SELECT ts FROM records WHERE topic=? ORDER BY offset DESC LIMIT 1", topic) or 0

    def read(self, topic: str, offset: int) -> list[Record]:
        with named_errors(self.file.path):
            rows = self._execute(
                "SELECT offset, key, value, ts, headers, crc FROM records WHERE topic=? AND offset>=?"
                " ORDER BY offset LIMIT ?",
                (topic, offset, _ROWS_A_READ),
            ).fetchall()
            records: list[Record] = []
            for at, key, value, ts, headers, crc in rows:
                if records and at != records[-1].offset + 1:
                    raise BusCorrupt(f"{self.file.path}: {topic}: offset {records[-1].offset + 1} is missing")
                # The offset and the time have no checksum; they are in order, or damaged.
                if _crc(key, headers, value) != crc or ts < (records[-1].timestamp_ns if records else 0):
                    raise BusCorrupt(f"{self.file.path}: {topic} at offset {at}: the record is damaged")
                records.append(Record(topic, 0, at, key, value, ts, headers_from(headers)))
            return records

    def first_at(self, topic: str, time_ns: int) -> int | None:
        return self._one(
            "SELECT offset FROM records WHERE topic=? AND ts>=? ORDER BY offset LIMIT 1", topic, time_ns
        )

    def insert(self, records: Sequence[Record]) -> None:
        rows = []
        for topic, _, offset, key, value, ts, headers, _ in records:
            text = headers_text(headers)
            rows.append((topic, offset, ts, key, text, value, _crc(key, text, value)))
        self.file.connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self.file.write_head(records[-1].topic, records[-1].offset + 1)

    def remove_before(self, topic: str, time_ns: int) -> int:
        kept = self.first_at(topic, time_ns)
        oldest, head = self.file.extent(topic)
        keep_from = head if kept is None else kept
        self._execute("DELETE FROM records WHERE topic=? AND offset<?", (topic, keep_from))
        self.file.write_oldest(topic, keep_from)
        return keep_from - oldest

    def _one(self, sql: str, *parameters: str | int) -> int | None:
        with named_errors(self.file.path):
            row = self._execute(sql, parameters).fetchone()
        return None if row is None else int(row[0])


def _checked_extent(file: SqliteFile, topic: str, *, first: str, last: str) -> tuple[int, int]:
    """What the file says of a topic, if the records at both its ends agree.

    One statement, hence one moment: the writer may be at work.
    """
    oldest_sql = "SELECT oldest FROM extents WHERE topic=:topic"
    head_sql = "SELECT head FROM extents WHERE topic=:topic"
    with named_errors(file.path):
        oldest, head, first_found, last_found = file.connection.execute(
            f"SELECT ({oldest_sql}), ({head_sql}), ({first}), ({last})",
            {"topic": topic},
        ).fetchone()
        said = (0, 0) if head is None else (oldest, head)
        found = (said[1], said[1]) if first_found is None else (first_found, last_found + 1)
    if found != said:
        raise BusCorrupt(
            f"{file.path}: {topic} should reach from {said[0]} to {said[1]}, not from {found[0]} to {found[1]}"
        )
    return said


def _crc(key: str | None, headers: str | None, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(f"{key}\n{headers}\n".encode()))
