"""One good message of every kind, each optional field filled, and Hypothesis strategies for any good message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from algo_trade.contracts import (
    BarEvent,
    ExecutionReport,
    Message,
    OFIEvent,
    OrderAmendment,
    OrderIntent,
    SessionEvent,
    TickEvent,
)

NOW = datetime(2026, 3, 2, 14, 30, 0, 123456, tzinfo=UTC)
_QUALITY = {"completeness_score": 1.0, "freshness_ms": 12.5, "source": "ibkr_realtime"}
_METADATA = {
    "producer_id": "data-plane",
    "sequence_number": 7,
    "kafka_topic": "market_events",
    "session_id": "s-1",
    "causation_id": "market_raw/0/6",
}

# model → the keyword arguments of a full, valid message
FULL: dict[type[Message], dict[str, Any]] = {
    BarEvent: {
        "symbol": "SPY",
        "timestamp": NOW,
        "open": 100.0,
        "high": 101.0,
        "low": 99.5,
        "close": 100.5,
        "volume": 1234.0,
        "bar_duration": "5s",
        "asset_class": "equity",
        "exchange": "SMART",
        "currency": "USD",
        "data_quality": _QUALITY,
        "metadata": _METADATA,
    },
    TickEvent: {
        "symbol": "SPY",
        "timestamp": NOW,
        "bid": 100.01,
        "ask": 100.02,
        "bid_size": 300.0,
        "ask_size": 200,
        "last": 100.01,
        "last_size": 100.0,
        "level2": {"bids": [{"price": 100.01, "size": 300.0}], "asks": [{"price": 100.02, "size": 200.0}]},
        "data_quality": _QUALITY,
        "metadata": _METADATA,
    },
    OFIEvent: {
        "symbol": "SPY",
        "timestamp": NOW,
        "ofi_z": -2.5,
        "ofi_raw": -300.0,
        "ofi_ma": 10.0,
        "ofi_std": 124.0,
        "metadata": _METADATA,
    },
    OrderIntent: {
        "intent_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "session_id": "s-1",
        "symbol": "SPY",
        "direction": "BUY",
        "quantity": 2,
        "order_type": "STOP_LIMIT",
        "timestamp": NOW,
        "valid_until": NOW + timedelta(seconds=5),
        "strategy_id": "OFI",
        "limit_price": 100.03,
        "stop_price": 100.02,
        "time_in_force": "IOC",
        "urgency": "HIGH",
        "target_weight": 0.1,
        "current_weight": -0.1,
        "signal_strength": 0.9,
        "decision_mid": 100.015,
        "parent_intent_id": "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
        "attached_exits": 2,
        "risk_checks": {"within_box_limit": True, "pnl_kill_switch": False},
        "execution_params": {"pov_cap": 0.05},
        "metadata": {**_METADATA, "portfolio_id": "p", "regime": "Calm"},
    },
    OrderAmendment: {
        "amendment_id": "6ba7b813-9dad-11d1-80b4-00c04fd430c8",
        "intent_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "session_id": "s-1",
        "symbol": "SPY",
        "strategy_id": "BANDS",
        "action": "REPLACE",
        "timestamp": NOW,
        "valid_until": NOW + timedelta(seconds=5),
        "quantity": 3,
        "limit_price": 100.01,
        "stop_price": 99.5,
        "metadata": {**_METADATA, "portfolio_id": "p", "regime": "Calm"},
    },
    ExecutionReport: {
        "report_id": "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
        "intent_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "session_id": "s-1",
        "sequence": 2,
        "order_id": "17",
        "symbol": "SPY",
        "status": "PARTIAL_FILL",
        "timestamp": NOW,
        "perm_id": 1122334455,
        "strategy_id": "OFI",
        "direction": "BUY",
        "submitted_timestamp": NOW,
        "acknowledged_timestamp": NOW,
        "filled_timestamp": NOW,
        "requested_quantity": 2,
        "filled_quantity": 1,
        "remaining_quantity": 1,
        "average_fill_price": 100.02,
        "limit_price": 100.03,
        "stop_price": 100.02,
        "amendment_id": "6ba7b813-9dad-11d1-80b4-00c04fd430c8",
        "commission": 1.0,
        "slippage_bps": -0.4,
        "execution_costs": {"commission": 1.0, "total_cost_bps": 49.9},
        "reject_reason": "",
        "error_message": "none",
        "fills": [
            {"fill_id": "0000e0d5.1.01", "quantity": 1, "price": 100.02, "timestamp": NOW, "commission": 1.0}
        ],
        "latency_metrics": {"intent_to_submit_ms": 0.4, "submit_to_ack_ms": 30.0},
        "metadata": {**_METADATA, "broker": "IBKR", "account_id": "DSIM001"},
    },
    SessionEvent: {
        "timestamp": NOW,
        "session_id": "s-1",
        "kind": "GATEWAY_ERROR",
        "severity": "WARNING",
        "code": 2104,
        "symbol": "SPY",
        "text": "Market data farm connection is OK",
        "data": {"nested": [1, 2.5, None, {"a": "b"}]},
        "metadata": _METADATA,
    },
}


def tick(number: int = 0, *, symbol: str = "SPY") -> TickEvent:
    """A quote that tells which one it is by its sequence number."""
    return TickEvent(
        symbol=symbol,
        timestamp=NOW,
        bid=100.0,
        ask=100.01,
        bid_size=100.0 * (number % 50),
        ask_size=300.0,
        metadata={"producer_id": "test", "sequence_number": number},  # type: ignore[arg-type]
    )


def intent(number: int = 0, *, symbol: str = "SPY") -> OrderIntent:
    """A market intent with an id of its own."""
    return OrderIntent(
        intent_id=UUID(int=number),
        session_id="s-1",
        symbol=symbol,
        direction="BUY",  # type: ignore[arg-type]
        quantity=1 + number,
        order_type="MARKET",  # type: ignore[arg-type]
        timestamp=NOW,
        valid_until=NOW + timedelta(seconds=5),
        strategy_id="OFI",
    )


_finite = st.floats(allow_nan=False, allow_infinity=False)
_sizes = _finite.filter(lambda value: value >= 0) | st.integers(0, 10**9)
_prices = st.floats(min_value=1e-6, max_value=1e9)
_times = st.datetimes(timezones=st.just(UTC))
_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | _finite | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def ticks(draw: st.DrawFn) -> TickEvent:
    """Any valid quote."""
    bid, ask = sorted((draw(_prices), draw(_prices)))
    return TickEvent(
        symbol=draw(_texts),
        timestamp=draw(_times),
        bid=bid,
        ask=ask,
        bid_size=draw(_sizes),
        ask_size=draw(_sizes),
        last=draw(st.none() | _prices),
    )


def session_events() -> st.SearchStrategy[SessionEvent]:
    """Any valid session event, with any JSON inside."""
    return st.builds(
        SessionEvent,
        timestamp=_times,
        session_id=_texts,
        code=st.none() | st.integers(),
        symbol=st.none() | _texts,
        text=_texts,
        data=st.dictionaries(_texts, _json, max_size=4),
        metadata=st.none(),
    )
