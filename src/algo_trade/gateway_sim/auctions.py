"""The closing auction: where market-on-close and limit-on-close orders trade.

It is held when the exchange closes; one that never closes holds it at 16:00 New York, every day. The closing price is
the session's last trade, the mid in whole cents where the feed knows no trades, and whoever takes part trades whole.
"""

from __future__ import annotations

from datetime import timedelta

from algo_trade.clock import from_utc, new_york
from algo_trade.gateway_sim.hours import TradingHours
from algo_trade.gateway_sim.order_types import AT_CLOSE
from algo_trade.gateway_sim.orders import SimOrder
from algo_trade.gateway_sim.prices import TICK_E4
from algo_trade.gateway_sim.quotes import Quote

_CLOSING_HOUR = 16
# NYSE takes none in its last ten minutes; Nasdaq's and Arca's cutoffs are later.
CUTOFF_NS = 10 * 60 * 1_000_000_000


def next_close_ns(hours: TradingHours, now_ns: int) -> int:
    """When the next closing auction is held."""
    if hours.regular:
        return next(hours.windows(now_ns)).close_ns
    closing = new_york(now_ns).replace(hour=_CLOSING_HOUR, minute=0, second=0, microsecond=0)
    return from_utc(closing if from_utc(closing) > now_ns else closing + timedelta(days=1))


def is_too_late(order: SimOrder, now_ns: int) -> bool:
    """Whether the exchange takes the order no more for the auction it is meant for."""
    return order.order_type in AT_CLOSE and now_ns > order.expires_ns - CUTOFF_NS


def closing_price_e4(last_e4: int, quote: Quote | None) -> int:
    """The price of the auction, 0 when there is none to be had."""
    if last_e4 > 0 or quote is None:
        return last_e4
    if quote.bid_e4 <= 0 or quote.ask_e4 <= 0 or not (quote.bid_size and quote.ask_size):
        return 0
    return (quote.bid_e4 + quote.ask_e4) // (2 * TICK_E4) * TICK_E4
