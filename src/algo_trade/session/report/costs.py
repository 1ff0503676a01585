"""What trading cost beyond commission: fills against the mid at the decision, and where on the way it was lost.

Implementation shortfall (Perold 1988) is what separates the result from that of a paper portfolio, which trades every
decision at once, whole, at the mid. It is split by when it arose; positive is worse:

    delay        the mid moved between the decision and the moment the order left
    execution    fills against the mid at that moment: half the spread, and what the order moved
    opportunity  what did not fill: the mid's move between the decision and the order's end. An order that is
                 tried again begins with a mid of its own, so the moves of retries add up and are not counted twice
    commission   of those orders

A bracket's exits are left out: they were decided with their entry, and what the price did until they filled is the
trade's profit or loss, not its cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from algo_trade.contracts import Direction
from algo_trade.session.report.orders import Kind, OrderStory
from algo_trade.session.report.quotes import MICROS, Mids


@dataclass(frozen=True, slots=True)
class Slippage:
    """What fills cost against the mid the strategy decided on; positive is worse. `micros` is dollars x 10^6."""

    n: int
    micros: int
    bps: float | None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Over `n` orders that name their mid; micro-dollars. `decided_micros` is what they were worth at it."""

    n: int
    delay_micros: int
    execution_micros: int
    opportunity_micros: int
    commission_micros: int
    decided_micros: int

    @property
    def total_micros(self) -> int:
        return self.delay_micros + self.execution_micros + self.opportunity_micros + self.commission_micros

    @property
    def bps(self) -> float | None:
        return self.total_micros / self.decided_micros * 1e4 if self.decided_micros else None


def measured(story: OrderStory) -> int | None:
    """The mid at the decision, micro-dollars, of an order whose costs can be told against it."""
    intent = story.intent
    if intent is None or intent.decision_mid is None or story.kind is Kind.ATTACHED_EXIT:
        return None
    return round(intent.decision_mid * MICROS) if story.outcome.is_order else None


def slippage_of(stories: Iterable[OrderStory]) -> Slippage:
    """Over the fills of the orders that can be measured."""
    count = cost = at_mid = 0
    for story in stories:
        mid = measured(story)
        if mid is None:
            continue
        for execution in story.executions:
            count += 1
            cost += execution.signed_quantity * (execution.price_micros - mid)
            at_mid += execution.quantity * mid
    return Slippage(count, cost, cost / at_mid * 1e4 if at_mid else None)


def shortfall_of(stories: Iterable[OrderStory], mids: Mapping[str, Mids]) -> Shortfall:
    """Over the orders that can be measured, that left, and whose symbol was quoted by then."""
    count = delay = execution = opportunity = commission = decided = 0
    for story in stories:
        mid, quoted, left_ns = measured(story), mids.get(story.symbol), story.left_ns
        if mid is None or quoted is None or left_ns is None or story.wanted is None or story.ended_ns is None:
            continue
        at_sending, at_end = quoted.at(left_ns), quoted.at(story.ended_ns)
        if at_sending is None or at_end is None:
            continue
        sign = 1 if story.direction is Direction.BUY else -1
        filled = story.filled
        count += 1
        delay += sign * (at_sending - mid) * filled
        execution += sum(item.signed_quantity * (item.price_micros - at_sending) for item in story.executions)
        opportunity += sign * (at_end - mid) * max(0, story.wanted - filled)
        commission += sum(item.commission_micros or 0 for item in story.executions)
        decided += story.wanted * mid
    return Shortfall(count, delay, execution, opportunity, commission, decided)
