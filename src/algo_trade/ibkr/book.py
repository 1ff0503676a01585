"""Quotes from a sampled stream: reqMktData sends one field at a time, a quote is both sides.

Every message that changes a side gives one quote, once both are known. The gateway repeats a size after the
price that carried it; that repetition gives none.
"""

from __future__ import annotations

from algo_trade.ibkr.events import TickBidAsk, TopOfBook
from algo_trade.ibkr.instruments import Instrument

_BID_SIZE, _BID, _ASK, _ASK_SIZE = 0, 1, 2, 3  # tick types; delayed ones (66 on) are not taken for live
_SIZE_OF = {_BID: _BID_SIZE, _ASK: _ASK_SIZE}
_NS_PER_S = 1_000_000_000


class Book:
    """The best bid and ask of one subscription."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
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
            con_id=self._instrument.con_id,
            symbol=self._instrument.symbol,
            time_s=event.arrival_ns // _NS_PER_S,
            bid=bid,
            ask=ask,
            bid_size=values.get(_BID_SIZE, 0.0),
            ask_size=values.get(_ASK_SIZE, 0.0),
            arrival_ns=event.arrival_ns,
            raw=event.raw,
        )
