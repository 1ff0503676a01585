"""After a session: its record completed, the report written, the summary told, the exit code decided."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from algo_trade.clock import new_york, utc
from algo_trade.session.ending import Ending, exit_code
from algo_trade.session.plan import SessionPlan, write_record
from algo_trade.session.report import gate_failures, summary_text, write_report


def finish(plan: SessionPlan, ending: Ending, wall_s: float, *, json: bool, quiet: bool) -> NoReturn:
    """Raises typer.Exit with the session's code."""
    record = plan.record().model_copy(
        update={
            "ended": utc(ending.ended_ns),
            "duration_s": round((ending.ended_ns - plan.started_ns) / 1e9, 6),
            "wall_s": round(wall_s, 3),
            "mode": ending.mode,
        }
    )
    write_record(plan.directory, record)
    report = write_report(plan.directory)
    write_record(plan.directory, record.model_copy(update={"digest": report.summary.digest}))
    failures = gate_failures(report.summary)
    print(report.summary.model_dump_json() if json else summary_text(report.summary))
    for line in (ending.told, *failures):
        if line:
            print(f"algotrade: {line}", file=sys.stderr)
    if not quiet:
        where = plan.directory / "report.html"
        print(f"session of {new_york(plan.started_ns):%Y-%m-%d}, report: {where}", file=sys.stderr)
    raise typer.Exit(exit_code(ending, failures))
