"""What a strategy asks to be told of. It is called for that and for nothing else.

The best quotes of every traded symbol flow to its view and to the risk checks whatever it asks for; `quotes` says how
they come.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from algo_trade.contracts import BarDuration

_IBKR_DURATION = re.compile(r"[1-9][0-9]* [SDWMY]")

BAR_LENGTHS = {
    BarDuration.S5: timedelta(seconds=5),
    BarDuration.M1: timedelta(minutes=1),
    BarDuration.M5: timedelta(minutes=5),
    BarDuration.M15: timedelta(minutes=15),
    BarDuration.M30: timedelta(minutes=30),
    BarDuration.H1: timedelta(hours=1),
    BarDuration.H4: timedelta(hours=4),
    BarDuration.D1: timedelta(days=1),
}


class Quotes(Enum):
    """How the best quotes come."""

    TICK_BY_TICK = (
        "tick by tick"  # every change; a gateway with 100 lines gives it for 5 symbols, others are sampled
    )
    TOP_OF_BOOK = "top of book"  # sampled, at most four times a second; a line a symbol


@dataclass(frozen=True, slots=True)
class OfiBins:
    """Order flow imbalance in bins of `interval_s`, standardised over the last `window` of them."""

    interval_s: float
    window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """One strategy's wishes. Raises ValueError for those that contradict each other."""

    quotes: Quotes = Quotes.TOP_OF_BOOK
    ticks: bool = False  # call on_tick with every quote
    trades: bool = False  # and with every trade: a tick of its own with `last` and `last_size`
    ofi: OfiBins | None = None  # call on_ofi with every bin that closed
    bars: tuple[BarDuration, ...] = ()  # call on_bar with every bar of these sizes that closed
    history: str | None = None  # bars to be shown before the first live one, an IBKR duration such as "2 D"
    warm_up_s: float = 0.0  # of ticks, to be shown again after a crash

    def __post_init__(self) -> None:
        if self.trades and not self.ticks:
            raise ValueError("trades are shown by on_tick: ask for ticks")
        if self.warm_up_s and not self.ticks:
            raise ValueError("warm_up_s is about ticks: ask for ticks")
        if len(set(self.bars)) != len(self.bars):
            raise ValueError("a bar size is named twice")
        if self.history is not None and not self.bars:
            raise ValueError("history is of bars: ask for bars")
        if self.history is not None and not _IBKR_DURATION.fullmatch(self.history):
            raise ValueError(f'history {self.history!r} is no IBKR duration such as "2 D"')
