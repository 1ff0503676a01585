"""One small session whose every number was worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.report.writing import Writer, fill

from algo_trade.contracts import SessionEventKind
from algo_trade.session.report import (
    Report,
    build_report,
    gate_failures,
    read_session,
    summary_text,
    write_report,
)


def round_trip(directory: Path) -> Writer:
    """Buy 10 in two fills at 100.02, mid falls to 99.51, sell 10 at 100.99; one refused, one expired, one rejected.

    OFI by hand (bid, size, ask, size):
      100.00 x 5, 100.02 x 7      first quote, nothing
       99.50 x 4,  99.52 x 6      bid fell: -5; ask fell: -6               -11
       99.50 x 9,  99.52 x 2      bid queue +5; ask queue -4, so +4          +9
      101.00 x 3, 101.02 x 8      bid rose: +3; ask rose: +2                  +5
    Sum +3.

    Money by hand: bought 10 x 100.02 = 1000.20, sold 10 x 100.99 = 1009.90; realised 9.70, commission 3 x $1.
    Equity after commission: first fill 4 x (100.01 - 100.02) - 1 = -1.04; second: 10 x -0.01 - 2 = -2.10;
    at mid 99.51: 10 x (99.51 - 100.02) - 2 = -7.10, the deepest (high was 0); sold: 9.70 - 3 = 6.70.
    """
    writer = Writer(directory)
    writer.event(0, SessionEventKind.SESSION_STARTED, "started")
    writer.event(0, SessionEventKind.GATEWAY_ERROR, "Market data farm connection is OK:simfarm", 2104)
    writer.tick(1, 100.00, 100.02, (5, 7))
    writer.intent(2, "in", quantity=10, decision_mid=100.01)
    writer.report(2, "in", "SUBMITTED", order_id="1")
    part = fill("0001.aa.01.01", 4, 100.02)
    rest = fill("0001.ab.01.01", 6, 100.02)
    writer.report(3, "in", "PARTIAL_FILL", [part], order_id="1")
    writer.report(4, "in", "FILLED", [part, rest], order_id="1", latency=(2.0, 30.0, 900.0, 932.0))
    writer.check(4.5, "position open", {"SPY": 10}, commission_ours=2.0, commission_broker=2.0)
    writer.tick(5, 99.50, 99.52, (4, 6))
    writer.check(5.5, "position open", {"SPY": 10}, commission_ours=2.0, commission_broker=2.0)
    writer.tick(6, 99.50, 99.52, (9, 2))
    writer.check(6.5, "position open", {"SPY": 10}, commission_ours=2.0, commission_broker=2.0)
    writer.tick(7, 101.00, 101.02, (3, 8))
    writer.intent(8, "out", "SELL", decision_mid=101.01)
    out = fill("0001.ac.01.01", 10, 100.99)
    writer.report(9, "out", "FILLED", [out], order_id="2", side="SELL", latency=(4.0, 50.0, 1000.0, 1054.0))
    writer.intent(10, "refused")
    writer.report(10, "refused", "REJECTED", order_id="", reject_reason="PT-03 position limit")
    writer.intent(11, "late")
    writer.report(11, "late", "TIMEOUT", order_id="", reject_reason="too old")
    writer.intent(12, "bounced")
    writer.report(12, "bounced", "REJECTED", order_id="3", reject_reason="201 <b>margin</b> & co")
    writer.event(12, SessionEventKind.GATEWAY_ERROR, "Order rejected", 201)
    writer.event(12, SessionEventKind.GATEWAY_ERROR, "Order Canceled", 202)
    writer.ofi(20, 3)
    writer.check(20, "end", {}, commission_ours=3.0, commission_broker=3.0)
    writer.event(20, SessionEventKind.SESSION_ENDED, "over")
    return writer


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return round_trip(tmp_path_factory.mktemp("session")).write(ended_s=20)


@pytest.fixture(scope="module")
def report(directory: Path) -> Report:
    return build_report(directory)


def test_counts(report: Report) -> None:
    summary = report.summary
    assert (summary.ticks, summary.bars) == (4, 0)
    assert (summary.intents, summary.refused, summary.expired, summary.orders) == (5, 1, 1, 3)
    assert summary.intents == summary.refused + summary.expired + summary.orders
    assert (summary.filled_orders, summary.fills, summary.rejected, summary.cancelled) == (2, 3, 1, 0)
    assert summary.unknown == 0
    assert (summary.fill_rate.k, summary.fill_rate.n) == (2, 3)


def test_money(report: Report) -> None:
    pnl = report.summary.pnl
    assert (pnl.realised, pnl.unrealised, pnl.commission, pnl.total) == (9.70, 0, 3.0, 6.70)
    assert report.summary.max_drawdown == 7.10
    assert report.summary.max_drawdown_pct == 0.071
    assert report.summary.final_positions == {}


def test_slippage_is_against_the_mid_at_the_decision(report: Report) -> None:
    """Bought 10 a cent above 100.01, sold 10 two cents below 101.01: 0.30 of 2010.20."""
    slippage = report.summary.slippage
    assert (slippage.n, slippage.total) == (3, 0.30)
    assert slippage.bps == pytest.approx(0.30 / 2010.20 * 1e4, abs=1e-4)


def test_ofi(report: Report) -> None:
    assert report.summary.ofi_sum == {"SPY": 3}
    assert isinstance(report.summary.ofi_sum["SPY"], int)


def test_latency_says_when_there_is_too_little(report: Report) -> None:
    hop = report.summary.latency_ms.intent_to_fill
    assert (hop.n, hop.p50, hop.p95, hop.p99) == (2, 932.0, None, None)
    assert report.summary.latency_ms.rested_until_fill.n == 0
    assert "insufficient data, needs n ≥ 59" in report.html


def test_errors_leave_out_notices(report: Report) -> None:
    assert report.summary.errors == {"201": 1}
    assert report.summary.notices == {"202": 1, "2104": 1}


def test_books_match(report: Report) -> None:
    assert report.summary.positions_match_broker is True
    assert report.findings == ()
    assert gate_failures(report.summary) == []


def test_it_says_what_it_is(report: Report) -> None:
    summary = report.summary
    assert (summary.mode, summary.clock, summary.finished, summary.seed) == ("SIM", "virtual", True, 7)
    assert (summary.duration_s, summary.wall_s) == (20, 1.5)
    assert "Virtual time: the session counts neither for uptime" in report.html


def test_the_files_are_whole_and_repeatable(directory: Path, report: Report) -> None:
    written = write_report(directory)
    assert written == report
    assert (directory / "report.html").read_text() == report.html
    content = json.loads((directory / "report.json").read_text())
    assert content["summary"] == json.loads(report.summary.model_dump_json())
    assert [row["outcome"] for row in content["tables"]["orders"]] == ["filled", "filled", "rejected"]
    assert len(content["tables"]["fills"]) == 3
    assert not list(directory.glob(".report*"))


def test_reading_changes_nothing(directory: Path) -> None:
    before = {path.name: path.read_bytes() for path in (directory / "log").iterdir() if path.suffix == ".db"}
    read_session(directory)
    after = {path.name: path.read_bytes() for path in (directory / "log").iterdir() if path.suffix == ".db"}
    assert before == after


def test_the_terminal_gets_the_same_numbers(report: Report) -> None:
    text = summary_text(report.summary)
    assert "5 = 1 refused + 1 expired + 3 orders" in text
    assert "$6.70 = $9.70 realised + $0.00 unrealised - $3.00 commission" in text
    assert "201 x 1" in text
    assert "Simulated" in text
