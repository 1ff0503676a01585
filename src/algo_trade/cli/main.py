"""The command itself: its sub-commands, and what happens to every error.

An error that has an `exit_code` says one line on stderr and ends with that code; it was foreseen, so no traceback.
Anything else is a defect of ours: exit 70, with the traceback, because somebody has to mend it.
"""

from __future__ import annotations

import sys
import traceback

import typer
from typer.exceptions import TyperException

from algo_trade.bus.errors import BusError
from algo_trade.cli.config_command import config_app
from algo_trade.cli.export_command import export
from algo_trade.cli.kill_command import reset_kill
from algo_trade.cli.report_command import report
from algo_trade.cli.run_command import run
from algo_trade.cli.sim_command import sim_app
from algo_trade.cli.strategies_command import strategies
from algo_trade.exit_codes import ExitCode
from algo_trade.gateway_sim import SimulatorError
from algo_trade.ibkr import IBKRError
from algo_trade.order_plane.journal import JournalStop

app = typer.Typer(
    name="algotrade",
    help="A paper-trading proving ground for Interactive Brokers.\n\n"
    "Start with `algotrade run`: a whole trading session against a simulated gateway, with a report.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(report)
app.command()(strategies)
app.command("export-quotes")(export)
app.command("reset-kill")(reset_kill)
app.add_typer(sim_app, name="sim")
app.add_typer(config_app, name="config")

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
    try:
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else ExitCode.OK)
    except typer.Exit as ending:
        sys.exit(ending.exit_code)
    except TyperException as error:
        print(f"algotrade: {error} (see algotrade --help)", file=sys.stderr)
        sys.exit(ExitCode.USAGE)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001  # the outermost door: nothing may leave without a code
        code = exit_code_of(error)
        if code is None:
            traceback.print_exc()
            print("algotrade: this is a defect of algotrade itself; please report it", file=sys.stderr)
            sys.exit(ExitCode.INTERNAL)
        print(f"algotrade: {error}", file=sys.stderr)
        sys.exit(code)
