"""Fields of a text frame: NUL-terminated, and stricter here than Python's own int() and float().

A protocol that writes "unset" in seven ways needs one place that knows them (`optional_number`). Everything
else is exact: an underscore, a blank or a NaN that Python would take is a damaged field, and says so.
"""

from __future__ import annotations

import math

# "No value": IBKR's largest double, its largest integers, Java's infinities, and nothing at all.
_UNSET_TEXT = frozenset({b"", b"Infinity", b"Infinite", b"2147483647", b"9223372036854775807"})
_UNSET_DOUBLE = 1.7976931348623157e308
_INTEGER_BYTES_MAX = 20  # any 64-bit integer; longer ones are damage, and costly to parse


class FieldError(ValueError):
    """A field, or a number of fields, that its message cannot have."""


def split(payload: bytes) -> list[bytes]:
    """The fields of a frame's payload. Raises FieldError when the last one is not terminated."""
    fields = payload.split(b"\0")
    if fields.pop():
        raise FieldError("the last field is not NUL-terminated")
    return fields


def exactly(fields: list[bytes], count: int) -> list[bytes]:
    """The same fields. Raises FieldError unless there are `count`."""
    if len(fields) != count:
        raise FieldError(f"{len(fields)} fields instead of {count}")
    return fields


def text(field: bytes) -> str:
    return field.decode("utf-8", "backslashreplace")


def integer(field: bytes) -> int:
    if len(field) > _INTEGER_BYTES_MAX or b"_" in field or field != field.strip():
        raise FieldError(f"{field[:40]!r} is not an integer")
    return int(field)


def integer_or(field: bytes, default: int) -> int:
    """An integer that some gateways leave empty."""
    return integer(field) if field else default


def number(field: bytes) -> float:
    """A finite number that has to be there."""
    if b"_" in field or field != field.strip():
        raise FieldError(f"{field[:40]!r} is not a number")
    value = float(field)
    if not math.isfinite(value):
        raise FieldError(f"{field[:40]!r} is not finite")
    return value


def number_or(field: bytes, default: float) -> float:
    """A finite number that some gateways leave empty."""
    return number(field) if field else default


def optional_number(field: bytes) -> float | None:
    """A number, or None in any of the protocol's ways to say "unset"."""
    if field in _UNSET_TEXT:
        return None
    value = number(field)
    return None if value == _UNSET_DOUBLE else value


def flag(field: bytes) -> bool:
    if field not in (b"", b"0", b"1"):
        raise FieldError(f"{field[:40]!r} is not a flag")
    return field == b"1"
