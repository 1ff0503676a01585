"""What became of every intent: the second opinion on the order plane's own lifecycle.

Every intent ends in exactly one of three ways, so that intents = refused + expired + orders:

    refused   by our own checks, or the connection would not take it: it never was at the broker
    expired   it became too old before it could be sent
    orders    all others: those the broker answered, and those nobody can rule out (no answer at all)

An order ends filled, cancelled (perhaps with some fills) or rejected by the broker; else it is unknown.
Orders that the order plane makes by itself to get flat count as one intent and one order each.

What may be expected of an order depends on its kind. One that has to fill at once or not at all is measured by how
often and how soon it fills; one that rests is not, and of a bracket's two exits at most one ever fills.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from algo_trade.clock import from_utc
from algo_trade.contracts import (
    Direction,
    ExecutionReport,
    ExecutionStatus,
    OrderIntent,
    OrderType,
    TimeInForce,
)
from algo_trade.session.report.amendments import AmendmentStory, Answer
from algo_trade.session.report.executions import Execution, Told, direction_of

HOPS = ("intent_to_submit", "submit_to_ack", "ack_to_fill", "intent_to_fill")
# Of an order that may rest, the time until it filled is the market's doing, not ours.
RESTED = "rested_until_fill"


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


class Kind(StrEnum):
    """What an order was meant to do."""

    IMMEDIATE = "immediate"  # market, immediate-or-cancel, fill-or-kill
    RESTING = "resting"
    STOP = "stop"
    ATTACHED_EXIT = "attached exit"  # of a bracket

    @classmethod
    def of(cls, intent: OrderIntent) -> Kind:
        if intent.parent_intent_id is not None:
            return cls.ATTACHED_EXIT
        if intent.order_type in (OrderType.STOP, OrderType.STOP_LIMIT):
            return cls.STOP
        at_once = intent.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
        return cls.IMMEDIATE if at_once or intent.order_type is OrderType.MARKET else cls.RESTING


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
    reports: list[Told] = field(default_factory=list)  # by sequence, each once
    outcome: Outcome = Outcome.UNKNOWN
    direction: Direction | None = None
    executions: list[Execution] = field(default_factory=list)
    amendments: list[AmendmentStory] = field(default_factory=list)

    @property
    def last(self) -> ExecutionReport | None:
        """What is known in the end: each report replaces those before it."""
        return self.reports[-1].report if self.reports else None

    @property
    def left_ns(self) -> int | None:
        """When it was sent; None where no report says so."""
        for item in self.reports:
            if item.report.submitted_timestamp is not None:
                return from_utc(item.report.submitted_timestamp)
        return None

    @property
    def ended_ns(self) -> int | None:
        """When it was first told to be what it ended as; None while it has no end."""
        last = self.last
        if last is None or self.outcome is Outcome.UNKNOWN:
            return None
        return next(from_utc(t.report.timestamp) for t in self.reports if t.report.status is last.status)

    @property
    def kind(self) -> Kind | None:
        """None for an order whose intent is not on the log."""
        return None if self.intent is None else Kind.of(self.intent)

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
        """Shares asked for in the end: the intent's, or what an amendment that was not refused made of them."""
        for story in reversed(self.amendments):
            if story.amendment.quantity is not None and story.answer is not Answer.REFUSED:
                return story.amendment.quantity
        if self.intent is not None:
            return self.intent.quantity
        return None if self.last is None else self.last.requested_quantity

    @property
    def filled(self) -> int:
        return sum(execution.quantity for execution in self.executions)

    @property
    def reason(self) -> str:
        last = self.last
        if last is None:
            return "no answer on the log"
        return last.reject_reason or last.error_message or ""


def tell_stories(
    intents: Iterable[OrderIntent],
    told: Sequence[Told],
    executions: Iterable[Execution],
    amendments: Iterable[AmendmentStory] = (),
) -> list[OrderStory]:
    """One story for each intent, in the order of the log; then those of reports without an intent."""
    stories: dict[UUID, OrderStory] = {}
    for intent in intents:
        if intent.intent_id not in stories:
            stories[intent.intent_id] = OrderStory(intent.intent_id, intent, direction=intent.direction)
    wishes = {story.intent_id: story.intent for story in stories.values() if story.intent is not None}
    seen: dict[UUID, dict[int, Told]] = {}
    for item in told:
        report = item.report
        if report.intent_id not in stories:
            stories[report.intent_id] = OrderStory(report.intent_id, None)
        seen.setdefault(report.intent_id, {})[report.sequence] = item
    for intent_id, by_sequence in seen.items():
        story = stories[intent_id]
        story.reports = [by_sequence[sequence] for sequence in sorted(by_sequence)]
        story.direction = direction_of(story.reports[-1].report, wishes)
    for execution in executions:
        stories[execution.intent_id].executions.append(execution)
    for amended in amendments:
        if amended.amendment.intent_id in stories:
            stories[amended.amendment.intent_id].amendments.append(amended)
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
    """Milliseconds of each hop for all orders that took it: what the last report says, else from its times.

    The hops that end with a fill are those of orders that had to fill at once; of the others the time from
    acknowledgement to fill is given by itself (RESTED).
    """
    values: dict[str, list[float]] = {hop: [] for hop in (*HOPS, RESTED)}
    for story in stories:
        if not story.outcome.is_order or story.last is None:
            continue
        at_once = story.kind in (Kind.IMMEDIATE, None)
        for hop, value in zip(HOPS, _hops(story.last, story.intent), strict=True):
            if value is None:
                continue
            if at_once or not hop.endswith("_to_fill"):
                values[hop].append(value)
            elif hop == "ack_to_fill":
                values[RESTED].append(value)
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
