"""`algotrade export-quotes`: a session's market as a file, to be played again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from algo_trade.cli.options import parse_symbols
from algo_trade.session.exported_quotes import export_quotes


def export(
    directory: Annotated[Path, typer.Argument(help="The session's directory.", show_default=False)],
    symbol: Annotated[str, typer.Option(help="Whose quotes, e.g. SPY.", show_default=False)],
    out: Annotated[
        Path, typer.Option(help="The CSV file to write; one that is there is replaced.", show_default=False)
    ],
) -> None:
    """Write the quotes and trades a session received as a file of recorded quotes.

    Play it again with: algotrade run --symbols SPY --quotes SPY=FILE.csv (the raw messages are kept for 8 hours).
    """
    symbols = parse_symbols(symbol)
    if len(symbols) != 1:
        raise typer.BadParameter("name one symbol", param_hint="--symbol")
    written = export_quotes(directory, symbols[0], out)
    unreadable = f", {written.unreadable} unreadable messages left out" if written.unreadable else ""
    print(f"{out}: {written.rows} quotes, {written.trades} trades{unreadable}", file=sys.stderr)
