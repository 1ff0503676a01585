"""The last quote of each symbol: what an order is held against and a position is valued at."""

from __future__ import annotations

from dataclasses import dataclass

from algo_trade.clock import from_utc
from algo_trade.contracts import TickEvent
from algo_trade.portfolio import micros


@dataclass(frozen=True, slots=True)
class Mark:
    """A validated quote: never crossed, zero or NaN. Prices in micro-dollars, arrival in UTC epoch ns."""

    symbol: str
    bid_micros: int
    ask_micros: int
    arrival_ns: int

    @property
    def mid_micros(self) -> int:
        return (self.bid_micros + self.ask_micros) // 2


class Marks:
    """Latest mark by symbol. Quotes are kept as they come and turned into marks only when one is asked for."""

    def __init__(self) -> None:
        self._last: dict[str, TickEvent] = {}

    def update(self, tick: TickEvent) -> None:
        self._last[tick.symbol] = tick

    def get(self, symbol: str) -> Mark | None:
        tick = self._last.get(symbol)
        if tick is None:
            return None
        return Mark(symbol, micros(tick.bid), micros(tick.ask), from_utc(tick.timestamp))

    def mids_micros(self, symbols: list[str]) -> dict[str, int]:
        """Of those asked for, the ones that have a mark."""
        found = {symbol: self.get(symbol) for symbol in symbols}
        return {symbol: mark.mid_micros for symbol, mark in found.items() if mark is not None}
