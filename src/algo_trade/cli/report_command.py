"""`algotrade report`: what a session did, once more, from its log alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from algo_trade.session.report import summary_text, write_report


def report(
    directory: Annotated[Path, typer.Argument(help="The session's directory.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Rebuild report.json, report.html and the digest of a session from its log (exit 7: no or bad evidence)."""
    made = write_report(directory)
    if json:
        print(made.summary.model_dump_json())
        return
    print(summary_text(made.summary))
    print(f"report: {directory / 'report.html'}", file=sys.stderr)
