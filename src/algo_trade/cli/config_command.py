"""`algotrade config check`: every setting, where it came from, and what follows from it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from algo_trade.cli.options import read_with_options
from algo_trade.session.configuration import configuration_rows, configure

_PIPE_WIDTH = 200

config_app = typer.Typer(no_args_is_help=True)


@config_app.callback()
def _config() -> None:
    """A group, even of one command."""


def check(
    profile: Annotated[
        str | None, typer.Option(help="dev, paper or prod; default: ENVIRONMENT, else dev.")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(help="Whose parameters to show; default: the settings' strategy.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE: a parameter of the strategy, as for run.")
    ] = None,
) -> None:
    """Load the settings of a profile and show them; every problem is told at once (exit 3, or 6 for live ones)."""
    configuration = configure(read_with_options(profile, strategy, set_))
    settings = configuration.settings
    table = Table("setting", "value", "from", "note", box=None, pad_edge=False)
    for row in configuration_rows(configuration):
        table.add_row(row.name, row.value, row.source, row.note)
    # A pipe has no width of its own, and a value cut in two is no value.
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)
    if settings.session_refusal is not None:
        print(f"note: {settings.session_refusal}", file=sys.stderr)
