"""When a stop price counts as reached, by the trigger methods of the order.

As IBKR publishes them: "last" looks at the last trade, at or through the stop price; "bid/ask" looks, for a buy, for a
bid at or above it, for a sell for an ask at or below it; "mid-point" at the middle of the two. The default of stocks
is last. The double methods (two in a row) are not simulated.
"""

from __future__ import annotations

from algo_trade.gateway_sim.orders import SimOrder
from algo_trade.gateway_sim.quotes import Quote

DEFAULT, LAST, BID_ASK, LAST_OR_BID_ASK, MID_POINT = 0, 2, 4, 7, 8
METHODS = frozenset({DEFAULT, LAST, BID_ASK, LAST_OR_BID_ASK, MID_POINT})


def is_triggered(order: SimOrder, quote: Quote, last_e4: int, *, has_trades: bool) -> bool:
    """Whether the market has reached the order's stop price. `last_e4` is the last trade, 0 while there was none; a
    feed that knows no trades (`has_trades` False) has its bid and ask looked at instead."""
    assert order.stop_e4 is not None, "a stop has a stop price"
    method = order.trigger_method
    if method == MID_POINT:
        has_both = quote.bid_e4 > 0 and quote.ask_e4 > 0 and quote.bid_size > 0 and quote.ask_size > 0
        return has_both and _reached(order, quote.bid_e4 + quote.ask_e4, 2 * order.stop_e4)
    by_last = has_trades and method != BID_ASK and last_e4 > 0 and _reached(order, last_e4, order.stop_e4)
    if by_last or (has_trades and method in {DEFAULT, LAST}):
        return by_last
    price_e4, size = (quote.bid_e4, quote.bid_size) if order.is_buy else (quote.ask_e4, quote.ask_size)
    return price_e4 > 0 and size > 0 and _reached(order, price_e4, order.stop_e4)


def _reached(order: SimOrder, price: int, stop: int) -> bool:
    return price >= stop if order.is_buy else price <= stop
