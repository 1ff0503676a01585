"""A quote, and the seam every source of quotes stands behind.

A source is an iterator of `Quote` in order of time. The seeded market and a recorded file are two; whatever
replaces them has only this to honour.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol


class Quote(NamedTuple):
    """The best bid and ask from one moment on, and the trade that led there, if one did.

    Prices in ten-thousandths of a dollar, sizes in shares. A trade at the ask before was a buyer's, one at the bid
    before a seller's; a source that knows no trades leaves both at 0.
    """

    offset_ns: int
    """Market time since the source began."""
    bid_e4: int
    ask_e4: int
    bid_size: int
    ask_size: int
    trade_e4: int = 0
    trade_size: int = 0


class PastModel(NamedTuple):
    """What the days before the first quote looked like, where that is to be made up."""

    daily_volatility: float
    """Standard deviation of a day's return."""
    day_shares: int
    """Shares that change hands on an ordinary day."""
    spread_e4: int
    """Ask less bid, in ten-thousandths of a dollar."""


class QuoteSource(Protocol):
    """Where the quotes of one symbol come from."""

    @property
    def waits_for_subscriber(self) -> bool:
        """True: the first quote is due when somebody first subscribes. False: when the simulator first starts."""

    @property
    def previous_close_e4(self) -> int:
        """Yesterday's closing price, in ten-thousandths of a dollar."""

    @property
    def has_trades(self) -> bool:
        """Whether its quotes tell trades; if not, nobody knows of any."""

    @property
    def past(self) -> PastModel | None:
        """The days before; None where they are unknown."""

    def quotes(self) -> Iterator[Quote]:
        """A fresh run through the quotes, the same every time."""
