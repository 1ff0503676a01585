"""What the page and report.json are made from."""

from __future__ import annotations

from dataclasses import dataclass

from algo_trade.session.report.checks import Finding, find_contradictions
from algo_trade.session.report.evidence import SessionData
from algo_trade.session.report.fold import Folded, fold
from algo_trade.session.report.summarise import summary_of
from algo_trade.session.report.summary import Summary


@dataclass(frozen=True, slots=True)
class Results:
    """Everything computed from one session, what contradicts itself in it, and its summary."""

    folded: Folded
    findings: tuple[Finding, ...]
    summary: Summary


def results_of(data: SessionData) -> Results:
    """A pure function of the evidence."""
    folded = fold(data)
    findings = find_contradictions(folded)
    return Results(folded, findings, summary_of(folded, findings))
