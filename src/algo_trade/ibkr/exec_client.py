"""Orders out, everything about orders in.

The order plane calls `send_order` at one moment only: its journal holds the send mark, the pacer gave a token,
the checks were made again. From there to the socket everything is synchronous, so nothing can come between
the durable mark and the first byte. What came of an order is learnt from the stream of reports and never from
a return value: a written order may still not have arrived.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence

from algo_trade.contracts import ApprovedOrder
from algo_trade.ibkr.answers import Answer, Known, Unknown
from algo_trade.ibkr.connection import Connection
from algo_trade.ibkr.errors import NotConnected, OrderRefused, OrdersHalted
from algo_trade.ibkr.events import (
    CommissionReport,
    CompletedOrder,
    ConnectivityChanged,
    Execution,
    GatewayMessage,
    LinkChanged,
    OpenOrder,
    OrderEvent,
    OrderStatus,
    Plane,
    Undecodable,
)
from algo_trade.ibkr.gate import OrderGate
from algo_trade.ibkr.mailbox import Mailbox
from algo_trade.ibkr.order_frames import OrderFrames
from algo_trade.ibkr.pacer import Lane, Pacer
from algo_trade.ibkr.requests import is_order_id
from algo_trade.ibkr.snapshots import Snapshots
from algo_trade.settings.sections import IbkrSettings

# Order type → whether it has a limit price, and a stop price.
_ORDER_TYPES = {
    "MKT": (False, False),
    "LMT": (True, False),
    "STP": (False, True),
    "STP LMT": (True, True),
}
_TIFS = ("DAY", "GTC", "IOC", "FOK")
_PRIORITIES = ("", "Patient", "Normal", "Urgent")
# An order plane this far behind its own reports is stuck, and must not trade on.
_REPORTS_MAX = 100_000


class IBKRExecClient:
    """The order side of one connection."""

    def __init__(
        self, connection: Connection, pacer: Pacer, snapshots: Snapshots, settings: IbkrSettings
    ) -> None:
        self.pacer = pacer
        self.gate = OrderGate(connection)
        self._connection = connection
        self._snapshots = snapshots
        self._settings = settings
        self._order_id_floor = 0
        self._frames: OrderFrames | None = None
        self._statuses: dict[int, OrderStatus] = {}
        self._reports: Mailbox[OrderEvent] = Mailbox(_REPORTS_MAX, self._overrun)
        router = connection.router
        router.listen(OpenOrder, self._reports.put)
        router.listen(OrderStatus, self._on_status)
        router.listen(Execution, self._reports.put)
        router.listen(CommissionReport, self._reports.put)
        router.listen(CompletedOrder, self._reports.put)
        router.listen(LinkChanged, self._reports.put)
        router.listen(ConnectivityChanged, self._reports.put)
        router.listen(GatewayMessage, self._on_message)
        router.listen(Undecodable, self._on_undecodable)

    # -- ids ----------------------------------------------------------------------------------------
    @property
    def order_id_floor(self) -> int:
        """The highest order id that may ever have been used; ids given out lie above it."""
        return self._order_id_floor

    @order_id_floor.setter
    def order_id_floor(self, used: int) -> None:
        self._order_id_floor = max(self._order_id_floor, used)

    def next_order_id(self) -> int:
        """An id no order ever had: the gateway's may roll back after a restart, ours never does.

        Raises NotConnected before the gateway has told its own.
        """
        if self._connection.next_valid_id <= 0:
            raise NotConnected("the gateway has not told its next order id")
        self._order_id_floor = max(self._order_id_floor + 1, self._connection.next_valid_id)
        return self._order_id_floor

    # -- orders -------------------------------------------------------------------------------------
    def send_order(self, approved: ApprovedOrder, order_id: int, *, parent_order_id: int = 0) -> int:
        """Write an order now, on a token the caller took from `pacer`; the number of bytes.

        With the id of an order that works it is a change of that one; an attached exit's needs its entry's id too.
        Raises OrderRefused (never to be sent), OrdersHalted or NotConnected; then no byte has left.
        """
        if (parent_order_id > 0) != (approved.attached_to is not None):
            raise OrderRefused("an attached exit is sent with its entry's id, and no other order is")
        return self._write([(approved, order_id)], parent_order_id)

    def send_bracket(self, family: Sequence[tuple[ApprovedOrder, int]]) -> int:
        """Write an entry and its exits in one piece, on a token each: the entry first, and only the last transmits.

        The gateway keeps what is not transmitted to itself, so whatever part of the bytes arrives, half a bracket
        never works. Raises as `send_order`; then no byte of any has left.
        """
        (entry, entry_id), *exits = family
        if entry.attached_to is not None or any(one.attached_to != entry.intent_id for one, _ in exits):
            raise OrderRefused("a bracket is an entry and exits attached to it")
        return self._write(family, entry_id)

    def _write(self, orders: Sequence[tuple[ApprovedOrder, int]], parent_order_id: int) -> int:
        for approved, _ in orders:
            self._check(approved)
        if self.gate.reason is not None:
            raise OrdersHalted(self.gate.reason)
        writer, last_id = self._writer(), orders[-1][1]
        frames = [
            writer.place_order(
                approved,
                order_id,
                parent_order_id if approved.attached_to is not None else 0,
                transmit=order_id == last_id,
            )
            for approved, order_id in orders
        ]
        self.order_id_floor = last_id
        return self._connection.send(b"".join(frames))

    def _writer(self) -> OrderFrames:
        """The present connection's, which may speak another version than the one before."""
        if self._frames is None or self._frames.encoder is not self._connection.encoder:
            self._frames = OrderFrames(self._connection.encoder)
        return self._frames

    def send_cancel(self, order_id: int) -> int:
        """Write a cancel now; the number of bytes. No gate, no read-only: a cancel only makes exposure smaller.

        Raises NotConnected.
        """
        return self._connection.send(self._connection.encoder.cancel_order(order_id))

    async def place_order(self, approved: ApprovedOrder, order_id: int) -> int:
        """Wait for a token, then `send_order`. For callers without a journal to write in between."""
        await self.pacer.acquire(Lane.ORDER)
        return self.send_order(approved, order_id)

    async def cancel_order(self, order_id: int) -> int:
        """Wait behind other cancels only, then `send_cancel`."""
        await self.pacer.acquire(Lane.CANCEL)
        return self.send_cancel(order_id)

    async def get_order_status(self, order_id: int) -> Answer[OrderStatus]:
        """The last status heard, else what the gateway says about its open orders. Known of no row: not open."""
        if order_id in self._statuses:
            return Known((self._statuses[order_id],))
        answer = await self._snapshots.open_orders(all_clients=False)
        if isinstance(answer, Unknown):
            return answer
        status = self._statuses.get(order_id)  # the gateway sends one after each open order
        listed = any(order.order_id == order_id for order in answer.rows)
        if status is None and listed:
            return Unknown("the gateway lists the order but has not told its status")
        return Known((status,) if status is not None else ())

    async def poll_reports(self) -> AsyncIterator[OrderEvent]:
        """Everything that bears on orders, in order of arrival, until `close`. One consumer.

        Answers to snapshots come by here as well: evidence is evidence, whoever asked for it. A consumer may
        stop and iterate anew; what it has not been given yet is still there.
        """
        while (event := await self._reports.take_one()) is not None:
            yield event

    def close(self) -> None:
        """End the stream of reports, after what it still holds."""
        self._reports.close()

    # -- what arrives -------------------------------------------------------------------------------
    def _on_status(self, event: OrderStatus) -> None:
        if event.client_id == self._settings.client_id:
            self._statuses[event.order_id] = event
        self._reports.put(event)

    def _on_message(self, event: GatewayMessage) -> None:
        if is_order_id(event.req_id):
            self._reports.put(event)

    def _on_undecodable(self, event: Undecodable) -> None:
        if event.plane is Plane.ORDERS:
            self._reports.put(event)

    def _overrun(self) -> None:
        raise OverflowError(f"{_REPORTS_MAX} order reports wait unread")

    def _check(self, approved: ApprovedOrder) -> None:
        if self._settings.read_only:
            raise OrderRefused("IBKR_READ_ONLY is set: no order leaves")
        if approved.account != self._settings.account_id:
            raise OrderRefused("the order names another account than the configured one")
        if approved.order_type not in _ORDER_TYPES or approved.tif not in _TIFS or not approved.order_ref:
            raise OrderRefused(
                f"order type {approved.order_type!r}, tif {approved.tif!r}: incomplete or unknown"
            )
        limit, stop = approved.limit_price, approved.stop_price
        if (limit is not None, stop is not None) != _ORDER_TYPES[approved.order_type]:
            raise OrderRefused(f"{approved.order_type} with limit price {limit} and stop price {stop}")
        for price in (limit, stop):
            if price is not None and not (math.isfinite(price) and price > 0):
                raise OrderRefused(f"price {price}")
        if approved.adaptive not in _PRIORITIES or (approved.adaptive and stop is not None):
            raise OrderRefused(f"{approved.order_type} with adaptive priority {approved.adaptive!r}")
        if approved.quantity <= 0 or approved.side not in ("BUY", "SELL"):
            raise OrderRefused(f"{approved.side} {approved.quantity}")
