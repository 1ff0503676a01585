"""Orders, executions and account rows as messages: from what the gateway remembers to what a table wants."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from algo_trade.gateway_sim import adaptive
from algo_trade.gateway_sim.account import MICROS_PER_E4, Position
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.families import group_of
from algo_trade.gateway_sim.hours import eastern_text
from algo_trade.gateway_sim.orders import SimExecution, SimOrder
from algo_trade.gateway_sim.trailing import Trail
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.layout import Layout, Value
from algo_trade.gateway_sim.wire.values import is_number, money_text, price_text, ratio_text, to_bool

# Fields of placeOrder that an order message gives back as they came: texts, numbers that are set, flags that are on.
_TEXTS = (
    "faGroup", "faMethod", "faPercentage", "modelCode", "rule80A", "settlingFirm", "clearingAccount", "goodTillDate",
)  # fmt: skip
_NUMBERS = ("origin", "displaySize", "exemptCode", "minQty")
_FLAGS = (
    "outsideRth", "hidden", "solicited", "randomizeSize", "randomizePrice", "notHeld", "sweepToFill", "allOrNone",
)  # fmt: skip
_ECHOED = (*_TEXTS, *_NUMBERS, *_FLAGS)
# What numbers and flags hold in an order that asks for none of it: what a message says by itself.
_PLAIN = frozenset({"", "0", "-1"})

Values = dict[str, Value]


def echo_of(request: Decoded) -> Mapping[str, str]:
    """The fields of a placeOrder that its order's messages only give back."""
    return _echo(request.texts(_ECHOED))


@lru_cache(maxsize=256)
def _echo(texts: tuple[str, ...]) -> Mapping[str, str]:
    given = dict(zip(_ECHOED, texts, strict=True))
    echo = {name: given[name] for name in _TEXTS if given[name]}
    numbers = {name: given[name] for name in _NUMBERS if given[name] not in _PLAIN}
    echo |= {name: text for name, text in numbers.items() if is_number(text)}
    flags = {name: given[name] for name in _FLAGS}
    if not _PLAIN.issuperset(flags.values()):
        echo |= {name: "1" for name, text in flags.items() if to_bool(text)}
    return echo


def _layout(layout: Layout, order: SimOrder, instrument: Instrument, account_id: str) -> Layout:
    """The message about an order, with what all orders of the account in its contract have in common filled in."""
    return _given(layout, tuple(instrument.contract(order.exchange).items()), account_id)


@lru_cache(maxsize=1024)
def _given(layout: Layout, contract: tuple[tuple[str, str | int], ...], account_id: str) -> Layout:
    return layout.given({**dict(contract), "account": account_id})


def _order_values(order: SimOrder) -> Values:
    """What openOrder and completedOrder have in common."""
    values: Values = {
        **order.echo,
        "action": order.action,
        "totalQty": order.quantity,
        "orderType": order.order_type,
        "lmtPrice": "0.0" if order.limit_e4 is None else price_text(order.limit_e4),
        "tif": order.tif,
        "orderRef": order.order_ref,
        "permId": order.perm_id,
    }
    if order.trail is not None:
        values |= _trail_values(order, order.trail)
    elif order.stop_e4 is not None:
        values["auxPrice"] = price_text(order.stop_e4)
        values["triggerMethod"] = order.trigger_method
    if order.oca_group or order.parent_perm_id:
        values["ocaGroup"] = group_of(order)
        values["ocaType"] = order.oca_type
    if order.adaptive:
        values["algoStrategy"] = adaptive.STRATEGY
        values["algoParams"] = order.algo_params
    return values


def _trail_values(order: SimOrder, trail: Trail) -> Values:
    """A trail's fields. The stop price is there twice: clients that read both keep the second."""
    values: Values = {"triggerMethod": order.trigger_method, "auxPrice": price_text(trail.amount_e4)}
    if trail.percent_e4:
        values["trailingPercent"] = price_text(trail.percent_e4)
    if order.stop_e4 is not None:
        values["trailStopPrice"] = values["trailStopPrice2"] = price_text(order.stop_e4)
    if trail.offset_e4 is not None:
        values["lmtPriceOffset"] = price_text(trail.offset_e4)
    return values


def open_order(
    order: SimOrder, instrument: Instrument, account_id: str, version: int, extra: Values | None = None
) -> bytes:
    """Message 5; `extra` overrides fields (the margins of a what-if order)."""
    values = _order_values(order)
    values |= {
        "orderId": order.order_id,
        "clientId": order.client_id,
        "status": order.status,
        "parentId": order.parent_order_id,
        "ignored": f"{order.perm_id}.0/{account_id}/{order.quantity}",
    }
    if extra:
        values |= extra
    return _layout(replies.OPEN_ORDER, order, instrument, account_id).encode(version, values)


def order_status(order: SimOrder, version: int) -> bytes:
    """Message 3."""
    return replies.ORDER_STATUS.encode(
        version,
        {
            "orderId": order.order_id,
            "status": order.status,
            "filled": order.filled,
            "remaining": order.remaining,
            "avgFillPrice": average_price(order.value_micros, order.filled),
            "permId": order.perm_id,
            "parentId": order.parent_order_id,
            "whyHeld": order.why_held,
            "lastFillPrice": price_text(order.last_price_e4) if order.filled else 0,
            "clientId": order.client_id,
        },
    )


def completed_order(order: SimOrder, instrument: Instrument, account_id: str, version: int) -> bytes:
    """Message 101: an order that ended, without its order id."""
    values = _order_values(order)
    values |= {
        "totalQty": order.quantity,
        "status": order.status,
        "filledQuantity": order.filled,
        "shareholder": "Not an insider or substantial shareholder",
        "completedTime": eastern_text(order.completed_ns),
        "completedStatus": order.completed_status,
    }
    return _layout(replies.COMPLETED_ORDER, order, instrument, account_id).encode(version, values)


def exec_details(
    execution: SimExecution, instrument: Instrument, account_id: str, version: int, request_id: int = -1
) -> bytes:
    """Message 11; `request_id` -1 means nobody asked."""
    return replies.EXEC_DETAILS.encode(
        version,
        {
            **instrument.contract(execution.exchange),
            "reqId": request_id,
            "orderId": execution.order_id,
            "execId": execution.exec_id,
            "time": eastern_text(execution.time_ns),
            "account": account_id,
            "executionExchange": instrument.listing,
            "side": "BOT" if execution.is_buy else "SLD",
            "shares": execution.shares,
            "price": price_text(execution.price_e4),
            "permId": execution.perm_id,
            "clientId": execution.client_id,
            "cumQty": execution.cumulative_shares,
            "avgPrice": average_price(execution.cumulative_value_micros, execution.cumulative_shares),
            "orderRef": execution.order_ref,
            "lastLiquidity": execution.liquidity,
        },
    )


def commission_report(execution: SimExecution, version: int) -> bytes:
    """Message 59."""
    values: Values = {
        "execId": execution.exec_id,
        "commission": money_text(execution.commission_micros),
        "currency": "USD",
    }
    if execution.realized_micros is not None:
        values["realizedPNL"] = money_text(execution.realized_micros)
    return replies.COMMISSION_REPORT.encode(version, values)


def position_row(position: Position, instrument: Instrument, account_id: str, version: int) -> bytes:
    """Message 61: the listing exchange stands where the order said SMART."""
    return replies.POSITION.encode(version, _position_values(position, instrument, account_id))


def position_multi_row(
    position: Position, instrument: Instrument, account_id: str, version: int, request_id: int, model: str
) -> bytes:
    """Message 71."""
    values = _position_values(position, instrument, account_id)
    return replies.POSITION_MULTI.encode(version, values | {"reqId": request_id, "modelCode": model})


def _position_values(position: Position, instrument: Instrument, account_id: str) -> Values:
    return {
        **instrument.contract(instrument.listing),
        "account": account_id,
        "position": position.shares,
        "avgCost": average_cost(position),
    }


def portfolio_row(
    position: Position, instrument: Instrument, account_id: str, mark_micros: int, version: int
) -> bytes:
    """Message 7, at a mark in millionths of a dollar."""
    values: Values = {name: value for name, value in instrument.contract().items() if name != "exchange"}
    values |= {
        "primaryExchange": instrument.listing,
        "position": position.shares,
        "marketPrice": money_text(mark_micros),
        "marketValue": money_text(position.value_micros(mark_micros)),
        "avgCost": average_cost(position),
        "unrealizedPNL": money_text(position.unrealized_micros(mark_micros)),
        "realizedPNL": money_text(position.realized_micros),
        "account": account_id,
    }
    return replies.PORTFOLIO.encode(version, values)


def average_price(value_micros: int, shares: int) -> str:
    """The mean price of some shares, in dollars."""
    return "0" if not shares else ratio_text(value_micros, shares * 10_000 * MICROS_PER_E4)


def average_cost(position: Position) -> str:
    """The mean cost of a position's shares with commissions, in dollars."""
    return "0.0" if not position.shares else ratio_text(position.cost_micros, position.shares * 1_000_000)
