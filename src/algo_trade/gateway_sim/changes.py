"""What a placeOrder with the id of a live order may change: prices, quantity, how it trails, and MKT to LMT or back.

The whole order is sent again; whatever else differs makes it another order, which is refused and leaves the first one
as it was.
"""

from __future__ import annotations

from typing import NamedTuple

from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.families import group_of
from algo_trade.gateway_sim.good_till import GTD
from algo_trade.gateway_sim.orders import ENDED, SimOrder, Status
from algo_trade.gateway_sim.trailing import Trail
from algo_trade.gateway_sim.validation import OrderRequest

_INTERCHANGEABLE = frozenset({"MKT", "LMT"})
_TOO_LATE = "Order rejected - reason:Order has been cancelled already, too late to replace"


class Terms(NamedTuple):
    """The part of an order that may change."""

    quantity: int
    order_type: str
    limit_e4: int | None
    stop_e4: int | None
    trail: Trail | None

    @classmethod
    def wanted(cls, asked: OrderRequest, order: SimOrder) -> Terms:
        """What is asked for now. A trail that is as before and told no other start goes on from where it is."""
        goes_on = asked.trail is not None and asked.trail == order.trail
        if goes_on and (order.triggered or asked.stop_e4 is None):
            return cls(asked.quantity, asked.order_type, order.limit_e4, order.stop_e4, order.trail)
        return cls(asked.quantity, asked.order_type, asked.limit_e4, asked.stop_e4, asked.trail)

    @classmethod
    def of(cls, order: SimOrder) -> Terms:
        return cls(order.quantity, order.order_type, order.limit_e4, order.stop_e4, order.trail)

    def apply(self, order: SimOrder) -> None:
        """Give the order these terms."""
        order.quantity, order.order_type, order.limit_e4, order.stop_e4, order.trail = self

    def keeps_place(self, before: Terms) -> bool:
        """Whether an order with these terms keeps the place in the queue it had with those: only its size fell."""
        return self[1:] == before[1:] and self.quantity <= before.quantity


def check_change(order: SimOrder, asked: OrderRequest, con_id: int) -> None:
    """Whether what is asked now may replace what was asked before; raises RequestError."""
    if order.status is Status.FILLED:
        raise RequestError(104, "Cannot modify a filled order.")
    wanted = asked.order_type
    if wanted != order.order_type and not {wanted, order.order_type} <= _INTERCHANGEABLE:
        raise RequestError(329, "Order modify failed. Cannot change to the new order type.")
    same = (
        order.con_id == con_id
        and order.is_buy == asked.is_buy
        and order.tif == asked.tif
        and order.order_ref == asked.order_ref
        and order.parent_order_id == asked.parent_id
        and asked.oca_group in {order.oca_group, group_of(order)}
        and order.trigger_method == asked.trigger_method
        and bool(order.adaptive) == bool(asked.adaptive)
        and order.algo_params == asked.algo_params
        and order.handling == asked.handling
        and (order.tif != GTD or order.expires_ns == asked.good_till_ns)
        and (not order.triggered or _same_trigger(order, asked))
    )
    if not same:
        raise RequestError(105, "Order being modified does not match original order.")
    _check_quantity(order, asked.quantity)


def _same_trigger(order: SimOrder, asked: OrderRequest) -> bool:
    return order.trail == asked.trail and (order.trail is not None or order.stop_e4 == asked.stop_e4)


def check_still(order: SimOrder, terms: Terms) -> None:
    """Whether an accepted change is still possible when the broker gets to it; raises RequestError."""
    if order.status is Status.FILLED:
        raise RequestError(104, "Cannot modify a filled order.")
    if order.status in ENDED:
        raise RequestError(201, _TOO_LATE)
    _check_quantity(order, terms.quantity)


def _check_quantity(order: SimOrder, quantity: int) -> None:
    if quantity <= order.filled:
        raise RequestError(
            105, "Order being modified does not match original order. It has filled that much."
        )
