"""The digest: one number that says whether two sessions decided and traded the same.

SHA-256 over one line for each record of order_intents, then of exec_reports, in the order of their offsets:

    ["<topic>",<offset>,<key or null>,<value>]\\n

in UTF-8, as compact JSON with the keys of every object sorted and everything beyond ASCII escaped. `value` is the
record's JSON value, or, where its bytes are no JSON (a dead letter's origin), the object {"bytes": "<hex>"}. The
time at which the log took the record is left out: what a message says about time is in the message.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from algo_trade.bus.port import Record

DIGEST_TOPICS = ("order_intents", "exec_reports")


def digest_of(records: Iterable[Record]) -> str:
    """Hexadecimal SHA-256 of the records, which the caller gives in the order of DIGEST_TOPICS and offsets."""
    total = hashlib.sha256()
    for record in records:
        total.update(_line(record))
    return total.hexdigest()


def _line(record: Record) -> bytes:
    try:
        value = json.loads(record.value)
    except ValueError:
        value = {"bytes": record.value.hex()}
    line = json.dumps([record.topic, record.offset, record.key, value], sort_keys=True, separators=(",", ":"))
    return line.encode() + b"\n"
