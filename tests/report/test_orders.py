"""What becomes of intents, however the answers come: late, twice, corrected, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.report.writing import Writer, fill

from algo_trade.session.report import Finding, build_report, gate_failures


def checks_of(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(finding.severity, finding.check) for finding in findings]


@pytest.mark.parametrize(
    ("status", "order_id", "counted"),
    [
        ("REJECTED", "", "refused"),
        ("REJECTED", "7", "rejected"),
        ("TIMEOUT", "", "expired"),
        ("ERROR", "7", "refused"),
        ("CANCELED", "7", "cancelled"),
        ("UNKNOWN", "7", "unknown"),
        ("SUBMITTED", "", "unknown"),
        ("ACKNOWLEDGED", "7", "unknown"),
        ("TIMEOUT", "7", "unknown"),
    ],
)
def test_the_end_of_an_intent(tmp_path: Path, status: str, order_id: str, counted: str) -> None:
    writer = Writer(tmp_path)
    writer.intent(1, "one")
    writer.report(2, "one", status, order_id=order_id)
    summary = build_report(writer.write(ended_s=5)).summary
    assert summary.intents == 1 == summary.refused + summary.expired + summary.orders
    assert getattr(summary, counted) == 1
    assert summary.orders == (counted not in ("refused", "expired"))
    assert bool(gate_failures(summary)) == (counted == "unknown")


def test_an_intent_nobody_answered_is_unknown(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.intent(1, "one")
    report = build_report(writer.write(ended_s=5))
    assert (report.summary.orders, report.summary.unknown) == (1, 1)
    assert checks_of(report.findings) == [("warning", "unanswered")]
    assert report.gate_failures == ["1 order has no known end"]


def test_a_cancelled_order_with_a_part_filled_counts_in_both(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.intent(1, "one")
    writer.report(2, "one", "CANCELED", [fill("a.b.01", 4, 100.0)])
    summary = build_report(writer.write(ended_s=5)).summary
    assert (summary.cancelled, summary.filled_orders, summary.fills) == (1, 1, 1)
    assert summary.final_positions == {"SPY": 4}
    assert summary.fill_rate.k == 1


def test_repeated_and_reordered_reports_count_once(tmp_path: Path) -> None:
    """After a crash the journal tells its reports again, after others have been told."""
    writer = Writer(tmp_path)
    writer.intent(1, "one")
    writer.report(2, "one", "SUBMITTED")
    writer.report(3, "one", "FILLED", [fill("a.b.01", 10, 100.0)])
    again = [entry for entry in writer.entries if entry[1] == "exec_reports"]
    for number, entry in enumerate(again):
        writer.add(4 + number / 10, "exec_reports", entry[2])
    report = build_report(writer.write(ended_s=5))
    assert (report.summary.fills, report.summary.filled_orders, report.summary.unknown) == (1, 1, 0)
    assert report.summary.final_positions == {"SPY": 10}
    assert report.findings == ()


def test_a_correction_replaces_and_a_late_commission_is_added(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.tick(0.5, 100.0, 100.0)
    writer.intent(1, "one")
    writer.report(2, "one", "FILLED", [fill("0e.1a.01.01", 10, 100.0, None)])
    writer.report(3, "one", "FILLED", [fill("0e.1a.01.02", 8, 99.0, None)])
    writer.report(4, "one", "FILLED", [fill("0e.1a.01.01", 10, 100.0, None)])
    writer.report(5, "one", "CANCELED", [fill("0e.1a.01.02", 8, 99.0, 1.25)])
    report = build_report(writer.write(ended_s=6))
    assert report.summary.final_positions == {"SPY": 8}
    assert report.summary.pnl.unrealised == 8.0
    assert report.summary.pnl.commission == 1.25
    assert report.summary.fills == 1
    assert checks_of(report.findings) == [("warning", "correction")]


def test_one_execution_id_in_ten_suffixes_is_ordered_by_number(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.intent(1, "one")
    writer.report(2, "one", "FILLED", [fill("a.9", 10, 100.0)])
    writer.report(3, "one", "FILLED", [fill("a.10", 10, 101.0)])
    report = build_report(writer.write(ended_s=6))
    assert '"price": 101.0' in report.json


def test_what_cannot_be_is_found(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.intent(1, "over", quantity=5)
    writer.report(2, "over", "FILLED", [fill("a.01", 6, 100.0)], order_id="1")
    writer.report(3, "stranger", "FILLED", [fill("b.01", 1, 100.0)], order_id="2")
    writer.intent(4, "double")
    writer.report(4, "double", "SUBMITTED", order_id="3")
    writer.report(5, "double", "CANCELED", order_id="4")
    writer.intent(6, "shared")
    writer.report(6, "shared", "CANCELED", order_id="1", perm_id=77)
    writer.intent(7, "hole")
    writer.report(7, "hole", "SUBMITTED", order_id="6", perm_id=77)
    writer.report(8, "hole", "CANCELED", order_id="6", sequence=2)
    writer.report(9, "hole", "CANCELED", order_id="6", sequence=2, error_message="other words")
    writer.intent(10, "ghost")
    writer.report(10, "ghost", "REJECTED", [fill("c.01", 1, 100.0)], order_id="")
    report = build_report(writer.write(ended_s=20))
    assert checks_of(report.findings) == [
        ("error", "report_twice"),
        ("error", "report_gap"),
        ("error", "unknown_intent"),
        ("error", "sent_twice"),
        ("error", "order_twice"),
        ("error", "order_twice"),
        ("error", "overfill"),
        ("error", "overfill"),
    ]
    assert report.gate_failures == ["the evidence contradicts itself in 8 points"]
    assert "filled 6 of 5 shares" in report.html


def test_many_findings_of_one_kind_are_a_number(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    for number in range(50):
        writer.intent(1 + number, f"{number}")
    report = build_report(writer.write(ended_s=60))
    assert len(report.findings) == 21
    assert report.findings[-1].text == "and 30 more of this kind"
    assert report.summary.findings.warning == 21


def test_an_ofi_that_differs_is_found(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.tick(1, 100.0, 100.02, (5, 5))
    writer.tick(2, 100.0, 100.02, (9, 5))
    writer.ofi(3, 3)
    report = build_report(writer.write(ended_s=5))
    assert report.summary.ofi_sum == {"SPY": 4}
    assert [finding.text for finding in report.findings] == [
        "SPY: the quotes add up to an OFI of 4, ofi_events to 3"
    ]
