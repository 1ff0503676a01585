"""What does the broker have? Asked at the start and after every break, before any order may leave.

The order of the questions matters: open orders, THEN executions, completed orders, positions. Asked the other
way round, an order that fills between the two questions is in neither answer. An answer that did not come is
unknown, never empty, and nothing is concluded from it; neither is anything from answers between which the
connection, or the gateway's own, was lost.

An order that no answer mentions is asked for twice more, after a settle window each: the broker may not have
listed it yet. Then it is UNKNOWN. It is never sent again. A change that was sent, of an order that is open at its old
terms, is looked for as often, and then it is lost. An exit whose entry has not filled is open like any other order.
What contradicts our books (another position, an order open that is over) is looked at twice as well: the broker tells
of one fill in several messages.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from algo_trade.contracts import SessionEventKind, Severity
from algo_trade.ibkr import IBKRHandler, Known
from algo_trade.ibkr.events import CompletedOrder, Execution, OpenOrder, PositionRow
from algo_trade.order_plane.amendment import AmendmentState
from algo_trade.order_plane.broker_events import BrokerEvents
from algo_trade.order_plane.ledger import Ledger
from algo_trade.order_plane.notify import Notify
from algo_trade.order_plane.order import Order

logger = logging.getLogger(__name__)

_SETTLE_S = 5.0
_PASSES = 3
_RETRY_S = 2.0
_POSITION = "position"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The four answers, all known."""

    open_orders: tuple[OpenOrder, ...]
    executions: tuple[Execution, ...]
    completed: tuple[CompletedOrder, ...]
    positions: tuple[PositionRow, ...]


class Reconciler:
    """`reconcile` returns when the books agree with the broker as far as the broker can tell."""

    def __init__(
        self, handler: IBKRHandler, ledger: Ledger, events: BrokerEvents, account: str, notify: Notify
    ) -> None:
        self._gate = handler.orders.gate
        self._handler = handler
        self._snapshots = handler.snapshots
        self._ledger = ledger
        self._events = events
        self._account = account
        self._notify = notify
        self._turn = asyncio.Lock()

    async def reconcile(self) -> None:
        """Opens the gate; retries for ever while answers are missing. The caller may cancel it."""
        async with self._turn:
            if self._gate.reason is None:
                return  # whoever was before us has done it
            while True:
                epoch = self._gate.epoch
                if self._reachable and await self._settle_orders() and self._gate.open(epoch):
                    break
                await asyncio.sleep(_RETRY_S)
            self._notify(
                SessionEventKind.RECONCILED,
                "orders and positions agree with the broker" if not self._differing else "positions differ",
                data={"unresolved": len(self._ledger.unresolved()), "frozen": dict(self._ledger.frozen)},
            )

    async def resync(self) -> None:
        """Ask what is true of the orders in doubt, with the gate as it is."""
        async with self._turn:
            if self._reachable:
                await self._settle_orders()

    @property
    def _reachable(self) -> bool:
        """Whether there is a broker to ask: a gateway cut off from IBKR answers too, from memory."""
        return self._handler.connection.connected and self._handler.connectivity.upstream_up

    @property
    def _differing(self) -> bool:
        return any(self._ledger.is_frozen(symbol, _POSITION) for symbol in self._ledger.frozen)

    async def _settle_orders(self) -> bool:
        """False when an answer is missing, or was given by a gateway we have lost since."""
        epoch = self._gate.epoch
        asked = [order for order in self._ledger.unresolved() if order.state.may_fill]
        changing = [(order, change) for order in asked if (change := order.latest_change())]
        passes = 0
        while True:
            snapshot = await self.snapshot()
            if snapshot is None or epoch != self._gate.epoch or not self._reachable:
                return False
            self.apply(snapshot)
            passes += 1
            doubtful = [order for order in asked if _doubtful(order, snapshot)]
            waiting = [pair for pair in changing if pair[1].state is AmendmentState.SENDING]
            differing, reopened = self._differences(snapshot), self._reopened(snapshot)
            if passes == _PASSES or not (doubtful or waiting or (passes == 1 and (differing or reopened))):
                break
            await asyncio.sleep(_SETTLE_S)
        for order in doubtful:
            self._events.lost(order, f"asked {_PASSES} times, and neither open, executed nor completed")
        for order, change in waiting:
            if order not in doubtful:
                self._events.unconfirmed(order, change)
        for order in asked:
            if order.unresolved and order not in doubtful:
                self._events.works_on(order)
        self._compare_positions(differing)
        for order, why in reopened:
            self._freeze(order.symbol, f"open {order.intent_id}", why)
        return True

    async def snapshot(self) -> Snapshot | None:
        """None when any of the four is unknown."""
        snapshots = self._snapshots
        open_orders = await snapshots.open_orders(all_clients=True)
        executions = await snapshots.executions()
        completed = await snapshots.completed_orders()
        positions = await snapshots.positions()
        answers = (open_orders, executions, completed, positions)
        for answer in answers:
            if not isinstance(answer, Known):
                logger.warning("reconciliation: an answer is missing: %s", answer.reason)
                return None
        return Snapshot(open_orders.rows, executions.rows, completed.rows, positions.rows)  # type: ignore[union-attr]  # all Known, checked above

    def apply(self, snapshot: Snapshot) -> None:
        """Executions first: they are the money. What was known already changes nothing."""
        for execution in snapshot.executions:
            if self._ledger.find(order_ref=execution.order_ref) is not None:
                self._events.on_execution(execution)
        for open_order in snapshot.open_orders:
            self._events.on_open_order(open_order)
        for completed in snapshot.completed:
            self._events.on_completed(completed)

    def _differences(self, snapshot: Snapshot) -> dict[str, str]:
        """Symbols at rest in which the broker's position is not what our fills explain, and how."""
        theirs = {
            row.symbol: round(row.quantity) for row in snapshot.positions if row.account == self._account
        }
        ours = self._ledger.account_positions()
        moving = self._moving()
        return {
            symbol: f"the broker holds {theirs.get(symbol, 0)} {symbol}, the journal explains {ours.get(symbol, 0)}"
            for symbol in sorted({*theirs, *ours})
            if theirs.get(symbol, 0) != ours.get(symbol, 0) and symbol not in moving
        }

    def _moving(self) -> set[str]:
        """Symbols with an order that is more than resting: their positions may change between two answers."""
        return {order.symbol for order in self._ledger.unresolved() if not order.rests}

    def _reopened(self, snapshot: Snapshot) -> list[tuple[Order, str]]:
        """Orders that are over in our books and open at the broker's: their risk is not reserved any more."""
        found = []
        for row in snapshot.open_orders:
            order = self._ledger.find(order_ref=row.order_ref, perm_id=row.perm_id)
            if order is not None and order.state.terminal and not order.never_sent:
                why = f"order {order.order_id} is {order.state.value} in the journal and open at the broker"
                found.append((order, why))
        return found

    def _compare_positions(self, differing: dict[str, str]) -> None:
        """The broker's positions only confirm: a difference freezes the symbol, it never makes a fill up."""
        moving = self._moving()
        for symbol in self._ledger.frozen:
            if symbol not in differing and symbol not in moving:
                self._ledger.thaw(symbol, _POSITION)
        for symbol, why in differing.items():
            self._freeze(symbol, _POSITION, why)

    def _freeze(self, symbol: str, cause: str, why: str) -> None:
        if self._ledger.freeze(symbol, cause, why):
            self._notify(SessionEventKind.ORDER_ALARM, why, severity=Severity.ERROR, symbol=symbol)


def _doubtful(order: Order, snapshot: Snapshot) -> bool:
    """Still unresolved, and not among the open orders either."""
    if order.state.terminal:
        return False
    ref = str(order.intent_id)
    return not any(
        row.order_ref == ref or (order.perm_id and row.perm_id == order.perm_id)
        for row in snapshot.open_orders
    )
