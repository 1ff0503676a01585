"""A broker that does as it is told: it takes the simulator's place for everything about orders.

It knows every order type by name only, holds back what is not transmitted, and lets the exits of an entry live and die
with it. Nothing fills unless the test says so, and how it answers a change or a cancel is the test's to decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.order_plane.world import ACCOUNT, World

from algo_trade.contracts import OrderIntent
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded

ACK_S = 0.02
CLIENT_ID = 1
OVER = ("Filled", "Cancelled", "Inactive")

Answer = Callable[["Theirs", Any], None]


@dataclass
class Theirs:
    """An order as the broker has it; `sent` holds the fields of its last placeOrder frame that took effect."""

    sent: dict[str, str]
    order_id: int
    perm_id: int
    status: str = "ApiPending"
    filled: int = 0
    quantity: int = 0
    executions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ref(self) -> str:
        return self.sent["orderRef"]

    @property
    def parent_id(self) -> int:
        return int(self.sent["parentId"] or 0)

    @property
    def live(self) -> bool:
        return self.status not in (*OVER, "ApiPending")

    @property
    def terms(self) -> tuple[int, str, str]:
        """Shares, limit and stop as written on the wire."""
        return self.quantity, self.sent["lmtPrice"], self.sent["auxPrice"]


def sent_fields(asked: Decoded) -> dict[str, str]:
    """Every field of a request, by name."""
    return {name: asked.text(name) for name in asked.places}


class Broker:
    """Put in its place with `Broker(world)`. `frames` has every placeOrder frame, `cancels` every id of a cancel."""

    def __init__(self, world: World) -> None:
        self._gateway = world._gateway
        self.orders: dict[int, Theirs] = {}
        self.frames: list[dict[str, str]] = []
        self.cancels: list[int] = []
        self.positions: dict[str, int] = {}
        self.on_change: Answer = self.accept_change
        self.on_cancel: Answer = lambda order, _: self.later(lambda: self.end(order, "Cancelled"))
        handlers = {
            "place_order": self._place,
            "cancel_order": self._cancel,
            "all_open_orders": self._open_orders,
            "completed_orders": self._completed,
            "executions": self._executions,
            "positions": self._positions,
        }
        self._gateway._handlers.update(
            {name: lambda _gateway, _client, asked, do=do: do(asked) for name, do in handlers.items()}
        )

    def of(self, intent: OrderIntent) -> Theirs:
        """The order of an intent; KeyError when the broker never had one."""
        return {order.ref: order for order in self.orders.values()}[str(intent.intent_id)]

    def later(self, action: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(ACK_S, action)

    # -- what a test makes happen ------------------------------------------------------------------
    def fill(self, order: Theirs, shares: int, price: float = 100.0, *, silent: bool = False) -> None:
        """An execution and its commission; `silent`: only whoever asks hears of it."""
        order.filled += shares
        number = sum(len(one.executions) for one in self.orders.values())
        execution = {
            "execId": f"e.{number}.01",
            "shares": shares,
            "price": price,
            "cumQty": order.filled,
            "avgPrice": price,
        }
        order.executions.append(execution)
        sign = 1 if order.sent["action"] == "BUY" else -1
        symbol = order.sent["symbol"]
        self.positions[symbol] = self.positions.get(symbol, 0) + sign * shares
        order.status = "Filled" if order.filled >= order.quantity else "Submitted"
        if not silent:
            self._tell_execution(order, execution, -1)
            self.tell(order)
        if order.parent_id:
            if order.status == "Filled":
                self._end_all(one for one in self._siblings(order))
        else:
            for child in self._children(order):
                if child.status == "PreSubmitted":
                    child.status = "PreSubmitted" if child.sent["auxPrice"] else "Submitted"
                    if not silent:
                        self.tell(child)

    def end(self, order: Theirs, status: str, *, silent: bool = False) -> None:
        """Over, and with an entry that brought nothing its exits."""
        if order.status in OVER:
            return
        order.status = status
        if not silent:
            self.tell(order)
        if not order.parent_id and not order.filled:
            self._end_all(self._children(order), silent=silent)

    def accept_change(self, order: Theirs, asked: Any) -> None:
        """The new terms work, and are echoed, after a moment."""

        def act() -> None:
            if order.status not in OVER:
                self.apply(order, asked)
                self.tell(order)

        self.later(act)

    def apply(self, order: Theirs, asked: Any) -> None:
        """The new terms work; nobody is told."""
        order.sent, order.quantity = sent_fields(asked), int(float(asked.text("totalQty")))

    def refuse(self, order: Theirs, code: int, text: str = "said the gateway") -> None:
        self.client.error(order.order_id, code, text)

    def tell(self, order: Theirs) -> None:
        """openOrder and orderStatus."""
        if self.client is not None:
            self.client.reply(replies.OPEN_ORDER, **self._order_values(order))
            self.client.reply(replies.ORDER_STATUS, **self._status_values(order))

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Nobody hears of anything."""
        real = self.tell
        self.tell = lambda order: None  # type: ignore[method-assign]  # for a while
        yield
        self.tell = real  # type: ignore[method-assign]

    # -- requests ----------------------------------------------------------------------------------
    @property
    def client(self) -> Any:
        return self._gateway._clients.get(CLIENT_ID)

    def _place(self, asked: Any) -> None:
        self.frames.append(sent_fields(asked))
        known = self.orders.get(asked.request_id)
        if known is not None:
            self.on_change(known, asked)
            return
        order = Theirs(sent_fields(asked), asked.request_id, 1000 + asked.request_id)
        order.quantity = int(float(asked.text("totalQty")))
        self.orders[order.order_id] = order
        if asked.flag("transmit"):
            family = (
                [order]
                if not order.parent_id
                else [self.orders[order.parent_id], *self._siblings(order), order]
            )
            self.later(lambda: self._acknowledge(family))

    def _acknowledge(self, family: list[Theirs]) -> None:
        for order in family:
            if order.status == "ApiPending":
                waits = order.parent_id or order.sent["orderType"].startswith("STP")
                order.status = "PreSubmitted" if waits else "Submitted"
                self.tell(order)

    def _cancel(self, asked: Any) -> None:
        self.cancels.append(asked.request_id)
        order = self.orders.get(asked.request_id)
        if order is None or order.status in OVER:
            code = 10147 if order is None else 10148
            self.client.error(
                asked.request_id, code, f"OrderId {asked.request_id} that needs to be cancelled ..."
            )
        else:
            self.on_cancel(order, asked)

    def _open_orders(self, _asked: Any) -> None:
        for order in self.orders.values():
            if order.live:
                self.tell(order)
        self.client.reply(replies.OPEN_ORDER_END)

    def _completed(self, _asked: Any) -> None:
        for order in self.orders.values():
            if order.status in OVER:
                values = self._order_values(order)
                for name in ("orderId", "clientId", "parentId"):
                    del values[name]
                self.client.reply(replies.COMPLETED_ORDER, **values, filledQuantity=order.filled)
        self.client.reply(replies.COMPLETED_ORDERS_END)

    def _executions(self, asked: Any) -> None:
        for order in self.orders.values():
            for execution in order.executions:
                self._tell_execution(order, execution, asked.request_id)
        self.client.reply(replies.EXEC_DETAILS_END, reqId=asked.request_id)

    def _positions(self, _asked: Any) -> None:
        for symbol, shares in self.positions.items():
            instrument = self._gateway.catalogue.by_symbol[symbol]
            self.client.reply(
                replies.POSITION,
                **instrument.contract("NYSE"),
                account=ACCOUNT,
                position=shares,
                avgCost="0.0",
            )
        self.client.reply(replies.POSITION_END)

    # -- helpers -----------------------------------------------------------------------------------
    def _children(self, order: Theirs) -> list[Theirs]:
        return [one for one in self.orders.values() if one.parent_id == order.order_id]

    def _siblings(self, order: Theirs) -> list[Theirs]:
        return [one for one in self._children(self.orders[order.parent_id]) if one is not order]

    def _end_all(self, orders: Any, *, silent: bool = False) -> None:
        for order in list(orders):
            self.end(order, "Cancelled", silent=silent)

    def _contract(self, order: Theirs) -> dict[str, Any]:
        return dict(self._gateway.catalogue.by_symbol[order.sent["symbol"]].contract("SMART"))

    def _order_values(self, order: Theirs) -> dict[str, Any]:
        sent = order.sent
        return {
            **self._contract(order),
            "orderId": order.order_id,
            "action": sent["action"],
            "totalQty": order.quantity,
            "orderType": sent["orderType"],
            "lmtPrice": sent["lmtPrice"] or "0.0",
            "auxPrice": sent["auxPrice"] or "0.0",
            "tif": sent["tif"],
            "account": ACCOUNT,
            "orderRef": order.ref,
            "clientId": CLIENT_ID,
            "permId": order.perm_id,
            "parentId": order.parent_id,
            "status": order.status,
        }

    def _status_values(self, order: Theirs) -> dict[str, Any]:
        return {
            "orderId": order.order_id,
            "status": order.status,
            "filled": order.filled,
            "remaining": order.quantity - order.filled
            if order.status not in ("Cancelled", "Inactive")
            else 0,
            "permId": order.perm_id,
            "parentId": order.parent_id,
            "clientId": CLIENT_ID,
        }

    def _tell_execution(self, order: Theirs, execution: dict[str, Any], req_id: int) -> None:
        if self.client is None:
            return
        self.client.reply(
            replies.EXEC_DETAILS,
            **self._contract(order),
            **execution,
            reqId=req_id,
            orderId=order.order_id,
            time="20260302 09:31:00 US/Eastern",
            account=ACCOUNT,
            executionExchange="NYSE",
            side="BOT" if order.sent["action"] == "BUY" else "SLD",
            permId=order.perm_id,
            clientId=CLIENT_ID,
            orderRef=order.ref,
        )
        self.client.reply(
            replies.COMMISSION_REPORT, execId=execution["execId"], commission="1.0", currency="USD"
        )
