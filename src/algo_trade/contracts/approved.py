"""An order that may be sent: approval is a type.

The gateway client sends nothing else, and only the risk checks make one (a test reads the source to hold that),
so that an order nobody checked is an error of types and not of discipline.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedOrder:
    """What goes to the broker, in the broker's words.

    `quantity` is whole shares, `limit_price` dollars a share (None for "MKT"), `side` BUY or SELL, `order_type`
    MKT or LMT, `tif` DAY or IOC. `order_ref` carries the intent's id to the broker and back. `reduce_only` marks
    an order of the stop: never larger than the position it closes.
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
    reduce_only: bool = False
