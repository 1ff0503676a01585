"""The bars of one symbol: asks for what is missing, and waits, as `handover` has it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from algo_trade.clock import Clock, utc
from algo_trade.contracts import BarDuration
from algo_trade.data_plane.bar_assembly import BarAssembler, FiveSeconds
from algo_trade.data_plane.bar_grid import SLOT_S, BarGrid, Interval
from algo_trade.data_plane.bar_patience import Patience, Verdict, judge
from algo_trade.data_plane.bar_publisher import BarNotice, BarPublisher, clock_text
from algo_trade.data_plane.handover import Change, Stage, advance
from algo_trade.data_plane.normalise import five_seconds
from algo_trade.data_plane.producers_hist import Backfill, BarSource, HistoricalProducer
from algo_trade.ibkr.answers import Answer, Known, Unknown
from algo_trade.ibkr.errors import Refuse, Retry
from algo_trade.ibkr.events import RealTimeBar
from algo_trade.ibkr.history import HistoricalBar
from algo_trade.ibkr.instruments import Instrument
from algo_trade.ibkr.market_lines import Feed

_NS = 1_000_000_000
# How long after its end a live bar may come before it counts as missing; also how far our clock may be ahead.
_GRACE_S = 10
# History may lag: what it does not have is believed when it has something later, or when this much time has passed.
_HISTORY_LAG_S = 30
# A real gateway tells at most an hour of five-second bars at once. A question ends by the clock, since it may wait for
# minutes until it is sent, and a little later than what is wanted, so that the answer shows how far history has come.
_FILL_MAX_S = 3_540
_FILL_BEYOND_S = 60
_SILENT_S = 60  # live bars come every five seconds: after this their subscription is made again
_OFFLINE_LOOK_S = 1
_DAY_SETTLES_S = 30  # from the close until the day's own bar is asked for
_DAYS_OF = {"S": 1 / 86_400, "D": 1, "W": 7, "M": 31, "Y": 366}


class BarMarket(BarSource, Protocol):
    """Where bars come from, live and past: IBKRMarketClient is one."""

    @property
    def connected(self) -> bool: ...

    def resubscribe(self, symbol: str, feed: Feed) -> None: ...


class BarFollower:
    """`follow` for ever, in a task of its own; `told` is done when the history of every size has been told."""

    def __init__(
        self,
        instrument: Instrument,
        sizes: Sequence[BarDuration],
        duration: str,
        *,
        market: BarMarket,
        history: HistoricalProducer,
        publisher: BarPublisher,
        clock: Clock,
    ) -> None:
        self.instrument = instrument
        self.told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stage = Stage.BACKFILLING
        self._symbol = instrument.symbol
        self._duration = duration
        self._market = market
        self._history = history
        self._publisher = publisher
        self._clock = clock
        self._grid = BarGrid(instrument)
        self._begins_s = self._boundaries(sizes)
        self._pending = list(self._begins_s)
        intraday = [size for size in sizes if size is not BarDuration.D1]
        begins_s = min(self._begins_s[size] for size in intraday) if intraday else 0
        self._assembler = BarAssembler(self._grid, intraday, begins_s)
        self._is_daily = BarDuration.D1 in sizes
        self._day_due_s = self._next_day_due()
        self._joined = False
        self._patience = Patience(self._symbol, lambda: market.connected, publisher, clock)
        self._alive_s = self._now_s()  # when a live bar last came, or was last asked for
        self._woken = asyncio.Event()

    # -- live bars ---------------------------------------------------------------------------------
    def hear(self, bar: RealTimeBar) -> None:
        """Five seconds that have just ended."""
        self._alive_s = self._now_s()
        self._assembler.add(
            FiveSeconds(bar.starts_s, bar.open, bar.high, bar.low, bar.close, bar.volume, live=True)
        )
        self._publish()
        if not self._joined or self._hole() is not None:
            self._woken.set()

    # -- the one task ------------------------------------------------------------------------------
    async def follow(self) -> None:
        """Raises BusError."""
        while True:
            self._woken.clear()
            may_ask = self._market.connected and self._now_s() >= self._patience.retry_s
            hole = self._hole()
            if self._pending:
                if may_ask:
                    await self._backfill(self._pending[0])
                    continue
            elif hole is not None:
                self.stage = advance(self.stage, Change.MISSED)
                if may_ask:
                    await self._fill(hole)
                    continue
            elif self._day_is_due():
                if may_ask:
                    await self._backfill(BarDuration.D1)
                    continue
            else:
                self._caught_up()
            self._keep_alive()
            await self._learn_hours()
            await self._rest()

    async def _rest(self) -> None:
        """Until something may have to be done, or a live bar says so."""
        now_s = self._clock.now_ns() / _NS
        due_s = [now_s + _SILENT_S]
        ends_s = self._assembler.next_end_s()
        if ends_s is not None and ends_s + _GRACE_S > now_s:
            due_s.append(ends_s + _GRACE_S)
        if self._day_due_s is not None and self._day_due_s > now_s:
            due_s.append(self._day_due_s)
        if self._patience.retry_s > now_s:
            due_s.append(self._patience.retry_s)
        if not self._market.connected:
            due_s.append(now_s + _OFFLINE_LOOK_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, min(due_s) - now_s) + 0.05):
                await self._woken.wait()

    def _caught_up(self) -> None:
        self.stage = advance(self.stage, Change.CAUGHT_UP)
        self._joined = self._joined or self._assembler.has_live

    def _keep_alive(self) -> None:
        """Live bars that have gone silent while there is trading are asked for again."""
        now_s = self._now_s()
        session = self._grid.session(now_s)
        if session is None or not self._market.connected or self._assembler.next_end_s() is None:
            return
        if now_s - max(self._alive_s, session.start_s) >= _SILENT_S:
            self._alive_s = now_s
            self._market.resubscribe(self._symbol, Feed.BARS)

    async def _learn_hours(self) -> None:
        """A list of hours ends some days ahead; a client that has reconnected knows more."""
        if self._market.connected and self._grid.close_after(self._now_s()) is None:
            with suppress(Retry, Refuse):
                self._grid.learn((await self._market.resolve(self._symbol)).liquid_hours)
                self._day_due_s = self._day_due_s or self._next_day_due()

    def _hole(self) -> Interval | None:
        if self.stage is Stage.BACKFILLING:
            return None
        now_s = self._now_s()
        if not self._assembler.has_live and now_s < self._alive_s + _GRACE_S:
            return None  # the first live bar says where history may end
        settled_s = (now_s - _GRACE_S) // SLOT_S * SLOT_S
        return self._assembler.hole(settled_s, eager=not self._joined)

    def _publish(self) -> None:
        if self.stage is not Stage.BACKFILLING:
            self._publisher.publish(self.instrument, self._assembler.take())

    # -- history -----------------------------------------------------------------------------------
    def _boundaries(self, sizes: Sequence[BarDuration]) -> dict[BarDuration, int]:
        """By size, where history ends and assembly begins: at the bar that was under way a moment ago."""
        at_s = self._now_s() - _HISTORY_LAG_S
        in_session = self._grid.session(at_s) is not None
        return {
            size: self._grid.interval(size, at_s).start_s
            if in_session and size is not BarDuration.D1
            else at_s
            for size in sizes
        }

    async def _backfill(self, size: BarDuration) -> None:
        after_s = self._publisher.watermark_s(self._symbol, size)
        is_first = size in self._pending
        if after_s is None and self._day_due_s is not None and not is_first:
            after_s = self._day_due_s - _DAY_SETTLES_S - 1  # the day that is over, not those history had not
        until_s = self._begins_s[size] if is_first else self._now_s() - _GRACE_S
        try:
            result = await self._history.backfill(
                self._symbol,
                size=size,
                duration=_covering(self._duration if is_first else "2 D", after_s, self._now_s()),
                after_s=after_s,
                until_s=until_s,
                grid=self._grid,
            )
        except (Retry, Refuse) as error:
            result = Backfill(unknown=Unknown(str(error)))
        if result.newest_close_s is not None:
            self._publisher.note(self._symbol, size, result.newest_close_s)
        unknown = result.unknown
        if unknown is None and not is_first and not self._has_day():
            unknown = Unknown("the day that is over is not in it")
        if unknown is None:
            await self._patience.answered()
        elif not await self._patience.gives_up(unknown, f"{size.value} history"):
            return
        if result.gaps:
            await self._publisher.tell(_gaps_notice(self._symbol, size, result.gaps))
        if not is_first:
            self._day_due_s = self._next_day_due()
            return
        self._pending.remove(size)
        if not self._pending:
            self.stage = advance(self.stage, Change.HISTORY_TOLD)
            self._publish()
            self.told.set_result(None)

    # -- the bar of a day: from history only -------------------------------------------------------
    def _day_is_due(self) -> bool:
        return self._day_due_s is not None and self._now_s() >= self._day_due_s

    def _has_day(self) -> bool:
        newest_s = self._publisher.watermark_s(self._symbol, BarDuration.D1)
        return newest_s is not None and self._day_due_s == newest_s + _DAY_SETTLES_S

    def _next_day_due(self) -> int | None:
        close_s = self._grid.close_after(self._now_s() - _GRACE_S) if self._is_daily else None
        return None if close_s is None else close_s + _DAY_SETTLES_S

    async def _fill(self, hole: Interval) -> None:
        """Ask history for what is missing, an hour at most; take what it has, and give up what it says it has not."""
        until_s = min(hole.end_s, hole.start_s + _FILL_MAX_S)
        answer = await self._ask(hole.start_s, until_s + _FILL_BEYOND_S)
        if isinstance(answer, Unknown):
            if await self._patience.gives_up(answer, "five-second history"):
                await self._concede(hole.start_s, min(until_s, self._now_s() - _GRACE_S))
            return
        await self._patience.answered()
        seconds = [bar for row in answer.rows if (bar := five_seconds(row)) is not None]
        for bar in seconds:
            if hole.start_s <= bar.start_s < until_s:
                self._assembler.add(bar)
        newest_s = max((bar.start_s + SLOT_S for bar in seconds), default=0)
        await self._concede(hole.start_s, min(until_s, max(newest_s, self._now_s() - _HISTORY_LAG_S)))
        still = self._hole()
        if still is not None and still.start_s < until_s:
            self._patience.wait()

    async def _ask(self, from_s: int, until_s: int) -> Answer[HistoricalBar]:
        end = f"{utc(until_s * _NS):%Y%m%d-%H:%M:%S}"
        try:
            self._grid.learn((await self._market.resolve(self._symbol)).liquid_hours)
            answer = await self._market.request_hist(
                self._symbol, f"{until_s - from_s} S", BarDuration.S5.value, end=end
            )
        except (Retry, Refuse) as error:
            return Unknown(str(error))
        if isinstance(answer, Unknown) and judge(answer) is Verdict.NO_DATA:
            return Known(())  # of these moments; what is missing is told where it is conceded
        return answer

    async def _concede(self, from_s: int, until_s: int) -> None:
        missing = self._assembler.concede(until_s)
        self._publish()
        if missing:
            between = f"between {clock_text(from_s)} and {clock_text(until_s)}"
            text = f"{missing} five-second bar(s) {between} are not to be had"
            data = {"from_s": from_s, "until_s": until_s, "missing": missing}
            await self._publisher.tell(BarNotice(self._symbol, "bars_missing", text, data={**data}))

    def _now_s(self) -> int:
        return self._clock.now_ns() // _NS


def _covering(duration: str, after_s: int | None, now_s: int) -> str:
    """The duration asked for, or the days since the watermark where these are more."""
    if after_s is None:
        return duration
    count, _, unit = duration.partition(" ")
    days = (now_s - after_s) // 86_400 + 2
    return f"{days} D" if days > int(count) * _DAYS_OF[unit] and days > 2 else duration


def _gaps_notice(symbol: str, size: BarDuration, gaps: Sequence[Interval]) -> BarNotice:
    first = gaps[0]
    text = (
        f"{size.value} history has {len(gaps)} gap(s), the first between {clock_text(first.start_s)} and "
        f"{clock_text(first.end_s)}"
    )
    return BarNotice(symbol, "history_gaps", text, data={"size": size.value, "gaps": len(gaps)})
