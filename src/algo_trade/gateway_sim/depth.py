"""Market depth: the levels of a book, and what tells a client of their changes.

A client keeps two lists of levels and is sent operations on them: insert, update or delete at a position. Deletes come
first, from the far end, then inserts and updates from the best level on, so its lists are never longer than was asked
for and equal ours after every quote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from algo_trade.gateway_sim.quotes import Quote
from algo_trade.gateway_sim.wire.framing import message
from algo_trade.gateway_sim.wire.values import price_text

_INSERT, _UPDATE, _DELETE = 0, 1, 2
_ASK, _BID = 0, 1


class Level(NamedTuple):
    price_e4: int
    size: int


Levels = Sequence[Level]


class Ladder(NamedTuple):
    """Both sides of a book, the best level first."""

    bids: Levels = ()
    asks: Levels = ()


def ladder(quote: Quote | None, behind: Ladder) -> Ladder:
    """The levels while a quote stands: it is the best one of both sides, what is `behind` it follows."""
    if quote is None:
        return Ladder()
    bids = [Level(quote.bid_e4, quote.bid_size)] if quote.bid_e4 > 0 and quote.bid_size else []
    asks = [Level(quote.ask_e4, quote.ask_size)] if quote.ask_e4 > 0 and quote.ask_size else []
    if bids:
        bids += [level for level in behind.bids if level.price_e4 < quote.bid_e4]
    if asks:
        asks += [level for level in behind.asks if level.price_e4 > quote.ask_e4]
    return Ladder(bids, asks)


def operations(shown: Levels, levels: Levels) -> Iterator[tuple[int, int, Level]]:
    """(operation, position, level) that turn one side as shown into what it is now."""
    prices = {level.price_e4 for level in levels}
    for position in reversed(range(len(shown))):
        if shown[position].price_e4 not in prices:
            yield _DELETE, position, Level(0, 0)
    kept = [level for level in shown if level.price_e4 in prices]
    for position, level in enumerate(levels):
        if position < len(kept) and kept[position].price_e4 == level.price_e4:
            if kept[position] != level:
                yield _UPDATE, position, level
        else:
            kept.insert(position, level)
            yield _INSERT, position, level


class DepthStream:
    """One subscription: the first `rows` levels. With a `market_maker` its levels are told one by one by name (13)."""

    def __init__(
        self, request_id: int, rows: int, market_maker: str | None, send: Callable[[bytes], None]
    ) -> None:
        self._request_id = request_id
        self._rows = rows
        self._market_maker = market_maker
        self._send = send
        self._bids: Levels = ()
        self._asks: Levels = ()

    def show(self, now: Ladder) -> None:
        """Send what has changed since the last time."""
        bids, asks = now.bids[: self._rows], now.asks[: self._rows]
        self._tell(_BID, self._bids, bids)
        self._tell(_ASK, self._asks, asks)
        self._bids, self._asks = bids, asks

    def forget(self) -> None:
        """The client's book is empty: all of it is news."""
        self._bids = self._asks = ()

    def _tell(self, side: int, shown: Levels, levels: Levels) -> None:
        for operation, position, level in operations(shown, levels):
            told = (operation, side, price_text(level.price_e4), level.size)
            if self._market_maker is None:
                self._send(message(12, 1, self._request_id, position, *told))
            else:
                self._send(message(13, 1, self._request_id, position, self._market_maker, *told, 1))
