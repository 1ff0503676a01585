"""One symbol's bars from the first day to this moment: what the recorder has heard, and the days made up before.

Bars are made of whole five-second intervals. An answer that ends now holds the bar under way, as far as it has come.
A first bar is never cut: where a duration ends inside it, the answer begins with that whole bar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby, takewhile
from typing import Protocol

from algo_trade.clock import new_york
from algo_trade.gateway_sim.bars.columns import Bar
from algo_trade.gateway_sim.bars.past import DAYS, PastDays, past_model
from algo_trade.gateway_sim.bars.recorder import STEP_S, BarRecorder, RecordedSession
from algo_trade.gateway_sim.bars.sizes import LONGEST_SECONDS, BarSize, Span, Unit, What, cuts
from algo_trade.gateway_sim.bars.tick_log import TickLog, Timed
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.hours import TradingHours
from algo_trade.gateway_sim.market import SymbolMarket

_NS = 1_000_000_000
_MINUTE_S = 60
# What one answer may hold: about 2 MB on the wire. "1 D" of five seconds is 4,680, round the clock 17,280.
BARS_MAX = 30_000


@dataclass(frozen=True, slots=True)
class Query:
    """A request for bars, read. `end_s` None means now."""

    what: What
    size: BarSize
    span: Span
    end_s: int | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A bar of an answer; `day` is the last day it contains."""

    bar: Bar
    day: date


class Session(Protocol):
    """One day's trading."""

    open_s: int
    close_s: int

    def bar(self, what: What, start_s: int, end_s: int) -> Bar | None: ...


class SymbolBars:
    """Everything about bars of one market."""

    def __init__(self, market: SymbolMarket, hours: TradingHours, seed: int) -> None:
        self.market = market
        self.recorder = BarRecorder(market, hours)
        self._hours = hours
        market.listen_all(self.recorder.hear)
        self._log = TickLog(market)
        self._past: PastDays | None = None
        if (
            not market.waits_for_subscriber and market.origin_ns is not None
        ):  # a recorded one has no days before
            first_day = _day(next(hours.windows(market.origin_ns)).open_ns // _NS)
            symbol, close_e4 = market.instrument.symbol, market.previous_close_e4
            self._past = PastDays(seed, symbol, past_model(market.instrument), close_e4, first_day)

    def answer(self, query: Query, now_ns: int) -> list[Named]:
        """The bars, oldest first; [] when there are none. Raises RequestError 162 when there would be too many."""
        settled_s = self._settled_s(now_ns)
        if query.size.seconds == 1:
            return self._seconds(query, now_ns // _NS)
        to_s = settled_s if query.end_s is None else min(settled_s, query.end_s - query.end_s % STEP_S)
        sessions, from_s = self._reach(query, to_s)
        length_s = query.size.seconds
        if length_s and sum((each.close_s - each.open_s) // length_s for each in sessions) > BARS_MAX:
            raise _too_long()
        return list(self._bars(query, sessions, from_s, to_s))

    def _seconds(self, query: Query, now_s: int) -> list[Named]:
        """Bars of one second: of the running market they are made from its ticks when asked for."""
        if query.span.unit != "S" or query.span.count > LONGEST_SECONDS:
            raise _too_long()
        to_s = now_s if query.end_s is None else min(now_s, query.end_s)
        sessions, from_s = self._reach(query, to_s)
        fine = BarRecorder(self.market, self._hours, 1)
        if isinstance(sessions[0] if sessions else None, RecordedSession):
            for time_s, quote in self._log.since(from_s):
                if time_s >= to_s:
                    break
                fine.hear(quote)
            fine.settle(to_s)
        made = {session.open_s: session for session in fine.sessions}
        return list(self._bars(query, [made.get(each.open_s, each) for each in sessions], from_s, to_s))

    # -- ticks ---------------------------------------------------------------------------------------
    def ticks_since(self, from_s: int) -> Iterator[Timed]:
        """Every quote from a second on, to now, the days made up before included."""
        if self._past is not None and from_s < self._past.session(0).close_s:
            for number in reversed(range(DAYS)):
                session = self._past.session(number)
                if session.close_s > from_s:
                    for start_s in range(session.open_s, session.close_s, _MINUTE_S):
                        yield from session.ticks(max(from_s, start_s), start_s + _MINUTE_S)
        yield from self._log.since(from_s)

    def tick_blocks_back(self, until_s: int) -> Iterator[list[Timed]]:
        """Every quote before a second, newest block first, each block in the order of time."""
        yield from self._log.blocks_back(until_s)
        for number in range(DAYS if self._past is not None else 0):
            assert self._past is not None
            session = self._past.session(number)
            for start_s in range(session.close_s - _MINUTE_S, session.open_s - 1, -_MINUTE_S):
                if start_s < until_s:
                    yield session.ticks(start_s, min(until_s, start_s + _MINUTE_S))

    # -- trading days --------------------------------------------------------------------------------
    def schedule(self, query: Query, now_ns: int) -> list[tuple[int, int]]:
        """Open and close (UTC epoch seconds) of the sessions a request reaches back to, oldest first."""
        self._settled_s(now_ns)
        to_s = now_ns // _NS if query.end_s is None else min(now_ns // _NS, query.end_s)
        sessions, _ = self._reach(query, to_s)
        return [(session.open_s, session.close_s) for session in reversed(sessions)]

    def running(self, query: Query, until_s: int) -> Named | None:
        """The bar that contains the five seconds before `until_s`, up to there; None when there is none."""
        session = self._under_way(until_s - STEP_S)
        if session is None:
            return None
        sessions = self._whole_groups(query.size, [session])
        bars = list(self._bars(query, sessions, until_s - STEP_S, until_s))
        return bars[-1] if bars else None

    def last_interval(self, what: What, until_s: int) -> Bar | None:
        """The five seconds before `until_s`; None when there is no bar of them."""
        session = self._under_way(until_s - STEP_S)
        return None if session is None else session.bar(what, until_s - STEP_S, until_s)

    def head_s(self) -> int:
        """When the first bar begins, UTC epoch seconds. Raises RequestError 162 when there is none."""
        if self._past is not None:
            return self._past.session(DAYS - 1).open_s
        if not self.recorder.sessions:
            raise self.no_data(What.TRADES)
        first = self.recorder.sessions[0]
        return first.middle.first_s if len(first.middle) else first.open_s

    def no_data(self, what: What) -> RequestError:
        """The gateway's answer where there are no bars."""
        symbol = self.market.instrument.symbol
        return RequestError(
            162,
            "Historical Market Data Service error message:HMDS query returned no data: "
            f"{symbol}@SMART {what.value.title()}",
        )

    # -- how far back --------------------------------------------------------------------------------
    def _settled_s(self, now_ns: int) -> int:
        now_s = now_ns // _NS
        self.recorder.settle(now_s)
        return now_s - now_s % STEP_S

    def _under_way(self, at_s: int) -> RecordedSession | None:
        """The session a moment of now belongs to: the last one, or the one before when another just began."""
        return next(
            (each for each in self.recorder.sessions[-2:] if each.open_s <= at_s < each.close_s), None
        )

    def _newest_first(self, before_s: int) -> Iterator[Session]:
        """Sessions that begin before a moment."""
        for recorded in reversed(self.recorder.sessions):
            if recorded.open_s < before_s:
                yield recorded
        if self._past is not None:
            for number in range(DAYS):
                session = self._past.session(number)
                if session.open_s < before_s:
                    yield session

    def _reach(self, query: Query, to_s: int) -> tuple[list[Session], int]:
        """The sessions a request reaches back to, newest first, and the moment at which it begins."""
        sessions: list[Session] = []
        left, unit = query.span.count, query.span.unit
        limit = _calendar_limit(_day(to_s - 1), query.span)
        from_s = to_s
        for session in self._newest_first(to_s):
            if unit == "S":
                traded_s = min(to_s, session.close_s) - session.open_s
                sessions.append(session)
                if traded_s >= left:
                    from_s = min(to_s, session.close_s) - left
                    break
                left -= traded_s
                from_s = session.open_s
            elif unit == "D":
                sessions.append(session)
                from_s = session.open_s
                left -= 1
                if not left:
                    break
            elif limit is not None and _day(session.open_s) <= limit:
                break
            else:
                sessions.append(session)
                from_s = session.open_s
        return self._whole_groups(query.size, sessions), from_s

    def _whole_groups(self, size: BarSize, sessions: list[Session]) -> list[Session]:
        """With the sessions before that belong to the same week or month as the oldest."""
        if size.unit in {Unit.SECONDS, Unit.DAY} or not sessions:
            return sessions
        oldest = sessions[-1]
        group = _group(size, _day(oldest.open_s))
        older = takewhile(
            lambda each: _group(size, _day(each.open_s)) == group, self._newest_first(oldest.open_s)
        )
        return [*sessions, *older]

    # -- bars ----------------------------------------------------------------------------------------
    def _bars(self, query: Query, sessions: list[Session], from_s: int, to_s: int) -> Iterator[Named]:
        oldest_first = sessions[::-1]
        if query.size.unit is Unit.SECONDS:
            for session in oldest_first:
                for start_s, end_s in cuts(query.size, session.open_s, session.close_s, from_s, to_s):
                    bar = session.bar(query.what, start_s, end_s)
                    if bar is not None:
                        yield Named(bar, _day(session.open_s))
            return
        for _, group in groupby(oldest_first, lambda each: _group(query.size, _day(each.open_s))):
            days = list(group)
            bars = [session.bar(query.what, session.open_s, min(session.close_s, to_s)) for session in days]
            there = [bar for bar in bars if bar is not None]
            if there:
                yield Named(_joined(there, query.what), _day(days[-1].open_s))


def _too_long() -> RequestError:
    return RequestError(162, "Historical Market Data Service error message:Time length exceed max.")


def _day(at_s: int) -> date:
    return new_york(at_s * _NS).date()


def _group(size: BarSize, day: date) -> tuple[int, ...]:
    """What the bars of a size have in common: a day, an ISO week or a month."""
    if size.unit is Unit.WEEK:
        return day.isocalendar()[:2]
    return (day.year, day.month) if size.unit is Unit.MONTH else (day.toordinal(),)


def _calendar_limit(end: date, span: Span) -> date | None:
    """The last day a span of weeks, months or years does not reach."""
    if span.unit == "W":
        return date.fromordinal(max(1, end.toordinal() - 7 * span.count))
    if span.unit not in {"M", "Y"}:
        return None
    months = end.year * 12 + end.month - 1 - span.count * (12 if span.unit == "Y" else 1)
    year, month = divmod(max(months, 12), 12)
    first_of_next = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last_day = date.fromordinal(first_of_next.toordinal() - 1).day
    return date(year, month + 1, min(end.day, last_day))


def _joined(bars: list[Bar], what: What) -> Bar:
    """Days to one bar. Prices weigh by volume where there is one, else by days."""
    if len(bars) == 1:
        return bars[0]
    volume = sum(bar.volume for bar in bars)
    weights = [bar.volume if volume else 1 for bar in bars]
    average = sum(bar.average * weight for bar, weight in zip(bars, weights, strict=True)) // sum(weights)
    means = what is What.BID_ASK  # its open and close are averages over time
    return Bar(
        bars[0].start_s,
        sum(bar.open for bar in bars) // len(bars) if means else bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        sum(bar.close for bar in bars) // len(bars) if means else bars[-1].close,
        volume,
        average,
        sum(bar.trades for bar in bars),
    )
