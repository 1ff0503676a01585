"""The historical producer: bars of the gateway in, BarEvents and dead letters out.

Bars are published when they have closed: the last one of an answer is usually still being made, and would tell
less than its final self under the same name. What was published before is left out by its close, so asking again after
a restart repeats nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from algo_trade.bus import Bus, DataPlaneValidator, DeadLetterOffice, Invalid, Origin
from algo_trade.clock import Clock
from algo_trade.contracts import BarDuration, BarEvent, DataSource
from algo_trade.data_plane.bar_grid import BarGrid, Interval
from algo_trade.data_plane.normalise import bar_bytes, bar_fields
from algo_trade.data_plane.producers_rt import MARKET_EVENTS
from algo_trade.ibkr.answers import Answer, Unknown
from algo_trade.ibkr.history import HistoricalBar
from algo_trade.ibkr.instruments import Instrument

_NS = 1_000_000_000


class BarSource(Protocol):
    """Where history comes from: IBKRMarketClient is one."""

    async def resolve(self, symbol: str) -> Instrument: ...

    async def request_hist(
        self, symbol: str, duration: str, bar_size: str, *, end: str = ""
    ) -> Answer[HistoricalBar]:
        """Bars of `duration` (an IBKR duration such as "1 D") up to `end` or now, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Backfill:
    """What became of one request. `unknown` is an answer that is none: that is not "no bars".

    `known` bars had been published before. `gaps` are stretches of a day between published bars, those known before
    included, that have none.
    """

    published: int = 0
    dead_lettered: int = 0
    unfinished: int = 0
    known: int = 0
    newest_close_s: int | None = None
    gaps: tuple[Interval, ...] = ()
    unknown: Unknown | None = None


class HistoricalProducer:
    """Requests bars of a symbol and publishes them to market_events, keyed like its quotes."""

    def __init__(self, bus: Bus, clock: Clock, source: BarSource, *, producer_id: str = "hist") -> None:
        self._bus = bus
        self._clock = clock
        self._source = source
        self._producer_id = producer_id
        self._validator = DataPlaneValidator()
        self._dead_letters = DeadLetterOffice(bus)
        self._next_number = 0

    async def backfill(
        self,
        symbol: str,
        *,
        size: BarDuration,
        duration: str,
        after_s: int | None = None,
        until_s: int | None = None,
        grid: BarGrid | None = None,
    ) -> Backfill:
        """Publish the bars of the last `duration` that closed after `after_s` and at `until_s` or before.

        Both are UTC epoch seconds; None means from the beginning, and until now. Durable when it returns. `grid` knows
        more sessions than the instrument may list now. Raises BusError, IBKRError.
        """
        instrument = await self._source.resolve(symbol)
        answer = await self._source.request_hist(symbol, duration, size.value)
        if isinstance(answer, Unknown):
            return Backfill(unknown=answer)
        until_s = self._clock.now_ns() // _NS if until_s is None else until_s
        grid = grid or BarGrid(instrument)
        published = dead_lettered = unfinished = known = 0
        newest_s, gaps = after_s, list[Interval]()
        for bar in answer.rows:
            try:
                close_s, event = self._event(bar, instrument, size, grid)
            except Invalid as invalid:
                await self._put_aside(bar, instrument, invalid)
                dead_lettered += 1
                continue
            if close_s > until_s:
                unfinished += 1
            elif newest_s is not None and close_s <= newest_s:
                known += 1
            else:
                if newest_s is not None and size is not BarDuration.D1:
                    gaps += _gap(grid, newest_s, grid.interval(size, int(bar.starts)).start_s)
                self._bus.append(MARKET_EVENTS, event, key=str(instrument.con_id))
                published += 1
                newest_s = close_s
        await self._bus.flush()
        return Backfill(published, dead_lettered, unfinished, known, newest_s, tuple(gaps))

    def _event(
        self, bar: HistoricalBar, instrument: Instrument, size: BarDuration, grid: BarGrid
    ) -> tuple[int, BarEvent]:
        number, self._next_number = self._next_number, self._next_number + 1
        try:
            close_s = grid.close_s(bar.starts, size)
        except ValueError as error:
            raise Invalid((str(error),)) from None
        fields = bar_fields(
            instrument,
            size,
            close_s,
            (bar.open, bar.high, bar.low, bar.close),
            bar.volume,
            quality={"source": DataSource.IBKR_HISTORICAL},
            producer_id=self._producer_id,
            sequence_number=number,
        )
        return close_s, self._validator.build(BarEvent, fields)

    async def _put_aside(self, bar: HistoricalBar, instrument: Instrument, invalid: Invalid) -> None:
        origin = Origin(MARKET_EVENTS, str(instrument.con_id), bar_bytes(bar), self._clock.now_ns())
        await self._dead_letters.send(origin, invalid.reasons, self._validator.name)


def _gap(grid: BarGrid, closed_s: int, starts_s: int) -> list[Interval]:
    """What lies between two bars of one day, if anything does. Nights and weekends are no gaps."""
    if starts_s > closed_s and grid.same_day(closed_s - 1, starts_s):
        return [Interval(closed_s, starts_s)]
    return []
