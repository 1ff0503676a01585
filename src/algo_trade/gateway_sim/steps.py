"""Timers: each order's steps in the order they were asked for, and actions that belong to no order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from algo_trade.clock import Clock
from algo_trade.gateway_sim.orders import SimOrder

# Steps of one order are at least this far apart, so that no tie can turn them round.
TURN_NS = 1_000


class Steps:
    """What is still to happen. After `stop` nothing does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, list[int]] = {}  # permId -> when each of its steps is due
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True

    def pending(self, order: SimOrder) -> bool:
        """Whether a step of the order is still to come."""
        return order.perm_id in self._waiting

    def later(self, order: SimOrder, delay_ns: int, step: Callable[[SimOrder], None]) -> None:
        """Do the next step of an order after a delay, but never before the step asked for last."""
        now_ns = self._clock.now_ns()
        due = self._waiting.setdefault(order.perm_id, [])
        due_ns = max(now_ns + delay_ns, due[-1] + TURN_NS if due else 0)
        due.append(due_ns)

        def take() -> None:
            del due[0]
            if not due:
                del self._waiting[order.perm_id]
            step(order)

        self.call_in(due_ns - now_ns, take)

    def call_in(self, delay_ns: int, action: Callable[[], None]) -> None:
        """Do something after a delay."""

        def unless_stopped() -> None:
            if not self._stopped:
                action()

        self._loop.call_later(delay_ns / 1e9, unless_stopped)
