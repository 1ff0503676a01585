"""What the evidence may be taken for, and whether the books agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.report.writing import Writer

from algo_trade.contracts import SessionEventKind
from algo_trade.session.report import build_report, gate_failures


def paper(directory: Path, account: str = "DU1234567", **record: Any) -> Writer:
    writer = Writer(directory)
    writer.record = {"profile": "paper", "clock": "real", "mode": "PAPER"} | record
    writer.event(0, SessionEventKind.SESSION_STARTED, account_id=account)
    return writer


def test_a_paper_session_on_a_paper_account_is_paper(tmp_path: Path) -> None:
    assert build_report(paper(tmp_path).write(ended_s=5)).summary.mode == "PAPER"


@pytest.mark.parametrize(
    "record",
    [{"clock": "virtual"}, {"profile": "dev"}, {"mode": None}, {"mode": "SIM"}, {"mode": "LIVE"}],
)
def test_a_claim_the_rest_does_not_bear_out_is_sim(tmp_path: Path, record: dict[str, Any]) -> None:
    assert build_report(paper(tmp_path, **record).write(ended_s=5)).summary.mode == "SIM"


@pytest.mark.parametrize("account", ["DSIM001", "U1234567", "DU1,U2", "DU1,DSIM001"])
def test_an_account_of_another_kind_is_sim(tmp_path: Path, account: str) -> None:
    assert build_report(paper(tmp_path, account).write(ended_s=5)).summary.mode == "SIM"


def test_a_simulated_farm_gives_it_away(tmp_path: Path) -> None:
    writer = paper(tmp_path)
    writer.event(1, SessionEventKind.GATEWAY_ERROR, "Market data farm connection is OK:simfarm", 2104)
    assert build_report(writer.write(ended_s=5)).summary.mode == "SIM"


def test_no_account_proves_nothing(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.record = {"profile": "paper", "clock": "real", "mode": "PAPER"}
    assert build_report(writer.write(ended_s=5)).summary.mode == "SIM"


def test_live_needs_a_live_account(tmp_path: Path) -> None:
    assert (
        build_report(paper(tmp_path / "a", "U1", profile="prod", mode="LIVE").write(ended_s=5)).summary.mode
        == "LIVE"
    )
    assert (
        build_report(paper(tmp_path / "b", "DU1", profile="prod", mode="LIVE").write(ended_s=5)).summary.mode
        == "SIM"
    )


def compared(directory: Path, *checks: dict[str, Any], ended_s: float | None = 50) -> bool | None:
    writer = Writer(directory)
    for number, check in enumerate(checks):
        held = check.pop("held", {})
        writer.check(number + 1, "end" if number + 1 == len(checks) else "position open", held, **check)
    return build_report(writer.write(ended_s=ended_s)).summary.positions_match_broker


def held() -> dict[str, Any]:
    return {"held": {"SPY": 3}}


def test_three_open_moments_and_the_end_match(tmp_path: Path) -> None:
    assert compared(tmp_path, held(), held(), held(), {}) is True


def test_two_are_not_enough(tmp_path: Path) -> None:
    assert compared(tmp_path, held(), held(), {}) is None


def test_flat_moments_do_not_count(tmp_path: Path) -> None:
    assert compared(tmp_path, {}, {}, {}, {}) is None


def test_the_end_must_have_been_compared(tmp_path: Path) -> None:
    assert compared(tmp_path, held(), held(), held(), {"match": None, "positions_ours": None}) is None


def test_an_unfinished_session_never_matches(tmp_path: Path) -> None:
    assert compared(tmp_path, held(), held(), held(), {}, ended_s=None) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"match": False},
        {"positions_broker": {"SPY": 2}},
        {"cash_broker": 1000.01},
        {"commission_broker": 0.5},
    ],
)
def test_one_difference_is_a_difference(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Also where the session itself called it a match."""
    assert compared(tmp_path, held(), held() | wrong, held(), held(), {}) is False


def test_less_than_a_cent_is_no_difference(tmp_path: Path) -> None:
    assert compared(tmp_path, held(), held() | {"cash_broker": 1000.0099}, held(), {}) is True


def test_a_difference_fails_the_session(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.check(1, "end", {}, cash_broker=900.0)
    summary = build_report(writer.write(ended_s=5)).summary
    assert gate_failures(summary)[0] == "our positions, cash or commission differ from the broker's"


def test_nothing_to_compare_is_no_failure(tmp_path: Path) -> None:
    summary = build_report(Writer(tmp_path).write(ended_s=5)).summary
    assert summary.positions_match_broker is None
    assert gate_failures(summary) == []


def test_books_that_this_report_cannot_repeat_are_found(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.check(1, "end", {"SPY": 5}, commission_ours=4.0, commission_broker=4.0)
    findings = build_report(writer.write(ended_s=5)).findings
    assert [(finding.severity, finding.check) for finding in findings] == [
        ("error", "own_books"),
        ("warning", "own_books"),
    ]
