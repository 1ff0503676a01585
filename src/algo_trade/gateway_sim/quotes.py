"""A quote, and the seam every source of quotes stands behind.

A source is an iterator of `Quote` in order of time. The seeded market and a recorded file are two; whatever
replaces them has only this to honour.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol


class Quote(NamedTuple):
    """The best bid and ask from one moment on. Prices in ten-thousandths of a dollar, sizes in shares."""

    offset_ns: int
    """Market time since the source began."""
    bid_e4: int
    ask_e4: int
    bid_size: int
    ask_size: int


class QuoteSource(Protocol):
    """Where the quotes of one symbol come from."""

    @property
    def waits_for_subscriber(self) -> bool:
        """True: the first quote is due when somebody first subscribes. False: when the simulator first starts."""

    @property
    def previous_close_e4(self) -> int:
        """Yesterday's closing price, in ten-thousandths of a dollar."""

    def quotes(self) -> Iterator[Quote]:
        """A fresh run through the quotes, the same every time."""
