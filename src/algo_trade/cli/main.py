"""The command itself: its sub-commands, and what happens to every error.

An error that has an `exit_code` says one line on stderr and ends with that code; it was foreseen, so no traceback.
Anything else is a defect of ours: exit 70, with the traceback, because somebody has to mend it.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from algo_trade.bus.errors import BusError
from algo_trade.cli.config_command import check, config_app
from algo_trade.cli.contracts_command import contracts_app, export_command, register_command
from algo_trade.cli.dlq_command import dlq_app, list_letters, put_back, show
from algo_trade.cli.doctor_command import doctor
from algo_trade.cli.export_command import export
from algo_trade.cli.health_command import health
from algo_trade.cli.kill_command import reset_kill
from algo_trade.cli.manual import PAGES
from algo_trade.cli.plane_command import plane
from algo_trade.cli.report_command import report
from algo_trade.cli.run_command import run
from algo_trade.cli.sim_command import instruments_command, record_command, serve_command, sim_app
from algo_trade.cli.sim_control_command import fault_command, status_command
from algo_trade.cli.sim_order_command import buy, cancel, list_orders, order_app, sell
from algo_trade.cli.strategies_command import strategies
from algo_trade.cli.topics_command import apply as apply_topics
from algo_trade.cli.topics_command import check as check_topics
from algo_trade.cli.topics_command import topics_app
from algo_trade.exit_codes import ExitCode
from algo_trade.gateway_sim import SimulatorError
from algo_trade.ibkr import IBKRError
from algo_trade.order_plane.journal import JournalStop

app = typer.Typer(
    name="algotrade",
    help=PAGES[""].help,
    epilog=PAGES[""].epilog,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(f"algotrade {version('algo-trade')}")
        raise typer.Exit(ExitCode.OK)


@app.callback()
def _algotrade(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_tell_version),
    ] = False,
) -> None:
    """What holds for every command."""


def _add(to: typer.Typer, path: str, command: Callable[..., Any]) -> None:
    page = PAGES[path]
    to.command(path.split()[-1], help=page.help, epilog=page.epilog, short_help=page.short)(command)


_add(app, "run", run)
_add(app, "plane", plane)
_add(app, "report", report)
_add(app, "strategies", strategies)
_add(app, "export-quotes", export)
_add(app, "reset-kill", reset_kill)
_add(app, "doctor", doctor)
_add(app, "health", health)
_add(sim_app, "sim serve", serve_command)
_add(sim_app, "sim instruments", instruments_command)
_add(sim_app, "sim record", record_command)
_add(sim_app, "sim status", status_command)
_add(sim_app, "sim fault", fault_command)
_add(order_app, "sim order buy", buy)
_add(order_app, "sim order sell", sell)
_add(order_app, "sim order cancel", cancel)
_add(order_app, "sim order list", list_orders)
sim_app.add_typer(order_app, name="order", help=PAGES["sim order"].help, short_help=PAGES["sim order"].short)
_add(config_app, "config check", check)
_add(dlq_app, "dlq list", list_letters)
_add(dlq_app, "dlq show", show)
_add(dlq_app, "dlq replay", put_back)
_add(topics_app, "topics check", check_topics)
_add(topics_app, "topics apply", apply_topics)
_add(contracts_app, "contracts export", export_command)
_add(contracts_app, "contracts register", register_command)
_GROUPS = {
    "contracts": contracts_app,
    "sim": sim_app,
    "config": config_app,
    "topics": topics_app,
    "dlq": dlq_app,
}
for _name, _group in _GROUPS.items():
    app.add_typer(_group, name=_name, help=PAGES[_name].help, short_help=PAGES[_name].short)

# Errors of libraries' making that a person can mend, and what they are to a script.
_FORESEEN: tuple[tuple[type[Exception], ExitCode], ...] = (
    (SimulatorError, ExitCode.CONFIG),
    (JournalStop, ExitCode.CONFIG),
    (BusError, ExitCode.UNREACHABLE),
    (IBKRError, ExitCode.UNREACHABLE),
)


def exit_code_of(error: BaseException) -> ExitCode | None:
    """The code an error carries or is known by; None for a defect."""
    own = getattr(error, "exit_code", None)
    if isinstance(own, ExitCode):
        return own
    return next((code for kind, code in _FORESEEN if isinstance(error, kind)), None)


def main() -> None:
    """The entry point of `algotrade`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without "→" must not cost a session its summary
    code = _answer()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _nobody_reads()
    sys.exit(code)


def _answer() -> int:
    try:
        code = app(standalone_mode=False)
        return code if isinstance(code, int) else ExitCode.OK
    except typer.Exit as ending:
        return ending.exit_code
    except TyperException as error:
        print(f"algotrade: {error} (see algotrade --help)", file=sys.stderr)
        return ExitCode.USAGE
    except (typer.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _nobody_reads()
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001  # the outermost door: nothing may leave without a code
        known = exit_code_of(error)
        if known is None:
            traceback.print_exc()
            print("algotrade: this is a defect of algotrade itself; please report it", file=sys.stderr)
            return ExitCode.INTERNAL
        print(f"algotrade: {error}", file=sys.stderr)
        return known


def _nobody_reads() -> None:
    """Whoever read stdout has enough (`| head`). What is still buffered must not become an error at the very end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
