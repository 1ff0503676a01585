"""The contracts: what they accept comes back from its bytes as it was, what they refuse they refuse by name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError
from tests.contracts.examples import FULL, NOW, session_events, ticks

from algo_trade import contracts
from algo_trade.contracts import (
    MESSAGES,
    BarEvent,
    ExecutionReport,
    ExecutionStatus,
    Message,
    OFIEvent,
    OrderAmendment,
    OrderIntent,
    SessionEvent,
    TickEvent,
)

NAN, INF = float("nan"), float("inf")

MODELS = pytest.mark.parametrize("model", FULL, ids=lambda model: model.__name__)


def refused(model: type[Message], **changes: Any) -> dict[str, str]:
    """Field → reason, for the model's example with these changes."""
    with pytest.raises(ValidationError) as caught:
        model(**{**FULL[model], **changes})
    return {".".join(map(str, error["loc"])): error["msg"] for error in caught.value.errors()}


def test_there_is_an_example_of_every_message() -> None:
    assert set(FULL) == set(MESSAGES.values())


@MODELS
def test_bytes_tell_the_same_message(model: type[Message]) -> None:
    message = model(**FULL[model])
    assert model.decode(message.encode()) == message
    assert model.decode(message.encode()).encode() == message.encode()


@given(message=ticks() | session_events())
def test_any_message_survives_its_bytes(message: Message) -> None:
    again = type(message).decode(message.encode())
    assert again == message
    assert again.encode() == message.encode()


@MODELS
def test_bytes_are_compact_and_leave_out_what_is_not_there(model: type[Message]) -> None:
    needed = {name: FULL[model][name] for name in FULL[model] if model.model_fields[name].is_required()}
    if model is OrderIntent:
        needed["order_type"] = "MARKET"
    if model is OrderAmendment:
        needed["action"] = "CANCEL"
    data = model(**needed).encode()
    assert b": " not in data
    assert b"null" not in data
    assert json.loads(data)["event_type"] == model.EVENT_TYPE


@MODELS
def test_a_message_never_changes(model: type[Message]) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        model(**FULL[model]).symbol = "QQQ"  # type: ignore[attr-defined]


@MODELS
def test_a_field_nobody_declared_is_refused(model: type[Message]) -> None:
    assert refused(model, colour="red") == {"colour": "Extra inputs are not permitted"}
    assert "metadata.colour" in refused(model, metadata={"colour": "red"})


@MODELS
def test_required_fields_are_all_named_at_once(model: type[Message]) -> None:
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    with pytest.raises(ValidationError) as caught:
        model.decode(b"{}")
    assert {error["loc"][0] for error in caught.value.errors()} == required


@MODELS
@pytest.mark.parametrize("data", [b"", b"not json", b"[]", b"null", b"\xff\xfe", b'{"symbol":'])
def test_what_is_no_json_object_is_refused(model: type[Message], data: bytes) -> None:
    with pytest.raises(ValidationError):
        model.decode(data)


@MODELS
def test_another_messages_bytes_are_refused(model: type[Message]) -> None:
    for other in FULL:
        if other is not model:
            with pytest.raises(ValidationError):
                model.decode(other(**FULL[other]).encode())


# Every number of every message: (model, field, values it must refuse)
POSITIVE: list[Any] = [0, -1.0, NAN, INF, "1", True]
NOT_NEGATIVE: list[Any] = [-0.01, NAN, INF, "1", True]
ANY_NUMBER: list[Any] = [NAN, INF, -INF, "1", False]
WHOLE: list[Any] = [-1, 1.5, "1", True, NAN]
NUMBERS: list[tuple[type[Message], str, list[Any]]] = [
    *[(BarEvent, name, POSITIVE) for name in ("open", "high", "low", "close")],
    (BarEvent, "volume", NOT_NEGATIVE),
    *[(TickEvent, name, POSITIVE) for name in ("bid", "ask", "last")],
    *[(TickEvent, name, NOT_NEGATIVE) for name in ("bid_size", "ask_size", "last_size")],
    *[(OFIEvent, name, ANY_NUMBER) for name in ("ofi_z", "ofi_raw", "ofi_ma")],
    (OFIEvent, "ofi_std", NOT_NEGATIVE),
    (OrderIntent, "quantity", [0, *WHOLE]),
    *[(OrderIntent, name, POSITIVE) for name in ("limit_price", "stop_price", "decision_mid")],
    *[(OrderIntent, name, [-1.1, 1.1, NAN, "0"]) for name in ("target_weight", "current_weight")],
    (OrderIntent, "signal_strength", [-0.1, 1.1, NAN]),
    (OrderIntent, "attached_exits", [0, 3, *WHOLE]),
    (OrderAmendment, "quantity", [0, *WHOLE]),
    *[(OrderAmendment, name, POSITIVE) for name in ("limit_price", "stop_price")],
    *[(ExecutionReport, name, WHOLE) for name in ("sequence", "requested_quantity", "filled_quantity")],
    (ExecutionReport, "remaining_quantity", WHOLE),
    (ExecutionReport, "average_fill_price", NOT_NEGATIVE),
    *[(ExecutionReport, name, POSITIVE) for name in ("limit_price", "stop_price")],
    *[(ExecutionReport, name, ANY_NUMBER) for name in ("commission", "slippage_bps")],
    (ExecutionReport, "perm_id", ["1", 1.5, True]),
    (SessionEvent, "code", ["1", 1.5, True]),
]


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [(model, field, value) for model, field, values in NUMBERS for value in values],
    ids=str,
)
def test_numbers_outside_their_range_are_refused(model: type[Message], field: str, value: Any) -> None:
    assert field in refused(model, **{field: value})


@MODELS
@pytest.mark.parametrize("symbol", ["", "x" * 21, 5, None, b"\xff"])
def test_a_symbol_has_1_to_20_characters(model: type[Message], symbol: Any) -> None:
    if model is SessionEvent and symbol is None:
        return  # not every event is about a symbol
    assert "symbol" in refused(model, symbol=symbol)
    model(**{**FULL[model], "symbol": "x" * 20})


@MODELS
@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 2, 14, 30),  # noqa: DTZ001 - naive is the point
        "2026-03-02T14:30:00",
        "2026-03-02",
        "1772461800",
        1772461800,
        "2026-02-30T14:30:00Z",
        "0001-01-01T00:00:00+10:00",
        None,
        "now",
    ],
    ids=str,
)
def test_a_time_says_its_offset(model: type[Message], moment: Any) -> None:
    assert "timestamp" in refused(model, timestamp=moment)


@MODELS
def test_times_are_kept_and_told_in_utc(model: type[Message]) -> None:
    eastern = NOW.astimezone(timezone(timedelta(hours=-5)))
    for moment in (eastern, eastern.isoformat(), "2026-03-02T14:30:00.123456Z"):
        message = model(**{**FULL[model], "timestamp": moment})
        assert message.timestamp.tzinfo is UTC  # type: ignore[attr-defined]
        assert json.loads(message.encode())["timestamp"] == "2026-03-02T14:30:00.123456Z"


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (BarEvent, "bar_duration", "2m"),
        (BarEvent, "asset_class", "art"),
        (BarEvent, "currency", "usd"),
        (BarEvent, "currency", "DOLLAR"),
        (BarEvent, "data_quality", {"source": "rumour"}),
        (TickEvent, "data_quality", {"completeness_score": 1.01}),
        (TickEvent, "data_quality", {"freshness_ms": -1}),
        (TickEvent, "level2", {"bids": [{"price": 0, "size": 1}]}),
        (TickEvent, "metadata", {"sequence_number": -1}),
        (TickEvent, "event_type", "bar_event"),
        (OrderIntent, "direction", "HOLD"),
        (OrderIntent, "order_type", "MKT"),
        (OrderIntent, "intent_id", "17"),
        (OrderIntent, "parent_intent_id", "17"),
        (OrderAmendment, "action", "HOLD"),
        (OrderAmendment, "amendment_id", "17"),
        (OrderIntent, "session_id", ""),
        (OrderIntent, "strategy_id", ""),
        (OrderIntent, "time_in_force", "FOREVER"),
        (OrderIntent, "urgency", "ASAP"),
        (OrderIntent, "execution_params", {"pov_cap": 1.5}),
        (OrderIntent, "risk_checks", {"within_box_limit": 1}),
        (OrderIntent, "metadata", {"regime": "calm"}),
        (ExecutionReport, "status", "Filled"),
        (ExecutionReport, "fills", [{"fill_id": "", "quantity": 1, "price": 1.0, "timestamp": NOW}]),
        (ExecutionReport, "fills", [{"fill_id": "x", "quantity": 0, "price": 1.0, "timestamp": NOW}]),
        (ExecutionReport, "latency_metrics", {"submit_to_ack_ms": -1.0}),
        (SessionEvent, "kind", "LUNCH"),
        (SessionEvent, "severity", "FATAL"),
        (SessionEvent, "data", {"deep": [{"x": NAN}]}),
        (SessionEvent, "data", {"object": {1}}),
    ],
    ids=str,
)
def test_words_outside_the_contract_are_refused(model: type[Message], field: str, value: Any) -> None:
    assert any(place.split(".")[0] == field for place in refused(model, **{field: value}))


def test_infinity_hidden_in_json_is_refused_too() -> None:
    data = SessionEvent(**FULL[SessionEvent]).encode().replace(b"2.5", b"NaN")
    with pytest.raises(ValidationError, match="NaN and infinity"):
        SessionEvent.decode(data)


def test_a_bar_holds_its_prices_and_every_contradiction_is_told() -> None:
    reasons = refused(BarEvent, high=99.0)
    assert "high 99.0 is below open 100.0" in reasons["close"]
    assert "high 99.0 is below low 99.5" in reasons["close"]
    assert "high 99.0 is below close 100.5" in reasons["close"]
    assert "low 100.2 is above open 100.0" in refused(BarEvent, low=100.2)["close"]
    BarEvent(**{**FULL[BarEvent], "open": 5, "high": 5, "low": 5, "close": 5})


def test_a_crossed_quote_is_refused_and_a_locked_one_is_not() -> None:
    assert refused(TickEvent, ask=100.0) == {"ask": "Value error, crossed: ask 100.0 is below bid 100.01"}
    TickEvent(**{**FULL[TickEvent], "ask": 100.01})


def test_all_reasons_are_told_at_once() -> None:
    assert set(refused(TickEvent, symbol="", ask=1.0, bid_size=NAN, last=-1, colour="red")) == {
        "symbol",
        "ask",
        "bid_size",
        "last",
        "colour",
    }


@pytest.mark.parametrize("order_type", ["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "ADAPTIVE"])
def test_an_order_type_needs_its_prices(order_type: str) -> None:
    needs = {
        "limit_price": order_type in ("LIMIT", "STOP_LIMIT"),
        "stop_price": order_type in ("STOP", "STOP_LIMIT"),
    }
    bare = {**FULL[OrderIntent], "order_type": order_type, "limit_price": None, "stop_price": None}
    if any(needs.values()):
        with pytest.raises(ValidationError) as caught:
            OrderIntent(**bare)
        assert {str(error["loc"][0]) for error in caught.value.errors()} == {
            field for field, needed in needs.items() if needed
        }
    else:
        OrderIntent(**bare)


def test_a_replacement_changes_something_and_a_cancel_nothing() -> None:
    unchanged = dict.fromkeys(("quantity", "limit_price", "stop_price"))
    fields = {**FULL[OrderAmendment], **unchanged}
    with pytest.raises(ValidationError, match="a REPLACE needs a new"):
        OrderAmendment(**fields)
    OrderAmendment(**{**fields, "action": "CANCEL"})
    for name, value in (("quantity", 3), ("limit_price", 1.0), ("stop_price", 1.0)):
        OrderAmendment(**{**fields, name: value})
        with pytest.raises(ValidationError, match="a CANCEL has no new terms"):
            OrderAmendment(**{**fields, name: value, "action": "CANCEL"})


@pytest.mark.parametrize("field", ["valid_until", "session_id"])
def test_an_intent_says_whose_and_how_long(field: str) -> None:
    fields = {name: value for name, value in FULL[OrderIntent].items() if name != field}
    with pytest.raises(ValidationError, match=field):
        OrderIntent(**fields)


def test_a_report_never_fills_more_than_was_asked() -> None:
    assert refused(ExecutionReport, filled_quantity=3) == {
        "filled_quantity": "Value error, filled 3 of 2 requested"
    }


def test_unknown_is_a_status_and_an_order_id_may_be_empty() -> None:
    report = ExecutionReport(**{**FULL[ExecutionReport], "status": "UNKNOWN", "order_id": ""})
    assert report.status is ExecutionStatus.UNKNOWN


def test_the_package_has_what_it_says() -> None:
    assert all(hasattr(contracts, name) for name in contracts.__all__)
