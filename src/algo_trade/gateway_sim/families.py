"""Orders that depend on one another: children on their parent, and the orders of a group on each other.

Theory. A child works for what its parent has filled and no more: all children of an order together never trade more
than it did. When a parent ends, its children end with it or shrink to what it filled. The children of one parent are
a group, named after the parent's permId as a real gateway names it; other groups are named by the client. When an
order of a group fills whole, the others are cancelled; when it fills in part, they shrink in proportion (types 2 and
3) or are cancelled at once (type 1). All of that happens in the instant of the fill, so nothing can overfill.

The functions here only decide; `outcomes` carries out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.orders import ENDED, SimOrder, Status

CANCEL_ALL = 1


class Effect(NamedTuple):
    """What another order's fill or end does to `order`: it ends with a status, or its quantity becomes smaller."""

    order: SimOrder
    quantity: int
    ends_as: Status | None = None


def group_of(order: SimOrder) -> str:
    """The name of the group an order belongs to, empty for none."""
    return order.oca_group or (str(order.parent_perm_id) if order.parent_perm_id else "")


def children_of(order: SimOrder, booking: Booking) -> list[SimOrder]:
    """The children of an order that have not ended, staged ones included."""
    return [other for other in booking.unfinished_orders() if other.parent_perm_id == order.perm_id]


def workable_shares(order: SimOrder, booking: Booking) -> int:
    """How many shares an order may trade now: what remains of it, for a child no more than its parent covers, for an
    all-or-none child nothing until that is all of it."""
    if not order.parent_perm_id:
        return order.remaining
    shares = min(order.remaining, _uncovered(booking.orders[order.parent_perm_id]))
    return 0 if order.handling.whole and shares < order.remaining else shares


def _uncovered(parent: SimOrder) -> int:
    """Shares the parent filled and its children did not."""
    return max(0, parent.filled - parent.children_filled)


def largest_quantity(order: SimOrder, booking: Booking) -> int:
    """The quantity an order can have at most: a child of a parent that has ended no more than that left to it."""
    parent = booking.orders.get(order.parent_perm_id)
    if parent is None or parent.status not in ENDED:
        return order.quantity
    return min(order.quantity, order.filled + _uncovered(parent))


def after_fill(order: SimOrder, shares: int, booking: Booking) -> Iterator[Effect]:
    """What a fill of so many shares does to the rest of the order's group."""
    group = group_of(order)
    if not group:
        return
    for other in booking.live_orders():
        if other is order or group_of(other) != group:
            continue
        # As much of each as was filled of the order; a part of a share that would be left is taken too.
        cut = -(-other.remaining * shares // (order.remaining + shares))
        if order.oca_type == CANCEL_ALL or cut >= other.remaining:
            yield Effect(other, other.quantity, Status.CANCELLED)
        else:
            yield Effect(other, other.quantity - cut)


def after_end(order: SimOrder, booking: Booking) -> Iterator[Effect]:
    """What it does to an order's children that it has ended: they shrink to what it filled and they did not trade."""
    for child in children_of(order, booking):
        quantity = largest_quantity(child, booking)
        if quantity == child.filled:
            yield Effect(child, quantity, Status.FILLED if child.filled else Status.CANCELLED)
        elif quantity < child.quantity:
            yield Effect(child, quantity)


def transmitted_with(order: SimOrder, booking: Booking) -> list[SimOrder]:
    """Everything that is sent when `order` is: for a child its staged parent and siblings too, the parent first."""
    if not order.parent_perm_id:
        return [order]
    parent = booking.orders[order.parent_perm_id]
    siblings = [
        other
        for other in children_of(parent, booking)
        if other is not order and other.status is Status.STAGED
    ]
    family = sorted([order, *siblings], key=lambda child: child.order_id)
    while parent.status is Status.STAGED:
        family.insert(0, parent)
        if not parent.parent_perm_id:
            break
        parent = booking.orders[parent.parent_perm_id]
    return family
