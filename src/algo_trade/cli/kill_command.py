"""`algotrade reset-kill`: let an account trade again after the stop fired."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from algo_trade.clock import SystemClock, utc
from algo_trade.exit_codes import ExitCode
from algo_trade.order_plane.journal import Journal
from algo_trade.settings import load_settings


def reset_kill(
    by: Annotated[str, typer.Option(help="Who takes the responsibility; written into the journal.")],
    reason: Annotated[str, typer.Option(help="Why trading may go on; written into the journal.")],
    profile: Annotated[str, typer.Option(help="Whose account: dev or paper.")] = "paper",
    session_dir: Annotated[
        Path | None, typer.Option(help="For profile dev, whose account lives in its session's directory.")
    ] = None,
) -> None:
    """Reset the kill switch of an account, by a named person and with a reason."""
    if not by.strip() or not reason.strip():
        raise typer.BadParameter("a reset needs a name and a reason")
    settings = load_settings(profile)
    if settings.profile == "dev" and session_dir is None:
        raise typer.BadParameter(
            "profile dev has an account for each session: name it", param_hint="--session-dir"
        )
    home = session_dir if settings.profile == "dev" and session_dir else settings.data_dir
    path = home / f"{settings.ibkr.account_id}.journal.db"
    if not path.exists():
        print(f"algotrade: there is no journal at {path}: nothing is latched", file=sys.stderr)
        raise typer.Exit(ExitCode.CONFIG)
    journal = Journal(path, settings.ibkr.account_id)
    try:
        latched = journal.latched()
        if latched is None:
            print("the kill switch is not latched", file=sys.stderr)
            return
        now_ns = SystemClock().now_ns()
        journal.reset_latch(now_ns, by, reason)
    finally:
        journal.close()
    print(f"reset: latched {utc(latched.at_ns):%Y-%m-%d %H:%M:%S} UTC, {latched.text}", file=sys.stderr)
