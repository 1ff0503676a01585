"""A gateway of bars made for one purpose: to lose, delay and refuse them; and what bars there ought to be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from algo_trade.bus import EmbeddedBus
from algo_trade.clock import VIRTUAL_START_NS, Clock, SeededIds, rng, run_virtual
from algo_trade.contracts import BarDuration, BarEvent, SessionEvent
from algo_trade.data_plane import BarFeed
from algo_trade.ibkr.answers import Answer, Known, Unknown
from algo_trade.ibkr.events import HistoricalBars, RealTimeBar, Undecodable
from algo_trade.ibkr.history import HistoricalBar
from algo_trade.ibkr.instruments import Instrument, parse_hours
from algo_trade.ibkr.market_lines import Feed

OPEN_S = VIRTUAL_START_NS // 1_000_000_000  # 9:30 in New York
NEW_YORK = ZoneInfo("America/New_York")
HOURS = "20260302:0930-20260302:1600;20260303:0930-20260303:1600"
STEPS_S = {"5s": 5, "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14400}
SESSIONS = [
    (OPEN_S + day * 86_400, OPEN_S + day * 86_400 + 23_400) for day in (-3, 0, 1)
]  # Friday, Monday, Tuesday


class Row(NamedTuple):
    open: float
    high: float
    low: float
    close: float
    volume: float


@cache
def truth(slot_s: int) -> Row:
    """What happened in the five seconds from here on: the same whoever asks."""
    draw = rng(1, "truth", str(slot_s))
    opening, close = (round(500 + draw.random() * 10, 2) for _ in range(2))
    return Row(
        opening, max(opening, close) + 0.5, min(opening, close) - 0.5, close, float(draw.randrange(1000))
    )


def joined(rows: Sequence[Row]) -> Row:
    return Row(
        rows[0].open,
        max(row.high for row in rows),
        min(row.low for row in rows),
        rows[-1].close,
        sum(row.volume for row in rows),
    )


def groups(step_s: int, from_s: int, until_s: int) -> list[tuple[int, int, list[int]]]:
    """Start, end and slots of every bar, by the clock on the wall, that begins at `from_s` or later."""
    found: dict[tuple[int, int], list[int]] = {}
    for opens_s, closes_s in SESSIONS:
        for slot_s in range(max(opens_s, from_s + -from_s % 5), min(closes_s, until_s - 4), 5):
            local = datetime.fromtimestamp(slot_s, NEW_YORK)
            midnight = local.replace(hour=0, minute=0, second=0)
            number = int((local - midnight) / timedelta(seconds=step_s))
            found.setdefault((opens_s, number), []).append(slot_s)
    bars = []
    for (opens_s, number), slots in found.items():
        midnight_s = int(datetime.fromtimestamp(opens_s, NEW_YORK).replace(hour=0, minute=0).timestamp())
        end_s = min(midnight_s + (number + 1) * step_s, opens_s + 23_400)
        bars.append((max(midnight_s + number * step_s, opens_s), end_s, slots))
    return bars


@dataclass
class Weather:
    """What goes wrong. Moments are seconds after 9:30; `lost` and `void` hold slots: not sent, or not there at all."""

    outages: Sequence[tuple[float, float]] = ()
    lost: frozenset[int] = frozenset()
    void: frozenset[int] = frozenset()
    live_delay_s: float = 0.2
    history_s: float = 0.3
    history_lag_s: float = 0.0
    answers: list[Unknown | None] = field(default_factory=list)  # instead of the next ones
    deaf: bool = False  # live bars are refused
    lists_tuesday_from_s: float = 0.0  # before that only the Monday's hours are known


class Gateway:
    """LiveBars, for the feed."""

    def __init__(self, clock: Clock, weather: Weather) -> None:
        self._clock = clock
        self._weather = weather
        self._queue: asyncio.Queue[RealTimeBar | HistoricalBars | Undecodable | None] = asyncio.Queue()
        self._wanted = False
        self._sending: asyncio.Task[None] | None = None
        self.asked: list[tuple[str, str, str]] = []
        self.resubscribed: list[Feed] = []

    def now_s(self) -> float:
        return self._clock.now_ns() / 1e9

    @property
    def connected(self) -> bool:
        return self._is_up()

    def _is_up(self) -> bool:
        after_s = self.now_s() - OPEN_S
        return not any(down <= after_s < up for down, up in self._weather.outages)

    async def resolve(self, symbol: str) -> Instrument:
        knows = self.now_s() - OPEN_S >= self._weather.lists_tuesday_from_s
        hours = parse_hours(HOURS if knows else HOURS.partition(";")[0], "US/Eastern")
        return Instrument(756733, symbol, "ARCA", "USD", 0.01, "a fund", "US/Eastern", hours)

    # -- live --------------------------------------------------------------------------------------
    async def subscribe_bars(self, symbol: str) -> Instrument:
        self._wanted = True
        self._sending = asyncio.get_running_loop().create_task(self._send())
        return await self.resolve(symbol)

    async def unsubscribe_bars(self, symbol: str) -> None:
        self._wanted = False

    def resubscribe(self, symbol: str, feed: Feed) -> None:
        self.resubscribed.append(feed)

    async def bars(self) -> AsyncIterator[Sequence[RealTimeBar | HistoricalBars | Undecodable]]:
        while (message := await self._queue.get()) is not None:
            yield [message]

    def close(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
        self._queue.put_nowait(None)

    def put(self, message: RealTimeBar | HistoricalBars | Undecodable) -> None:
        self._queue.put_nowait(message)

    async def _send(self) -> None:
        weather = self._weather
        begun_s = self.now_s()
        for opens_s, closes_s in SESSIONS:
            for slot_s in range(opens_s, closes_s, 5):
                if slot_s + 5 <= begun_s:
                    continue
                await asyncio.sleep(max(0.0, slot_s + 5 + weather.live_delay_s - self.now_s()))
                dropped = weather.deaf or slot_s in weather.lost or slot_s in weather.void
                if self._wanted and self.connected and not dropped:
                    self.put(live_bar(slot_s))

    # -- history -----------------------------------------------------------------------------------
    async def request_hist(
        self, symbol: str, duration: str, bar_size: str, *, end: str = ""
    ) -> Answer[HistoricalBar]:
        self.asked.append((duration, bar_size, end))
        if not self._is_up():
            return Unknown("no connection")
        await asyncio.sleep(self._weather.history_s)
        if not self._is_up():
            return Unknown("the connection ended")
        refusal = self._weather.answers.pop(0) if self._weather.answers else None
        if refusal is not None:
            return refusal
        now_s = int(self.now_s() - self._weather.history_lag_s)
        end_s = min(now_s, moment_s(end)) if end else now_s
        bars = past_bars(bar_size, self._begin_s(duration, end_s), end_s, self._weather.void)
        if bar_size != "1d":
            self.put(HistoricalBars(9, 756733, symbol, tuple(bars), 0, f"17|{bar_size}|{end}".encode()))
        return Known(tuple(bars)) if bars else Unknown("162 HMDS query returned no data", 162)

    def _begin_s(self, duration: str, end_s: int) -> int:
        count, _, unit = duration.partition(" ")
        begun = [opens_s for opens_s, _ in SESSIONS if opens_s < end_s]
        if unit == "D":
            return begun[-int(count) :][0] if begun else end_s
        left_s = int(count)
        for opens_s, closes_s in reversed(SESSIONS):
            traded_s = min(end_s, closes_s) - opens_s
            if traded_s > 0:
                if traded_s >= left_s:
                    return min(end_s, closes_s) - left_s
                left_s -= traded_s
        return SESSIONS[0][0]


def past_bars(bar_size: str, begin_s: int, end_s: int, void: frozenset[int]) -> list[HistoricalBar]:
    """As the gateway tells history, the bar under way included."""
    if bar_size == "1d":
        days = [
            (o, [s for s in range(o, min(c, end_s), 5) if s not in void])
            for o, c in SESSIONS
            if begin_s <= o < end_s
        ]
        return [
            HistoricalBar(
                f"{datetime.fromtimestamp(o, NEW_YORK):%Y%m%d}",
                *joined([truth(s) for s in slots[::390]]),
                0.0,
                1,
            )
            for o, slots in days
            if slots
        ]
    bars = []
    for start_s, _, slots in groups(STEPS_S[bar_size], begin_s, end_s):
        rows = [truth(slot_s) for slot_s in slots if slot_s not in void]
        if rows:
            bars.append(HistoricalBar(str(start_s), *joined(rows), 0.0, 1))
    return bars


def moment_s(text: str) -> int:
    return int(datetime.strptime(text + "+0000", "%Y%m%d-%H:%M:%S%z").timestamp())


def live_bar(slot_s: int, row: Row | None = None) -> RealTimeBar:
    raw = f"50|{slot_s}".encode()
    return RealTimeBar(8, 756733, "SPY", slot_s, *(row or truth(slot_s)), 0.0, 1, (slot_s + 5) * 10**9, raw)


@dataclass
class Outcome:
    """What is on the bus at the end."""

    bars: list[BarEvent]
    told: list[SessionEvent]
    raw: list[bytes]
    letters: list[bytes]
    gateway: Gateway

    def of(self, size: BarDuration) -> dict[int, BarEvent]:
        """Bars of one size by close; their order is checked on the way."""
        chosen = [bar for bar in self.bars if bar.bar_duration is size]
        closes = [int(bar.timestamp.timestamp()) for bar in chosen]
        assert closes == sorted(set(closes)), f"{size}: out of order, or twice"
        return dict(zip(closes, chosen, strict=True))

    def troubles(self) -> list[str]:
        return [str(told.data["trouble"]) for told in self.told]


def play(
    directory: Path,
    weather: Weather,
    *,
    sizes: Iterable[BarDuration],
    from_s: float,
    until_s: float,
    duration: str = "1 D",
) -> Outcome:
    """Feed the bars of SPY from one moment to another, both in seconds after 9:30 of the Monday."""

    async def main(clock: Clock) -> Outcome:
        bus = EmbeddedBus(directory, clock=clock, ids=SeededIds(rng(1, "ids")))
        await bus.open()
        gateway = Gateway(clock, weather)
        feed = BarFeed(bus, clock, gateway, session_id="s")
        running = asyncio.ensure_future(feed.run())
        starting = asyncio.ensure_future(feed.start("SPY", sizes, duration))
        await asyncio.wait([starting], timeout=until_s - from_s)
        await asyncio.sleep(max(0.0, until_s + OPEN_S - gateway.now_s()))
        gateway.close()
        await running
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        outcome = Outcome(
            [BarEvent.decode(r.value) async for r in bus.replay("market_events")],
            [SessionEvent.decode(r.value) async for r in bus.replay("session_events")],
            [r.value async for r in bus.replay("market_raw")],
            [r.value async for r in bus.replay("dlq_market_events")],
            gateway,
        )
        await bus.close()
        return outcome

    return run_virtual(main, start_ns=round((OPEN_S + from_s) * 1e9))


def expected(
    size: BarDuration, from_s: int, until_s: int, void: frozenset[int]
) -> dict[int, tuple[Row, int, int]]:
    """By close: what a bar holds, how many of its five seconds exist, and how many there should be."""
    bars = {}
    for start_s, end_s, slots in groups(STEPS_S[size.value], from_s, until_s):
        rows = [truth(slot_s) for slot_s in slots if slot_s not in void]
        if rows and end_s <= until_s:
            bars[end_s] = (joined(rows), len(rows), (end_s - start_s) // 5)
    return bars


def row_of(bar: BarEvent) -> Row:
    return Row(bar.open, bar.high, bar.low, bar.close, bar.volume)
