"""What a request for bars may name: sizes, durations, ends, and what the bars are of.

Intraday bars are cut where a clock in New York shows a multiple of their length, and at the open and the close: hours
of a regular day are 9:30 to 10:00, 10:00 to 11:00 and so on. Days, weeks and months are made of whole sessions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from zoneinfo import ZoneInfo

from algo_trade.clock import from_utc, new_york
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.hours import midnight_ns
from algo_trade.gateway_sim.wire.values import clean

_NS = 1_000_000_000
_INVALID = "Error validating request.-'bQ' : cause - "
_DURATION = re.compile(r"([0-9]{1,6}) ?([SDWMY])")
_LONGEST_DAYS = 365


class What(Enum):
    """What the bars are of. ADJUSTED_LAST are TRADES: nothing here splits or pays dividends. A SCHEDULE has no bars."""

    TRADES = "TRADES"
    MIDPOINT = "MIDPOINT"
    BID = "BID"
    ASK = "ASK"
    BID_ASK = "BID_ASK"
    ADJUSTED_LAST = "ADJUSTED_LAST"
    SCHEDULE = "SCHEDULE"


STREAMED = frozenset({What.TRADES, What.MIDPOINT, What.BID, What.ASK})


class Unit(Enum):
    """What a bar is a multiple of."""

    SECONDS = "seconds"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class BarSize:
    """`seconds` is the length of an intraday bar, 0 for longer ones."""

    unit: Unit
    seconds: int = 0


_MINUTES = {"1 min": 1, **{f"{n} mins": n for n in (2, 3, 5, 10, 15, 20, 30)}}
_HOURS = {"1 hour": 1, **{f"{n} hours": n for n in (2, 3, 4, 8)}}
SIZES: dict[str, BarSize] = {
    **{f"{n} secs": BarSize(Unit.SECONDS, n) for n in (1, 5, 10, 15, 30)},
    **{name: BarSize(Unit.SECONDS, 60 * n) for name, n in _MINUTES.items()},
    **{name: BarSize(Unit.SECONDS, 3600 * n) for name, n in _HOURS.items()},
    "1 day": BarSize(Unit.DAY),
    "1 week": BarSize(Unit.WEEK),
    "1W": BarSize(Unit.WEEK),
    "1 month": BarSize(Unit.MONTH),
    "1M": BarSize(Unit.MONTH),
}
SIZES["1 sec"] = SIZES["1 secs"]
# A real gateway gives bars of one second for half an hour at most.
LONGEST_SECONDS = 1_800


@dataclass(frozen=True, slots=True)
class Span:
    """How far back: so many S(econds of trading), D (sessions), W, M or Y(ears of the calendar)."""

    count: int
    unit: str


def refuse(cause: str) -> RequestError:
    """The gateway's answer to a request that makes no sense."""
    return RequestError(321, _INVALID + cause)


def parse_size(text: str) -> BarSize:
    """Raises RequestError 321 with the legal ones."""
    if text not in SIZES:
        legal = ", ".join(name for name in SIZES if not name.endswith(("W", "M", "sec")))
        raise refuse(
            f"Historical data bar size setting is invalid. Legal ones are: {legal}. Given: {clean(text)}"
        )
    return SIZES[text]


def parse_what(text: str) -> What:
    """Raises RequestError 321."""
    try:
        return What(text.upper())
    except ValueError:
        raise refuse(f"What to show field is missing or incorrect: {clean(text)}") from None


def parse_span(text: str) -> Span:
    """`3600 S`, `1 D`, `2 W`, `6 M`, `1 Y`. Raises RequestError 321."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not int(match[1]):
        raise refuse(
            f"Historical data duration is invalid: {clean(text)}. Write a number and S, D, W, M or Y."
        )
    span = Span(int(match[1]), match[2])
    if span.unit == "D" and span.count > _LONGEST_DAYS:
        raise refuse("Historical data requests for durations longer than 365 days must be made in years.")
    return span


def parse_end_s(text: str, now_ns: int) -> int | None:
    """The end of a request in UTC epoch seconds, None for now.

    `yyyymmdd hh:mm:ss` with one or two spaces, in New York or in the zone named after it; `yyyymmdd-hh:mm:ss` in UTC;
    the time alone is of today. Raises RequestError 10314.
    """
    if not text.strip():
        return None
    date, time, zone = _end_parts(text.strip(), now_ns)
    try:
        moment = datetime.strptime(f"{date} {time} +0000", "%Y%m%d %H:%M:%S %z")
        return from_utc(moment.replace(tzinfo=ZoneInfo(zone))) // _NS
    except (ValueError, KeyError, OSError):  # no such day, no such zone
        raise RequestError(
            10314,
            "End Date/Time: The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss "
            "xx/xxxx where yyyymmdd and xx/xxxx are optional. E.g.: 20031126 15:59:00 US/Eastern",
        ) from None


def _end_parts(text: str, now_ns: int) -> tuple[str, str, str]:
    if text[8:9] == "-":
        return text[:8], text[9:], "UTC"
    parts = text.split(None, 2)
    if ":" in parts[0]:
        parts.insert(0, f"{new_york(now_ns):%Y%m%d}")
    return parts[0], parts[1] if len(parts) > 1 else "", " ".join(parts[2:]) or "America/New_York"


def cuts(size: BarSize, open_s: int, close_s: int, from_s: int, to_s: int) -> Iterator[tuple[int, int]]:
    """The intraday bars of a session that end after `from_s` and begin before `to_s`, cut off at `to_s`."""
    step_s = size.seconds
    midnight_s = midnight_ns(open_s * _NS) // _NS
    first = max(open_s, from_s)
    start_s = max(open_s, first - (first - midnight_s) % step_s)
    while start_s < min(close_s, to_s):
        end_s = start_s + step_s - (start_s - midnight_s) % step_s
        yield start_s, min(end_s, close_s, to_s)
        start_s = end_s
