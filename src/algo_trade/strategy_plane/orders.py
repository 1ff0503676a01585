"""One intent, and what is known of its order: its present terms, its fills, and the amendments without an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from algo_trade.contracts import (
    Direction,
    ExecutionReport,
    ExecutionStatus,
    OrderAmendment,
    OrderIntent,
    OrderType,
    TimeInForce,
)
from algo_trade.strategy_plane.actions import Purpose
from algo_trade.strategy_plane.sizing import exact

_OVER = (
    ExecutionStatus.FILLED,
    ExecutionStatus.CANCELED,
    ExecutionStatus.REJECTED,
    ExecutionStatus.TIMEOUT,
    ExecutionStatus.ERROR,
)


@dataclass(frozen=True, slots=True)
class WorkingOrder:
    """An order of the strategy that has no end yet, as its reports tell it. Prices are dollars a share.

    `status` is None while there is no report; UNKNOWN says that nobody can tell whether the order exists. `amending`:
    an amendment of it has no answer yet, so it may not be amended now.
    """

    intent_id: UUID
    symbol: str
    direction: Direction
    purpose: Purpose
    order_type: OrderType
    time_in_force: TimeInForce | None
    quantity: int
    filled: int
    limit_price: float | None
    stop_price: float | None
    parent_intent_id: UUID | None  # of an attached exit: its entry
    decided_at: datetime
    status: ExecutionStatus | None
    amending: bool

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled


@dataclass(slots=True)
class IntentState:
    """One intent while it is folded. Prices are dollars a share."""

    intent_id: UUID
    symbol: str
    sign: int  # +1 buys, -1 sells
    quantity: int  # of the whole order
    limit_price: float | None
    stop_price: float | None
    mid: float | None  # the strategy decided on
    is_exit: bool
    at: datetime
    order_type: OrderType | None = None  # None: an order that is not the strategy's
    time_in_force: TimeInForce | None = None
    parent_id: UUID | None = None
    attached_exits: int = 0
    filled: int = 0
    sequence: int = -1  # of the newest report
    status: ExecutionStatus | None = None
    over: bool = False
    is_order: bool = True  # False once it is known that nothing reached the broker
    pending: dict[UUID, OrderAmendment] = field(default_factory=dict)  # asked for, not answered

    @classmethod
    def of_intent(cls, intent: OrderIntent) -> IntentState:
        """One of the strategy's own. An exit is an intent whose target weight is 0, as attached exits have it."""
        return cls(
            intent_id=intent.intent_id,
            symbol=intent.symbol,
            sign=1 if intent.direction is Direction.BUY else -1,
            quantity=intent.quantity,
            limit_price=intent.limit_price,
            stop_price=intent.stop_price,
            mid=intent.decision_mid,
            is_exit=intent.target_weight == 0,
            at=intent.timestamp,
            order_type=intent.order_type,
            time_in_force=intent.time_in_force,
            parent_id=intent.parent_intent_id,
            attached_exits=intent.attached_exits or 0,
        )

    @property
    def is_own(self) -> bool:
        return self.order_type is not None

    @property
    def is_attached(self) -> bool:
        """An exit that came with its entry."""
        return self.parent_id is not None

    @property
    def price(self) -> Decimal:
        """What a share costs by its terms, as far as they tell."""
        return exact(self.limit_price or self.stop_price or self.mid or 0.0)

    @property
    def reserved_usd(self) -> Decimal:
        """What the unfilled part may cost at most, by the terms it has or by those it may get."""
        most = max(0, self.quantity - self.filled) * self.price
        for asked in self.pending.values():
            shares = max(0, (asked.quantity or self.quantity) - self.filled)
            price = asked.limit_price or asked.stop_price
            most = max(most, shares * (self.price if price is None else exact(price)))
        return most

    def learn(self, report: ExecutionReport) -> None:
        """Take over what a newer report says, but for fills and the end, which concern the position too."""
        self.sequence = report.sequence
        self.status = report.status
        self.quantity = report.requested_quantity or self.quantity
        self.limit_price = report.limit_price or self.limit_price
        self.stop_price = report.stop_price or self.stop_price
        if report.amendment_id is not None:
            self.pending.pop(report.amendment_id, None)

    def shown(self) -> WorkingOrder:
        """As the strategy sees it."""
        assert self.order_type is not None, "only own orders are shown"
        return WorkingOrder(
            intent_id=self.intent_id,
            symbol=self.symbol,
            direction=Direction.BUY if self.sign > 0 else Direction.SELL,
            purpose=Purpose.EXIT if self.is_exit else Purpose.ENTRY,
            order_type=self.order_type,
            time_in_force=self.time_in_force,
            quantity=self.quantity,
            filled=self.filled,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            parent_intent_id=self.parent_id,
            decided_at=self.at,
            status=self.status,
            amending=bool(self.pending),
        )


def is_end(status: ExecutionStatus) -> bool:
    """Whether an order with this status is over. UNKNOWN is not an end."""
    return status in _OVER


def cumulative_fill(report: ExecutionReport) -> int | None:
    """Shares filled so far; None when the report does not say, which is not the same as none."""
    if report.fills:
        return sum(fill.quantity for fill in report.fills)
    return report.filled_quantity
