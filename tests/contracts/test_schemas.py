"""The committed JSON Schemas: what the models say, and judging messages as the models do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from tests.contracts.examples import FULL

from algo_trade.contracts import Message, OrderAmendment, OrderIntent, schemas
from algo_trade.resources import resource_path

DIRECTORY = resource_path("contracts") / "schemas"
MODELS = pytest.mark.parametrize("model", FULL, ids=lambda model: model.__name__)


def _validator(model: type[Message]) -> jsonschema.Draft202012Validator:
    schema = json.loads((DIRECTORY / f"{model.EVENT_TYPE}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_files_are_what_the_models_say() -> None:
    """When this fails: python -m algo_trade.contracts.schemas --write, and look at the difference."""
    assert schemas.differences(DIRECTORY) == []


@MODELS
def test_a_schema_accepts_what_the_model_writes(model: type[Message]) -> None:
    _validator(model).validate(json.loads(model(**FULL[model]).encode()))


@MODELS
@pytest.mark.parametrize("change", [{"colour": "red"}, {"timestamp": 5}, {"symbol": ""}], ids=str)
def test_a_schema_refuses_what_the_model_refuses(model: type[Message], change: dict[str, Any]) -> None:
    message = {**json.loads(model(**FULL[model]).encode()), **change}
    assert not _validator(model).is_valid(message)


@pytest.mark.parametrize("field", ["limit_price", "stop_price"])
def test_the_schema_of_an_intent_knows_which_prices_it_needs(field: str) -> None:
    message = json.loads(OrderIntent(**FULL[OrderIntent]).encode())
    assert not _validator(OrderIntent).is_valid({**message, field: None})
    del message[field]
    assert not _validator(OrderIntent).is_valid(message)
    assert _validator(OrderIntent).is_valid({**message, "order_type": "MARKET"})


def test_the_schema_of_an_amendment_knows_what_each_action_needs() -> None:
    message = json.loads(OrderAmendment(**FULL[OrderAmendment]).encode())
    bare = {
        name: value
        for name, value in message.items()
        if name not in ("quantity", "limit_price", "stop_price")
    }
    schema = _validator(OrderAmendment)
    assert not schema.is_valid(bare)
    assert schema.is_valid({**bare, "limit_price": 100.0})
    assert schema.is_valid({**bare, "action": "CANCEL"})
    assert not schema.is_valid({**bare, "action": "CANCEL", "limit_price": 100.0})


def test_write_and_check_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "schemas"
    assert schemas.main(["--write", "--directory", str(directory)]) == 0
    assert schemas.main(["--check", "--directory", str(directory)]) == 0
    (directory / "tick_event.json").write_text("{}", encoding="utf-8")
    (directory / "bar_event.json").unlink()
    (directory / "rumour.json").write_text("{}", encoding="utf-8")
    assert schemas.main(["--check", "--directory", str(directory)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "bar_event.json: missing",
        "tick_event.json: differs from the model",
        "rumour.json: no message has this schema",
    ]
    assert schemas.main(["--write", "--directory", str(directory)]) == 0
    assert schemas.differences(directory) == []
