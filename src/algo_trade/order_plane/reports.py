"""ExecutionReports, made from an order as the journal has it.

A report's id is a uuid5 of the intent and its place in the intent's sequence, so a report that is made again
after a crash is the same report, and whoever folds them counts it once. What answers an amendment carries its id, and
where the amendment was not carried out, why.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from uuid import UUID, uuid5

from algo_trade.clock import from_utc, utc
from algo_trade.contracts import (
    ExecutionReport,
    ExecutionStatus,
    Fill,
    LatencyMetrics,
    ReportMetadata,
)
from algo_trade.order_plane.amendment import Amendment
from algo_trade.order_plane.lifecycle import OrderState
from algo_trade.order_plane.order import Order
from algo_trade.portfolio import dollars

_NAMESPACE = UUID("6f0b5d0e-5a5f-5c53-9d4c-0d5b8e3f8a11")

_STATUS = {
    OrderState.ACCEPTED: ExecutionStatus.SUBMITTED,
    OrderState.SENDING: ExecutionStatus.SUBMITTED,
    OrderState.UNKNOWN: ExecutionStatus.UNKNOWN,
    OrderState.FILLED: ExecutionStatus.FILLED,
    OrderState.CANCELED: ExecutionStatus.CANCELED,
    OrderState.REJECTED: ExecutionStatus.REJECTED,
    OrderState.NOT_SENT: ExecutionStatus.ERROR,
    OrderState.EXPIRED: ExecutionStatus.TIMEOUT,
    OrderState.REFUSED: ExecutionStatus.REJECTED,
}


def status_of(order: Order) -> ExecutionStatus:
    """The contract's word for where the order is. The broker has none for a partial fill; we have."""
    if order.state is not OrderState.WORKING:
        return _STATUS[order.state]
    if order.filled:
        return ExecutionStatus.PARTIAL_FILL
    return (
        ExecutionStatus.SUBMITTED if order.broker_status == "PreSubmitted" else ExecutionStatus.ACKNOWLEDGED
    )


def make_reports(order: Order, now_ns: int, account: str) -> list[ExecutionReport]:
    """What is to be told of an order now: one report for each amendment it answers, or one.

    Counts them: the caller journals order and reports together, and then forgets the answers.
    """
    answers: list[Amendment | None] = [*order.answers]
    return [_make_report(order, answer, now_ns, account) for answer in answers or [None]]


def _make_report(order: Order, answer: Amendment | None, now_ns: int, account: str) -> ExecutionReport:
    sequence = order.reports
    order.reports += 1
    quantity = order.terms.quantity
    filled = order.filled
    commissions = [
        fill.commission_micros for fill in order.fills.values() if fill.commission_micros is not None
    ]
    rejected = order.state in (
        OrderState.REFUSED,
        OrderState.REJECTED,
        OrderState.EXPIRED,
        OrderState.NOT_SENT,
    )
    return ExecutionReport(
        report_id=uuid5(_NAMESPACE, f"{order.intent_id}:{sequence}"),
        intent_id=order.intent_id,
        order_id=str(order.order_id) if order.order_id else "",
        symbol=order.symbol,
        status=status_of(order),
        timestamp=utc(now_ns),
        session_id=order.session_id,
        sequence=sequence,
        strategy_id=order.intent.strategy_id,
        perm_id=order.perm_id or None,
        direction=order.intent.direction,
        submitted_timestamp=_moment(order.sent_ns),
        acknowledged_timestamp=_moment(order.acknowledged_ns),
        filled_timestamp=_moment(order.last_fill_ns),
        # More filled than asked for is an alarm of its own; the contract has no way to say it.
        requested_quantity=quantity if filled <= quantity else None,
        filled_quantity=filled,
        remaining_quantity=max(0, quantity - filled),
        average_fill_price=_average_price(order),
        limit_price=order.terms.limit_price,
        stop_price=order.terms.stop_price,
        amendment_id=None if answer is None else answer.amendment_id,
        commission=dollars(sum(commissions)) if commissions else None,
        slippage_bps=_slippage_bps(order),
        reject_reason=order.reason if rejected else None,
        error_message=(answer.reason if answer is not None else "")
        or (order.reason if order.reason and not rejected else None),
        fills=tuple(
            Fill(
                fill_id=fill.execution_id,
                quantity=fill.quantity,
                price=dollars(fill.price_micros),
                timestamp=utc(fill.time_ns),
                commission=None if fill.commission_micros is None else dollars(fill.commission_micros),
            )
            for fill in order.fills.values()
        ),
        latency_metrics=_latency(order),
        metadata=_metadata(account),
    )


@cache
def _metadata(account: str) -> ReportMetadata:
    """The same in every report of an account."""
    return ReportMetadata(broker="IBKR", account_id=account)


def _moment(ns: int | None) -> datetime | None:
    return None if ns is None else utc(ns)


def _average_price(order: Order) -> float | None:
    filled = order.filled
    if not filled:
        return None
    return round(dollars(sum(f.quantity * f.price_micros for f in order.fills.values())) / filled, 6)


def _slippage_bps(order: Order) -> float | None:
    """What the fills cost against the mid the strategy saw; positive is worse."""
    price, mid = _average_price(order), order.intent.decision_mid
    if price is None or mid is None:
        return None
    return round(order.sign * (price - mid) / mid * 1e4, 4)


def _latency(order: Order) -> LatencyMetrics | None:
    """Milliseconds between the marks; what has not happened is absent."""
    from_ns = from_utc(order.intent.timestamp)
    if order.sent_ns is None:
        return None
    return LatencyMetrics(
        intent_to_submit_ms=_ms(from_ns, order.sent_ns),
        submit_to_ack_ms=_ms(order.sent_ns, order.acknowledged_ns),
        ack_to_fill_ms=_ms(order.acknowledged_ns, order.last_fill_ns),
        total_latency_ms=_ms(from_ns, order.last_fill_ns),
    )


def _ms(start_ns: int | None, end_ns: int | None) -> float | None:
    if start_ns is None or end_ns is None:
        return None
    return max(0, end_ns - start_ns) / 1e6
