"""Intents and reports for tests, with sensible values everywhere."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid5

from algo_trade.clock import VIRTUAL_START_NS, utc
from algo_trade.contracts import (
    Direction,
    ExecutionReport,
    ExecutionStatus,
    Fill,
    OrderIntent,
    OrderType,
    TimeInForce,
)

_NAMESPACE = UUID(int=7)
NOW = utc(VIRTUAL_START_NS)


def intent_id(number: int) -> UUID:
    return uuid5(_NAMESPACE, str(number))


def intent(
    number: int = 1,
    *,
    symbol: str = "SPY",
    direction: str = "BUY",
    quantity: int = 2,
    limit_price: float | None = 100.0,
    valid_s: float = 5.0,
    session_id: str = "session-1",
) -> OrderIntent:
    return OrderIntent(
        intent_id=intent_id(number),
        session_id=session_id,
        symbol=symbol,
        direction=Direction(direction),
        quantity=quantity,
        order_type=OrderType.MARKET if limit_price is None else OrderType.LIMIT,
        time_in_force=TimeInForce.IOC,
        timestamp=NOW,
        valid_until=NOW + timedelta(seconds=valid_s),
        strategy_id="OFI",
        limit_price=limit_price,
        decision_mid=100.0,
    )


def report(
    *,
    fills: list[tuple[str, int, float, float | None]],
    direction: str = "BUY",
    intent: int = 1,
    sequence: int = 0,
    symbol: str = "SPY",
) -> ExecutionReport:
    number = intent_id(intent)
    return ExecutionReport(
        report_id=uuid5(number, str(sequence)),
        intent_id=number,
        session_id="session-1",
        sequence=sequence,
        order_id="7",
        symbol=symbol,
        status=ExecutionStatus.PARTIAL_FILL,
        timestamp=NOW,
        direction=Direction(direction),
        fills=tuple(
            Fill(fill_id=name, quantity=quantity, price=price, timestamp=NOW, commission=commission)
            for name, quantity, price, commission in fills
        ),
    )
