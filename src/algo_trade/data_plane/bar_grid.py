"""Where the bars of a symbol begin and end.

Intraday bars are cut where the exchange's clock shows a multiple of their length, and at the open and the close of a
session: an hour's bars of a regular day are 9:30 to 10:00, 10:00 to 11:00 and so on. That is how the gateway cuts its
own, and whoever joins history with live bars must cut alike. Sessions are the gateway's liquid hours; of days it no
longer lists only the clock is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from algo_trade.clock import from_utc, utc
from algo_trade.contracts import BarDuration
from algo_trade.ibkr.instruments import Hours, Instrument
from algo_trade.ibkr.times import zone

SLOT_S = 5
_NS = 1_000_000_000
_DAILY_CLOSE_HOUR = 16  # regular hours, of a day whose hours are not known any more
_NEW_YORK = ZoneInfo("America/New_York")

LENGTHS_S = {
    BarDuration.S5: 5,
    BarDuration.M1: 60,
    BarDuration.M5: 300,
    BarDuration.M15: 900,
    BarDuration.M30: 1_800,
    BarDuration.H1: 3_600,
    BarDuration.H4: 14_400,
}


class Interval(NamedTuple):
    """From `start_s` up to, not including, `end_s`; UTC epoch seconds."""

    start_s: int
    end_s: int


class BarGrid:
    """The grid of one instrument. `learn` when its hours are told anew."""

    def __init__(self, instrument: Instrument) -> None:
        self._zone = zone(instrument.time_zone) or _NEW_YORK
        self._sessions: list[Interval] = []
        self._midnight_s = lru_cache(maxsize=64)(self._midnight_of)
        self.learn(instrument.liquid_hours)

    def learn(self, hours: Iterable[Hours]) -> None:
        """Add sessions to those known."""
        known = set(self._sessions)
        known |= {Interval(_seconds(each.opens), _seconds(each.closes)) for each in hours}
        self._sessions = sorted(known)

    def session(self, at_s: int) -> Interval | None:
        """The session this moment belongs to, None outside of all."""
        return next((each for each in self._sessions if each.start_s <= at_s < each.end_s), None)

    def slot(self, at_s: int) -> int | None:
        """The first five seconds of trading that begin at this moment or later, None when no session is known."""
        at_s += -at_s % SLOT_S
        following = next((each for each in self._sessions if at_s < each.end_s), None)
        return None if following is None else max(at_s, following.start_s)

    def close_after(self, at_s: int) -> int | None:
        """When the session under way ends, or else the next one; None when none is known."""
        return next((each.end_s for each in self._sessions if at_s < each.end_s), None)

    def interval(self, size: BarDuration, at_s: int) -> Interval:
        """The intraday bar this moment belongs to."""
        step_s = LENGTHS_S[size]
        session = self.session(at_s)
        midnight_s = self._midnight_s((at_s if session is None else session.start_s) // 3600)
        start_s = at_s - (at_s - midnight_s) % step_s
        if session is None:
            return Interval(start_s, start_s + step_s)
        return Interval(max(start_s, session.start_s), min(start_s + step_s, session.end_s))

    def close_s(self, starts: str, size: BarDuration) -> int:
        """When a bar the gateway names `starts` closes: epoch seconds, or yyyymmdd for a day.

        The gateway names bars by their start; a bar that carried that time would tell the future. Raises ValueError.
        """
        try:
            if size is BarDuration.D1:
                return self._close_of_day(datetime.strptime(starts, "%Y%m%d").replace(tzinfo=self._zone))
            start_s = int(starts)
            utc(start_s * _NS)  # within the years that can be told
            return self.interval(size, start_s).end_s
        except (ValueError, OverflowError):
            raise ValueError(f"starts: {starts!r} is no time a {size.value} bar could start at") from None

    def same_day(self, one_s: int, other_s: int) -> bool:
        """Whether two moments are of one day at the exchange."""
        return self._local(one_s).date() == self._local(other_s).date()

    def _close_of_day(self, day: datetime) -> int:
        for session in self._sessions:
            if self._local(session.start_s).date() == day.date():
                return session.end_s
        return _seconds(day.replace(hour=_DAILY_CLOSE_HOUR))

    def _local(self, at_s: int) -> datetime:
        return utc(at_s * _NS).astimezone(self._zone)

    def _midnight_of(self, epoch_hour: int) -> int:
        local = self._local(epoch_hour * 3600)
        return _seconds(local.replace(hour=0, minute=0, second=0, microsecond=0))


def _seconds(moment: datetime) -> int:
    return from_utc(moment.astimezone(UTC)) // _NS
