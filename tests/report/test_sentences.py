"""What the report says in words: honest about commission, and never more sure than its numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.report.test_round_trip import round_trip
from tests.report.writing import Writer, fill

from algo_trade.session.report import build_report, sentences, summary_lines, summary_text
from algo_trade.session.report.summary import Summary


def traded(directory: Path, bought: float, sold: float, commission: float) -> Summary:
    """Ten shares in and out at these prices, so much commission each way."""
    writer = Writer(directory)
    writer.tick(0.5, bought, bought)
    writer.intent(1, "in", decision_mid=bought)
    writer.report(2, "in", "FILLED", [fill("a.01", 10, bought, commission)], order_id="1")
    writer.tick(3, sold, sold)
    writer.intent(3, "out", "SELL", decision_mid=sold)
    writer.report(4, "out", "FILLED", [fill("b.01", 10, sold, commission)], order_id="2", side="SELL")
    return build_report(writer.write(ended_s=5)).summary


@pytest.mark.parametrize(
    ("sold", "commission", "said"),
    [
        (99.99, 1.0, "$2.00 of the $2.10 lost are commission: trading itself lost $0.10."),
        (100.05, 1.0, "All of the $1.50 lost is commission: trading earned $0.50, commission took $2.00."),
        (99.0, 1.0, None),  # the market took most of it
        (101.0, 1.0, None),  # nothing was lost
    ],
)
def test_a_loss_that_is_mostly_commission_is_said_to_be(
    tmp_path: Path, sold: float, commission: float, said: str | None
) -> None:
    summary = traded(tmp_path, 100.0, sold, commission)
    assert sentences.what_a_loss_is_made_of(summary) == said
    assert said is None or said in summary_text(summary)


def test_what_it_took_to_break_even_is_told_in_the_measure_of_what_was_traded(tmp_path: Path) -> None:
    """Two dollars on 1,999.90 traded are 10 basis points."""
    assert sentences.break_even(traded(tmp_path, 100.0, 99.99, 1.0)) == (
        "To break even, trading had to earn $2.00 before commission ($1.00 a fill, 10.00 bp of the $1,999.90 traded); "
        "it earned -$0.10 (-0.50 bp)."
    )


def test_a_session_that_traded_nothing_breaks_even_on_nothing(tmp_path: Path) -> None:
    summary = build_report(Writer(tmp_path).write(ended_s=5)).summary
    assert sentences.break_even(summary) is None
    assert sentences.what_a_loss_is_made_of(summary) is None
    assert sentences.performance(summary) == "insufficient data: needs 60 full minutes, there are 0"


def test_a_record_without_capital_has_no_returns(tmp_path: Path) -> None:
    writer = round_trip(tmp_path)
    writer.record["allocated_capital"] = None
    summary = build_report(writer.write(ended_s=20)).summary
    assert "no allocated capital" in sentences.performance(summary)
    assert summary.max_drawdown_pct is None


def test_the_terminal_stays_one_screen(tmp_path: Path) -> None:
    """Whatever happened, 24 lines; labels line up; reasons are named, the long tail is counted."""
    writer = round_trip(tmp_path)
    for number in range(12):
        writer.intent(13 + number / 10, f"r{number}")
        writer.report(
            13 + number / 10,
            f"r{number}",
            "REJECTED",
            order_id=str(90 + number),
            reject_reason=f"code {number}",
        )
    summary = build_report(writer.write(ended_s=20)).summary
    text = summary_text(summary)
    assert len(text.splitlines()) <= 24
    assert "and 10 more" in text
    width = max(len(label) for label, _ in summary_lines(summary))
    for line, (label, value) in zip(text.splitlines(), summary_lines(summary), strict=False):
        assert line == f"{label:>{width}}  {value}"


def test_refusals_are_told_with_their_reasons(tmp_path: Path) -> None:
    text = summary_text(build_report(round_trip(tmp_path).write(ended_s=20)).summary)
    assert "refused  1 x PT-03 position limit, 1 x too old" in text
    assert "rejected  1 x 201 <b>margin</b> & co" in text
