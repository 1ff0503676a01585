"""Many records in one compressed block, and back. Bytes in, bytes out; no file.

Quotes resemble their neighbours so much that a block of them compresses ten times and more, and one row a block
costs a hundredth of the commits. Layout before compression, little-endian:

    first_offset i64 | count u32 | keys_length u32 | headers_length u32
    count × i64   nanoseconds since the record before (the first: since the epoch)
    count × u32   length of the value
    count × u16   which key, 1-based; 0: none
    keys          a JSON list of the keys in order of appearance
    headers       JSON {index: [[name, base64], …]} of those records that have any
    values        one after another

The frame carries zstd's checksum, so that a flipped bit is an error and not another price.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from itertools import accumulate

import zstandard

from algo_trade.bus.port import Headers, Record

MAX_RECORDS = 4096
_PREFIX = struct.Struct("<qIII")
# More than any block this module writes can hold; a damaged length must not ask for the machine's memory.
_MAX_PLAIN_BYTES = 256 * 1024 * 1024

_compress = zstandard.ZstdCompressor(level=3, write_checksum=True).compress
_decompress = zstandard.ZstdDecompressor().decompress


def pack(records: Sequence[Record]) -> bytes:
    """One block of 1 to MAX_RECORDS records of one topic, in order."""
    count = len(records)
    assert 0 < count <= MAX_RECORDS
    times, values = [], []
    keys: dict[str | None, int] = {None: 0}
    key_of = []
    headers: dict[int, list[tuple[str, str]]] = {}
    before = 0
    for index, record in enumerate(records):
        times.append(record.timestamp_ns - before)
        before = record.timestamp_ns
        values.append(record.value)
        key_of.append(keys.setdefault(record.key, len(keys)))
        if record.headers:
            headers[index] = [(name, base64.b64encode(value).decode()) for name, value in record.headers]
    keys_json = json.dumps(list(keys)[1:]).encode()
    headers_json = json.dumps(headers).encode() if headers else b""
    columns = struct.pack(f"<{count}q{count}I{count}H", *times, *map(len, values), *key_of)
    prefix = _PREFIX.pack(records[0].offset, count, len(keys_json), len(headers_json))
    return _compress(b"".join((prefix, columns, keys_json, headers_json, *values)))


def unpack(blob: bytes, topic: str, first_offset: int) -> list[Record]:
    """The records of a block. Raises ValueError when the block is not what `pack` made."""
    try:
        if not 0 < zstandard.get_frame_parameters(blob).content_size <= _MAX_PLAIN_BYTES:
            raise ValueError("the block's size is impossible")
        return _unpack(_decompress(blob), topic, first_offset)
    except (zstandard.ZstdError, struct.error, KeyError, IndexError, TypeError) as error:
        raise ValueError(f"the block is damaged: {error}") from error


def _unpack(plain: bytes, topic: str, first_offset: int) -> list[Record]:
    packed_offset, count, keys_length, headers_length = _PREFIX.unpack_from(plain)
    if packed_offset != first_offset:
        raise ValueError(f"the block was written for offset {packed_offset}")
    columns = struct.Struct(f"<{count}q{count}I{count}H")
    numbers = columns.unpack_from(plain, _PREFIX.size)
    keys_at = _PREFIX.size + columns.size
    headers_at = keys_at + keys_length
    values_at = headers_at + headers_length
    keys: list[str | None] = [None, *json.loads(plain[keys_at:headers_at])]
    headers = _headers(plain[headers_at:values_at])
    ends = list(accumulate(numbers[count : 2 * count], initial=values_at))
    if ends[-1] != len(plain):
        raise ValueError("the block's lengths do not add up")
    times = accumulate(numbers[:count])
    key_of = numbers[2 * count :]
    return [
        Record(
            topic,
            0,
            first_offset + index,
            keys[key_of[index]],
            plain[ends[index] : ends[index + 1]],
            timestamp_ns,
            headers.get(index, ()),
        )
        for index, timestamp_ns in enumerate(times)
    ]


def _headers(text: bytes) -> dict[int, Headers]:
    if not text:
        return {}
    return {
        int(index): tuple((name, base64.b64decode(value, validate=True)) for name, value in pairs)
        for index, pairs in json.loads(text).items()
    }
