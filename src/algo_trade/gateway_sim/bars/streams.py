"""Bars that are subscribed: five-second bars as they end, and historical bars kept up to date with them.

One timer a symbol rings at each multiple of five seconds while anybody listens. Nothing is sent while the exchange is
closed, since no bar ends then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from algo_trade.clock import Clock
from algo_trade.gateway_sim.bars.columns import Bar
from algo_trade.gateway_sim.bars.history import Named, Query, SymbolBars
from algo_trade.gateway_sim.bars.recorder import STEP_S
from algo_trade.gateway_sim.bars.sizes import Unit, What
from algo_trade.gateway_sim.hours import eastern_text
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.layout import Value
from algo_trade.gateway_sim.wire.values import money_text

_NS = 1_000_000_000

Send = Callable[[bytes], None]


def bar_values(bar: Bar) -> dict[str, Value]:
    """What all messages about a bar tell."""
    return {
        "open": money_text(bar.open),
        "high": money_text(bar.high),
        "low": money_text(bar.low),
        "close": money_text(bar.close),
        "volume": bar.volume,
        "average": money_text(bar.average),
        "trades": bar.trades,
    }


def date_text(named: Named, query: Query, *, as_epoch: bool) -> str:
    """A bar's name: its day for days and longer, else its beginning, as epoch seconds or in New York."""
    if query.size.unit is not Unit.SECONDS:
        return f"{named.day:%Y%m%d}"
    return str(named.bar.start_s) if as_epoch else eastern_text(named.bar.start_s * _NS)


class BarStream(Protocol):
    """A subscription to bars of one symbol."""

    def ended(self, bars: SymbolBars, until_s: int) -> None:
        """The five seconds before `until_s` are over."""


class RealTimeBars:
    """Message 50 at the end of every five seconds in which there was a bar."""

    def __init__(self, request_id: int, version: int, what: What, send: Send) -> None:
        self._request_id = request_id
        self._version = version
        self._what = what
        self._send = send

    def ended(self, bars: SymbolBars, until_s: int) -> None:
        bar = bars.last_interval(self._what, until_s)
        if bar is not None:
            values = {"reqId": self._request_id, "time": bar.start_s, **bar_values(bar)}
            self._send(replies.REALTIME_BAR.encode(self._version, values))


class KeptUpToDate:
    """Message 90 every five seconds: the bar under way, whole."""

    def __init__(self, request_id: int, version: int, query: Query, *, as_epoch: bool, send: Send) -> None:
        self._request_id = request_id
        self._version = version
        self._query = query
        self._as_epoch = as_epoch
        self._send = send

    def ended(self, bars: SymbolBars, until_s: int) -> None:
        named = bars.running(self._query, until_s)
        if named is not None:
            date = date_text(named, self._query, as_epoch=self._as_epoch)
            values = {"reqId": self._request_id, "date": date, **bar_values(named.bar)}
            self._send(replies.HISTORICAL_DATA_UPDATE.encode(self._version, values))


class BarBroadcast:
    """All subscriptions to bars of one symbol, and their timer."""

    def __init__(self, bars: SymbolBars, clock: Clock) -> None:
        self.bars = bars
        self._clock = clock
        self._streams: list[BarStream] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, stream: BarStream) -> None:
        """From the five seconds under way on."""
        self._streams.append(stream)
        if self._timer is None:
            now_ns = self._clock.now_ns()
            self.bars.recorder.settle(now_ns // _NS)
            self._set_timer(now_ns // _NS // STEP_S * STEP_S + STEP_S)

    def remove(self, stream: BarStream) -> None:
        self._streams = [other for other in self._streams if other is not stream]
        if not self._streams and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self, until_s: int) -> None:
        wait_s = max(0, until_s * _NS - self._clock.now_ns()) / 1e9
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._ring, until_s)

    def _ring(self, until_s: int) -> None:
        self._set_timer(until_s + STEP_S)
        self.bars.recorder.settle(until_s)
        for stream in self._streams:
            stream.ended(self.bars, until_s)
