"""Cancels: those a strategy asks for, and those this plane asks for itself.

A cancel only makes exposure smaller, so nothing holds it back: no gate, no stop, and a lane of its own. It may be sent
twice, since the second can do no more than the first. What it came to is told by the order's end. Until then it is
asked for again: whenever the books have been reconciled, and when an answer is overdue.

This plane withdraws, of its own accord, an order of an earlier session that still works, which nobody watches any more,
and an entry of which the broker refused an exit: half a bracket is not what was wanted.
"""

from __future__ import annotations

from uuid import UUID

from algo_trade.clock import Clock
from algo_trade.contracts import SessionEventKind, Severity
from algo_trade.ibkr import IBKRExecClient, Lane
from algo_trade.ibkr.errors import IBKRError
from algo_trade.order_plane.amendment import Amendment, AmendmentState, Step
from algo_trade.order_plane.ledger import Ledger
from algo_trade.order_plane.notify import Notify
from algo_trade.order_plane.order import Order


class Canceller:
    """`ask` writes one cancel; `withdraw` and `carry_out` also see to it that it is asked again."""

    def __init__(self, clock: Clock, ledger: Ledger, exec_client: IBKRExecClient, notify: Notify) -> None:
        self._clock = clock
        self._ledger = ledger
        self._exec = exec_client
        self._notify = notify
        self._withdrawn: dict[UUID, int] = {}  # orders this plane wants gone, and since when

    async def ask(self, order: Order) -> None:
        """One cancel, behind other cancels only. Raises IBKRError when it could not be written."""
        await self._exec.pacer.acquire(Lane.CANCEL)
        if order.state.may_fill:
            self._exec.send_cancel(order.order_id)

    async def withdraw(self, order: Order, why: str) -> None:
        """An order that must go, though no strategy said so: told once."""
        if order.intent_id in self._withdrawn or not order.state.may_fill:
            return
        self._withdrawn[order.intent_id] = self._clock.now_ns()
        text = f"order {order.order_id} ({order.intent_id}) is withdrawn: {why}"
        self._notify(SessionEventKind.ORDER_ALARM, text, severity=Severity.WARNING, symbol=order.symbol)
        await self._try(order)

    def withdrawn_ns(self, order: Order) -> int | None:
        """When this plane first wanted the order gone, UTC epoch ns; None when it never did."""
        return self._withdrawn.get(order.intent_id)

    async def carry_out(self, order: Order, cancel: Amendment) -> None:
        """A strategy's cancel, accepted and journalled (J); S before the bytes."""
        await self._exec.pacer.acquire(Lane.CANCEL)
        if cancel.state.settled:
            return  # the order ended while the cancel waited for its turn
        self.mark_sent(cancel)
        self._ledger.commit(order, report=False)
        self.write(order)

    def mark_sent(self, cancel: Amendment) -> None:
        """To be committed before `write`."""
        cancel.take(Step.SEND)
        cancel.sent_ns = self._clock.now_ns()

    def write(self, order: Order) -> None:
        """The bytes of a cancel that is journalled; one that cannot leave now is asked for again when it can."""
        try:
            self._exec.send_cancel(order.order_id)
        except IBKRError:
            return

    async def again(self) -> None:
        """Every cancel that is still wanted of an order that still works."""
        for order in self._ledger.unresolved():
            if not order.state.may_fill:
                continue
            cancel = order.cancel_under_way()
            if cancel is not None and cancel.state is AmendmentState.ACCEPTED:
                await self.carry_out(order, cancel)
            elif cancel is not None or order.intent_id in self._withdrawn:
                await self._try(order)

    async def _try(self, order: Order) -> None:
        try:
            await self.ask(order)
        except IBKRError:
            return  # `again`, when there is a connection
