"""Bars as a strategy gets them: history first, then every bar as it closes, without gap, overlap or repetition.

    feed = BarFeed(bus, clock, handler.market, session_id=session_id)
    running = create_task(feed.run())
    await feed.start("SPY", (BarDuration.M1, BarDuration.D1), "1 D")

`start` returns when the history of the symbol has been told; `run` ends with the source. How history and live bars are
joined is in `handover`. One task a symbol does the asking, since it may wait minutes for the historical pacing; live
bars are published by the reader, at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol

from algo_trade.bus import MAX_RECORD_BYTES, Bus, DataPlaneValidator, DeadLetterOffice, Invalid
from algo_trade.clock import Clock
from algo_trade.contracts import BarDuration, BarEvent
from algo_trade.data_plane.bar_follower import BarFollower, BarMarket
from algo_trade.data_plane.bar_grid import LENGTHS_S
from algo_trade.data_plane.bar_publisher import BarNotice, BarPublisher
from algo_trade.data_plane.normalise import bar_fields
from algo_trade.data_plane.producers_hist import HistoricalProducer
from algo_trade.data_plane.producers_rt import MARKET_RAW
from algo_trade.ibkr.events import HistoricalBars, RealTimeBar, Undecodable
from algo_trade.ibkr.instruments import Instrument

BarMessage = RealTimeBar | HistoricalBars | Undecodable


class LiveBars(BarMarket, Protocol):
    """What the feed needs of a market client: IBKRMarketClient is one."""

    async def subscribe_bars(self, symbol: str) -> Instrument: ...

    async def unsubscribe_bars(self, symbol: str) -> None: ...

    def bars(self) -> AsyncIterator[Sequence[BarMessage]]:
        """What arrived since the last batch, in order, until the source is closed."""
        ...


class BarFeed:
    """The bars of any number of symbols. Order of `run` and `start` does not matter, but live bars need both."""

    def __init__(self, bus: Bus, clock: Clock, market: LiveBars, *, session_id: str) -> None:
        self._bus = bus
        self._clock = clock
        self._market = market
        self._validator = DataPlaneValidator()
        self._dead_letters = DeadLetterOffice(bus)
        self._history = HistoricalProducer(bus, clock, market)
        self._publisher = BarPublisher(bus, clock, session_id=session_id, producer_id="bars")
        self._followers: dict[str, BarFollower] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self, symbol: str, sizes: Iterable[str], history_duration: str) -> None:
        """Publish the closed bars of `history_duration` (an IBKR duration), then each bar of `sizes` as it closes.

        `sizes` are BarDurations, as such or as text.

        Returns when history has been told, or that there is none. Raises InstrumentRefused or NotConnected, Refuse when
        all lines are taken, BusError.
        """
        wanted = sorted(set(map(BarDuration, sizes)), key=lambda size: LENGTHS_S.get(size, 86_400))
        if symbol in self._followers or not wanted:
            raise ValueError(f"{symbol}: bars are started once, with at least one size")
        await self._publisher.recover()
        instrument = await self._market.resolve(symbol)
        if wanted != [BarDuration.D1]:
            await self._market.subscribe_bars(symbol)
        follower = self._followers[symbol] = BarFollower(
            instrument,
            wanted,
            history_duration,
            market=self._market,
            history=self._history,
            publisher=self._publisher,
            clock=self._clock,
        )
        task = self._tasks[symbol] = asyncio.get_running_loop().create_task(follower.follow())
        task.add_done_callback(lambda ended: self._ended(ended, follower))
        await asyncio.shield(follower.told)

    async def stop(self, symbol: str) -> None:
        """No more bars of a symbol; one under way is not published."""
        self._followers.pop(symbol, None)
        task = self._tasks.pop(symbol, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._market.unsubscribe_bars(symbol)

    async def run(self) -> None:
        """Read until the source ends. Raises BusError, from the reader or from any symbol's task."""
        reading = asyncio.get_running_loop().create_task(self._read())
        try:
            await asyncio.wait({reading, self._failed}, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                await self._failed
            await reading
        finally:
            for task in (reading, *self._tasks.values()):
                task.cancel()
            await asyncio.gather(reading, *self._tasks.values(), return_exceptions=True)

    def _ended(self, task: asyncio.Task[None], follower: BarFollower) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._failed.done():
            self._failed.set_exception(error)
            self._failed.exception()  # looked at in `run`, if that still runs
        if not follower.told.done():
            if error is None:
                follower.told.cancel()
            else:
                follower.told.set_exception(error)

    # -- what arrives ------------------------------------------------------------------------------
    async def _read(self) -> None:
        async for batch in self._market.bars():
            for message in batch:
                await self._take(message)
            await self._bus.drain()

    async def _take(self, message: BarMessage) -> None:
        if isinstance(message, RealTimeBar):
            await self._take_bar(message)
        elif isinstance(message, Undecodable):
            await self._put_aside(
                message.raw, message.symbol, (f"message {message.message_id}: {message.reason}",)
            )
        elif len(message.raw) <= MAX_RECORD_BYTES:
            self._bus.append(MARKET_RAW, message.raw, key=str(message.con_id))
        else:
            text = f"an answer of {len(message.raw)} bytes with historical bars is too large for {MARKET_RAW}"
            await self._publisher.tell(BarNotice(message.symbol, "raw_too_large", text))

    async def _take_bar(self, bar: RealTimeBar) -> None:
        """A bar that could be none becomes a dead letter, and what is missing then comes from history."""
        follower = self._followers.get(bar.symbol)
        if follower is None:
            return  # late: nobody wants it any more
        try:
            self._check(bar, follower.instrument)
        except Invalid as invalid:
            await self._put_aside(bar.raw, str(bar.con_id), invalid.reasons)
            return
        self._bus.append(MARKET_RAW, bar.raw, key=str(bar.con_id))
        follower.hear(bar)

    def _check(self, bar: RealTimeBar, instrument: Instrument) -> None:
        fields = bar_fields(
            instrument,
            BarDuration.S5,
            bar.starts_s + LENGTHS_S[BarDuration.S5],
            (bar.open, bar.high, bar.low, bar.close),
            bar.volume,
            quality={},
            producer_id="bars",
            sequence_number=0,
        )
        self._validator.build(BarEvent, fields)

    async def _put_aside(self, raw: bytes, key: str | None, reasons: tuple[str, ...]) -> None:
        record = await self._bus.publish(MARKET_RAW, raw, key=key)
        await self._dead_letters.send(record, reasons, self._validator.name)
