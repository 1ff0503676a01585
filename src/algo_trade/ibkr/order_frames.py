"""placeOrder frames, fast: ib_async writes the first of a kind, the others are that one with other numbers in it.

A plain order has 114 fields, and all but six of them are the same for every order of one kind (contract, side, type,
time in force, algo, transmitted or not). Its encoder looks at each of them each time, which was a third of an order's
way from the log to the socket. So the frame of the first order of a kind is cut at the six, and kept. The six stand at
the same places in every version we speak; a test holds the bytes to ib_async's own.
"""

from __future__ import annotations

from itertools import pairwise

from ib_async import Order, TagValue

from algo_trade.contracts import ApprovedOrder
from algo_trade.ibkr.encoder import Encoder, stock
from algo_trade.ibkr.errors import FieldRefused
from algo_trade.ibkr.framing import PREFIX_BYTES, frame

# The gateway reports this for orders outside any OCA group; said explicitly, so that what we send equals its echo.
_OCA_TYPE = 3
_ALGO, _ALGO_PRIORITY = "Adaptive", "adaptivePriority"

# Where the fields stand that differ between two orders of a kind.
_ORDER_ID, _QUANTITY, _LIMIT, _STOP, _REF, _PARENT = 1, 17, 19, 20, 26, 28
_Kind = tuple[object, ...]
_Pattern = tuple[bytes, bytes, bytes, bytes, bytes, bytes]


class OrderFrames:
    """The frames of one connection, in the version of its encoder."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._patterns: dict[_Kind, _Pattern] = {}

    def place_order(
        self, approved: ApprovedOrder, order_id: int, parent_order_id: int, *, transmit: bool
    ) -> bytes:
        """The frame of an order. Raises FieldRefused for text that cannot be written."""
        kind = (
            approved.symbol,
            approved.con_id,
            approved.account,
            approved.side,
            approved.order_type,
            approved.tif,
            approved.adaptive,
            transmit,
        )
        pattern = self._patterns.get(kind)
        if pattern is None:
            pattern = self._patterns[kind] = self._cut(approved, transmit)
        if "\0" in approved.order_ref:
            raise FieldRefused("the order reference contains a NUL")
        name, contract, order_type, account, transmitted, rest = pattern
        return frame(
            b"%s%d%s%d%s%s\0%s%s%s%s%d%s"
            % (
                name,
                order_id,
                contract,
                approved.quantity,
                order_type,
                _price(approved.limit_price),
                _price(approved.stop_price),
                account,
                approved.order_ref.encode(),
                transmitted,
                parent_order_id,
                rest,
            )
        )

    def _cut(self, approved: ApprovedOrder, transmit: bool) -> _Pattern:
        """What stands between the fields that differ, each with the NULs around it."""
        contract = stock(approved.symbol, approved.con_id)
        written = self.encoder.place_order(1, contract, _order(approved, transmit=transmit))
        fields = written[PREFIX_BYTES:].split(b"\0")
        at = (0, _ORDER_ID, _QUANTITY, _LIMIT, _STOP, _REF, _PARENT, len(fields))
        name, wide, order_type, _, account, transmitted, rest = (
            b"\0".join(fields[start + 1 if start else 0 : end]) for start, end in pairwise(at)
        )
        return (
            name + b"\0",
            b"\0" + wide + b"\0",
            b"\0" + order_type + b"\0",
            b"\0" + account + b"\0",
            b"\0" + transmitted + b"\0",
            b"\0" + rest,
        )


def _price(price: float | None) -> bytes:
    """As ib_async writes a float; nothing where the order's type has no such price."""
    return b"" if price is None else str(price).encode()


def _order(approved: ApprovedOrder, *, transmit: bool) -> Order:
    """Nothing is left to presets of the gateway: what an order means must not depend on who runs TWS."""
    order = Order(
        action=approved.side,
        totalQuantity=approved.quantity,
        orderType=approved.order_type,
        tif=approved.tif,
        account=approved.account,
        orderRef=approved.order_ref,
        ocaType=_OCA_TYPE,
        outsideRth=False,
        transmit=transmit,
    )
    if approved.adaptive:
        order.algoStrategy = _ALGO
        order.algoParams = [TagValue(_ALGO_PRIORITY, approved.adaptive)]
    return order
