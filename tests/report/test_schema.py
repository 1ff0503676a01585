"""The committed schema is the model's, and what is printed keeps it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it ships no types
from tests.report.test_amendments import resting
from tests.report.test_round_trip import round_trip
from tests.report.writing import Writer

from algo_trade.resources import resource_path
from algo_trade.session.report import build_report, report_schema_text, schema_text, summary_schema

# What the command promises to print, by name; more may be there.
_PROMISED = {
    "session_dir": None,
    "mode": None,
    "clock": None,
    "seed": None,
    "digest": None,
    "duration_s": None,
    "wall_s": None,
    "ticks": None,
    "bars": None,
    "intents": None,
    "refused": None,
    "expired": None,
    "orders": None,
    "filled_orders": None,
    "fills": None,
    "rejected": None,
    "cancelled": None,
    "unknown": None,
    "fill_rate": {"k", "n", "value", "ci95"},
    "latency_ms": {"intent_to_submit", "submit_to_ack", "ack_to_fill", "intent_to_fill", "rested_until_fill"},
    "pnl": {"realised", "unrealised", "commission", "total"},
    "max_drawdown": None,
    "ofi_sum": None,
    "dlq": {"count", "rate"},
    "errors": None,
    "positions_match_broker": None,
    "final_positions": None,
}


def test_the_committed_schemas_are_the_models() -> None:
    """When this fails after a change of the models: write what schema_text and report_schema_text give."""
    assert resource_path("contracts/summary.schema.json").read_text(encoding="utf-8") == schema_text()
    assert resource_path("contracts/report.schema.json").read_text(encoding="utf-8") == report_schema_text()


def test_report_json_keeps_its_schema(tmp_path: Path) -> None:
    """Of a session with everything in it, and of one with nothing; summary and tables alike."""
    schema = json.loads(report_schema_text())
    for number, writer in enumerate(
        (round_trip(tmp_path / "a"), resting(tmp_path / "b"), Writer(tmp_path / "c"))
    ):
        content = json.loads(build_report(writer.write(ended_s=20 + number)).json)
        jsonschema.validate(content, schema)
        jsonschema.validate(content["summary"], summary_schema())


def test_a_row_of_report_json_is_a_line(tmp_path: Path) -> None:
    text = build_report(round_trip(tmp_path).write(ended_s=20)).json
    content = json.loads(text)
    for row in (*content["tables"]["orders"], *content["tables"]["fills"]):
        assert json.dumps(row, ensure_ascii=False) in text
    assert max(map(len, text.splitlines())) < 3000


def test_a_printed_summary_keeps_the_schema_and_the_promise(tmp_path: Path) -> None:
    full = build_report(round_trip(tmp_path / "full").write(ended_s=20)).summary
    empty = build_report(Writer(tmp_path / "empty").write(kill=True)).summary
    for summary in (full, empty):
        printed = json.loads(summary.model_dump_json())
        jsonschema.validate(printed, summary_schema())
        for name, parts in _PROMISED.items():
            assert name in printed
            assert parts is None or parts == printed[name].keys()
        for hop in printed["latency_ms"].values():
            assert hop.keys() == {"n", "p50", "p95", "p99"}
