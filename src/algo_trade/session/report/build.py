"""The report of a session: read the evidence, fold it, write report.json and report.html."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from algo_trade.session.report.checks import Finding
from algo_trade.session.report.content import content_of, json_text
from algo_trade.session.report.evidence import SessionData, read_session
from algo_trade.session.report.page import page
from algo_trade.session.report.results import results_of
from algo_trade.session.report.summary import Summary, gate_failures

JSON_NAME = "report.json"
HTML_NAME = "report.html"


@dataclass(frozen=True, slots=True)
class Report:
    """What came out. `json` and `html` are the files' texts."""

    summary: Summary
    findings: tuple[Finding, ...]
    json: str
    html: str

    @property
    def gate_failures(self) -> list[str]:
        """What fails the session (exit code 1); nothing when it passes."""
        return gate_failures(self.summary)


def build_report(directory: Path) -> Report:
    """The report of the session in `directory`; writes nothing. Raises EvidenceMissing or EvidenceInvalid."""
    return report_of(read_session(directory))


def report_of(data: SessionData) -> Report:
    """A pure function: the same evidence gives the same bytes."""
    results = results_of(data)
    return Report(results.summary, results.findings, json_text(content_of(results)), page(results))


def write_report(directory: Path) -> Report:
    """Build the report and put report.json and report.html into `directory`, each whole or not at all.

    Raises EvidenceMissing or EvidenceInvalid, and OSError where the directory cannot be written.
    """
    report = build_report(directory)
    for name, text in ((JSON_NAME, report.json), (HTML_NAME, report.html)):
        unfinished = directory / f".{name}.tmp"
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(directory / name)
    return report
