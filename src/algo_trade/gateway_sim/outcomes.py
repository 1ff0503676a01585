"""What fills and ends do: to the order itself, to its children, to its group, and who is told of it.

All that one event does is committed at once and told after, the cause before what it causes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from algo_trade.clock import Clock
from algo_trade.gateway_sim import families
from algo_trade.gateway_sim.audience import Audience
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.corrections import correct
from algo_trade.gateway_sim.exchange import Exchange
from algo_trade.gateway_sim.families import Effect
from algo_trade.gateway_sim.latency import Latencies
from algo_trade.gateway_sim.matching import Liquidity
from algo_trade.gateway_sim.orders import ENDED, SimExecution, SimOrder, Status
from algo_trade.gateway_sim.steps import Steps

BY_TRADER, BY_SYSTEM = "Cancelled by Trader", "Cancelled by System"
_CANCELED = "Order Canceled - reason:"


class Outcomes:
    """`send_on(order)` takes an order further that a fill of its parent lets work."""

    def __init__(
        self,
        booking: Booking,
        exchanges: Mapping[int, Exchange],
        latencies: Latencies,
        audience: Audience,
        steps: Steps,
        clock: Clock,
        send_on: Callable[[SimOrder], None],
    ) -> None:
        self._booking = booking
        self._exchanges = exchanges
        self._latencies = latencies
        self._audience = audience
        self._steps = steps
        self._clock = clock
        self._send_on = send_on

    # -- ends --------------------------------------------------------------------------------------
    def cancel(self, order: SimOrder, why: str) -> None:
        """The order ends here and now, and what depends on it with it."""
        self._end(order, Status.CANCELLED, why)
        changed = [order, *self._carry_out(families.after_end(order, self._booking))]
        self._booking.commit(*changed)
        self._tell(changed)

    def _end(self, order: SimOrder, status: Status, why: str) -> None:
        self._exchanges[order.con_id].remove(order)
        self._booking.end(order, status, self._clock.now_ns(), why)

    def reject(self, order: SimOrder, reason: str) -> None:
        """The broker does not take the order (201, then Inactive); what depends on it ends too."""
        self._end(order, Status.INACTIVE, "Rejected")
        changed = self._carry_out(families.after_end(order, self._booking))
        self._booking.commit(order, *changed)
        self._audience.order_error(order, 201, f"Order rejected - reason:{reason}")
        self._audience.order_opened(order)
        self._tell(changed)

    # -- fills -------------------------------------------------------------------------------------
    def filled(self, order: SimOrder, shares: int, price_e4: int, liquidity: Liquidity) -> None:
        """The exchange gave the order so many shares: books, executions, messages, and what follows for others."""
        was = order.status
        now_ns = self._clock.now_ns()
        delay_ns = self._latencies.commission_ns()
        execution = self._booking.fill(order, shares, price_e4, liquidity, now_ns, now_ns + delay_ns)
        saved = [order]
        effects = list(families.after_fill(order, shares, self._booking))
        if order.status in ENDED:
            effects += families.after_end(order, self._booking)
        parent = self._booking.orders.get(order.parent_perm_id)
        if parent is not None:
            saved.append(parent)
            self._cover(parent, order, shares)
            if parent.status in ENDED:
                effects += families.after_end(parent, self._booking)
        changed = self._carry_out(effects)
        released = [
            child
            for child in self._fed(order)
            if child.awaits_parent and families.workable_shares(child, self._booking)
        ]
        for child in released:
            child.awaits_parent = False
        self._booking.commit(*saved, *changed, *released, execution=execution)
        self._audience.executed(execution)
        if order.status is was:
            self._audience.order_status(order)
        else:
            self._audience.order_opened(order)
        self._audience.position_changed(self._booking.account.positions[order.con_id])
        self._steps.call_in(delay_ns, lambda: self._audience.commission(execution))
        self._tell(changed)
        for child in released:
            self._audience.order_status(child)
        for child in self._fed(order):
            self._send_on(child)

    def correct(self, exec_id: str, price_e4: int) -> SimExecution:
        """The exchange corrects the price of an execution: it is told again under its next id, the commission after.

        KeyError when there is no such execution, ValueError when it has been corrected since.
        """
        delay_ns = self._latencies.commission_ns()
        correction = correct(self._booking, exec_id, price_e4, self._clock.now_ns() + delay_ns)
        order = self._booking.orders[correction.perm_id]
        self._booking.commit(order, execution=correction)
        self._audience.executed(correction)
        self._audience.order_status(order)
        self._audience.position_changed(self._booking.account.positions[order.con_id])
        self._steps.call_in(delay_ns, lambda: self._audience.commission(correction))
        return correction

    def _cover(self, parent: SimOrder, order: SimOrder, shares: int) -> None:
        """A child's fill leaves less of what its parent filled to all its siblings."""
        parent.children_filled += shares
        for sibling in families.children_of(parent, self._booking):
            if sibling is not order:
                self._fit(sibling)

    def _fed(self, order: SimOrder) -> list[SimOrder]:
        """Acknowledged children, which may work for what their parent has filled."""
        children = families.children_of(order, self._booking)
        return [child for child in children if child.is_live and child.status is not Status.RECEIVED]

    def _fit(self, order: SimOrder) -> None:
        """The order is at the exchange for no more than it may work."""
        self._exchanges[order.con_id].shrink(order, families.workable_shares(order, self._booking))

    def _carry_out(self, effects: Iterable[Effect]) -> list[SimOrder]:
        """Do to other orders what fills and ends do to them, and so on down the line; not saved, not told."""
        changed: list[SimOrder] = []
        waiting = list(effects)
        while waiting:
            order, quantity, ends_as = waiting.pop(0)
            if order.status in ENDED or (ends_as is None and quantity >= order.quantity):
                continue
            if not any(other is order for other in changed):
                changed.append(order)
            if ends_as is None:
                order.quantity = quantity
                self._fit(order)
                continue
            if ends_as is Status.FILLED:
                order.quantity = order.filled
            self._end(order, ends_as, f"Filled Size: {order.filled}" if order.filled else BY_SYSTEM)
            waiting += families.after_end(order, self._booking)
        return changed

    def _tell(self, changed: list[SimOrder]) -> None:
        """Say what became of orders others changed; of one that is not acknowledged yet nothing but its end."""
        for order in changed:
            if order.status is Status.CANCELLED:
                self._audience.order_status(order)
                self._audience.order_error(order, 202, _CANCELED)
            elif order.status not in {Status.STAGED, Status.RECEIVED}:
                self._audience.order_opened(order)
