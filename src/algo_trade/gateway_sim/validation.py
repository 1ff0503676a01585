"""What the gateway checks in an order before it takes it, and what it then knows of it.

A placeOrder is read once, into an `OrderRequest`, or refused with RequestError in the gateway's own code and words. An
order refused here was never an order: no openOrder, no orderStatus, no permId, and its id may be used again.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from algo_trade.gateway_sim import adaptive
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.orders import IMMEDIATE, STOPS
from algo_trade.gateway_sim.triggers import METHODS
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.values import clean, price_e4, to_bool, to_decimal, to_int

TICK_E4 = 100
MAX_SHARES = 1_000_000_000

_LIMITED_TYPES = frozenset({"LMT", "STP LMT"})
_SERVED_TYPES = frozenset({"MKT", *_LIMITED_TYPES, *STOPS})
_OTHER_TYPES = frozenset(
    {
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
        "PEG BENCH",
    }
    | {"PEG MKT", "MTL", "MKT PRT", "STP PRT", "BOX TOP", "VOL", "PASSV REL", "SNAP MKT", "SNAP MID"}
)
_SERVED_TIFS = frozenset({"DAY", "GTC", *IMMEDIATE})
_REDUCE_WITHOUT_BLOCK = 3
_GROUP_TYPES = frozenset({1, 2, _REDUCE_WITHOUT_BLOCK})

# Order features the simulator does not have: the field that asks for them, how it does, what they are called.
_ABSENT: tuple[tuple[str, Callable[[str], object], str], ...] = (
    ("conditions", to_int, "conditional orders"),
    ("minQty", to_int, "orders with a minimum quantity"),
    ("allOrNone", to_bool, "all-or-none orders"),
    ("blockOrder", to_bool, "block orders"),
    ("hedgeType", str, "hedging orders"),
    ("goodAfterTime", str, "orders with a good-after time"),
    ("goodTillDate", str, "orders with a good-till date"),
    ("discretionaryAmt", to_decimal, "discretionary amounts"),
    ("adjustedOrderType", str, "adjustable stops"),
    ("duration", to_int, "orders with a duration"),
    ("postToAts", to_int, "orders posted to an ATS"),
    ("autoCancelParent", to_bool, "children that cancel their parent"),
)
_ABSENT_NAMES = tuple(name for name, _, _ in _ABSENT)
_NOT_ASKED = frozenset({"", "0", "0.0"})

_READ = (
    "action", "totalQty", "cashQty", "orderType", "lmtPrice", "auxPrice", "tif", "account", "orderRef", "triggerMethod",
    "parentId", "ocaGroup", "ocaType", "algoStrategy",
)  # fmt: skip


class OrderRequest(NamedTuple):
    """An order as asked for. `limit_e4` and `stop_e4` are None for a type without them, `adaptive` is empty without the
    algorithm, `parent_id` 0 without a parent."""

    is_buy: bool
    quantity: int
    order_type: str
    limit_e4: int | None
    stop_e4: int | None
    tif: str
    order_ref: str
    trigger_method: int
    parent_id: int
    oca_group: str
    oca_type: int
    adaptive: str
    algo_params: list[list[str]]


def refuse(cause: str) -> RequestError:
    """Error 321 in the gateway's form."""
    return RequestError(321, f"Error validating request.-'bF' : cause - {cause}")


def read_order(request: Decoded, account_id: str, instrument: Instrument) -> OrderRequest:
    """Read a placeOrder; raises RequestError for all that does not depend on other orders."""
    (
        action, shares, cash, order_type, limit, stop, tif, account, order_ref, method, parent_id, group, group_type,
        algorithm,
    ) = request.texts(_READ)  # fmt: skip
    if action not in {"BUY", "SELL", "SSHORT"}:
        raise refuse(f"Invalid action '{clean(action)}': BUY or SELL")
    if order_type not in _SERVED_TYPES:
        raise _no_such_type(order_type)
    if tif not in _SERVED_TIFS and tif:
        raise refuse(f"Invalid time in force '{clean(tif)}': this simulator has DAY, GTC, IOC and FOK")
    quantity = _quantity(shares, cash)
    limit_e4 = _price(limit, "limit") if order_type in _LIMITED_TYPES else None
    stop_e4 = _price(stop, "stop") if order_type in STOPS else None
    trigger_method = to_int(method) or 0
    if trigger_method not in METHODS:
        raise refuse(f"Invalid trigger method {clean(method)}")
    oca_type = to_int(group_type) or _REDUCE_WITHOUT_BLOCK
    if oca_type not in _GROUP_TYPES:
        raise refuse(f"Invalid OCA type {clean(group_type)}")
    for (_, read, feature), text in zip(_ABSENT, request.texts(_ABSENT_NAMES), strict=True):
        if text not in _NOT_ASKED and read(text):
            raise refuse(f"{feature} are not simulated")
    if account not in {"", account_id}:
        raise refuse(f"Invalid account code '{clean(account)}'")
    params = _algo_params(request) if algorithm else []
    if algorithm:
        _check_algorithm(algorithm, params, order_type, tif, instrument)
    return OrderRequest(
        action == "BUY",
        quantity,
        order_type,
        limit_e4,
        stop_e4,
        tif or "DAY",
        order_ref,
        trigger_method,
        to_int(parent_id) or 0,
        group,
        oca_type,
        dict(params).get(adaptive.PRIORITY_TAG, adaptive.DEFAULT_PRIORITY) if algorithm else "",
        params,
    )


def _no_such_type(order_type: str) -> RequestError:
    if order_type in _OTHER_TYPES:
        return RequestError(387, "Unsupported order type for this exchange and security type.")
    return refuse("Invalid order type was entered")


# The same sizes and prices come again and again; a refusal is not kept.
@lru_cache(maxsize=4096)
def _quantity(text: str, cash: str) -> int:
    quantity = to_decimal(text)
    if quantity is None or quantity == 0:
        if to_decimal(cash):
            raise RequestError(10244, "Cash quantity cannot be used for this order.")
        raise RequestError(434, "The order size cannot be zero.")
    if quantity < 0 or quantity > MAX_SHARES:
        raise refuse(f"Invalid order size {clean(text)}")
    if quantity < 1:
        raise RequestError(388, "Order size is smaller than the minimum requirement.")
    if quantity != int(quantity):
        raise RequestError(10243, "Fractional-sized order cannot be placed via API.")
    return int(quantity)


@lru_cache(maxsize=4096)
def _price(text: str, name: str) -> int:
    price = to_decimal(text)
    if price is None or price <= Decimal(0):
        raise refuse(f"The {name} price must be set and positive")
    in_e4 = price_e4(price)
    if in_e4 is None or in_e4 % TICK_E4:
        raise RequestError(
            110, "The price does not conform to the minimum price variation for this contract."
        )
    return in_e4


def _algo_params(request: Decoded) -> list[list[str]]:
    """The algorithm's parameters, tag and value."""
    text = request.text("algoParams")
    cells = text.split(";") if text else []
    return [cells[at : at + 2] for at in range(0, len(cells), 2)]


def _check_algorithm(
    name: str, params: list[list[str]], order_type: str, tif: str, instrument: Instrument
) -> None:
    if not instrument.algos:
        raise RequestError(387, "Unsupported order type for this exchange and security type.")
    if name != adaptive.STRATEGY:
        raise RequestError(439, "The order processing failed. Algorithm definition not found.")
    if order_type in STOPS or tif in IMMEDIATE:
        raise RequestError(442, "Specified algorithm is not allowed for this order.")
    for tag, *values in params:
        if tag != adaptive.PRIORITY_TAG:
            raise RequestError(443, f"Order processing failed. Unknown algo attribute:{clean(tag)}")
        if len(values) != 1 or values[0] not in adaptive.REST_NS:
            raise RequestError(441, f"Algo attributes validation failed: {tag} '{clean(';'.join(values))}'")
