"""What a placeOrder with the id of a live order may change: price, stop price, quantity, and MKT to LMT or back.

The whole order is sent again; whatever else differs makes it another order, which is refused and leaves the first one
as it was.
"""

from __future__ import annotations

from typing import NamedTuple

from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.families import group_of
from algo_trade.gateway_sim.orders import ENDED, SimOrder, Status
from algo_trade.gateway_sim.validation import (
    algo_params_of,
    limit_of,
    quantity_of,
    stop_of,
    trigger_method_of,
)
from algo_trade.gateway_sim.wire.decode import Decoded

_INTERCHANGEABLE = frozenset({"MKT", "LMT"})
_TOO_LATE = "Order rejected - reason:Order has been cancelled already, too late to replace"


class Terms(NamedTuple):
    """The part of an order that may change."""

    quantity: int
    order_type: str
    limit_e4: int | None
    stop_e4: int | None

    @classmethod
    def wanted(cls, request: Decoded) -> Terms:
        """The terms of a checked request."""
        return cls(quantity_of(request), request.text("orderType"), limit_of(request), stop_of(request))

    @classmethod
    def of(cls, order: SimOrder) -> Terms:
        return cls(order.quantity, order.order_type, order.limit_e4, order.stop_e4)

    def apply(self, order: SimOrder) -> None:
        order.quantity, order.order_type, order.limit_e4, order.stop_e4 = self

    def keeps_place(self, before: Terms) -> bool:
        """Whether an order with these terms keeps the place in the queue it had with those: only its size fell."""
        return self[1:] == before[1:] and self.quantity <= before.quantity


def check_change(order: SimOrder, request: Decoded, con_id: int) -> None:
    """Whether a checked request may change the order at all; raises RequestError."""
    if order.status is Status.FILLED:
        raise RequestError(104, "Cannot modify a filled order.")
    wanted = request.text("orderType")
    if wanted != order.order_type and not {wanted, order.order_type} <= _INTERCHANGEABLE:
        raise RequestError(329, "Order modify failed. Cannot change to the new order type.")
    same = (
        order.con_id == con_id
        and order.is_buy == (request.text("action") == "BUY")
        and order.tif == (request.text("tif") or "DAY")
        and order.order_ref == request.text("orderRef")
        and order.parent_order_id == (request.integer("parentId") or 0)
        and request.text("ocaGroup") in {order.oca_group, group_of(order)}
        and order.trigger_method == trigger_method_of(request)
        and bool(order.adaptive) == bool(request.text("algoStrategy"))
        and order.algo_params == algo_params_of(request)
        and (not order.triggered or order.stop_e4 == stop_of(request))
    )
    if not same:
        raise RequestError(105, "Order being modified does not match original order.")
    _check_quantity(order, quantity_of(request))


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
