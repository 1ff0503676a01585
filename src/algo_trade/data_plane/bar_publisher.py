"""Bars that are over, onto the bus: each close once and in order, whatever asked for it.

The newest close of each symbol and size is the watermark. It is read back from market_events, so a restart publishes
nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from algo_trade.bus import Bus, DataPlaneValidator, Invalid
from algo_trade.clock import Clock, from_utc, utc
from algo_trade.contracts import (
    BarDuration,
    BarEvent,
    DataSource,
    SessionEvent,
    SessionEventKind,
    Severity,
)
from algo_trade.data_plane.bar_assembly import ClosedBar
from algo_trade.data_plane.normalise import bar_fields
from algo_trade.data_plane.producers_rt import MARKET_EVENTS, SESSION_EVENTS
from algo_trade.ibkr.instruments import Instrument

_NS = 1_000_000_000
_BAR_MARK = f'"event_type":"{BarEvent.EVENT_TYPE}"'.encode()


@dataclass(frozen=True, slots=True)
class BarNotice:
    """Something about a symbol's bars that a reader of the log should know. `data` is for machines."""

    symbol: str
    trouble: str
    text: str
    severity: Severity = Severity.WARNING
    data: dict[str, JsonValue] = field(default_factory=dict)


class BarPublisher:
    """Everything about bars that goes onto the bus, but for history's own producer."""

    def __init__(self, bus: Bus, clock: Clock, *, session_id: str, producer_id: str) -> None:
        self._bus = bus
        self._clock = clock
        self._session_id = session_id
        self._producer_id = producer_id
        self._validator = DataPlaneValidator()
        self._next_number = 0
        self._watermarks_s: dict[tuple[str, BarDuration], int] = {}
        self._recovered = False
        self.published = 0

    async def recover(self) -> None:
        """Read the watermarks back from the log, once. Raises BusError."""
        if self._recovered:
            return
        self._recovered = True
        async for record in self._bus.replay(MARKET_EVENTS):
            if _BAR_MARK in record.value:
                try:
                    event = self._validator.validate_any(record)
                except Invalid:
                    continue  # not one of ours, which were all valid
                if isinstance(event, BarEvent) and event.bar_duration is not None:
                    self.note(event.symbol, event.bar_duration, _epoch_s(event.timestamp))

    def watermark_s(self, symbol: str, size: BarDuration) -> int | None:
        """The newest close that was published, UTC epoch seconds."""
        return self._watermarks_s.get((symbol, size))

    def note(self, symbol: str, size: BarDuration, close_s: int) -> None:
        """A bar with this close was published."""
        self._watermarks_s[symbol, size] = max(close_s, self._watermarks_s.get((symbol, size), close_s))

    def publish(self, instrument: Instrument, bars: Iterable[ClosedBar]) -> None:
        """Append what was not published before and has prices, in one go: nobody's bars come between."""
        for bar in bars:
            close_s = bar.interval.end_s
            before_s = self.watermark_s(instrument.symbol, bar.size)
            if not bar.present or (before_s is not None and close_s <= before_s):
                continue
            self._bus.append(MARKET_EVENTS, self._event(instrument, bar), key=str(instrument.con_id))
            self.note(instrument.symbol, bar.size, close_s)
            self.published += 1

    def _event(self, instrument: Instrument, bar: ClosedBar) -> BarEvent:
        late_ms = (self._clock.now_ns() - bar.interval.end_s * _NS) // 1_000 / 1_000
        quality = {
            "completeness_score": round(bar.present / bar.expected, 4),
            "freshness_ms": max(0.0, late_ms),
            "source": DataSource.IBKR_REALTIME if bar.live else DataSource.IBKR_HISTORICAL,
        }
        number, self._next_number = self._next_number, self._next_number + 1
        fields = bar_fields(
            instrument,
            bar.size,
            bar.interval.end_s,
            bar.prices,
            bar.volume,
            quality=quality,
            producer_id=self._producer_id,
            sequence_number=number,
        )
        return self._validator.build(BarEvent, fields)

    async def tell(self, notice: BarNotice) -> None:
        """Into session_events. Raises BusError."""
        event = SessionEvent(
            timestamp=utc(self._clock.now_ns()),
            session_id=self._session_id,
            kind=SessionEventKind.DATA_QUALITY,
            severity=notice.severity,
            symbol=notice.symbol,
            text=f"{notice.symbol}: {notice.text}",
            data={"trouble": notice.trouble, **notice.data},
        )
        await self._bus.publish(SESSION_EVENTS, event, key=self._session_id)


def clock_text(at_s: int) -> str:
    """A moment in notices: UTC, to the second."""
    return f"{utc(at_s * _NS):%Y-%m-%d %H:%M:%S} UTC"


def _epoch_s(moment: datetime) -> int:
    return from_utc(moment) // _NS
