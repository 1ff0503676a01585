"""Field values as clients write them.

"Unset" comes in many spellings, all taken: empty, 2147483647, 9223372036854775807, the largest double in any
notation (309 digits included), Infinity. A value that is none of its type raises RequestError 320, in the words
of the real gateway's Java.
"""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.limits import MAX_NUMBER_CHARS

_UNSET_INTEGERS = frozenset((2147483647, 9223372036854775807))
_UNSET_FROM = Decimal("1e300")
_INT32_MAX = 2**31 - 1
PRICE_SCALE = 10_000


def unparsable(text: str, request_id: int = -1) -> RequestError:
    """The gateway's answer to a number that is none."""
    return RequestError(
        320,
        "Error reading request. Unable to parse data. java.lang.NumberFormatException: "
        f'For input string: "{clean(text)}"',
        request_id,
    )


def clean(text: str) -> str:
    """Text that is safe inside a reply: short, without NULs, without backslashes (clients unescape those)."""
    return text[:80].replace("\0", "").replace("\\", "/").encode("ascii", "replace").decode()


# The same few texts come again and again; a text that raises is not kept, so all that are kept are short.
_remembered = lru_cache(maxsize=4096)


@_remembered
def to_int(text: str) -> int | None:
    """A 64-bit integer, None when unset."""
    if not text:
        return None
    if len(text) > MAX_NUMBER_CHARS:
        raise unparsable(text)
    try:
        if len(text) <= 20:
            value = int(text)
        else:
            exact = Decimal(text)
            if not abs(exact) < _UNSET_FROM:
                return None
            value = int(exact)
    except (ValueError, InvalidOperation):
        raise unparsable(text) from None
    return None if value in _UNSET_INTEGERS else value


def to_id(text: str) -> int:
    """A request or order id: a whole number that fits into 32 bits."""
    if not text or len(text) > 11:
        raise unparsable(text)
    try:
        value = int(text)
    except ValueError:
        raise unparsable(text) from None
    if not -_INT32_MAX - 1 <= value <= _INT32_MAX:
        raise unparsable(text)
    return value


@_remembered
def to_decimal(text: str) -> Decimal | None:
    """An exact number; None when unset, infinite or NaN."""
    if not text or text.lower() in {"infinity", "infinite", "nan", "inf"}:
        return None
    if len(text) > MAX_NUMBER_CHARS:
        raise unparsable(text)
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise unparsable(text) from None
    if not value.is_finite() or abs(value) >= _UNSET_FROM or value in _UNSET_INTEGERS:
        return None
    return value


def to_bool(text: str) -> bool:
    """True for 1 and true, False for 0, false and empty."""
    if text in {"1", "0", ""}:
        return text == "1"
    lowered = text.lower()
    if lowered in {"true", "false"}:
        return lowered == "true"
    raise unparsable(text)


def price_text(price_e4: int) -> str:
    """Ten-thousandths of a dollar as the shortest exact decimal, with at least one place: 5859400 is 585.94."""
    sign = "-" if price_e4 < 0 else ""
    whole, part = divmod(abs(price_e4), PRICE_SCALE)
    return f"{sign}{whole}.{f'{part:04d}'.rstrip('0') or '0'}"


def money_text(micros: int) -> str:
    """Millionths of a dollar as an exact decimal with two to six places."""
    sign = "-" if micros < 0 else ""
    whole, part = divmod(abs(micros), 1_000_000)
    digits = f"{part:06d}".rstrip("0")
    return f"{sign}{whole}.{digits:0<2}"


def ratio_text(numerator: int, denominator: int) -> str:
    """An average for the wire: eight places, without trailing zeros."""
    value = Decimal(numerator) / Decimal(denominator)
    text = f"{value:.8f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def price_e4(value: Decimal) -> int | None:
    """A price as ten-thousandths of a dollar; None when it is finer than that or absurdly large."""
    if abs(value) >= Decimal(10) ** 12:
        return None
    scaled = value * PRICE_SCALE
    # What is too small for a Decimal of ours becomes 0 on the way.
    return int(scaled) if scaled == int(scaled) and (scaled or not value) else None


@_remembered
def is_number(text: str) -> bool:
    """Whether a field the simulator only echoes is a number that is set."""
    if len(text) > MAX_NUMBER_CHARS:
        raise unparsable(text)
    try:
        value = float(text)
    except ValueError:
        return False
    return math.isfinite(value) and abs(value) < 1e300 and value not in _UNSET_INTEGERS
