"""The manual: what each command does, examples that work, and what its exit codes mean.

Examples are data, so that a test can hand every one of them to the command line it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping

from algo_trade.cli.manual_operations import OPERATIONS
from algo_trade.cli.manual_simulator import SIMULATOR
from algo_trade.cli.page import CODES, Page
from algo_trade.exit_codes import ExitCode

PAGES: Mapping[str, Page] = {
    "": Page(
        short="",
        text="""
            A paper-trading proving ground for Interactive Brokers: a strategy in, evidence out.

            Start with `algotrade run`: a whole trading session against a simulated gateway that comes with it, no
            account needed, and a report of what happened. stdout carries results, stderr everything else.

            Settings, strongest first: command line, environment, .env, config/<profile>.yaml, defaults. .env.example
            names every variable, `algotrade config check` shows where each value came from.
        """,
        examples=(
            ("algotrade run --speed max", "six hours of trading in about a minute, simulated"),
            (
                "algotrade config check --profile paper",
                "what a paper session would trade with, and what is missing",
            ),
            (
                "algotrade run --profile paper",
                "trade an IBKR paper account through a gateway on this machine",
            ),
        ),
        codes=tuple(CODES),
    ),
    "run": Page(
        short="Run a trading session and report on it.",
        text="""
            Run a trading session and report on it.

            Profile dev starts its own gateway simulator; profile paper connects to IB Gateway or TWS on this machine
            and trades paper accounts only. While it runs, a terminal shows one screen: is it trading, is it safe, does
            it need you; a pipe gets a line now and then. At the end the summary goes to stdout, and report.html and
            report.json are in the session's directory.

            Ctrl-C ends in order: orders cancelled, positions closed, report written. A second Ctrl-C leaves at once
            and says what is open. The same command on an unfinished directory goes on with that session.

            In virtual time (any speed but 1) the same seed and settings give the same session, to the byte of its
            digest.
        """,
        examples=(
            ("algotrade run --speed max --duration 6h --seed 7", "a whole day on the seeded market"),
            ("algotrade run --duration 10m --symbols SPY,QQQ", "ten minutes in real time, two symbols"),
            (
                "algotrade run --speed max --strategy bands --set window=30",
                "another strategy, with a parameter of its own",
            ),
            (
                "algotrade run --speed max --duration 6h30m --quotes AAPL=quotes.csv",
                "trade recorded quotes instead",
            ),
            (
                "algotrade run --speed max --quiet --json > summary.json",
                "for scripts: one JSON object, errors on stderr",
            ),
            ("algotrade run --profile paper --duration 6h", "a paper account, real time"),
            (
                "algotrade run --session-dir sessions/monday",
                "name the directory, and resume what is unfinished there",
            ),
        ),
        codes=(
            ExitCode.OK,
            ExitCode.GATE_FAILED,
            ExitCode.USAGE,
            ExitCode.CONFIG,
            ExitCode.UNREACHABLE,
            ExitCode.RISK,
            ExitCode.LOCK_REFUSED,
            ExitCode.INTERRUPTED,
        ),
    ),
    "report": Page(
        short="Rebuild a session's report from its log.",
        text="""
            Rebuild report.html and report.json of a session from its log, and print the summary.

            Everything is counted again from the log alone, so the same log gives the same bytes, on any machine. What
            contradicts itself in it is listed in the report.

            The log of a session over Kafka is copied into its directory when it ends; --gather copies it once more, of
            a session that could not do so or has not ended.
        """,
        examples=(
            ("algotrade report sessions/monday", "the summary again, and the page beside it"),
            ("algotrade report sessions/monday --gather", "from the cluster, when the session could not"),
            ("algotrade report sessions/monday --json | jq .pnl", "one number of it"),
        ),
        codes=(ExitCode.OK, ExitCode.USAGE, ExitCode.UNREACHABLE, ExitCode.EVIDENCE),
    ),
    "plane": Page(
        short="Run one plane of a session in a process of its own, over Kafka.",
        text="""
            Run the data, the strategy or the order plane of a session in a process of its own. The three share the
            cluster (KAFKA_BOOTSTRAP_SERVERS; its topics are made by `algotrade topics apply`) and the session's
            directory, and are started in any order with the same options: whichever is first makes the session.

            The gateway is the one at IBKR_HOST and IBKR_PORT: IB Gateway, TWS, or `algotrade sim serve`. The order
            plane is its client IBKR_CLIENT_ID, the data plane IBKR_DATA_CLIENT_ID.

            Any plane may die and be started again with the same command; the session goes on, nothing doubled and
            nothing lost. Ctrl-C or SIGTERM stops a data or a strategy plane alone. The order plane ends the session:
            orders cancelled, positions closed, the log copied into the directory, the report written. One order plane
            trades an account; a second one refuses to start.
        """,
        examples=(
            (
                "algotrade plane order --session-dir sessions/monday",
                "the one that trades, and reports at the end",
            ),
            ("algotrade plane data --session-dir sessions/monday", "quotes into the cluster"),
            ("algotrade plane strategy --session-dir sessions/monday", "intents out of them"),
        ),
        codes=tuple(CODES),
    ),
    "strategies": Page(
        short="List the strategies that are installed.",
        text="""
            List the strategies that are installed: where each comes from, what it listens to, and every parameter with
            its default and the variable that sets it.

            A strategy is a plug-in of any installed package; docs/strategies.md shows how to write one.
        """,
        examples=(
            ("algotrade strategies", "all of them"),
            ("algotrade strategies --json | jq -r .[].name", "their names"),
        ),
        codes=(ExitCode.OK, ExitCode.CONFIG),
    ),
    "export-quotes": Page(
        short="Write what a session received of a symbol as a file of quotes.",
        text="""
            Write the quotes and trades a session received of one symbol, as it received them, into a CSV file with
            their times: what `run --quotes` and `sim serve --quotes` play.
        """,
        examples=(
            ("algotrade export-quotes sessions/monday --symbol SPY --out spy.csv", "a day of SPY"),
            ("algotrade run --speed max --quotes SPY=spy.csv --duration 6h", "that day again, traded anew"),
        ),
        codes=(ExitCode.OK, ExitCode.USAGE, ExitCode.CONFIG, ExitCode.EVIDENCE),
    ),
    "reset-kill": Page(
        short="Let an account trade again after the stop fired.",
        text="""
            Let an account trade again after the stop fired.

            The stop is the account's and stays over restarts, until a person has looked and says so. Name and reason
            are written into the order journal.
        """,
        examples=(
            (
                'algotrade reset-kill --by "Ann Lee" --reason "bad limit, mended"',
                "the paper account of the settings",
            ),
            (
                "algotrade reset-kill --profile dev --session-dir DIR --by Ann --reason seen",
                "the account of a simulated session, which lives in its directory",
            ),
        ),
        codes=(ExitCode.OK, ExitCode.USAGE, ExitCode.CONFIG),
    ),
    "config": Page(short="Look at the settings.", text="Look at the settings."),
    "config check": Page(
        short="Show every setting and what is wrong with it.",
        text="""
            Show every setting of a profile: its value, where it came from, and what follows from it.

            All problems are told at once. Secrets are never shown.
        """,
        examples=(
            ("algotrade config check", "the profile of ENVIRONMENT, else dev"),
            ("algotrade config check --profile paper", "before the first paper session"),
        ),
        codes=(ExitCode.OK, ExitCode.USAGE, ExitCode.CONFIG, ExitCode.LOCK_REFUSED),
    ),
    **SIMULATOR,
    **OPERATIONS,
}
