"""Amendments and brackets: what was asked of working orders, how it ended, and what that makes of the counts."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.report.writing import START, Writer, fill, intent_id

from algo_trade.contracts import OrderType, TimeInForce
from algo_trade.session.report import Report, build_report, read_session

DAY: dict[str, Any] = {"time_in_force": TimeInForce.DAY}
SENT: dict[str, Any] = {"submitted_timestamp": START + timedelta(seconds=1.05)}


def resting(directory: Path) -> Writer:
    """A buy that is moved (once refused) and withdrawn, a sell whose cancel comes too late, one with no answer."""
    writer = Writer(directory)
    writer.tick(0.5, 500.0, 500.02)
    writer.tick(0.6, 498.0, 498.02)
    writer.intent(1, "buy", quantity=10, limit_price=499.0, decision_mid=500.01, **DAY)
    writer.report(1.1, "buy", "SUBMITTED", order_id="1", limit_price=499.0, **SENT)
    writer.report(1.2, "buy", "ACKNOWLEDGED", order_id="1", limit_price=499.0)
    writer.amend(2, "up", "buy", "REPLACE", limit_price=499.5, quantity=12)
    moved: dict[str, Any] = {"limit_price": 499.5, "requested_quantity": 12}
    words: dict[str, Any] = {"error_message": "sent as plain LMT"}  # about the order, not about the amendment
    writer.report(2.1, "buy", "ACKNOWLEDGED", order_id="1", amendment_id=intent_id("up"), **moved, **words)
    writer.amend(3, "too far", "buy", "REPLACE", limit_price=550.0)
    writer.report(
        3.1,
        "buy",
        "ACKNOWLEDGED",
        order_id="1",
        amendment_id=intent_id("too far"),
        error_message="PT-03 collar",
        **moved,
    )
    writer.amend(4, "away", "buy", "CANCEL")
    writer.report(4.1, "buy", "CANCELED", order_id="1", amendment_id=intent_id("away"))
    writer.intent(5, "sell", "SELL", quantity=5, limit_price=501.0, **DAY)
    writer.report(5.1, "sell", "ACKNOWLEDGED", order_id="2", side="SELL")
    writer.amend(6, "late", "sell", "CANCEL")
    out = fill("a.01", 5, 501.0)
    writer.report(6.1, "sell", "FILLED", [out], order_id="2", side="SELL", amendment_id=intent_id("late"))
    writer.intent(7, "third", "BUY", quantity=5, limit_price=499.0, **DAY)
    writer.report(7.1, "third", "ACKNOWLEDGED", order_id="3")
    writer.amend(8, "silence", "third", "CANCEL")
    writer.report(9, "third", "CANCELED", order_id="3")
    return writer


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return build_report(resting(tmp_path_factory.mktemp("resting")).write(ended_s=10))


def rows(report: Report, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(report.json)["tables"][table]
    return found


def test_both_kinds_of_message_are_read_and_counted(report: Report) -> None:
    summary = report.summary
    assert (summary.intents, summary.orders, summary.cancelled, summary.filled_orders) == (3, 3, 2, 1)
    counts = summary.amendments
    assert (counts.replaces, counts.cancels) == (2, 3)
    assert (counts.refused, counts.too_late, counts.unanswered) == (1, 1, 1)


def test_each_has_its_answer_and_a_refusal_its_reason(report: Report) -> None:
    told = [
        (row["order_id"], row["action"], row["answer"], row["reason"]) for row in rows(report, "amendments")
    ]
    assert told == [
        ("1", "REPLACE", "done", ""),
        ("1", "REPLACE", "refused", "PT-03 collar"),
        ("1", "CANCEL", "done", ""),
        ("2", "CANCEL", "too late", ""),
        ("3", "CANCEL", "unanswered", ""),
    ]
    assert "PT-03 collar" in report.html


def test_an_order_is_told_with_its_last_terms(report: Report) -> None:
    """The refused replacement changed nothing; the quantity is the one that was confirmed."""
    first = rows(report, "orders")[0]
    assert (first["quantity"], first["kind"], first["amendments"]) == (12, "resting", 3)
    assert report.summary.by_kind["resting"].shares_wanted == 22


def test_what_has_no_answer_is_a_warning(report: Report) -> None:
    assert [(finding.severity, finding.check) for finding in report.findings] == [("warning", "unanswered")]


def test_what_rests_has_no_latency_to_a_fill(report: Report) -> None:
    hops = report.summary.latency_ms
    assert (hops.intent_to_fill.n, hops.ack_to_fill.n, hops.rested_until_fill.n) == (0, 0, 0)


def test_the_levels_at_which_orders_rested_are_in_the_picture(report: Report) -> None:
    assert 'class="line rest-buy"' in report.html
    assert "resting buy limit" in report.html


def test_amendments_of_nothing_and_answers_to_nothing_are_errors(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.amend(1, "lost", "nobody", "CANCEL")
    writer.intent(2, "one")
    writer.report(3, "one", "CANCELED", amendment_id=intent_id("never asked"))
    findings = build_report(writer.write(ended_s=5)).findings
    assert [(finding.severity, finding.check) for finding in findings] == [
        ("error", "unknown_intent"),
        ("error", "unknown_amendment"),
        ("warning", "unanswered"),
    ]


def test_a_repeated_amendment_counts_once(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.intent(1, "one", **DAY)
    for at_s in (2, 3):
        writer.amend(at_s, "away", "one", "CANCEL")
    writer.report(4, "one", "CANCELED", amendment_id=intent_id("away"))
    report = build_report(writer.write(ended_s=5))
    assert report.summary.amendments.cancels == 1
    assert report.findings == ()


def test_a_quantity_that_was_replaced_is_what_may_fill(tmp_path: Path) -> None:
    """Twelve of twelve is no overfill of ten, and fifteen is."""
    for filled, found in ((12, []), (15, ["overfill"])):
        writer = Writer(tmp_path / str(filled))
        writer.intent(1, "one", quantity=10, **DAY)
        writer.report(1.5, "one", "ACKNOWLEDGED")
        writer.amend(2, "more", "one", "REPLACE", quantity=12)
        answer: dict[str, Any] = {"amendment_id": intent_id("more"), "requested_quantity": 12}
        writer.report(2.5, "one", "ACKNOWLEDGED", **answer)
        writer.report(3, "one", "FILLED", [fill("a.01", filled, 500.0)])
        findings = build_report(writer.write(ended_s=5)).findings
        assert [finding.check for finding in findings] == found


def bracket(directory: Path, *, entry: int, profit: int = 0, stop: int = 0) -> Writer:
    """An entry of ten with both exits attached; so many shares of each fill."""
    writer = Writer(directory)
    writer.tick(0.5, 500.0, 500.02)
    writer.intent(1, "in", attached_exits=2, decision_mid=500.01, **DAY)
    parent: dict[str, Any] = {"parent_intent_id": intent_id("in"), "decision_mid": 500.01, **DAY}
    writer.intent(1, "profit", "SELL", limit_price=505.0, **parent)
    writer.intent(1, "stop", "SELL", order_type=OrderType.STOP, limit_price=None, stop_price=495.0, **parent)
    for number, (name, filled, price) in enumerate(
        (("in", entry, 500.0), ("profit", profit, 505.0), ("stop", stop, 495.0)), start=1
    ):
        side = "BUY" if name == "in" else "SELL"
        fills = [fill(f"{name}.01", filled, price)] if filled else []
        status = "FILLED" if filled == 10 else "CANCELED"
        at_s = 2 if name == "in" else 40
        writer.report(at_s, name, status, fills, order_id=str(number), side=side, **SENT)
    return writer


@pytest.mark.parametrize(
    ("filled", "end"),
    [
        ({"entry": 0}, "not_entered"),
        ({"entry": 10, "profit": 10}, "take_profit"),
        ({"entry": 10, "stop": 10}, "stop_loss"),
        ({"entry": 10, "profit": 4, "stop": 6}, "both"),
        ({"entry": 10}, "otherwise"),
    ],
)
def test_a_bracket_is_told_by_what_decided_it(tmp_path: Path, filled: dict[str, int], end: str) -> None:
    report = build_report(bracket(tmp_path, **filled).write(ended_s=50))
    counts = report.summary.brackets.model_dump()
    assert counts.pop("n") == 1 == counts.pop(end)
    assert set(counts.values()) == {0}
    assert report.findings == ()


def test_the_exits_are_a_kind_of_their_own(tmp_path: Path) -> None:
    """Of two exits one can fill: that is no bad fill rate of the entries, and their price is no slippage."""
    report = build_report(bracket(tmp_path, entry=10, profit=10).write(ended_s=50))
    kinds = report.summary.by_kind
    assert {name: (kind.fill_rate.k, kind.fill_rate.n) for name, kind in kinds.items()} == {
        "resting": (1, 1),
        "attached exit": (1, 2),
    }
    assert kinds["attached exit"].slippage_bps is None
    assert report.summary.slippage.n == 1
    assert report.summary.shortfall.n == 1
    (row,) = rows(report, "brackets")
    assert (row["entered"], row["exited"], row["end"]) == (10, 10, "take profit")
    assert row["exit_order_ids"] == ["2", "3"]


def test_exits_that_close_more_than_was_opened_are_an_error(tmp_path: Path) -> None:
    report = build_report(bracket(tmp_path, entry=4, profit=10).write(ended_s=50))
    assert ("error", "bracket") in [(finding.severity, finding.check) for finding in report.findings]


def test_the_stop_is_drawn_from_the_entry_on(tmp_path: Path) -> None:
    """It can do nothing before there is a position, and is shown where the axis reaches it."""
    writer = bracket(tmp_path, entry=10, stop=10)
    writer.tick(45, 494.0, 494.02)
    page = build_report(writer.write(ended_s=50)).html
    assert 'class="line rest-stop"' in page
    assert 'class="line rest-sell"' not in page  # the take profit at 505 is off the axis


def test_reading_keeps_amendments_apart_from_intents(tmp_path: Path) -> None:
    data = read_session(resting(tmp_path).write(ended_s=10))
    assert [offset for offset, _ in data.intents] == [0, 4, 6]
    assert [offset for offset, _ in data.amendments] == [1, 2, 3, 5, 7]


@pytest.mark.parametrize(
    ("action", "told", "answer"),
    [
        ("REPLACE", {"status": "ACKNOWLEDGED", "limit_price": 499.5}, "done"),
        ("REPLACE", {"status": "ACKNOWLEDGED", "limit_price": 499.0}, "refused"),
        ("REPLACE", {"status": "FILLED", "limit_price": 499.0}, "too late"),
        ("REPLACE", {"status": "UNKNOWN", "limit_price": 499.0}, "refused"),
        ("CANCEL", {"status": "CANCELED", "error_message": "202 Order Canceled"}, "done"),
        ("CANCEL", {"status": "REJECTED"}, "too late"),
        ("CANCEL", {"status": "ACKNOWLEDGED", "error_message": "10147 not found"}, "refused"),
    ],
)
def test_what_the_order_is_decides_how_an_amendment_ended(
    tmp_path: Path, action: str, told: dict[str, Any], answer: str
) -> None:
    """Words may be about something else; the order's terms and state are the answer."""
    writer = Writer(tmp_path)
    writer.intent(1, "one", limit_price=499.0, **DAY)
    writer.amend(2, "a", "one", action, **({"limit_price": 499.5} if action == "REPLACE" else {}))
    writer.report(3, "one", amendment_id=intent_id("a"), **told)
    (row,) = rows(build_report(writer.write(ended_s=5)), "amendments")
    assert row["answer"] == answer
