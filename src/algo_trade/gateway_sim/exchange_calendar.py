"""The New York exchanges' calendar, computed: days on which they are closed, and those that end at 13:00.

The rules are those in force since 2022, when Juneteenth came; single days of mourning or storm are not known.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

REGULAR_MINUTES, SHORT_MINUTES = 390, 210
_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6
_DAY = timedelta(days=1)


def trading_minutes(day: date) -> int:
    """How long the exchange is open from 09:30 on; 0 when it is closed."""
    if day.weekday() >= _SATURDAY or day in _holidays(day.year):
        return 0
    return SHORT_MINUTES if day in _short_days(day.year) else REGULAR_MINUTES


@lru_cache(maxsize=64)
def _holidays(year: int) -> frozenset[date]:
    new_year = date(year, 1, 1)
    return frozenset(
        {
            # On a Saturday it is not made up for: the year's last day must be one of trading.
            new_year + _DAY if new_year.weekday() == _SUNDAY else new_year,
            _nth(year, 1, _MONDAY, 3),  # Martin Luther King
            _nth(year, 2, _MONDAY, 3),  # Washington
            _easter(year) - 2 * _DAY,
            _nth(year, 6, _MONDAY, 1) - 7 * _DAY,  # Memorial Day
            _observed(date(year, 6, 19)),
            _observed(date(year, 7, 4)),
            _nth(year, 9, _MONDAY, 1),  # Labor Day
            _nth(year, 11, _THURSDAY, 4),  # Thanksgiving
            _observed(date(year, 12, 25)),
        }
    )


@lru_cache(maxsize=64)
def _short_days(year: int) -> frozenset[date]:
    """The days before Independence Day and Christmas and the one after Thanksgiving, where they are days of trading."""
    return frozenset({date(year, 7, 3), date(year, 12, 24), _nth(year, 11, _THURSDAY, 4) + _DAY})


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th such weekday of a month; Memorial Day, May's last Monday, is the one before June's first."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _observed(day: date) -> date:
    return day - _DAY if day.weekday() == _SATURDAY else day + _DAY if day.weekday() == _SUNDAY else day


def _easter(year: int) -> date:
    """Gregorian, by the anonymous algorithm of 1876."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)
