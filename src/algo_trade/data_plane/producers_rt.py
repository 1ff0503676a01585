"""The real-time producer: quotes and trades of the gateway in; market_raw, market_events and dead letters out.

Every tick is written to market_raw as it came and becomes exactly one of two things: a TickEvent, or a dead letter
that says all that was wrong. Both take the producer's next sequence number, so a gap in the numbers of market_events
is a dead letter. A trade is an event of its own, beside the quote that stands. Where none stands (before the first
one, after one that could not be read, or when quotes have gone silent) it waits: the next quote tells it as the last
trade. So `received == processed + dead_lettered + waited` holds after every batch. Parts of a sampled quote are only
kept as they came.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pydantic import JsonValue

from algo_trade.bus import Bus, DataPlaneValidator, DeadLetterOffice, Invalid
from algo_trade.clock import Clock, utc
from algo_trade.contracts import SessionEvent, SessionEventKind, Severity, TickEvent
from algo_trade.data_plane.normalise import tick_fields
from algo_trade.data_plane.quality import QualityLimits, QualityMonitor, QualityNotice
from algo_trade.ibkr.events import Plane, TickBidAsk, TickLast, TickNote, TopOfBook, Undecodable

MARKET_RAW = "market_raw"
MARKET_EVENTS = "market_events"
SESSION_EVENTS = "session_events"
_SYMBOL_LENGTH_MAX = 20  # characters, as the contracts have it

Tick = TickBidAsk | TickLast | TopOfBook | TickNote | Undecodable


class TickSource(Protocol):
    """Where quotes come from: IBKRMarketClient is one."""

    def ticks(self) -> AsyncIterator[Sequence[Tick]]:
        """What arrived since the last batch, in order, until the source is closed."""
        ...


@dataclass(slots=True)
class ProducerCounts:
    """Quotes and trades since the producer was made: received == processed + dead_lettered + waited."""

    received: int = 0
    processed: int = 0
    dead_lettered: int = 0
    waited: int = 0  # trades without a quote to stand beside, told with the next one


class RealTimeProducer:
    """`run` and `watch` are two tasks of one producer; `run` ends with the source, `watch` when cancelled."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        source: TickSource,
        *,
        session_id: str,
        limits: QualityLimits | None = None,
        producer_id: str = "rt",
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._source = source
        self._session_id = session_id
        self._limits = limits or QualityLimits()
        self._producer_id = producer_id
        self._monitor = QualityMonitor(self._limits)
        self._validator = DataPlaneValidator()
        self._dead_letters = DeadLetterOffice(bus)
        self._next_number = 0
        self.counts = ProducerCounts()

    def expect(self, symbols: Iterable[str]) -> None:
        """These should tick from now on; one that never does is silent."""
        self._monitor.expect(symbols, self._clock.monotonic_ns())

    def stale_symbols(self) -> list[str]:
        """Symbols whose newest quote is not to be trusted: silent for too long, or a tick could not be read."""
        return self._monitor.stale_symbols()

    async def run(self) -> None:
        """Take batches until the source ends. Raises BusError."""
        async for batch in self._source.ticks():
            await self.take(batch)

    async def watch(self) -> None:
        """Tell of symbols that have gone quiet, within a quarter of the limit. Raises BusError."""
        while True:
            await asyncio.sleep(self._limits.stale_after_s / 4)
            for notice in self._monitor.silent(self._clock.monotonic_ns()):
                await self._tell(notice)

    async def take(self, batch: Sequence[Tick]) -> None:
        """Publish one batch. Raises BusError; then the rest of the batch is neither event nor dead letter."""
        heard_mono_ns = self._clock.monotonic_ns()
        for tick in batch:
            if isinstance(tick, TickBidAsk):
                self.counts.received += 1
                await self._take_quote(tick, heard_mono_ns)
            elif isinstance(tick, TickLast):
                self.counts.received += 1
                await self._take_trade(tick, heard_mono_ns)
            elif isinstance(tick, Undecodable):
                self.counts.received += 1
                await self._take_undecodable(tick, heard_mono_ns)
            else:
                self._bus.append(MARKET_RAW, tick.raw, key=str(tick.con_id))
        await self._bus.drain()

    async def _take_quote(self, tick: TickBidAsk, heard_mono_ns: int) -> None:
        feed = self._monitor.feed(tick.symbol, heard_mono_ns)
        feed.heard_mono_ns = heard_mono_ns
        key = str(tick.con_id)
        fields = tick_fields(
            tick,
            feed.last,
            freshness_ms=feed.age_ms(tick.arrival_ns),
            completeness=feed.completeness(),
            producer_id=self._producer_id,
            sequence_number=self._take_number(),
        )
        feed.seen += 1
        try:
            event = self._validator.build(TickEvent, fields)
        except Invalid as invalid:
            feed.quote = None
            await self._put_aside(tick.raw, key, invalid.reasons)
            notice = self._monitor.on_unreadable(feed, "; ".join(invalid.reasons))
            if notice is not None:
                await self._tell(notice)
            return
        feed.accepted += 1
        feed.quote = tick
        self._bus.append(MARKET_RAW, tick.raw, key=key)
        self._bus.append(MARKET_EVENTS, event, key=key)
        self.counts.processed += 1
        notices = self._monitor.on_tick(feed, tick.time_s, tick.arrival_ns)
        if notices is not None:
            for notice in notices:
                await self._tell(notice)

    async def _take_trade(self, tick: TickLast, heard_mono_ns: int) -> None:
        """It neither makes a quote fresh nor ends its silence: another subscription brings it."""
        feed = self._monitor.feed(tick.symbol, heard_mono_ns)
        key = str(tick.con_id)
        if feed.quote is None or self._monitor.is_silent(feed, heard_mono_ns):
            self._bus.append(MARKET_RAW, tick.raw, key=key)
            feed.last = tick
            self.counts.waited += 1
            return
        fields = tick_fields(
            replace(feed.quote, arrival_ns=tick.arrival_ns),
            tick,
            freshness_ms=feed.age_ms(tick.arrival_ns),
            completeness=feed.completeness(),
            producer_id=self._producer_id,
            sequence_number=self._take_number(),
        )
        try:
            event = self._validator.build(TickEvent, fields)
        except Invalid as invalid:
            await self._put_aside(tick.raw, key, invalid.reasons)
            return
        feed.last = tick
        self._bus.append(MARKET_RAW, tick.raw, key=key)
        self._bus.append(MARKET_EVENTS, event, key=key)
        self.counts.processed += 1

    async def _take_undecodable(self, tick: Undecodable, heard_mono_ns: int) -> None:
        self._take_number()
        reason = f"message {tick.message_id}: {tick.reason}"
        await self._put_aside(tick.raw, tick.symbol, (reason,))
        if tick.plane is not Plane.MARKET:
            return
        # A quote of we do not know which symbol is missing: then none of them can be trusted.
        known = self._monitor.feeds()
        feeds = known if tick.symbol is None else [self._monitor.feed(tick.symbol, heard_mono_ns)]
        for feed in feeds:
            feed.seen += 1
            feed.quote = None
            notice = self._monitor.on_unreadable(feed, tick.reason)
            if notice is not None:
                await self._tell(notice)

    def _take_number(self) -> int:
        number = self._next_number
        self._next_number = number + 1
        return number

    async def _put_aside(self, raw: bytes, key: str | None, reasons: tuple[str, ...]) -> None:
        """The raw message is published, not appended, so that the dead letter can say where it stands."""
        record = await self._bus.publish(MARKET_RAW, raw, key=key)
        await self._dead_letters.send(record, reasons, self._validator.name)
        self.counts.dead_lettered += 1

    async def _tell(self, notice: QualityNotice) -> None:
        data: dict[str, JsonValue] = {"trouble": notice.trouble.value, "begins": notice.begins}
        if notice.value_s is not None:
            data["value_s"] = notice.value_s
        event = SessionEvent(
            timestamp=utc(self._clock.now_ns()),
            session_id=self._session_id,
            kind=SessionEventKind.DATA_QUALITY,
            severity=Severity.WARNING if notice.begins else Severity.INFO,
            # What a quote was refused for may be its symbol.
            symbol=notice.symbol if 0 < len(notice.symbol) <= _SYMBOL_LENGTH_MAX else None,
            text=notice.text,
            data=data,
        )
        await self._bus.publish(SESSION_EVENTS, event, key=self._session_id)
