"""What the gateway checks in an order before it takes it: one rule a function, in the order they are asked.

A rule returns nothing or raises RequestError with the gateway's own code and words. An order refused here was
never an order: no openOrder, no orderStatus, no permId, and its id may be used again.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.orders import SimOrder
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.values import clean, price_e4, to_bool, to_decimal, to_int

TICK_E4 = 100
MAX_SHARES = 1_000_000_000

_SERVED_TYPES = frozenset({"MKT", "LMT"})
_OTHER_TYPES = frozenset(
    {
        "STP",
        "STP LMT",
        "TRAIL",
        "TRAIL LIMIT",
        "MIT",
        "LIT",
        "MOC",
        "LOC",
        "MIDPRICE",
        "REL",
        "PEG MID",
        "PEG BEST",
    }
    | {
        "PEG BENCH",
        "PEG MKT",
        "MTL",
        "MKT PRT",
        "STP PRT",
        "BOX TOP",
        "VOL",
        "PASSV REL",
        "SNAP MKT",
        "SNAP MID",
    }
)
_SERVED_TIFS = frozenset({"DAY", "IOC"})

# Order features the simulator does not have: the field that asks for them, how it does, what they are called.
_ABSENT: tuple[tuple[str, Callable[[str], object], str], ...] = (
    ("parentId", to_int, "attached orders"),
    ("conditions", to_int, "conditional orders"),
    ("minQty", to_int, "orders with a minimum quantity"),
    ("allOrNone", to_bool, "all-or-none orders"),
    ("blockOrder", to_bool, "block orders"),
    ("ocaGroup", str, "one-cancels-all groups"),
    ("algoStrategy", str, "algorithmic orders"),
    ("hedgeType", str, "hedging orders"),
    ("goodAfterTime", str, "orders with a good-after time"),
    ("goodTillDate", str, "orders with a good-till date"),
)


def refuse(cause: str) -> RequestError:
    """Error 321 in the gateway's form."""
    return RequestError(321, f"Error validating request.-'bF' : cause - {cause}")


def check_order(request: Decoded, account_id: str) -> None:
    """Everything about a new order that does not depend on other orders; raises RequestError."""
    for rule in _RULES:
        rule(request)
    account = request.text("account")
    if account not in {"", account_id}:
        raise refuse(f"Invalid account code '{clean(account)}'")


def _action(request: Decoded) -> None:
    if request.text("action") not in {"BUY", "SELL", "SSHORT"}:
        raise refuse(f"Invalid action '{clean(request.text('action'))}': BUY or SELL")


def _order_type(request: Decoded) -> None:
    order_type = request.text("orderType")
    if order_type in _SERVED_TYPES:
        return
    if order_type in _OTHER_TYPES:
        raise RequestError(387, "Unsupported order type for this exchange and security type.")
    raise refuse("Invalid order type was entered")


def _time_in_force(request: Decoded) -> None:
    tif = request.text("tif")
    if tif not in _SERVED_TIFS and tif:
        raise refuse(f"Invalid time in force '{clean(tif)}': this simulator has DAY and IOC")


def _quantity(request: Decoded) -> None:
    quantity = to_decimal(request.text("totalQty"))
    cash = to_decimal(request.text("cashQty"))
    if quantity is None or quantity == 0:
        if cash:
            raise RequestError(10244, "Cash quantity cannot be used for this order.")
        raise RequestError(434, "The order size cannot be zero.")
    if quantity < 0 or quantity > MAX_SHARES:
        raise refuse(f"Invalid order size {clean(request.text('totalQty'))}")
    if quantity < 1:
        raise RequestError(388, "Order size is smaller than the minimum requirement.")
    if quantity != int(quantity):
        raise RequestError(10243, "Fractional-sized order cannot be placed via API.")


def _limit_price(request: Decoded) -> None:
    if request.text("orderType") != "LMT":
        return
    price = to_decimal(request.text("lmtPrice"))
    if price is None or price <= 0:
        raise refuse("The limit price must be set and positive")
    in_e4 = price_e4(price)
    if in_e4 is None or in_e4 % TICK_E4:
        raise RequestError(
            110, "The price does not conform to the minimum price variation for this contract."
        )


def _features(request: Decoded) -> None:
    for name, read, feature in _ABSENT:
        if read(request.text(name)):
            raise refuse(f"{feature} are not simulated")


_RULES = (_action, _order_type, _time_in_force, _quantity, _limit_price, _features)


def limit_of(request: Decoded) -> int | None:
    """The limit price of a checked order, None for a market order."""
    if request.text("orderType") != "LMT":
        return None
    price = to_decimal(request.text("lmtPrice"))
    assert price is not None, "checked before"
    return price_e4(price)


def quantity_of(request: Decoded) -> int:
    """The shares of a checked order."""
    return int(to_decimal(request.text("totalQty")) or Decimal(0))


def check_change(order: SimOrder, request: Decoded, con_id: int) -> None:
    """Whether a placeOrder with the id of an order may change it: price, quantity and MKT or LMT only."""
    if order.status.value == "Filled":
        raise RequestError(104, "Cannot modify a filled order.")
    same = (
        order.con_id == con_id
        and order.is_buy == (request.text("action") == "BUY")
        and order.tif == (request.text("tif") or "DAY")
        and order.order_ref == request.text("orderRef")
    )
    if not same:
        raise RequestError(105, "Order being modified does not match original order.")
    if quantity_of(request) <= order.filled:
        raise RequestError(
            105, "Order being modified does not match original order. It has filled that much."
        )
