"""What the gateway checks in an order before it takes it: one rule a function, in the order they are asked.

A rule returns nothing or raises RequestError with the gateway's own code and words. An order refused here was
never an order: no openOrder, no orderStatus, no permId, and its id may be used again.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

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


def refuse(cause: str) -> RequestError:
    """Error 321 in the gateway's form."""
    return RequestError(321, f"Error validating request.-'bF' : cause - {cause}")


def check_order(request: Decoded, account_id: str, instrument: Instrument) -> None:
    """Everything about a new order that does not depend on other orders; raises RequestError."""
    for rule in _RULES:
        rule(request)
    account = request.text("account")
    if account not in {"", account_id}:
        raise refuse(f"Invalid account code '{clean(account)}'")
    if request.text("algoStrategy"):
        _algorithm(request, instrument)


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
        served = "this simulator has DAY, GTC, IOC and FOK"
        raise refuse(f"Invalid time in force '{clean(tif)}': {served}")


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


def _prices(request: Decoded) -> None:
    order_type = request.text("orderType")
    if order_type in _LIMITED_TYPES:
        _price(request.text("lmtPrice"), "limit")
    if order_type in STOPS:
        _price(request.text("auxPrice"), "stop")


def _price(text: str, name: str) -> None:
    price = to_decimal(text)
    if price is None or price <= 0:
        raise refuse(f"The {name} price must be set and positive")
    in_e4 = price_e4(price)
    if in_e4 is None or in_e4 % TICK_E4:
        raise RequestError(
            110, "The price does not conform to the minimum price variation for this contract."
        )


def _trigger(request: Decoded) -> None:
    if trigger_method_of(request) not in METHODS:
        raise refuse(f"Invalid trigger method {clean(request.text('triggerMethod'))}")


def _group(request: Decoded) -> None:
    if (to_int(request.text("ocaType")) or 0) not in {0, 1, 2, 3}:
        raise refuse(f"Invalid OCA type {clean(request.text('ocaType'))}")


def _features(request: Decoded) -> None:
    for name, read, feature in _ABSENT:
        if read(request.text(name)):
            raise refuse(f"{feature} are not simulated")


_RULES = (_action, _order_type, _time_in_force, _quantity, _prices, _trigger, _group, _features)


def _algorithm(request: Decoded, instrument: Instrument) -> None:
    if not instrument.algos:
        raise RequestError(387, "Unsupported order type for this exchange and security type.")
    if request.text("algoStrategy") != adaptive.STRATEGY:
        raise RequestError(439, "The order processing failed. Algorithm definition not found.")
    if request.text("orderType") in STOPS or request.text("tif") in IMMEDIATE:
        raise RequestError(442, "Specified algorithm is not allowed for this order.")
    for tag, value in algo_params_of(request):
        if tag != adaptive.PRIORITY_TAG:
            raise RequestError(443, f"Order processing failed. Unknown algo attribute:{clean(tag)}")
        if value not in adaptive.REST_NS:
            raise RequestError(441, f"Algo attributes validation failed: {tag} '{clean(value)}'")


# -- reading a checked order -------------------------------------------------------------------------
def limit_of(request: Decoded) -> int | None:
    """The limit price, None for a type without one."""
    return _price_of(request, "lmtPrice") if request.text("orderType") in _LIMITED_TYPES else None


def stop_of(request: Decoded) -> int | None:
    """The stop price, None for a type without one."""
    return _price_of(request, "auxPrice") if request.text("orderType") in STOPS else None


def _price_of(request: Decoded, name: str) -> int | None:
    price = to_decimal(request.text(name))
    assert price is not None, "checked before"
    return price_e4(price)


def quantity_of(request: Decoded) -> int:
    """The shares."""
    return int(to_decimal(request.text("totalQty")) or Decimal(0))


def trigger_method_of(request: Decoded) -> int:
    """How the stop price counts as reached; `triggers` has the methods."""
    return to_int(request.text("triggerMethod")) or 0


def algo_params_of(request: Decoded) -> list[list[str]]:
    """The algorithm's parameters, tag and value."""
    cells = request.text("algoParams").split(";") if request.text("algoParams") else []
    return [cells[at : at + 2] for at in range(0, len(cells), 2)]


def adaptive_priority_of(request: Decoded) -> str:
    """The priority of the Adaptive algorithm, empty when it was not asked for."""
    if not request.text("algoStrategy"):
        return ""
    given = dict(algo_params_of(request))
    return given.get(adaptive.PRIORITY_TAG, adaptive.DEFAULT_PRIORITY)
