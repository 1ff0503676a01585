"""Historical bars: the names of their sizes, and how they come."""

from __future__ import annotations

from dataclasses import dataclass

from algo_trade.ibkr.errors import Refuse

# Our names of bar sizes and IBKR's.
BAR_SIZES = {
    "5s": "5 secs",
    "1m": "1 min",
    "5m": "5 mins",
    "15m": "15 mins",
    "30m": "30 mins",
    "1h": "1 hour",
    "4h": "4 hours",
    "1d": "1 day",
}


@dataclass(frozen=True, slots=True)
class HistoricalBar:
    """One bar. `starts` is as the gateway wrote it: epoch seconds, or yyyymmdd for daily bars."""

    starts: str
    open: float
    high: float
    low: float
    close: float
    volume: float
    average: float
    trades: int


def ibkr_bar_size(bar_size: str) -> str:
    """IBKR's name of a bar size. Raises Refuse for one it does not offer here."""
    if bar_size not in BAR_SIZES:
        raise Refuse(f"bar size {bar_size!r}: choose one of {', '.join(BAR_SIZES)}")
    return BAR_SIZES[bar_size]
