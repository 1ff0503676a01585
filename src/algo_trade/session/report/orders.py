"""What became of every intent: the second opinion on the order plane's own lifecycle.

Every intent ends in exactly one of three ways, so that intents = refused + expired + orders:

    refused   by our own checks, or the connection would not take it: it never was at the broker
    expired   it became too old before it could be sent
    orders    all others: those the broker answered, and those nobody can rule out (no answer at all)

An order ends filled, cancelled (perhaps with some fills) or rejected by the broker; else it is unknown.
Orders that the order plane makes by itself to get flat have no intent on the bus and count as one all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from algo_trade.clock import from_utc
from algo_trade.contracts import Direction, ExecutionReport, ExecutionStatus, OrderIntent
from algo_trade.session.report.executions import Execution, Told, direction_of

HOPS = ("intent_to_submit", "submit_to_ack", "ack_to_fill", "intent_to_fill")


class Outcome(StrEnum):
    """How an intent ended."""

    REFUSED = "refused"
    EXPIRED = "expired"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    UNKNOWN = "unknown"

    @property
    def is_order(self) -> bool:
        return self not in (Outcome.REFUSED, Outcome.EXPIRED)


_ENDS = {
    ExecutionStatus.FILLED: Outcome.FILLED,
    ExecutionStatus.CANCELED: Outcome.CANCELLED,
    ExecutionStatus.ERROR: Outcome.REFUSED,  # no byte left
}


@dataclass(slots=True)
class OrderStory:
    """One intent from wish to end. Prices and money in micro-dollars, times UTC epoch ns."""

    intent_id: UUID
    intent: OrderIntent | None
    last: ExecutionReport | None = None
    outcome: Outcome = Outcome.UNKNOWN
    direction: Direction | None = None
    executions: list[Execution] = field(default_factory=list)

    @property
    def symbol(self) -> str:
        if self.intent is not None:
            return self.intent.symbol
        assert self.last is not None  # a story begins with an intent or with a report
        return self.last.symbol

    @property
    def order_id(self) -> str:
        return "" if self.last is None else self.last.order_id

    @property
    def wanted(self) -> int | None:
        """Shares asked for."""
        if self.intent is not None:
            return self.intent.quantity
        return None if self.last is None else self.last.requested_quantity

    @property
    def filled(self) -> int:
        return sum(execution.quantity for execution in self.executions)

    @property
    def reason(self) -> str:
        if self.last is None:
            return "no answer on the log"
        return self.last.reject_reason or self.last.error_message or ""


def tell_stories(
    intents: Iterable[OrderIntent], told: Sequence[Told], executions: Iterable[Execution]
) -> list[OrderStory]:
    """One story for each intent, in the order of the log; then those of reports without an intent."""
    stories: dict[UUID, OrderStory] = {}
    for intent in intents:
        if intent.intent_id not in stories:
            stories[intent.intent_id] = OrderStory(intent.intent_id, intent, direction=intent.direction)
    wishes = {story.intent_id: story.intent for story in stories.values() if story.intent is not None}
    for item in told:
        report = item.report
        story = stories.get(report.intent_id)
        if story is None:
            story = stories[report.intent_id] = OrderStory(report.intent_id, None)
        if story.last is None or report.sequence >= story.last.sequence:
            story.last = report
            story.direction = direction_of(report, wishes)
    for execution in executions:
        stories[execution.intent_id].executions.append(execution)
    for story in stories.values():
        story.outcome = _outcome(story.last)
    return list(stories.values())


def _outcome(last: ExecutionReport | None) -> Outcome:
    if last is None:
        return Outcome.UNKNOWN
    if last.status is ExecutionStatus.REJECTED:
        return Outcome.REJECTED if last.order_id else Outcome.REFUSED
    if last.status is ExecutionStatus.TIMEOUT:
        return Outcome.UNKNOWN if last.order_id else Outcome.EXPIRED
    return _ENDS.get(last.status, Outcome.UNKNOWN)


def latencies_ms(stories: Iterable[OrderStory]) -> dict[str, list[float]]:
    """Milliseconds of each hop for all orders that took it: what the last report says, else from its times."""
    values: dict[str, list[float]] = {hop: [] for hop in HOPS}
    for story in stories:
        if not story.outcome.is_order or story.last is None:
            continue
        for hop, value in zip(HOPS, _hops(story.last, story.intent), strict=True):
            if value is not None:
                values[hop].append(value)
    return values


def _hops(report: ExecutionReport, intent: OrderIntent | None) -> tuple[float | None, ...]:
    told = report.latency_metrics
    marks = (
        None if intent is None else from_utc(intent.timestamp),
        None if report.submitted_timestamp is None else from_utc(report.submitted_timestamp),
        None if report.acknowledged_timestamp is None else from_utc(report.acknowledged_timestamp),
        None if report.filled_timestamp is None else from_utc(report.filled_timestamp),
    )
    computed = (
        _between(marks[0], marks[1]),
        _between(marks[1], marks[2]),
        _between(marks[2], marks[3]),
        _between(marks[0], marks[3]),
    )
    if told is None:
        return computed
    measured = (
        told.intent_to_submit_ms,
        told.submit_to_ack_ms,
        told.ack_to_fill_ms,
        told.total_latency_ms if report.filled_timestamp is not None or report.fills else None,
    )
    return tuple(second if first is None else first for first, second in zip(measured, computed, strict=True))


def _between(start_ns: int | None, end_ns: int | None) -> float | None:
    if start_ns is None or end_ns is None:
        return None
    return max(0, end_ns - start_ns) / 1e6
