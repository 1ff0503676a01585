"""Dead letters in words: a line of a list, a whole letter, and both as JSON.

What is in a letter came from outside and was refused: nothing of it may steer a terminal.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from algo_trade.bus.dlq import FoundLetter
from algo_trade.clock import utc

_HEX_COLUMNS = 16
_NEVER_A_RECORD = "never a record"


def plain(text: str) -> str:
    """Printable: what is not becomes its escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def list_lines(found: Sequence[FoundLetter]) -> list[str]:
    """A line each, in columns: place, when it was refused, where it stood, who refused it, why."""
    rows = [_row(letter) for letter in found]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    return [
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[4]])
        for row in rows
    ]


def _row(found: FoundLetter) -> tuple[str, str, str, str, str]:
    place, when, letter = str(found.place), _time(found.record.timestamp_ns), found.letter
    if letter is None:
        return place, when, "", "", f"no dead letter: {plain(found.trouble)}"
    first = letter.reasons[0] if letter.reasons else "no reason given"
    more = f" (and {len(letter.reasons) - 1} more)" if len(letter.reasons) > 1 else ""
    return place, when, plain(_origin(found)), plain(letter.validator), plain(first) + more


def letter_lines(found: FoundLetter) -> Iterator[str]:
    """All there is to see of a letter."""
    yield f"place      {found.place}"
    yield f"refused    {_time(found.record.timestamp_ns)}"
    letter = found.letter
    if letter is None:
        yield f"trouble    {plain(found.trouble)}"
    else:
        yield f"from       {plain(_origin(found))}, written {_time(letter.timestamp_ns)}"
        yield f"validator  {plain(letter.validator)}"
    yield f"key        {'none' if found.record.key is None else plain(found.record.key)}"
    headers = found.record.headers if letter is None else letter.headers
    for name, value in headers:
        yield f"header     {plain(name)}: {plain(_readable(value))}"
    for reason in () if letter is None else letter.reasons:
        yield f"reason     {plain(reason)}"
    yield f"value      {len(found.record.value)} bytes"
    yield from _value_lines(found.record.value)


def letter_json(found: FoundLetter) -> dict[str, JsonValue]:
    """The same for scripts. `value` is base64, `message` the value where it is JSON."""
    letter, record = found.letter, found.record
    told: dict[str, JsonValue] = {
        "place": str(found.place),
        "refused": _time(record.timestamp_ns),
        "key": record.key,
        "value": base64.b64encode(record.value).decode(),
        "message": _parsed(record.value),
        "headers": [
            [name, _readable(value)] for name, value in (record.headers if letter is None else letter.headers)
        ],
    }
    if letter is None:
        return told | {"trouble": found.trouble}
    return told | {
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "written": _time(letter.timestamp_ns),
        "validator": letter.validator,
        "reasons": list(letter.reasons),
    }


def _origin(found: FoundLetter) -> str:
    letter = found.letter
    if letter is None:
        return ""
    if letter.offset is None:
        return f"{letter.topic}, {_NEVER_A_RECORD}"
    return f"{letter.topic}/{letter.partition}/{letter.offset}"


def _time(ns: int) -> str:
    try:
        return f"{utc(ns):%Y-%m-%dT%H:%M:%S.%fZ}"
    except OverflowError:
        return f"{ns} ns"  # a damaged header may say anything


def _parsed(value: bytes) -> JsonValue:
    try:
        parsed: JsonValue = json.loads(value, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return parsed


def _value_lines(value: bytes) -> Iterator[str]:
    parsed = _parsed(value)
    if parsed is not None:
        # As ASCII: json escapes what a terminal might obey.
        yield from json.dumps(parsed, indent=2).splitlines()
        return
    for start in range(0, len(value), _HEX_COLUMNS):
        part = value[start : start + _HEX_COLUMNS]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        yield f"{start:08x}  {part.hex(' '):<{3 * _HEX_COLUMNS - 1}}  {text}"


def _readable(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"0x{value.hex()}"
