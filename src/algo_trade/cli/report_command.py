"""`algotrade report`: what a session did, once more, from its log alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from algo_trade.clock import run_real
from algo_trade.session.configuration import configure
from algo_trade.session.kafka_evidence import gather_from_kafka
from algo_trade.session.report import load_record, summary_text, write_report
from algo_trade.settings import read_settings


def report(
    directory: Annotated[Path, typer.Argument(help="The session's directory.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
    gather: Annotated[
        bool, typer.Option("--gather", help="First copy the log of a session over Kafka out of its cluster.")
    ] = False,
) -> None:
    """Rebuild report.json, report.html and the digest of a session from its log (exit 7: no or bad evidence)."""
    if gather:
        _gather(directory)
    made = write_report(directory)
    if json:
        print(made.summary.model_dump_json())
        return
    print(summary_text(made.summary))
    print(f"report: {directory / 'report.html'}", file=sys.stderr)


def _gather(directory: Path) -> None:
    record = load_record(directory)
    if record.bus != "kafka":
        raise typer.BadParameter(f"{directory} holds a session whose log was never in Kafka")
    settings = configure(read_settings(record.profile)).settings
    run_real(lambda clock: gather_from_kafka(settings.kafka, directory, record, clock))
