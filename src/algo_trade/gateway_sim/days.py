"""Trading days in market time: when a market opens and closes, and when it is halted on purpose.

Market time counts nanoseconds since a market's origin, `speed` of them to one of the clock. Before the origin it is
negative and as fast as the clock: what is left of a window begun is passed over with the first subscription, and of the
up to sixty seconds since the minute began, a busy symbol at four hundred times the speed would make millions of quotes.
The calendar is the exchange's (`hours`), so a day that had begun before the simulator started is a whole day here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from algo_trade.clock import from_utc, new_york
from algo_trade.gateway_sim.halts import ScheduledHalt
from algo_trade.gateway_sim.hours import TradingHours, Window


class Span(NamedTuple):
    """From `start_ns` up to, not including, `end_ns`."""

    start_ns: int
    end_ns: int


class MarketDay(NamedTuple):
    """One day of one symbol, in market time. `halts` are in order and begin within the day."""

    open_ns: int
    close_ns: int
    halts: tuple[Span, ...] = ()


Days = Callable[[], Iterator[MarketDay]]
"""A fresh run through a symbol's days, without end."""


def market_days(
    hours: TradingHours, origin_ns: int, speed: float, halts: tuple[ScheduledHalt, ...] = ()
) -> Days:
    """The days of a market whose time zero is `origin_ns`, the first being the one of that moment or the next."""

    def market_ns(real_ns: int) -> int:
        since_ns = real_ns - origin_ns
        return round(since_ns * speed) if since_ns > 0 else since_ns

    def days() -> Iterator[MarketDay]:
        for window in hours.windows(origin_ns):
            spans = sorted(_spans(window, halts))
            yield MarketDay(
                market_ns(window.open_ns),
                market_ns(window.close_ns),
                tuple(Span(market_ns(span.start_ns), market_ns(span.end_ns)) for span in spans),
            )

    return days


def _spans(window: Window, halts: tuple[ScheduledHalt, ...]) -> Iterator[Span]:
    """Every halt on every New York date the window touches, if it begins within the window."""
    first, last = new_york(window.open_ns).date(), new_york(window.close_ns - 1).date()
    for halt in halts:
        for days in range((last - first).days + 1):
            start_ns = _at(first + timedelta(days=days), halt.minute_of_day, window)
            if window.open_ns <= start_ns < window.close_ns:
                yield Span(start_ns, start_ns + halt.duration_ns)


def _at(day: date, minute_of_day: int, window: Window) -> int:
    zone = new_york(window.open_ns).tzinfo
    return from_utc(datetime(day.year, day.month, day.day, *divmod(minute_of_day, 60), tzinfo=zone))
