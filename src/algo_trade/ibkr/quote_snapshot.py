"""A snapshot: the top of the book once, and what the day brought so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from algo_trade.ibkr.events import TickNote, TopOfBook

_PRICES = {1: "bid", 2: "ask", 4: "last", 6: "high", 7: "low", 9: "close", 14: "open"}
_SIZES = {0: "bid_size", 3: "ask_size", 5: "last_size", 8: "volume"}
_SIZE_WITH_PRICE = {1: "bid_size", 2: "ask_size", 4: "last_size"}
_HALTED = 49


@dataclass(frozen=True, slots=True)
class QuoteSnapshot:
    """What the gateway told; None where it told nothing, which is how it says that there is none.

    `close` is yesterday's; open, high, low and volume are today's. Prices in dollars, sizes in shares.
    """

    symbol: str
    bid: float | None = None
    ask: float | None = None
    bid_size: float | None = None
    ask_size: float | None = None
    last: float | None = None
    last_size: float | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    volume: float | None = None
    halted: bool = False


def quote_snapshot(symbol: str, rows: Iterable[TopOfBook | TickNote]) -> QuoteSnapshot:
    """The snapshot its fields add up to. Delayed fields (types 66 on) are not taken for live ones."""
    values: dict[str, float] = {}
    halted = False
    for row in rows:
        if isinstance(row, TickNote):
            if row.tick_type == _HALTED:
                halted = row.text.strip() not in {"0", "0.0", "-1", ""}
            continue
        if row.tick_type in _PRICES and row.price is not None and row.price > 0:
            values[_PRICES[row.tick_type]] = row.price
            if row.tick_type in _SIZE_WITH_PRICE:
                values[_SIZE_WITH_PRICE[row.tick_type]] = row.size
        elif row.tick_type in _SIZES:
            values[_SIZES[row.tick_type]] = row.size
    return QuoteSnapshot(symbol, halted=halted, **values)
