"""What goes on beside trading: telling who watches, and holding our books against the broker's."""

from __future__ import annotations

import asyncio

from algo_trade.clock import Clock
from algo_trade.portfolio import dollars
from algo_trade.session.parts import Parts
from algo_trade.session.plan import SessionPlan
from algo_trade.session.progress import Status, Watcher

_STATUS_EVERY_S = 1.0
# The commission of a fill comes a moment after it; before that there is nothing to compare.
_CHECK_SETTLE_S = 2.0
_CHECKS_PLANNED = 20
_CHECK_EVERY_MAX_S = 600.0
_LOOK_EVERY_S = 60.0


async def show(plan: SessionPlan, clock: Clock, parts: Parts, watcher: Watcher) -> None:
    """A status a second, for ever."""
    while True:
        watcher.show(status(plan, clock, parts))
        await asyncio.sleep(_STATUS_EVERY_S)


def status(plan: SessionPlan, clock: Clock, parts: Parts) -> Status:
    orders, gate = parts.orders, parts.handler.orders.gate.reason
    ours = orders.ledger.of_session()
    return Status(
        elapsed_s=(clock.now_ns() - plan.started_ns) / 1e9,
        duration_s=plan.duration_s,
        state="HALTED" if orders.intake.halted else "READY" if gate is None else "RECONCILING",
        ticks=parts.producer.counts.processed,
        orders=sum(1 for order in ours if order.order_id),
        filled_orders=sum(1 for order in ours if order.fills),
        pnl=dollars(orders.pnl().total_micros),
        positions=orders.ledger.portfolio.positions(),
        trouble=orders.kill_reason or gate or "; ".join(orders.ledger.frozen.values()),
    )


async def compare_with_broker(plan: SessionPlan, parts: Parts) -> None:
    """After positions were opened, at most every so often, when everything about them has been said."""
    orders, connection = parts.orders, parts.handler.connection
    every_s = min(_CHECK_EVERY_MAX_S, plan.duration_s / _CHECKS_PLANNED)

    def comparable() -> bool:
        return orders.ledger.holding_quietly and connection.connected

    while True:
        await orders.ledger.changed(_LOOK_EVERY_S)
        if not comparable():
            continue
        await asyncio.sleep(min(_CHECK_SETTLE_S, every_s))
        if comparable() and orders.check is not None:
            await orders.check.compare("position open")
            await asyncio.sleep(every_s)


async def halt_strategy_on_kill(parts: Parts) -> None:
    """The order plane refuses by itself; this saves the strategy from asking in vain."""
    while parts.orders.kill_reason is None:
        await parts.orders.ledger.changed(_LOOK_EVERY_S)
    parts.strategy.halt()
