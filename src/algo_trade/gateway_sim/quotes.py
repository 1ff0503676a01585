"""A quote, and the seam every source of quotes stands behind.

A source is an iterator of `Quote` in order of time. The seeded market and a recorded file are two; whatever
replaces them has only this to honour.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol


class Quote(NamedTuple):
    """The best bid and ask from one moment on, and the trade that led there, if one did.

    Several quotes may share a moment: a market order that goes through levels is a quote a level.

    Prices in ten-thousandths of a dollar, sizes in shares. A trade at the ask before was a buyer's, one at the bid
    before a seller's; a source that knows no trades leaves both at 0.
    """

    offset_ns: int
    """Market time since the source began; negative for what was before that."""
    bid_e4: int
    ask_e4: int
    bid_size: int
    ask_size: int
    trade_e4: int = 0
    trade_size: int = 0


class QuoteSource(Protocol):
    """Where the quotes of one symbol come from."""

    @property
    def waits_for_subscriber(self) -> bool:
        """True: the first quote is due when somebody first subscribes. False: when the simulator first starts."""

    @property
    def has_trades(self) -> bool:
        """Whether its quotes tell of trades. Where not, nobody knows when others traded."""

    @property
    def previous_close_e4(self) -> int:
        """The closing price of the day before its first, in ten-thousandths of a dollar."""

    def quotes(self) -> Iterator[Quote]:
        """A fresh run through the quotes, the same every time."""
