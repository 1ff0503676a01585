"""Listening to the broker: every event into the books, a reconciliation whenever the gate has shut, and questions
about orders the broker has been silent about.

Silence is no answer. An order that should have ended by now (it was to fill or be cancelled at once, its end speaks of
executions that have not come, or it is an exit of which nothing is left to take back) is asked about when our patience
is over, and after that less and less often: each answer that changes nothing doubles the wait. So is a commission that
is missing, and an amendment; a cancel is then sent again as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from algo_trade.clock import Clock
from algo_trade.contracts import SessionEventKind, Severity
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
from algo_trade.order_plane.amendment import AmendmentState
from algo_trade.order_plane.broker_events import BrokerEvents
from algo_trade.order_plane.cancelling import Canceller
from algo_trade.order_plane.ledger import Ledger
from algo_trade.order_plane.lifecycle import OrderState
from algo_trade.order_plane.notify import Notify
from algo_trade.order_plane.order import Order
from algo_trade.order_plane.reconcile import Reconciler
from algo_trade.risk import at_once

_WATCH_S = 1.0
_ASKS_MAX = 10


class _Question(NamedTuple):
    """Something the broker owes an answer to, since when (UTC epoch ns)."""

    about: Hashable
    since_ns: int
    is_cancel: bool = False


class Hearing:
    """Two tasks call `run` and `watch`. `patience_ns`: how long an order that should be over may stay silent."""

    def __init__(
        self,
        handler: IBKRHandler,
        clock: Clock,
        ledger: Ledger,
        events: BrokerEvents,
        reconciler: Reconciler,
        canceller: Canceller,
        notify: Notify,
        patience_ns: int,
    ) -> None:
        self._handler = handler
        self._clock = clock
        self._ledger = ledger
        self._events = events
        self._reconciler = reconciler
        self._canceller = canceller
        self._notify = notify
        self._patience_ns = patience_ns
        self._asked: dict[Hashable, tuple[int, int]] = {}  # how often about what, and when last
        self._wake = asyncio.Event()

    async def run(self) -> None:
        async for event in self._handler.orders.poll_reports():
            self.hear(event)
            if self._events.unwanted:
                self._wake.set()

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
            while self._events.unwanted:
                await self._canceller.withdraw(*self._events.unwanted.pop(0))
            if self._handler.orders.gate.reason is not None:
                if self._handler.connection.connected:
                    await self._reconciler.reconcile()
                    await self._canceller.again()
            elif (overdue := self._overdue()) or self._events.resync_wanted:
                self._events.resync_wanted = False
                for question in overdue:
                    times, _ = self._asked.get(question.about, (0, 0))
                    self._asked[question.about] = times + 1, self._clock.now_ns()
                await self._reconciler.resync()
                if any(question.is_cancel for question in overdue):
                    await self._canceller.again()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_WATCH_S):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    def _overdue(self) -> list[_Question]:
        return [question for question in self._open_questions() if self._is_due(question)]

    def _open_questions(self) -> Iterator[_Question]:
        for order in self._ledger.unresolved():
            if self._should_be_over(order):
                yield _about(order)
            if (withdrawn_ns := self._canceller.withdrawn_ns(order)) is not None:
                yield _Question(("withdrawn", order.intent_id), withdrawn_ns, is_cancel=True)
            for one in order.amendments:
                if one.state is AmendmentState.SENDING and one.sent_ns is not None:
                    yield _Question(one.amendment_id, one.sent_ns, one.is_cancel)
        for order in self._ledger.incomplete():
            yield _about(order)

    def _is_due(self, question: _Question) -> bool:
        times, asked_ns = self._asked.get(question.about, (0, 0))
        last_ns = max(question.since_ns, asked_ns)
        return times < _ASKS_MAX and self._clock.now_ns() - last_ns > self._patience_ns << times

    def _should_be_over(self, order: Order) -> bool:
        """The broker may let an order rest that was meant to; any other comes to its end at once, or somebody tells."""
        if order.state is OrderState.SENDING:
            return True
        if order.state is not OrderState.WORKING:
            return False
        entry = self._ledger.entry_of(order)
        spent = entry is not None and entry.state.terminal and self._ledger.open_shares(entry) <= 0
        return order.ending is not None or at_once(order.intent) or order.remaining <= 0 or spent


def _about(order: Order) -> _Question:
    return _Question(order.intent_id, max(order.sent_ns or 0, order.last_fill_ns or 0))
