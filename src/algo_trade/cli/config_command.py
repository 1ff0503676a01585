"""`algotrade config check`: every setting, where it came from, and what follows from it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from algo_trade.settings import config_report, load_settings

_PIPE_WIDTH = 200

config_app = typer.Typer(no_args_is_help=True)


@config_app.callback()
def _config() -> None:
    """A group, even of one command."""


def check(
    profile: Annotated[
        str | None, typer.Option(help="dev, paper or prod; default: ENVIRONMENT, else dev.")
    ] = None,
) -> None:
    """Load the settings of a profile and show them; every problem is told at once (exit 3, or 6 for live ones)."""
    settings = load_settings(profile)
    table = Table("setting", "value", "from", "note", box=None, pad_edge=False)
    for row in config_report(settings):
        table.add_row(row.name, row.value, row.source, row.note)
    # A pipe has no width of its own, and a value cut in two is no value.
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)
    if settings.session_refusal is not None:
        print(f"note: {settings.session_refusal}", file=sys.stderr)
