"""The manual: what each command does, examples that work, and what its exit codes mean.

Examples are data, so that a test can hand every one of them to the command line it belongs to.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from algo_trade.exit_codes import ExitCode

# Help is made for 80 columns; the formatter may not break what has its own lines.
_WIDTH = 76
_KEEP_LINES = "\b"

_CODES = {
    ExitCode.OK: "done",
    ExitCode.GATE_FAILED: "a criterion was not met, or the session is not flat",
    ExitCode.USAGE: "a wrong option, or options that contradict each other",
    ExitCode.CONFIG: "a setting, a configuration file or an input file is bad",
    ExitCode.UNREACHABLE: "the gateway, the log or the registry was not reached",
    ExitCode.RISK: "the stop fired, or an earlier stop still holds the account",
    ExitCode.LOCK_REFUSED: "the paper lock: this could have been real money",
    ExitCode.EVIDENCE: "the session's evidence is missing or invalid",
    ExitCode.INTERNAL: "a defect of algotrade itself; please report it",
    ExitCode.INTERRUPTED: "interrupted, after an orderly stop",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One command's page. `examples` are (command line, what it is for); `codes` the exit codes it may end with."""

    short: str
    text: str
    examples: Sequence[tuple[str, str]] = ()
    codes: Sequence[ExitCode] = ()

    @property
    def help(self) -> str:
        """What stands above the options."""
        parts = [inspect.cleandoc(self.text)]
        if self.examples:
            lines = ["Examples:"]
            for command, purpose in self.examples:
                lines += [
                    f"  {command}",
                    *textwrap.wrap(purpose, _WIDTH - 8, initial_indent=" " * 6, subsequent_indent=" " * 6),
                ]
            parts.append("\n".join([_KEEP_LINES, *lines]))
        return "\n\n".join(parts)

    @property
    def epilog(self) -> str | None:
        """What stands below them."""
        if not self.codes:
            return None
        lines = ["Exit codes:", *(f"  {code.value:>3}  {_CODES[code]}" for code in self.codes)]
        return "\n".join([_KEEP_LINES, *lines])


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
        codes=tuple(_CODES),
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
        """,
        examples=(
            ("algotrade report sessions/monday", "the summary again, and the page beside it"),
            ("algotrade report sessions/monday --json | jq .pnl", "one number of it"),
        ),
        codes=(ExitCode.OK, ExitCode.USAGE, ExitCode.EVIDENCE),
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
    "sim": Page(
        short="The gateway simulator by itself.",
        text="The gateway simulator by itself: a TCP server that speaks the TWS protocol, for any TWS client.",
    ),
    "sim serve": Page(
        short="Serve until Ctrl-C.",
        text="""
            Serve the gateway simulator until Ctrl-C.

            It speaks the TWS protocol at server version 178 as the paper account DSIM001, and prints one JSON line
            with host and port when it listens. docs/assumptions.md says what its market and its fills assume.
        """,
        examples=(
            ("algotrade sim serve", "listen where IB Gateway's paper session would, 127.0.0.1:4002"),
            ("algotrade sim serve --port 0 --seed 7 --symbols SPY,QQQ", "any free port, another market"),
            (
                "algotrade sim serve --quotes AAPL=quotes.csv --speed 60",
                "a recorded day, sixty times as fast",
            ),
        ),
        codes=(ExitCode.OK, ExitCode.USAGE, ExitCode.CONFIG),
    ),
    "sim instruments": Page(
        short="List the instruments of the simulator.",
        text="""
            List the instruments the simulator knows and how each of them trades. docs/catalogue.md shows how to add
            your own.
        """,
        examples=(
            ("algotrade sim instruments", "those that come with it"),
            ("algotrade sim instruments --catalogue mine.yaml --json", "with your own, for scripts"),
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
    "contracts": Page(
        short="The schemas of the messages, for others to read.",
        text="The schemas of the messages between the planes, for whoever is not Python.",
    ),
    "contracts export": Page(
        short="Write the JSON Schemas of the messages as files.",
        text="""
            Write the JSON Schema of every message into a directory, one file each, named by the message's event_type.
            The same version writes the same bytes. Other files of the directory are left alone.
        """,
        examples=(("algotrade contracts export schemas", "the names of the files are printed"),),
        codes=(ExitCode.OK, ExitCode.USAGE, ExitCode.CONFIG),
    ),
    "contracts register": Page(
        short="Put the schemas into a schema registry.",
        text="""
            Put the JSON Schema of every message into a schema registry that speaks Confluent's HTTP API, under
            subjects like order_intents-OrderIntent, with compatibility BACKWARD_TRANSITIVE. What is there already is
            unchanged, so it may be done at every start.

            What the registry refuses is told with its reason, and the others are registered all the same. Plain http
            is for this machine only.
        """,
        examples=(
            ("algotrade contracts register", "at KAFKA_SCHEMA_REGISTRY_URL"),
            ("algotrade contracts register --url http://127.0.0.1:8081 --json", "for scripts"),
        ),
        codes=(
            ExitCode.OK,
            ExitCode.GATE_FAILED,
            ExitCode.USAGE,
            ExitCode.CONFIG,
            ExitCode.UNREACHABLE,
        ),
    ),
}
