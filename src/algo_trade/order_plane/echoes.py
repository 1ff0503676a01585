"""What an openOrder says about the terms of an order, and what follows.

The broker's echo is the only proof of a change: with its terms, the change is carried out; with the old ones nothing is
proven, since the echo may have been written before the change arrived. Other terms than either are taken as they are
told, and said loudly: somebody else changed the order. Only of an exit the broker itself changes the quantity, as its
entry fills or the other exit does.

An order's prices are told as long as its type has them; after its trigger a stop order may be told of as what it
became.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from algo_trade.ibkr.events import OpenOrder
from algo_trade.order_plane.amendment import Amendment
from algo_trade.order_plane.order import Order
from algo_trade.portfolio import micros
from algo_trade.risk import Terms

_WITH_LIMIT = ("LMT", "STP LMT")
_WITH_STOP = ("STP", "STP LMT")


@dataclass(frozen=True, slots=True)
class _Told:
    """None: the echo does not say."""

    quantity: int
    limit_price: float | None
    stop_price: float | None

    def fits(self, terms: Terms) -> bool:
        return (
            self.quantity == terms.quantity
            and _same(self.limit_price, terms.limit_price)
            and _same(self.stop_price, terms.stop_price)
        )


def hear_echo(order: Order, event: OpenOrder) -> str | None:
    """Take an open order's terms in; a text when somebody else has changed them."""
    told = _Told(
        round(event.quantity),
        (event.limit_price or None) if event.order_type in _WITH_LIMIT else None,
        (event.stop_price or None) if event.order_type in _WITH_STOP else None,
    )
    change = _confirmed_by(order, told)
    if change is not None:
        order.confirm(change)
        return None
    if told.fits(order.terms):
        return None
    return _changed_by_others(order, told)


def _confirmed_by(order: Order, told: _Told) -> Amendment | None:
    """The change these terms prove. An echo that fits the old terms as well proves nothing."""
    for change in reversed(order.amendments):
        if not change.is_cancel and change.may_act and told.fits(change.terms):
            return change if change.terms == order.terms or not told.fits(order.terms) else None
    return None


def confirm_by_shares(order: Order, whole: int | None = None) -> None:
    """More filled than the old terms had, or another `whole` order than they: a change to that must be in effect."""
    for change in reversed(order.amendments):
        quantity = change.terms.quantity
        proven = quantity == whole if whole is not None else quantity >= order.filled > order.terms.quantity
        if proven and not change.is_cancel and change.may_act and quantity != order.terms.quantity:
            order.confirm(change)
            return


def _changed_by_others(order: Order, told: _Told) -> str | None:
    before = order.terms
    limit = before.limit_price if _same(told.limit_price, before.limit_price) else told.limit_price
    stop = before.stop_price if _same(told.stop_price, before.stop_price) else told.stop_price
    order.terms = replace(before, quantity=told.quantity, limit_price=limit, stop_price=stop)
    # What it may come to never falls by somebody else's hand.
    order.most_shares = max(order.most_shares, told.quantity)
    order.price_micros = max(order.price_micros, micros(limit or stop or 0.0))
    by_the_broker = order.entry_id is not None and told.quantity <= order.intent.quantity
    if by_the_broker and (limit, stop) == (before.limit_price, before.stop_price):
        return None
    return f"order {order.order_id} was changed by somebody else: {before} became {order.terms}"


def _same(told: float | None, ours: float | None) -> bool:
    """A price that is not told, or that the order's type does not have, says nothing."""
    return told is None or ours is None or micros(told) == micros(ours)
