"""When the simulated exchange is open, and how the gateway writes times.

Three shapes. With `market_open_ns` a regular day begins there and lasts six and a half hours, and so does every
day of trading after it. With `regular` the exchange keeps New York's hours of the clock's own date: 09:30 to 16:00.
Both know holidays and short days (`exchange_calendar`). With neither it never closes: windows of 24 hours follow each
other from the minute the simulator started, so a session can run at any time of any day. Liquid hours in the contract
details are these windows and nothing else; there is no trading outside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from algo_trade.clock import from_utc, new_york
from algo_trade.gateway_sim.exchange_calendar import REGULAR_MINUTES, trading_minutes

ZONE = "US/Eastern"
_MINUTE_NS = 60 * 1_000_000_000
_DAY_NS = 1440 * _MINUTE_NS
_LISTED = 6


@dataclass(frozen=True, slots=True)
class Window:
    """One stretch of trading: from `open_ns` up to, not including, `close_ns` (UTC epoch)."""

    open_ns: int
    close_ns: int


class TradingHours:
    """The windows of one simulator. `origin_ns` is when it first started.

    `regular` tells whether it ever closes.
    """

    def __init__(self, origin_ns: int, market_open_ns: int | None, *, regular: bool = False) -> None:
        self.regular = regular or market_open_ns is not None
        first = market_open_ns
        if first is None:
            first = _opening_bell_ns(origin_ns) if regular else origin_ns
        self._first_ns = first - first % _MINUTE_NS
        self._first_local = new_york(self._first_ns)

    def windows(self, at_ns: int) -> Iterator[Window]:
        """The window that holds `at_ns` or else the next one, and those after it, without end."""
        if not self.regular:
            start = self._first_ns + max(0, (at_ns - self._first_ns) // _DAY_NS) * _DAY_NS
            while True:
                yield Window(start, start + _DAY_NS)
                start += _DAY_NS
        day = max(0, (new_york(at_ns).date() - self._first_local.date()).days)
        while True:
            opening = self._first_local + timedelta(days=day)
            open_ns = from_utc(opening)
            minutes = trading_minutes(opening.date())
            if day == 0:  # it was said to be one
                minutes = minutes or REGULAR_MINUTES
            if minutes and open_ns + minutes * _MINUTE_NS > at_ns:
                yield Window(open_ns, open_ns + minutes * _MINUTE_NS)
            day += 1

    def current(self, at_ns: int) -> Window | None:
        """The window that holds this moment, None when the exchange is closed."""
        window = next(self.windows(at_ns))
        return window if window.open_ns <= at_ns else None

    def next_change_ns(self, at_ns: int) -> int:
        """When the exchange next opens or closes after this moment."""
        window = next(self.windows(at_ns))
        return window.close_ns if window.open_ns <= at_ns else window.open_ns

    def listed(self, at_ns: int) -> str:
        """The next six days, or windows where it never closes, in the form of liquidHours; a closed day says so."""
        midnight = new_york(at_ns).replace(hour=0, minute=0, second=0, microsecond=0)
        source = self.windows(from_utc(midnight))
        if not self.regular:
            return ";".join(_window_text(next(source)) for _ in range(_LISTED))
        texts, window = [], next(source)
        for number in range(_LISTED):
            day = midnight.date() + timedelta(days=number)
            if new_york(window.open_ns).date() == day:
                texts.append(_window_text(window))
                window = next(source)
            else:
                texts.append(f"{day:%Y%m%d}:CLOSED")
        return ";".join(texts)


def _opening_bell_ns(at_ns: int) -> int:
    """09:30 in New York on the day of trading that holds this moment, or else on the next one."""
    bell = new_york(at_ns).replace(hour=9, minute=30, second=0, microsecond=0)
    while not trading_minutes(bell.date()):
        bell += timedelta(days=1)
    return from_utc(bell)


def _window_text(window: Window) -> str:
    return f"{new_york(window.open_ns):%Y%m%d:%H%M}-{new_york(window.close_ns):%Y%m%d:%H%M}"


def eastern_text(ns: int) -> str:
    """A moment as executions and completed orders carry it: `20260413 15:27:04 US/Eastern`."""
    return f"{new_york(ns):%Y%m%d %H:%M:%S} {ZONE}"


def midnight_ns(ns: int) -> int:
    """The New York midnight before a moment."""
    local: datetime = new_york(ns)
    return from_utc(local.replace(hour=0, minute=0, second=0, microsecond=0))
