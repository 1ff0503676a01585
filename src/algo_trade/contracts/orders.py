"""What a strategy wants, and what came of it.

An intent is a wish; an order is what the broker has. Every intent is answered by execution reports, also one that
never became an order: refused by our own checks it is REJECTED with `order_id` "", too old to send it is
TIMEOUT with `order_id` "". A reject by the broker carries the order's id. UNKNOWN says that the order may or may
not exist; it is not an end.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, Strict, ValidationInfo, field_validator

from algo_trade.contracts.base import (
    Count,
    Flag,
    Fraction,
    Message,
    Metadata,
    NotNegative,
    Number,
    Part,
    Positive,
    PositiveCount,
    Symbol,
    Text,
    UtcTime,
    Weight,
)


class Direction(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    ADAPTIVE = "ADAPTIVE"


class TimeInForce(StrEnum):
    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Urgency(StrEnum):
    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"
    URGENT = "URGENT"


class Regime(StrEnum):
    CALM = "Calm"
    NORMAL = "Normal"
    STORM = "Storm"


class ExecutionStatus(StrEnum):
    SUBMITTED = "SUBMITTED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    PARTIAL_FILL = "PARTIAL_FILL"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    TIMEOUT = "TIMEOUT"
    ERROR = "ERROR"
    # Ours: the order may have left and nobody can tell. Its risk stays reserved, its symbol frozen.
    UNKNOWN = "UNKNOWN"


_NEEDS_LIMIT_PRICE = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_NEEDS_STOP_PRICE = (OrderType.STOP, OrderType.STOP_LIMIT)


def _required_for(order_types: tuple[OrderType, ...], field: str) -> dict[str, Any]:
    return {
        "if": {"properties": {"order_type": {"enum": [str(name) for name in order_types]}}},
        "then": {"required": [field], "properties": {field: {"type": "number"}}},
    }


class RiskChecks(Part):
    """What the strategy itself checked; true means passed. The order plane checks again and believes none of it."""

    within_box_limit: Flag | None = None
    within_gross_limit: Flag | None = None
    within_net_limit: Flag | None = None
    pnl_kill_switch: Flag | None = None
    drawdown_kill_switch: Flag | None = None


class ExecutionParams(Part):
    """How an order may take part: shares of volume as fractions, slippage in basis points."""

    pov_cap: Fraction = 0.08
    adv_cap: Fraction = 0.10
    max_slippage_bps: NotNegative = 10.0


class IntentMetadata(Metadata):
    portfolio_id: str | None = None
    regime: Regime | None = None


class OrderIntent(Message):
    """What a strategy wants. `quantity` is whole shares, prices are dollars a share.

    `session_id` and `valid_until` are ours and required: an intent of another session, or one that waited too
    long, must never become an order. `intent_id` is a uuid5 of what caused the intent, so that the same cause
    cannot become two. `decision_mid` is ours too: the mid price the strategy saw, from which slippage is told.

    A bracket is an entry and its attached exits, an intent each: the entry says in `attached_exits` how many follow
    it on the same key, and each of those names it in `parent_intent_id`. They are sent together or not at all, work
    only once the entry has filled, end with it, and cancel one another.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                _required_for(_NEEDS_LIMIT_PRICE, "limit_price"),
                _required_for(_NEEDS_STOP_PRICE, "stop_price"),
            ]
        }
    )

    event_type: Literal["order_intent"] = "order_intent"
    intent_id: UUID
    session_id: Text
    symbol: Symbol
    direction: Direction
    quantity: PositiveCount
    order_type: OrderType
    timestamp: UtcTime
    valid_until: UtcTime
    strategy_id: Text
    limit_price: Annotated[Positive | None, Field(validate_default=True)] = None
    stop_price: Annotated[Positive | None, Field(validate_default=True)] = None
    time_in_force: TimeInForce | None = None
    urgency: Urgency | None = None
    target_weight: Weight | None = None
    current_weight: Weight | None = None
    signal_strength: Fraction | None = None
    decision_mid: Positive | None = None
    parent_intent_id: UUID | None = None
    attached_exits: Annotated[int, Strict(), Field(ge=1, le=2)] | None = None
    risk_checks: RiskChecks | None = None
    execution_params: ExecutionParams | None = None
    metadata: IntentMetadata | None = None

    @field_validator("limit_price")
    @classmethod
    def _limit_where_needed(cls, limit_price: float | None, info: ValidationInfo) -> float | None:
        if limit_price is None and info.data.get("order_type") in _NEEDS_LIMIT_PRICE:
            raise ValueError(f"{info.data['order_type']} needs a limit_price")
        return limit_price

    @field_validator("stop_price")
    @classmethod
    def _stop_where_needed(cls, stop_price: float | None, info: ValidationInfo) -> float | None:
        if stop_price is None and info.data.get("order_type") in _NEEDS_STOP_PRICE:
            raise ValueError(f"{info.data['order_type']} needs a stop_price")
        return stop_price


class Fill(Part):
    """One execution. `fill_id` is the broker's execId; `commission` is dollars, absent until the broker tells it."""

    fill_id: Text
    quantity: PositiveCount
    price: Positive
    timestamp: UtcTime
    commission: Number | None = None


class ExecutionCosts(Part):
    """Dollars, but for `total_cost_bps`. A rebate is a negative cost."""

    commission: Number | None = None
    slippage: Number | None = None
    market_impact: Number | None = None
    total_cost_bps: Number | None = None


class LatencyMetrics(Part):
    """Milliseconds between the marks of one order's life; a part that has not happened yet is absent."""

    intent_to_submit_ms: NotNegative | None = None
    submit_to_ack_ms: NotNegative | None = None
    ack_to_fill_ms: NotNegative | None = None
    total_latency_ms: NotNegative | None = None


class ReportMetadata(Metadata):
    broker: str | None = None
    account_id: str | None = None


class ExecutionReport(Message):
    """What is known of an intent now: each report replaces the one before it.

    Quantities are whole shares and cumulative, as are `fills`. Ours: `session_id`; `sequence`, which counts an
    intent's reports from 0 without a gap; `perm_id`, the broker's lasting number; `strategy_id`; `stop_price`;
    `amendment_id`, the amendment this report answers (limit, stop and requested quantity are the order's present ones).
    """

    event_type: Literal["execution_report"] = "execution_report"
    report_id: UUID
    intent_id: UUID
    session_id: Text
    sequence: Count
    order_id: str
    symbol: Symbol
    status: ExecutionStatus
    timestamp: UtcTime
    perm_id: Annotated[int, Field(strict=True)] | None = None
    strategy_id: Text | None = None
    direction: Direction | None = None
    submitted_timestamp: UtcTime | None = None
    acknowledged_timestamp: UtcTime | None = None
    filled_timestamp: UtcTime | None = None
    requested_quantity: Count | None = None
    filled_quantity: Count | None = None
    remaining_quantity: Count | None = None
    average_fill_price: NotNegative | None = None
    limit_price: Positive | None = None
    stop_price: Positive | None = None
    amendment_id: UUID | None = None
    commission: Number | None = None
    slippage_bps: Number | None = None
    execution_costs: ExecutionCosts | None = None
    reject_reason: str | None = None
    error_message: str | None = None
    fills: tuple[Fill, ...] = ()
    latency_metrics: LatencyMetrics | None = None
    metadata: ReportMetadata | None = None

    @field_validator("filled_quantity")
    @classmethod
    def _not_overfilled(cls, filled: int | None, info: ValidationInfo) -> int | None:
        requested = info.data.get("requested_quantity")
        if filled is not None and requested is not None and filled > requested:
            raise ValueError(f"filled {filled} of {requested} requested")
        return filled
