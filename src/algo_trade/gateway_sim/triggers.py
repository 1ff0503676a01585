"""When a stop price counts as reached, by the trigger methods of the order, and what a trailing one follows.

As IBKR publishes them: "last" looks at the last trade, at or through the stop price; "bid/ask" looks, for a buy, for a
bid at or above it, for a sell for an ask at or below it; "mid-point" at the middle of the two. The default of stocks
is last. The double methods (two in a row) are not simulated.
"""

from __future__ import annotations

from algo_trade.gateway_sim.order_types import TOUCHED
from algo_trade.gateway_sim.orders import SimOrder
from algo_trade.gateway_sim.quotes import Quote

DEFAULT, LAST, BID_ASK, LAST_OR_BID_ASK, MID_POINT = 0, 2, 4, 7, 8
METHODS = frozenset({DEFAULT, LAST, BID_ASK, LAST_OR_BID_ASK, MID_POINT})


def looks_up(order: SimOrder) -> bool:
    """Whether the market must rise to the order's trigger price: to a buy stop, to a sell that wants to be touched."""
    return order.is_buy is not (order.order_type in TOUCHED)


def looked_at(order: SimOrder, quote: Quote, last_e4: int, *, has_trades: bool) -> tuple[int, ...]:
    """The prices that may trigger the order now, doubled, so that a mid-point stays whole.

    `last_e4` is the last trade, 0 while there was none; a feed that knows no trades (`has_trades` False) has its bid
    and ask looked at instead.
    """
    method = order.trigger_method
    has_bid, has_ask = quote.bid_e4 > 0 and quote.bid_size > 0, quote.ask_e4 > 0 and quote.ask_size > 0
    if method == MID_POINT:
        return (quote.bid_e4 + quote.ask_e4,) if has_bid and has_ask else ()
    prices: tuple[int, ...] = ()
    if has_trades and method != BID_ASK and last_e4 > 0:
        prices = (2 * last_e4,)
    if has_trades and method in {DEFAULT, LAST}:
        return prices
    if looks_up(order):
        return (*prices, 2 * quote.bid_e4) if has_bid else prices
    return (*prices, 2 * quote.ask_e4) if has_ask else prices


def is_triggered(order: SimOrder, prices: tuple[int, ...]) -> bool:
    """Whether one of the prices looked at has reached the order's stop price."""
    if order.stop_e4 is None or not prices:
        return False
    stop = 2 * order.stop_e4
    return max(prices) >= stop if looks_up(order) else min(prices) <= stop


def follow(order: SimOrder, prices: tuple[int, ...]) -> bool:
    """A trailing order follows the prices looked at; whether its stop price moved.

    Of two prices it follows the one that is nearer to its stop, so that following never triggers it.
    """
    trail = order.trail
    if trail is None or not prices:
        return False
    stop_e4 = trail.follow(order.stop_e4, order.is_buy, max(prices) if order.is_buy else min(prices))
    if stop_e4 == order.stop_e4:
        return False
    order.stop_e4, order.limit_e4 = stop_e4, trail.limit_e4(stop_e4, order.is_buy)
    return True
