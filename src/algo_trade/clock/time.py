"""Clocks: what time it is, and how long something took.

Times are integers of nanoseconds since the Unix epoch, UTC; durations are differences of `monotonic_ns`, which
no clock jump disturbs. Datetimes are made only where a message needs one.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

NS_PER_S = 1_000_000_000
_NEW_YORK = ZoneInfo("America/New_York")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Virtual sessions start on one fixed trading day, a Monday without a holiday, at the opening bell in New York.
VIRTUAL_START_NS = int(datetime(2026, 3, 2, 9, 30, tzinfo=_NEW_YORK).timestamp()) * NS_PER_S


class Clock(Protocol):
    """What time it is."""

    def now_ns(self) -> int:
        """UTC, nanoseconds since the Unix epoch."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment; only differences mean anything, and they are never negative."""


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


class LoopClock:
    """The clock of a virtual loop: `epoch_ns` is what it shows when `loop.time()` is zero."""

    def __init__(self, loop: asyncio.AbstractEventLoop, epoch_ns: int) -> None:
        self._loop_time = loop.time
        self._epoch_ns = epoch_ns

    def now_ns(self) -> int:
        return self._epoch_ns + int(self._loop_time() * 1e9)

    def monotonic_ns(self) -> int:
        return int(self._loop_time() * 1e9)


def ns_from_seconds(seconds: float) -> int:
    return round(seconds * NS_PER_S)


def utc(ns: int) -> datetime:
    """An aware UTC datetime of the same instant, to the microsecond (the rest is cut)."""
    return _EPOCH + timedelta(microseconds=ns // 1000)


def from_utc(moment: datetime) -> int:
    """Nanoseconds since the epoch of an aware datetime, exactly."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * NS_PER_S + delta.microseconds * 1000


def new_york(ns: int) -> datetime:
    """The same instant as a New York wall clock shows it."""
    return utc(ns).astimezone(_NEW_YORK)
