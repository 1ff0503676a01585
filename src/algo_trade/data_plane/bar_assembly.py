"""Five seconds at a time: bars of every length from five-second bars, whether these came live or from history.

Five-second bars are taken strictly in order, each once: the cursor stands at the next one. One that is missing holds
up whatever comes after it, until it comes from history or is given up (`concede`). So no bar is made twice, none
is left out, and a bar that lacks a part says so. No I/O, no clock: who calls says what time it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from algo_trade.contracts import BarDuration
from algo_trade.data_plane.bar_grid import LENGTHS_S, SLOT_S, BarGrid, Interval


class FiveSeconds(NamedTuple):
    """What happened in five seconds. Prices in dollars; `live` if it was told as it ended."""

    start_s: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    live: bool


@dataclass(frozen=True, slots=True)
class ClosedBar:
    """A bar that is over. `present` of `expected` five seconds are in it; with none of them there are no prices."""

    size: BarDuration
    interval: Interval
    prices: tuple[float, float, float, float]
    volume: float
    present: int
    expected: int
    live: bool


class _Running:
    """A bar under way."""

    __slots__ = ("close", "high", "interval", "live", "low", "open", "present", "size", "volume")

    def __init__(self, size: BarDuration, interval: Interval) -> None:
        self.size = size
        self.interval = interval
        self.open = self.high = self.low = self.close = 0.0
        self.volume = 0.0
        self.present = 0
        self.live = False

    def fold(self, bar: FiveSeconds) -> None:
        if not self.present:
            self.open, self.high, self.low = bar.open, bar.high, bar.low
        self.present += 1
        self.high = max(self.high, bar.high)
        self.low = min(self.low, bar.low)
        self.close = bar.close
        self.volume += bar.volume
        self.live = self.live or bar.live

    def closed(self) -> ClosedBar:
        return ClosedBar(
            self.size,
            self.interval,
            (self.open, self.high, self.low, self.close),
            self.volume,
            self.present,
            (self.interval.end_s - self.interval.start_s) // SLOT_S,
            self.live,
        )


class BarAssembler:
    """The bars of one symbol from `begins_s` on, where a bar of every size begins; `sizes` are intraday."""

    def __init__(self, grid: BarGrid, sizes: Iterable[BarDuration], begins_s: int) -> None:
        self._grid = grid
        self._sizes = sorted(sizes, key=LENGTHS_S.__getitem__)
        self._running: dict[BarDuration, _Running] = {}
        self._held: dict[int, FiveSeconds | None] = {}  # by start; None was given up
        self._newest_s = 0  # the end of the newest five seconds that came live
        self._next_s = begins_s

    @property
    def cursor_s(self) -> int | None:
        """The next five seconds to be taken; None as long as no session to come is known."""
        return self._grid.slot(self._next_s)

    @property
    def has_live(self) -> bool:
        """Whether anything came live yet."""
        return self._newest_s > 0

    def add(self, bar: FiveSeconds) -> None:
        """Keep five seconds; those already told, conceded, or between sessions are ignored."""
        cursor_s = self.cursor_s
        if cursor_s is None or bar.start_s < cursor_s or self._grid.slot(bar.start_s) != bar.start_s:
            return
        self._held.setdefault(bar.start_s, bar)
        if bar.live:
            self._newest_s = max(self._newest_s, bar.start_s + SLOT_S)

    def concede(self, until_s: int) -> int:
        """Give up what is missing before `until_s`; the number of five seconds that were."""
        cursor_s, missing = self.cursor_s, 0
        while cursor_s is not None and cursor_s < until_s:
            if cursor_s not in self._held:
                self._held[cursor_s] = None
                missing += 1
            cursor_s = self._grid.slot(cursor_s + SLOT_S)
        return missing

    def take(self) -> list[ClosedBar]:
        """The bars that are over and whole, or as whole as they will be: in order of their end, short before long."""
        closed: list[ClosedBar] = []
        while (cursor_s := self.cursor_s) is not None and cursor_s in self._held:
            self._consume(cursor_s, self._held.pop(cursor_s), closed)
            self._next_s = cursor_s + SLOT_S
        return closed

    def next_end_s(self) -> int | None:
        """When the first bar ends that waits for the five seconds at the cursor."""
        cursor_s = self.cursor_s
        if cursor_s is None:
            return None
        return min((self._grid.interval(size, cursor_s).end_s for size in self._sizes), default=None)

    def hole(self, settled_s: int, *, eager: bool) -> Interval | None:
        """What is missing, from the cursor to the last gap before what came live or `settled_s`; None if nothing is.

        `settled_s` is a moment before which everything should have come. Unless `eager`, only when a bar that
        should be over waits for it.
        """
        known_s = max(self._newest_s, settled_s)
        cursor_s, ends_s = self.cursor_s, self.next_end_s()
        if cursor_s is None or ends_s is None or cursor_s >= known_s:
            return None
        if ends_s > known_s and not (eager and self._newest_s):
            return None
        session = self._grid.session(cursor_s)
        limit_s = known_s if session is None else min(known_s, session.end_s)
        for start_s in range(limit_s - SLOT_S, cursor_s - SLOT_S, -SLOT_S):
            if start_s not in self._held:
                return Interval(cursor_s, start_s + SLOT_S)
        return None

    def _consume(self, start_s: int, bar: FiveSeconds | None, closed: list[ClosedBar]) -> None:
        for size in self._sizes:
            running = self._running.get(size)
            if running is None:
                running = self._running[size] = _Running(size, self._grid.interval(size, start_s))
            if bar is not None:
                running.fold(bar)
            if start_s + SLOT_S >= running.interval.end_s:
                closed.append(running.closed())
                del self._running[size]
