"""An order that may be sent: approval is a type.

The gateway client sends nothing else, and only the risk checks make one (a test reads the source to hold that),
so that an order nobody checked is an error of types and not of discipline.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedOrder:
    """What goes to the broker, in the broker's words: a new order, or the new terms of one that works.

    `quantity` is whole shares, `limit_price` and `stop_price` dollars a share (None where the type has no such price),
    `side` BUY or SELL, `order_type` MKT, LMT, STP or STP LMT, `tif` DAY, GTC, IOC or FOK. `adaptive` is the priority of
    the Adaptive algo (Patient, Normal, Urgent), "" for an order without. `order_ref` carries the intent's id to the
    broker and back. `attached_to` names the entry of an attached exit. `reduce_only` marks an order of the stop: never
    larger than the position it closes.
    """

    intent_id: UUID
    symbol: str
    con_id: int
    account: str
    side: str
    quantity: int
    order_type: str
    limit_price: float | None
    tif: str
    order_ref: str
    stop_price: float | None = None
    adaptive: str = ""
    attached_to: UUID | None = None
    reduce_only: bool = False
