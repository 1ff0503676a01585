"""Who trades with what is displayed: the fill rules, pure.

An order takes shares from the displayed opposite side, at the displayed price, as many as are displayed and not
taken yet, and only when that price is within its limit. Shares taken are gone until the feed shows that side with
another price or size. A limit order that finds nothing rests and is tried again on every quote. Nothing is ever
better than displayed, and an empty or unpriced side trades with nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from algo_trade.gateway_sim.orders import SimOrder
from algo_trade.gateway_sim.quotes import Quote


@dataclass(slots=True)
class Displayed:
    """The best prices of one symbol and the shares of them that are left for us."""

    bid_e4: int = 0
    ask_e4: int = 0
    bid_size: int = 0
    ask_size: int = 0
    bid_left: int = 0
    ask_left: int = 0

    def show(self, quote: Quote) -> None:
        """A new quote; a side that is unchanged keeps what we took from it missing."""
        if quote.bid_e4 != self.bid_e4 or quote.bid_size != self.bid_size:
            self.bid_e4, self.bid_size, self.bid_left = quote.bid_e4, quote.bid_size, quote.bid_size
        if quote.ask_e4 != self.ask_e4 or quote.ask_size != self.ask_size:
            self.ask_e4, self.ask_size, self.ask_left = quote.ask_e4, quote.ask_size, quote.ask_size

    def take(self, is_buy: bool, limit_e4: int | None, shares: int) -> tuple[int, int]:
        """Shares an order gets now and the price of them; (0, 0) when none. `limit_e4` None is a market order."""
        price = self.ask_e4 if is_buy else self.bid_e4
        left = self.ask_left if is_buy else self.bid_left
        got = min(shares, left)
        if got <= 0 or price <= 0:
            return 0, 0
        if limit_e4 is not None and (price > limit_e4 if is_buy else price < limit_e4):
            return 0, 0
        if is_buy:
            self.ask_left -= got
        else:
            self.bid_left -= got
        return got, price


def by_priority(orders: Iterable[SimOrder]) -> list[SimOrder]:
    """Market orders first, then the better limit, then the earlier arrival."""
    return sorted(orders, key=_priority)


def _priority(order: SimOrder) -> tuple[int, int, int]:
    if order.limit_e4 is None:
        return 0, 0, order.priority
    return 1, -order.limit_e4 if order.is_buy else order.limit_e4, order.priority
