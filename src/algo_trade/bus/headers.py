"""Record headers as text, for files that have no place for bytes; and the two that tell where a copied record stood."""

from __future__ import annotations

import base64
import json

from algo_trade.bus.port import Headers, Record


def headers_text(headers: Headers) -> str | None:
    """JSON of [name, base64] pairs; None where there are none."""
    if not headers:
        return None
    return json.dumps([(name, base64.b64encode(value).decode()) for name, value in headers])


def headers_from(text: str | None) -> Headers:
    """What `headers_text` was given."""
    if text is None:
        return ()
    return tuple((name, base64.b64decode(value)) for name, value in json.loads(text))


_PLACE = ("kafka.partition", "kafka.offset")


def with_place(headers: Headers, partition: int, offset: int) -> Headers:
    """Those of a copy: where the record stood is told behind its own headers."""
    return (*headers, (_PLACE[0], b"%d" % partition), (_PLACE[1], b"%d" % offset))


def place_of(record: Record) -> tuple[int, int]:
    """(partition, offset) where a record was first written: what a copy tells, else its own."""
    last = record.headers[-len(_PLACE) :]
    if tuple(name for name, _ in last) == _PLACE:
        return int(last[0][1]), int(last[1][1])
    return record.partition, record.offset
