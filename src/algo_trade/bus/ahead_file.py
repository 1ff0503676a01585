"""What is published and not in the databases yet: one append-only file, so that a publish is one write.

A publish must not wait for two databases to find their pages. It writes its record, and whatever was appended before
it, as one batch to the end of this file; the group commit moves all of it into the databases and empties the file.
After a crash the file is read back. Records the databases have already are passed over by their offsets, so it does
not matter between which two steps the process died.

    batch    length u32 | crc32 of the body u32 | crc32 of these eight bytes u32 | body       (little-endian)
    body     records, one after another
    record   offset i64 | time i64 | lengths of value u32, headers u32, key i32 (-1: none), topic u16
             topic | key | headers as JSON | value

A write that was cut short leaves a part of one batch at the end, or zeros where the file grew and nothing came: that is
a crash, and nothing of it was acknowledged. Anything else that does not match its checksum is damage.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from algo_trade.bus.errors import BusCorrupt, BusFull, BusUnusable
from algo_trade.bus.headers import headers_from, headers_text
from algo_trade.bus.port import Record

_BATCH = struct.Struct("<III")
_SUM = struct.Struct("<II")
_RECORD = struct.Struct("<qqIIiH")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class AheadFile:
    """The writer's end. `power_safe`: wait for the disk with every write, so that a loss of power loses nothing."""

    def __init__(self, path: Path, *, power_safe: bool) -> None:
        """Raises BusUnusable. What is in the file stays until `clear`; `read_ahead` tells it."""
        self.path = path
        self._power_safe = power_safe
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise BusUnusable(f"{path}: {error.strerror}") from error
        self._size = os.lseek(self._file, 0, os.SEEK_END)

    def write(self, records: Iterable[Record]) -> None:
        """All of them or none; durable when it returns. Raises BusFull, BusUnusable."""
        body = b"".join(map(_pack, records))
        sums = _SUM.pack(len(body), zlib.crc32(body))
        data = sums + zlib.crc32(sums).to_bytes(4, "little") + body
        try:
            if os.pwrite(self._file, data, self._size) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if self._power_safe:
                os.fdatasync(self._file)
        except OSError as error:
            self._cut()
            if error.errno in _NO_ROOM:
                text = f"{self.path}: the disk is full; free some space, nothing acknowledged is lost"
                raise BusFull(text) from error
            # After a failed sync nobody knows what the disk holds; going on would be a guess.
            raise BusUnusable(f"{self.path}: {error.strerror}") from error
        self._size += len(data)

    def clear(self) -> None:
        """The databases have everything in it. Should the emptying be lost, its offsets tell. Raises BusUnusable."""
        if self._size:
            self._size = 0
            self._cut()

    def close(self) -> None:
        os.close(self._file)

    def _cut(self) -> None:
        try:
            os.ftruncate(self._file, self._size)
        except OSError as error:
            raise BusUnusable(f"{self.path}: {error.strerror}") from error


def read_ahead(path: Path) -> list[Record]:
    """Its records in the order of writing; none where there is no file. Raises BusCorrupt, BusUnusable."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BusUnusable(f"{path}: {error.strerror}") from error
    records: list[Record] = []
    at = 0
    while len(data) - at >= _BATCH.size:
        length, checksum, own_checksum = _BATCH.unpack_from(data, at)
        if zlib.crc32(data[at : at + _SUM.size]) != own_checksum:
            if any(data[at:]):
                raise BusCorrupt(f"{path}: damaged at byte {at}; keep it and start in a new directory")
            break  # the file grew, and nothing came
        body = data[at + _BATCH.size : at + _BATCH.size + length]
        if len(body) < length:
            break  # cut short
        if zlib.crc32(body) != checksum:
            raise BusCorrupt(f"{path}: damaged at byte {at}; keep it and start in a new directory")
        records.extend(_unpack(body))
        at += _BATCH.size + length
    return records


def _pack(record: Record) -> bytes:
    topic = record.topic.encode()
    key = b"" if record.key is None else record.key.encode()
    headers = (headers_text(record.headers) or "").encode()
    head = _RECORD.pack(
        record.offset,
        record.timestamp_ns,
        len(record.value),
        len(headers),
        -1 if record.key is None else len(key),
        len(topic),
    )
    return b"".join((head, topic, key, headers, record.value))


def _unpack(body: bytes) -> Iterator[Record]:
    """Of a body whose checksum is right, so it is what `_pack` made."""
    at = 0
    while at < len(body):
        offset, timestamp_ns, value_length, headers_length, key_length, topic_length = _RECORD.unpack_from(
            body, at
        )
        key_at = at + _RECORD.size + topic_length
        headers_at = key_at + max(key_length, 0)
        value_at = headers_at + headers_length
        topic = body[at + _RECORD.size : key_at].decode()
        key = None if key_length < 0 else body[key_at:headers_at].decode()
        at = value_at + value_length
        headers = headers_from(body[headers_at:value_at].decode() or None)
        yield Record(topic, 0, offset, key, body[value_at:at], timestamp_ns, headers)
