"""Quotes and trades from a sampled stream: reqMktData sends one field at a time.

A quote is both sides: every message that changes a side gives one quote, once both are known. The gateway repeats a
size after the price that carried it; that repetition gives none. Of trades only the last one of each sample is told.
"""

from __future__ import annotations

from algo_trade.ibkr.events import TickBidAsk, TickLast, TopOfBook

_BID_SIZE, _BID, _ASK, _ASK_SIZE = 0, 1, 2, 3  # tick types; delayed ones (66 on) are not taken for live
_LAST, _LAST_SIZE = 4, 5
_SIZE_OF = {_BID: _BID_SIZE, _ASK: _ASK_SIZE}
_NS_PER_S = 1_000_000_000


class Book:
    """The best bid and ask of one subscription."""

    def __init__(self) -> None:
        self._values: dict[int, float] = {}  # tick type -> price or size

    def fold(self, event: TopOfBook) -> TickBidAsk | None:
        """The quote after `event`; None when it says nothing new, or a side has no price (0 or less)."""
        values = self._values
        before = dict(values)
        if event.tick_type in _SIZE_OF:
            values[event.tick_type] = event.price or 0.0
            values[_SIZE_OF[event.tick_type]] = event.size
        elif event.tick_type in (_BID_SIZE, _ASK_SIZE):
            values[event.tick_type] = event.size
        bid, ask = values.get(_BID, 0.0), values.get(_ASK, 0.0)
        if values == before or bid <= 0 or ask <= 0:
            return None
        return TickBidAsk(
            req_id=event.req_id,
            con_id=event.con_id,
            symbol=event.symbol,
            time_s=event.arrival_ns // _NS_PER_S,
            bid=bid,
            ask=ask,
            bid_size=values.get(_BID_SIZE, 0.0),
            ask_size=values.get(_ASK_SIZE, 0.0),
            arrival_ns=event.arrival_ns,
            raw=event.raw,
        )


class LastTrade:
    """The last trade of one subscription. What is told first is of before it, and no news."""

    def __init__(self) -> None:
        self._price = 0.0
        self._size = -1.0

    def fold(self, event: TopOfBook) -> TickLast | None:
        """The trade `event` tells; None when it tells none, or repeats the size of the one before."""
        is_first = self._price == 0
        if event.tick_type == _LAST and event.price is not None and event.price > 0:
            self._price, self._size = event.price, event.size
        elif event.tick_type == _LAST_SIZE and self._price > 0 and event.size != self._size:
            self._size = event.size
        else:
            return None
        if is_first:
            return None
        return TickLast(
            req_id=event.req_id,
            con_id=event.con_id,
            symbol=event.symbol,
            time_s=event.arrival_ns // _NS_PER_S,
            price=self._price,
            size=self._size,
            venue="",
            arrival_ns=event.arrival_ns,
            raw=event.raw,
        )
