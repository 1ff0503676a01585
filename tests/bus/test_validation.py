"""The three borders: the message, or every reason why there is none; by object and by bytes the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.contracts.examples import FULL, intent, tick

from algo_trade.bus import (
    MAX_RECORD_BYTES,
    DataPlaneValidator,
    Invalid,
    OrderPlaneValidator,
    Record,
    StrategyPlaneValidator,
)
from algo_trade.bus.validation import Validator
from algo_trade.contracts import BarEvent, Message, OrderIntent, SessionEvent, TickEvent

VALIDATORS = pytest.mark.parametrize(
    "validator",
    [DataPlaneValidator(), StrategyPlaneValidator(), OrderPlaneValidator()],
    ids=lambda validator: validator.name,
)


def record(value: bytes, message: Message | None = None, topic: str = "market_events") -> Record:
    return Record(topic, 0, 7, "k", value, 0, (), message)


def reasons(validator: Validator, value: bytes, model: type[Message] = TickEvent) -> set[str]:
    with pytest.raises(Invalid) as caught:
        validator.validate(record(value), model)
    return set(caught.value.reasons)


@VALIDATORS
def test_an_object_and_its_bytes_give_the_same_message(validator: Validator) -> None:
    for model, fields in FULL.items():
        message = model(**fields)
        assert validator.validate(record(message.encode(), message), model) is message
        assert validator.validate(record(message.encode()), model) == message


@VALIDATORS
def test_an_object_of_another_contract_is_refused_as_its_bytes_are(validator: Validator) -> None:
    message = intent()
    with pytest.raises(Invalid) as handed_over:
        validator.validate(record(message.encode(), message), TickEvent)
    assert set(handed_over.value.reasons) == reasons(validator, message.encode())


@VALIDATORS
def test_every_reason_is_told_with_its_field_and_without_its_value(validator: Validator) -> None:
    broken = json.loads(tick().encode()) | {
        "symbol": "S" * 30,
        "bid": 100.5,
        "bid_size": "many",
        "secret": "DU7",
    }
    told = reasons(validator, json.dumps(broken).encode())
    assert told == {
        "symbol: String should have at most 20 characters",
        "ask: crossed: ask 100.01 is below bid 100.5",
        "bid_size: Input should be a valid number",
        "secret: Extra inputs are not permitted",
    }
    assert not any("DU7" in reason or "many" in reason for reason in told)


@VALIDATORS
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "the record has no body"),
        (b"null", "object"),
        (b"{", "Invalid JSON"),
        (b"\xff\xfe\x00", "Invalid JSON"),
        (b"[]", "object"),
        (b"[" * 100_000, "Invalid JSON"),
        (b" " * (MAX_RECORD_BYTES + 1), "1048577 bytes; at most 1048576"),
    ],
    ids=["empty", "null", "cut", "binary", "list", "deep", "large"],
)
def test_bytes_that_are_no_message_are_refused(validator: Validator, value: bytes, reason: str) -> None:
    assert any(reason in told for told in reasons(validator, value))
    with pytest.raises(Invalid):
        validator.validate_any(record(value))


def test_the_data_plane_builds_messages_of_what_it_found() -> None:
    validator = DataPlaneValidator()
    assert validator.build(TickEvent, FULL[TickEvent]) == TickEvent(**FULL[TickEvent])


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"bid": float("nan")}, {"bid"}),
        ({"ask": float("inf")}, {"ask"}),
        ({"ask": 1.0}, {"ask"}),
        ({"bid": 0.0}, {"bid"}),
        ({"bid": -1.0, "ask": -1.0}, {"bid", "ask"}),
        ({"symbol": ""}, {"symbol"}),
        ({"symbol": None}, {"symbol"}),
        ({"bid_size": float("nan"), "ask": 1.0, "symbol": "X" * 21}, {"bid_size", "ask", "symbol"}),
        ({"timestamp": 0}, {"timestamp"}),
    ],
    ids=lambda value: str(sorted(value)),  # a set prints in another order in every process,
)
def test_the_data_plane_refuses_with_every_reason(changes: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(Invalid) as caught:
        DataPlaneValidator().build(TickEvent, {**FULL[TickEvent], **changes})
    assert {reason.split(":")[0] for reason in caught.value.reasons} == fields
    assert all(reason in str(caught.value) for reason in caught.value.reasons)


def test_a_topic_of_two_contracts_is_told_apart_by_the_event_type() -> None:
    validator = StrategyPlaneValidator()
    for model in (TickEvent, BarEvent):
        message = model(**FULL[model])
        assert validator.validate_any(record(message.encode())) == message
        assert validator.validate_any(record(message.encode(), message)) is message
    with pytest.raises(Invalid) as caught:
        validator.validate_any(record(TickEvent(**FULL[TickEvent]).encode().replace(b'"SPY"', b'""')))
    assert caught.value.reasons == ("symbol: String should have at least 1 character",)
    for stranger in (intent().encode(), b"{}"):
        with pytest.raises(Invalid, match="event_type"):
            validator.validate_any(record(stranger))


def test_a_topic_of_one_contract_needs_no_event_type_to_be_read() -> None:
    message = SessionEvent(**FULL[SessionEvent])
    assert OrderPlaneValidator().validate_any(record(message.encode(), topic="session_events")) == message
    wanted = intent()
    assert OrderPlaneValidator().validate_any(record(wanted.encode(), wanted, "order_intents")) is wanted


@pytest.mark.parametrize("topic", ["market_raw", "nowhere"])
def test_a_topic_of_no_contract_carries_no_message(topic: str) -> None:
    with pytest.raises(Invalid, match="carries no messages"):
        OrderPlaneValidator().validate_any(record(tick().encode(), topic=topic))


def test_an_intent_that_breaks_the_rules_is_refused_with_every_reason() -> None:
    broken = json.loads(intent().encode()) | {"order_type": "STOP_LIMIT", "quantity": 0, "direction": "HOLD"}
    del broken["valid_until"]
    fields = {
        reason.split(":")[0]
        for reason in reasons(OrderPlaneValidator(), json.dumps(broken).encode(), OrderIntent)
    }
    assert fields == {"limit_price", "stop_price", "quantity", "direction", "valid_until"}
