"""What the gateway checks in an order before it takes it, and what it then knows of it.

A placeOrder is read once, into an `OrderRequest`, or refused with RequestError in the gateway's own code and words. An
order refused here was never an order: no openOrder, no orderStatus, no permId, and its id may be used again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from algo_trade.gateway_sim import adaptive
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.good_till import read_good_till
from algo_trade.gateway_sim.handling import Handling, read_handling
from algo_trade.gateway_sim.order_types import AT_CLOSE, IMMEDIATE, OTHER_TYPES, TIFS, TYPES, OrderType
from algo_trade.gateway_sim.prices import read_optional_price, read_price, read_quantity, refuse
from algo_trade.gateway_sim.trailing import Trail, read_trail
from algo_trade.gateway_sim.triggers import METHODS
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.values import clean, to_bool, to_decimal, to_int

_REDUCE_WITHOUT_BLOCK = 3
_GROUP_TYPES = frozenset({1, 2, _REDUCE_WITHOUT_BLOCK})

# Order features the simulator does not have: the field that asks for them, how it does, what they are called.
_ABSENT: tuple[tuple[str, Callable[[str], object], str], ...] = (
    ("conditions", to_int, "conditional orders"),
    ("blockOrder", to_bool, "block orders"),
    ("hedgeType", str, "hedging orders"),
    ("goodAfterTime", str, "orders with a good-after time"),
    ("discretionaryAmt", to_decimal, "discretionary amounts"),
    ("adjustedOrderType", str, "adjustable stops"),
    ("duration", to_int, "orders with a duration"),
    ("postToAts", to_int, "orders posted to an ATS"),
    ("autoCancelParent", to_bool, "children that cancel their parent"),
)
_ABSENT_NAMES = tuple(name for name, _, _ in _ABSENT)
_NOT_ASKED = frozenset({"", "0", "0.0"})

_READ = (
    "action", "totalQty", "cashQty", "orderType", "lmtPrice", "auxPrice", "tif", "orderRef", "parentId", "ocaGroup",
    "algoStrategy", "goodTillDate",
)  # fmt: skip
# What one order after the other has in common.
_USUAL = ("triggerMethod", "ocaType", "account", *_ABSENT_NAMES)


class OrderRequest(NamedTuple):
    """An order as asked for. `limit_e4`, `stop_e4` and `trail` are None for a type without them, `stop_e4` also for a
    trail that begins at its distance from the market; `adaptive` is empty without the algorithm, `parent_id` 0 without
    a parent, `good_till_ns` 0 without a date."""

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
    trail: Trail | None
    handling: Handling
    good_till_ns: int


def read_order(request: Decoded, account_id: str, instrument: Instrument, now_ns: int) -> OrderRequest:
    """Read a placeOrder; raises RequestError for all that does not depend on other orders."""
    (
        action, shares, cash, order_type, limit, stop, tif, order_ref, parent_id, group, algorithm, good_till,
    ) = request.texts(_READ)  # fmt: skip
    if action not in {"BUY", "SELL", "SSHORT"}:
        raise refuse(f"Invalid action '{clean(action)}': BUY or SELL")
    is_buy = action == "BUY"
    kind = TYPES.get(order_type)
    if kind is None:
        raise _no_such_type(order_type)
    _check_tif(tif, order_type, kind)
    quantity = read_quantity(shares, cash)
    limit_e4 = read_price(limit, "limit") if kind.limit else None
    if kind.capped:
        limit_e4 = read_optional_price(limit, "limit")
    stop_e4 = read_price(stop, "stop") if kind.stop else None
    trail = None
    if kind.trails:
        trail, stop_e4 = read_trail(request, order_type, is_buy)
        limit_e4 = None if stop_e4 is None else trail.limit_e4(stop_e4, is_buy)
    trigger_method, oca_type = _read_usual(request.texts(_USUAL), account_id)
    params = _algo_params(request) if algorithm else []
    if algorithm:
        _check_algorithm(algorithm, params, order_type, tif, instrument)
    return OrderRequest(
        is_buy,
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
        trail,
        read_handling(request, quantity),
        read_good_till(good_till, tif, now_ns),
    )


@lru_cache(maxsize=256)
def _read_usual(texts: tuple[str, ...], account_id: str) -> tuple[int, int]:
    """Trigger method and group type; a refusal is not kept."""
    method, group_type, account, *wanted = texts
    trigger_method = to_int(method) or 0
    if trigger_method not in METHODS:
        raise refuse(f"Invalid trigger method {clean(method)}")
    oca_type = to_int(group_type) or _REDUCE_WITHOUT_BLOCK
    if oca_type not in _GROUP_TYPES:
        raise refuse(f"Invalid OCA type {clean(group_type)}")
    for (_, read, feature), text in zip(_ABSENT, wanted, strict=True):
        if text not in _NOT_ASKED and read(text):
            raise refuse(f"{feature} are not simulated")
    if account not in {"", account_id}:
        raise refuse(f"Invalid account code '{clean(account)}'")
    return trigger_method, oca_type


def _no_such_type(order_type: str) -> RequestError:
    if order_type in OTHER_TYPES:
        return RequestError(387, "Unsupported order type for this exchange and security type.")
    return refuse("Invalid order type was entered")


def _check_tif(tif: str, order_type: str, kind: OrderType) -> None:
    if not tif or tif in kind.tifs:
        return
    if tif not in TIFS:
        raise refuse(f"Invalid time in force '{clean(tif)}': this simulator has DAY, GTC, GTD, IOC and FOK")
    if order_type in AT_CLOSE:
        raise RequestError(113, "The Tif option should be set to DAY for MOC and LOC orders.")
    raise RequestError(111, "The TIF (Tif type) and the order type are incompatible.")


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
    if order_type not in {"MKT", "LMT"} or tif in IMMEDIATE:
        raise RequestError(442, "Specified algorithm is not allowed for this order.")
    for tag, *values in params:
        if tag != adaptive.PRIORITY_TAG:
            raise RequestError(443, f"Order processing failed. Unknown algo attribute:{clean(tag)}")
        if len(values) != 1 or values[0] not in adaptive.REST_NS:
            raise RequestError(441, f"Algo attributes validation failed: {tag} '{clean(';'.join(values))}'")
