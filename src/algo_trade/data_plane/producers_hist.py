"""The historical producer: bars of the gateway in, BarEvents and dead letters out.

Bars are published when they have closed: the last one of an answer is usually still being made, and would tell
less than its final self under the same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from algo_trade.bus import Bus, DataPlaneValidator, DeadLetterOffice, Invalid, Origin
from algo_trade.clock import Clock, from_utc
from algo_trade.contracts import BarDuration, BarEvent
from algo_trade.data_plane.normalise import bar_bytes, bar_fields
from algo_trade.data_plane.producers_rt import MARKET_EVENTS
from algo_trade.ibkr.answers import Answer, Unknown
from algo_trade.ibkr.history import HistoricalBar
from algo_trade.ibkr.instruments import Instrument


class BarSource(Protocol):
    """Where history comes from: IBKRMarketClient is one."""

    async def resolve(self, symbol: str) -> Instrument: ...

    async def request_hist(self, symbol: str, duration: str, bar_size: str) -> Answer[HistoricalBar]:
        """Bars of `duration` (an IBKR duration such as "1 D") up to now, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Backfill:
    """What became of one request. `unknown` says why there is no complete answer: that is not "no bars"."""

    published: int
    dead_lettered: int
    unfinished: int
    unknown: str | None = None


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

    async def backfill(self, symbol: str, *, size: BarDuration, duration: str) -> Backfill:
        """Publish the closed bars of the last `duration`; durable when it returns. Raises BusError, IBKRError."""
        instrument = await self._source.resolve(symbol)
        answer = await self._source.request_hist(symbol, duration, size.value)
        if isinstance(answer, Unknown):
            return Backfill(0, 0, 0, unknown=answer.reason)
        published = dead_lettered = unfinished = 0
        for bar in answer.rows:
            try:
                event = self._event(bar, instrument, size)
            except Invalid as invalid:
                await self._put_aside(bar, instrument, invalid)
                dead_lettered += 1
                continue
            if from_utc(event.timestamp) > self._clock.now_ns():
                unfinished += 1
                continue
            self._bus.append(MARKET_EVENTS, event, key=str(instrument.con_id))
            published += 1
        await self._bus.flush()
        return Backfill(published, dead_lettered, unfinished)

    def _event(self, bar: HistoricalBar, instrument: Instrument, size: BarDuration) -> BarEvent:
        number, self._next_number = self._next_number, self._next_number + 1
        try:
            fields = bar_fields(
                bar,
                symbol=instrument.symbol,
                size=size,
                currency=instrument.currency,
                exchange=instrument.primary_exchange,
                producer_id=self._producer_id,
                sequence_number=number,
            )
        except ValueError as error:
            raise Invalid((str(error),)) from None
        return self._validator.build(BarEvent, fields)

    async def _put_aside(self, bar: HistoricalBar, instrument: Instrument, invalid: Invalid) -> None:
        origin = Origin(MARKET_EVENTS, str(instrument.con_id), bar_bytes(bar), self._clock.now_ns())
        await self._dead_letters.send(origin, invalid.reasons, self._validator.name)
