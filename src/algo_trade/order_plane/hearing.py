"""Listening to the broker: every event into the books, a reconciliation whenever the gate has shut, and questions
about orders the broker has been silent about.

Silence is no answer. An order that should have ended by now (it was to fill or be cancelled at once, or its end speaks
of executions that have not come) is asked about when our patience is over, and after that less and less often: each
answer that changes nothing doubles the wait. So is a commission that is missing.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from algo_trade.clock import Clock
from algo_trade.contracts import OrderType, SessionEventKind, Severity, TimeInForce
from algo_trade.ibkr import IBKRHandler
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
)
from algo_trade.order_plane.broker_events import BrokerEvents
from algo_trade.order_plane.ledger import Ledger
from algo_trade.order_plane.lifecycle import OrderState
from algo_trade.order_plane.notify import Notify
from algo_trade.order_plane.order import Order
from algo_trade.order_plane.reconcile import Reconciler

_WATCH_S = 1.0
_ASKS_MAX = 10


class Hearing:
    """Two tasks call `run` and `watch`. `patience_ns`: how long an order that should be over may stay silent."""

    def __init__(
        self,
        handler: IBKRHandler,
        clock: Clock,
        ledger: Ledger,
        events: BrokerEvents,
        reconciler: Reconciler,
        notify: Notify,
        patience_ns: int,
    ) -> None:
        self._handler = handler
        self._clock = clock
        self._ledger = ledger
        self._events = events
        self._reconciler = reconciler
        self._notify = notify
        self._patience_ns = patience_ns
        self._asked: dict[UUID, tuple[int, int]] = {}  # how often about an order, and when last
        self._wake = asyncio.Event()

    async def run(self) -> None:
        async for event in self._handler.orders.poll_reports():
            self.hear(event)

    def hear(self, event: OrderEvent) -> None:
        if isinstance(event, OrderStatus):
            self._events.on_status(event)
        elif isinstance(event, OpenOrder):
            self._events.on_open_order(event)
        elif isinstance(event, Execution):
            self._events.on_execution(event)
        elif isinstance(event, CommissionReport):
            self._events.on_commission(event)
        elif isinstance(event, CompletedOrder):
            self._events.on_completed(event)
        elif isinstance(event, GatewayMessage):
            self._events.on_message(event)
        elif isinstance(event, LinkChanged | ConnectivityChanged):
            self._wake.set()
        else:
            text = f"message {event.message_id} could not be decoded: {event.reason}"
            self._notify(SessionEventKind.ORDER_ALARM, text, severity=Severity.ERROR)
            self._wake.set()

    async def watch(self) -> None:
        """Reconcile when the gate is shut, ask when somebody is overdue; look at once when the link changes."""
        while True:
            await self._pause()
            if self._handler.orders.gate.reason is not None:
                if self._handler.connection.connected:
                    await self._reconciler.reconcile()
            elif (overdue := self._overdue()) or self._events.resync_wanted:
                self._events.resync_wanted = False
                for order in overdue:
                    times, _ = self._asked.get(order.intent_id, (0, 0))
                    self._asked[order.intent_id] = times + 1, self._clock.now_ns()
                await self._reconciler.resync()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_WATCH_S):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    def _overdue(self) -> list[Order]:
        late = [order for order in self._ledger.unresolved() if _should_be_over(order)]
        return [order for order in (*late, *self._ledger.incomplete()) if self._is_due(order)]

    def _is_due(self, order: Order) -> bool:
        times, asked_ns = self._asked.get(order.intent_id, (0, 0))
        last_ns = max(order.sent_ns or 0, order.last_fill_ns or 0, asked_ns)
        return times < _ASKS_MAX and self._clock.now_ns() - last_ns > self._patience_ns << times


def _should_be_over(order: Order) -> bool:
    """The broker may let an order rest that was meant to; any other comes to its end at once, or somebody tells."""
    if order.state is OrderState.SENDING or (order.ending is not None and order.state is OrderState.WORKING):
        return True
    at_once = order.intent.order_type is OrderType.MARKET or order.intent.time_in_force is TimeInForce.IOC
    return order.state is OrderState.WORKING and at_once
