"""The messages about orders, executions, positions and commissions, field by field.

Each function takes the fields of one frame and raises for anything it cannot read; `decode` turns that into
`Undecodable`. Fields that identify a message are never empty; those that only describe may be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from zoneinfo import ZoneInfo

from algo_trade.ibkr import layouts
from algo_trade.ibkr.events import (
    CommissionReport,
    CompletedOrder,
    Execution,
    OpenOrder,
    OrderStatus,
    PositionRow,
    WireEvent,
)
from algo_trade.ibkr.fields import (
    FieldError,
    flag,
    integer,
    integer_or,
    number,
    number_or,
    optional_number,
    text,
)
from algo_trade.ibkr.layouts import walk
from algo_trade.ibkr.times import parse_time

_SIDES = {b"BOT": "BUY", b"SLD": "SELL", b"BUY": "BUY", b"SELL": "SELL", b"SSHORT": "SELL"}


class Wire(NamedTuple):
    """What a connection agreed on: the version, and the zone of times written without one (None: unknown)."""

    version: int
    naive_zone: ZoneInfo | None


def order_status(fields: list[bytes], wire: Wire, arrival_ns: int) -> OrderStatus:
    f = walk(layouts.ORDER_STATUS, fields, wire.version)
    return OrderStatus(
        order_id=integer(f["orderId"]),
        status=_filled_text(f["status"]),
        filled=number(f["filled"]),
        remaining=number(f["remaining"]),
        avg_fill_price=number_or(f["avgFillPrice"], 0.0),
        perm_id=integer_or(f["permId"], 0),
        parent_id=integer_or(f["parentId"], 0),
        last_fill_price=number_or(f["lastFillPrice"], 0.0),
        client_id=integer_or(f["clientId"], 0),
        why_held=text(f["whyHeld"]),
        arrival_ns=arrival_ns,
    )


def open_order(fields: list[bytes], wire: Wire, arrival_ns: int) -> OpenOrder:
    f = walk(layouts.OPEN_ORDER, fields, wire.version)
    return OpenOrder(
        order_id=integer(f["orderId"]),
        client_id=integer(f["clientId"]),
        perm_id=integer(f["permId"]),
        con_id=integer(f["conId"]),
        symbol=text(f["symbol"]),
        side=_side(f["action"]),
        quantity=number(f["quantity"]),
        order_type=text(f["orderType"]),
        limit_price=optional_number(f["limitPrice"]),
        stop_price=optional_number(f["auxPrice"]),
        tif=text(f["tif"]),
        account=text(f["account"]),
        order_ref=text(f["orderRef"]),
        parent_id=integer_or(f["parentId"], 0),
        what_if=flag(f["whatIf"]),
        status=_filled_text(f["status"]),
        warning=text(f["warning"]),
        arrival_ns=arrival_ns,
    )


def execution(fields: list[bytes], wire: Wire, arrival_ns: int) -> Execution:
    f = walk(layouts.EXECUTION, fields, wire.version)
    time_text = text(f["time"])
    return Execution(
        req_id=integer(f["reqId"]),
        order_id=integer(f["orderId"]),
        client_id=integer(f["clientId"]),
        perm_id=integer(f["permId"]),
        con_id=integer(f["conId"]),
        symbol=text(f["symbol"]),
        exec_id=_filled_text(f["execId"]),
        exec_time=parse_time(time_text, wire.naive_zone),
        time_text=time_text,
        account=text(f["account"]),
        exchange=text(f["venue"]),
        side=_side(f["side"]),
        shares=number(f["shares"]),
        price=number(f["price"]),
        cum_qty=number(f["cumQty"]),
        avg_price=number(f["avgPrice"]),
        order_ref=text(f["orderRef"]),
        arrival_ns=arrival_ns,
    )


def commission_report(fields: list[bytes], wire: Wire, arrival_ns: int) -> CommissionReport:
    f = walk(layouts.COMMISSION, fields, wire.version)
    return CommissionReport(
        _filled_text(f["execId"]),
        number(f["commission"]),
        text(f["currency"]),
        optional_number(f["realizedPnl"]),
        arrival_ns,
    )


def completed_order(fields: list[bytes], wire: Wire, arrival_ns: int) -> CompletedOrder:
    f = walk(layouts.COMPLETED_ORDER, fields, wire.version)
    return CompletedOrder(
        perm_id=integer(f["permId"]),
        con_id=integer(f["conId"]),
        symbol=text(f["symbol"]),
        side=_side(f["action"]),
        quantity=number(f["quantity"]),
        order_type=text(f["orderType"]),
        limit_price=optional_number(f["limitPrice"]),
        account=text(f["account"]),
        order_ref=text(f["orderRef"]),
        status=_filled_text(f["status"]),
        filled=number_or(f["filled"], 0.0),
        completed_time=text(f["completedTime"]),
        completed_status=text(f["completedStatus"]),
        arrival_ns=arrival_ns,
    )


def position(fields: list[bytes], wire: Wire, arrival_ns: int) -> PositionRow:
    f = walk(layouts.POSITION, fields, wire.version)
    return PositionRow(
        account=_filled_text(f["account"]),
        con_id=integer(f["conId"]),
        symbol=text(f["symbol"]),
        sec_type=text(f["secType"]),
        quantity=number(f["quantity"]),
        avg_cost=number_or(f["avgCost"], 0.0),
        arrival_ns=arrival_ns,
    )


ORDER_DECODERS: dict[bytes, Callable[[list[bytes], Wire, int], WireEvent]] = {
    b"3": order_status,
    b"5": open_order,
    b"11": execution,
    b"59": commission_report,
    b"61": position,
    b"101": completed_order,
}


def _side(field: bytes) -> str:
    if field not in _SIDES:
        raise FieldError(f"unknown side {field[:20]!r}")
    return _SIDES[field]


def _filled_text(field: bytes) -> str:
    if not field:
        raise FieldError("a field that identifies its message is empty")
    return text(field)
