"""Requests about orders and executions."""

from __future__ import annotations

from algo_trade.gateway_sim.bars.sizes import parse_end_s
from algo_trade.gateway_sim.broker_rules import what_if_margins
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.gateway import Gateway, Handler
from algo_trade.gateway_sim.handlers.contracts import find_or_refuse
from algo_trade.gateway_sim.hours import midnight_ns
from algo_trade.gateway_sim.messages import (
    commission_report,
    completed_order,
    exec_details,
    open_order,
    order_status,
)
from algo_trade.gateway_sim.orders import BY_HAND, ENDED, SimExecution, SimOrder
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded

_NS = 1_000_000_000
# Types the market takes in regular hours only, whatever an order says; the others may say they want more.
_ONLY_REGULAR_HOURS = frozenset({"MKT", "MOC", "LOC", "MIDPRICE"})
_SIDES = {"BUY": True, "BOT": True, "SELL": False, "SLD": False, "SSHORT": False}


def place_order(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    instrument = find_or_refuse(gateway, request)
    if request.flag("whatIf"):
        order = gateway.desk.draft(client.client_id, request, instrument)
        margins = what_if_margins(order, gateway.booking, gateway.markets.mark_micros)
        client.send(open_order(order, instrument, gateway.account_id, client.version, margins))
        return
    if request.flag("outsideRth") and request.text("orderType") in _ONLY_REGULAR_HOURS:
        client.error(
            request.request_id,
            2109,
            "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on the order type and "
            "destination. PlaceOrder is now being processed.",
        )
    gateway.desk.place(client.client_id, request, instrument)


def cancel_order(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    gateway.desk.cancel(client.client_id, request.request_id)


def global_cancel(gateway: Gateway, _client: ClientConnection, _request: Decoded) -> None:
    gateway.desk.cancel_all()


def open_orders(gateway: Gateway, client: ClientConnection, _request: Decoded) -> None:
    """The client's own orders; for client 0 those placed by hand too, which it binds by asking."""
    if client.client_id == BY_HAND:
        gateway.manual.bind(client)
    _list_orders(
        gateway,
        client,
        [order for order in gateway.booking.live_orders() if order.client_id == client.client_id],
    )


def all_open_orders(gateway: Gateway, client: ClientConnection, _request: Decoded) -> None:
    """Everybody's orders."""
    _list_orders(gateway, client, gateway.booking.live_orders())


def auto_open_orders(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    """Client 0 may have the orders that will be placed by hand bound as they come."""
    if client.client_id != BY_HAND:
        raise RequestError(
            327, "Only API connections with clientId set to 0 can set the auto bind TWS orders property."
        )
    gateway.manual.binder = client if request.flag("bind") else None


def _list_orders(gateway: Gateway, client: ClientConnection, orders: list[SimOrder]) -> None:
    for order in orders:
        instrument = gateway.catalogue.by_con_id[order.con_id]
        client.send(
            open_order(order, instrument, gateway.account_id, client.version)
            + order_status(order, client.version)
        )
    client.reply(replies.OPEN_ORDER_END)


def completed_orders(gateway: Gateway, client: ClientConnection, _request: Decoded) -> None:
    """Orders that ended since midnight in New York."""
    since_ns = midnight_ns(gateway.clock.now_ns())
    for order in gateway.booking.orders.values():
        if order.status in ENDED and order.completed_ns >= since_ns:
            instrument = gateway.catalogue.by_con_id[order.con_id]
            client.send(completed_order(order, instrument, gateway.account_id, client.version))
    client.reply(replies.COMPLETED_ORDERS_END)


def executions(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    """Executions since midnight in New York that pass the filter, each with its commission, if that is known.

    A fill that was corrected is told as it was and as it is: a client takes the last one of an id, as it does live.
    """
    now_ns = gateway.clock.now_ns()
    since_ns = max(midnight_ns(now_ns), _filter_time_ns(request.text("time"), now_ns))
    for execution in gateway.booking.executions:
        if execution.time_ns < since_ns or not _passes(execution, request, gateway):
            continue
        instrument = gateway.catalogue.by_con_id[execution.con_id]
        client.send(
            exec_details(execution, instrument, gateway.account_id, client.version, request.request_id)
        )
        if execution.commission_due_ns <= now_ns:
            client.send(commission_report(execution, client.version))
    client.reply(replies.EXEC_DETAILS_END, reqId=request.request_id)


def _passes(execution: SimExecution, request: Decoded, gateway: Gateway) -> bool:
    """Whether the filter lets an execution through; an empty field, and client id 0, let everything through."""
    client_id = request.integer("clientId")
    side = request.text("side").upper()
    instrument = gateway.catalogue.by_con_id[execution.con_id]
    return (
        (not client_id or client_id == execution.client_id)
        and request.text("account") in {"", gateway.account_id}
        and request.text("symbol") in {"", execution.symbol}
        and request.text("secType") in {"", "STK"}
        and request.text("exchange") in {"", "SMART", instrument.listing}
        and (not side or _SIDES.get(side) == execution.is_buy)
    )


def _filter_time_ns(text: str, now_ns: int) -> int:
    """A moment in any form an end of history may have; 0 for none."""
    try:
        return (parse_end_s(text, now_ns) or 0) * _NS
    except RequestError:
        raise RequestError(
            321, "Error validating request.-'bM' : cause - Invalid execution filter time"
        ) from None


HANDLERS: dict[str, Handler] = {
    "place_order": place_order,
    "cancel_order": cancel_order,
    "global_cancel": global_cancel,
    "open_orders": open_orders,
    "all_open_orders": all_open_orders,
    "auto_open_orders": auto_open_orders,
    "completed_orders": completed_orders,
    "executions": executions,
}
