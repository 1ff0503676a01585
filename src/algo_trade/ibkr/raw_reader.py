"""Market messages read back as they were received: what market_raw holds of one symbol, decoded again.

A request id means something only while its connection lives; here every message is of the one symbol that is read,
whatever it was asked for with.
"""

from __future__ import annotations

from algo_trade.ibkr.book import Book, LastTrade
from algo_trade.ibkr.decode import WireDecoder
from algo_trade.ibkr.events import TickBidAsk, TickLast, TopOfBook, Undecodable
from algo_trade.ibkr.layouts import MAX_VERSION
from algo_trade.ibkr.market_messages import TickRegistry

_BY_TICK = b"99"
_SAMPLED = frozenset({b"1", b"2"})


class RawReader:
    """The quotes and trades of one symbol. `by_tick` takes tick-by-tick messages, else the sampled ones."""

    def __init__(self, symbol: str, con_id: int, *, by_tick: bool) -> None:
        self._symbol = symbol
        self._con_id = con_id
        self._by_tick = by_tick
        self._registry = TickRegistry()
        # None of the market's messages differs between the versions we speak.
        self._decoder = WireDecoder(MAX_VERSION, None, self._registry)
        self._books: dict[int, tuple[Book, LastTrade]] = {}

    def read(self, payload: bytes, arrival_ns: int) -> TickBidAsk | TickLast | Undecodable | None:
        """What a message tells; None for parts of a quote, bars, and the other kind of messages."""
        fields = payload.split(b"\0", 3)
        wanted = fields[0] == _BY_TICK if self._by_tick else fields[0] in _SAMPLED
        if not wanted or len(fields) < 3:
            return None
        req_id = fields[1] if self._by_tick else fields[2]
        if req_id.isdigit() and req_id not in self._registry.live:
            self._registry.add(int(req_id), self._con_id, self._symbol)
        event = self._decoder.decode(payload, arrival_ns)
        if isinstance(event, TopOfBook):
            book, last = self._books.setdefault(event.req_id, (Book(), LastTrade()))
            return book.fold(event) or last.fold(event)
        return event if isinstance(event, TickBidAsk | TickLast | Undecodable) else None


def is_quote_by_tick(payload: bytes) -> bool:
    """Whether a message is a tick-by-tick quote."""
    return payload.startswith(b"99\0") and payload.split(b"\0", 3)[2:3] == [b"3"]
