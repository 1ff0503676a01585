"""The quotes and trades of one symbol as they came, kept for whoever asks for them later.

Every quote is noted, passed-over ones included. Notes are packed a thousand at a time, 56 bytes a quote, which costs
a third of a microsecond each; the oldest are forgotten when there are half a million (29 MB a symbol).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from itertools import chain

from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.quotes import Quote

_BLOCK = 1_024
_BLOCKS_MAX = 512
_ONE = struct.Struct(f"{len(Quote._fields)}q")
_WHOLE = struct.Struct(f"{_BLOCK * len(Quote._fields)}q")
_NS = 1_000_000_000
# What a column holds; only an absurd file of quotes comes near.
_MOST = 2**63 - 1

Timed = tuple[int, Quote]
"""A quote and the epoch second it came in."""


class TickLog:
    """Listens to one market for as long as the simulator lives."""

    def __init__(self, market: SymbolMarket) -> None:
        self.market = market
        self._blocks: deque[bytes] = deque(maxlen=_BLOCKS_MAX)
        self._latest: list[Quote] = []
        market.listen_all(self._note)

    def _note(self, quote: Quote) -> None:
        self._latest.append(quote)
        if len(self._latest) == _BLOCK:
            self._pack()

    def _pack(self) -> None:
        values = chain.from_iterable(self._latest)
        try:
            self._blocks.append(_WHOLE.pack(*values))
        except struct.error:  # sizes or prices of a file that are beyond every market
            cut = (max(-_MOST, min(_MOST, value)) for quote in self._latest for value in quote)
            self._blocks.append(_WHOLE.pack(*cut))
        self._latest.clear()

    def time_s(self, quote: Quote) -> int:
        """The epoch second of a quote."""
        origin_ns = self.market.origin_ns
        assert origin_ns is not None, "there is no quote before the market began"
        return (origin_ns + int(quote.offset_ns / self.market.speed)) // _NS

    def blocks_back(self, until_s: int) -> Iterator[list[Timed]]:
        """What was before a second, newest block first, each in the order of time."""
        for block in (self._latest, *map(_unpacked, reversed(self._blocks))):
            timed = [(time_s, quote) for quote in block if (time_s := self.time_s(quote)) < until_s]
            if timed:
                yield timed

    def since(self, from_s: int) -> Iterator[Timed]:
        """From a second on, to now; the quote that stood before it first, if there was one."""
        firsts = [self.time_s(Quote._make(_ONE.unpack_from(block))) for block in self._blocks]
        start = max(0, bisect_right(firsts, from_s - 1) - 1)
        standing: Timed | None = None
        for block in (*map(_unpacked, list(self._blocks)[start:]), self._latest):
            for quote in block:
                timed = (self.time_s(quote), quote)
                if timed[0] < from_s:
                    standing = timed
                    continue
                if standing is not None:
                    yield standing
                    standing = None
                yield timed
        if standing is not None:
            yield standing


def _unpacked(block: bytes) -> list[Quote]:
    return list(map(Quote._make, _ONE.iter_unpack(block)))
