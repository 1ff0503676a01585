"""What goes on beside trading: telling who watches, and holding our books against the broker's."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from algo_trade.clock import Clock
from algo_trade.ibkr import IBKRHandler
from algo_trade.order_plane.lifecycle import OrderState
from algo_trade.order_plane.order import Order
from algo_trade.order_plane.plane import OrderPlane
from algo_trade.portfolio import dollars
from algo_trade.session.parts import Parts
from algo_trade.session.plan import SessionPlan
from algo_trade.session.progress import Holding, Money, Note, OrderCounts, State, Status, Watcher

_STATUS_EVERY_S = 1.0
# A quiet market has gaps of seconds; after this one nobody can trade on what was quoted last.
_NO_QUOTE_S = 5.0
# The commission of a fill comes a moment after it; before that there is nothing to compare.
_CHECK_SETTLE_S = 2.0
_CHECKS_PLANNED = 20
_CHECK_EVERY_MAX_S = 600.0
_LOOK_EVERY_S = 60.0


async def show(
    plan: SessionPlan, clock: Clock, parts: Parts, notes: Sequence[Note], watcher: Watcher
) -> None:
    """A status a second, for ever, made when the watcher has use for it."""
    while True:
        if watcher.due():
            watcher.show(status(plan, clock, parts, notes))
        await asyncio.sleep(_STATUS_EVERY_S)


def status(plan: SessionPlan, clock: Clock, parts: Parts, notes: Sequence[Note]) -> Status:
    """Reads, changes nothing: a session that is watched is the session that is not."""
    now_ns, marks = clock.now_ns(), parts.orders.marks
    quotes = {symbol: marks.get(symbol) for symbol in plan.symbols}
    ages_s = {
        symbol: None if mark is None else (now_ns - mark.arrival_ns) / 1e9 for symbol, mark in quotes.items()
    }
    state, reason = _state(plan, parts, ages_s)
    holdings = {}
    for symbol, shares in parts.orders.ledger.portfolio.positions().items():
        mark = marks.get(symbol)
        holdings[symbol] = Holding(shares, None if mark is None else dollars(shares * mark.mid_micros))
    return Status(
        now_ns=now_ns,
        elapsed_s=(now_ns - plan.started_ns) / 1e9,
        duration_s=plan.duration_s,
        state=state,
        reason=reason,
        mode=parts.handler.mode(plan.settings.profile, plan.clock_kind),
        strategy=plan.strategy.strategy_id,
        ticks=parts.producer.counts.processed,
        quote_ages_s=ages_s,
        orders=_count(parts.orders.ledger.of_session()),
        holdings=holdings,
        money=_money(plan, parts),
        notes=notes,
    )


def _state(plan: SessionPlan, parts: Parts, ages_s: Mapping[str, float | None]) -> tuple[State, str]:
    orders = parts.orders
    if orders.kill_reason is not None:
        return State.STOPPED, orders.kill_reason
    if orders.intake.halted is not None:
        return State.ENDING, orders.intake.halted
    gate = parts.handler.orders.gate.reason
    if not parts.handler.connection.connected:
        return State.OFFLINE, gate or "no connection to the gateway"
    if gate is not None:
        return State.RECONCILING, gate
    if orders.ledger.frozen:
        return State.DOUBT, "; ".join(f"{symbol}: {why}" for symbol, why in orders.ledger.frozen.items())
    patience_s = max(_NO_QUOTE_S, plan.settings.risk.max_data_age_s or 0.0)
    known = [age_s for age_s in ages_s.values() if age_s is not None]
    if not known:
        return State.NO_QUOTES, "there has been no quote yet"
    if min(known) > patience_s:
        return State.NO_QUOTES, f"no quote of any symbol for {min(known):.0f} s"
    return State.TRADING, ""


def _count(orders: Sequence[Order]) -> OrderCounts:
    states = Counter(order.state for order in orders)
    return OrderCounts(
        working=sum(order.state.may_fill for order in orders),
        filled=sum(bool(order.fills) for order in orders),
        cancelled=states[OrderState.CANCELED],
        rejected=states[OrderState.REJECTED],
        refused=sum(states[state] for state in (OrderState.REFUSED, OrderState.EXPIRED, OrderState.NOT_SENT)),
        unknown=states[OrderState.UNKNOWN],
    )


def _money(plan: SessionPlan, parts: Parts) -> Money:
    pnl, kill = parts.orders.pnl(), plan.settings.kill_switch
    stop = float(kill.pnl_usd)
    allowed = float(plan.settings.risk.allocated_capital) * kill.drawdown_pct / 100
    total = dollars(pnl.total_micros)
    fall = dollars(parts.orders.monitor.peak_micros) - total
    return Money(
        total=total,
        trading=dollars(pnl.realised_micros + pnl.unrealised_micros),
        commission=dollars(pnl.commission_micros),
        stop=stop,
        drawdown_stop=allowed,
        to_stop=min(1.0, max(0.0, total / stop if stop else 0.0, fall / allowed if allowed else 0.0)),
    )


async def compare_with_broker(plan: SessionPlan, orders: OrderPlane, handler: IBKRHandler) -> None:
    """After positions were opened, at most every so often, when everything about them has been said."""
    connection = handler.connection
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
