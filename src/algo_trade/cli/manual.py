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
    ExitCode.UNREACHABLE: "the gateway or the log could not be reached",
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


_DLQ_CODES = (ExitCode.OK, ExitCode.USAGE, ExitCode.CONFIG, ExitCode.UNREACHABLE, ExitCode.EVIDENCE)

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
    "topics": Page(
        short="The topics on Kafka.", text="The topics on Kafka: contracts/topics.yaml, made real."
    ),
    "topics check": Page(
        short="Compare the cluster with what is declared.",
        text="""
            Compare the topics on Kafka with contracts/topics.yaml, and change nothing. Each difference is one line: the
            topic, the setting, what was found, what is declared, and what to do.

            A topic has one replica on a single broker, two on two, three on three or more.
        """,
        examples=(
            ("algotrade topics check", "the cluster of KAFKA_BOOTSTRAP_SERVERS"),
            ("algotrade topics check --json | jq .drifts", "for scripts"),
        ),
        codes=(ExitCode.OK, ExitCode.GATE_FAILED, ExitCode.USAGE, ExitCode.CONFIG, ExitCode.UNREACHABLE),
    ),
    "topics apply": Page(
        short="Create and repair the topics.",
        text="""
            Create the topics that are missing on Kafka and set the settings that differ from contracts/topics.yaml; say
            what was done. Doing it again does nothing, and several processes may do it at once.

            The number of partitions of a topic that exists is never changed, nor that of its replicas: with other
            partitions the records of one key would be read out of order. Such a difference is told, and exit 1.
        """,
        examples=(("algotrade topics apply --profile paper", "before the first session on a cluster"),),
        codes=(ExitCode.OK, ExitCode.GATE_FAILED, ExitCode.USAGE, ExitCode.CONFIG, ExitCode.UNREACHABLE),
    ),
    "dlq": Page(
        short="Dead letters: see them, put them back.",
        text="""
            Dead letters: what a plane could not understand. It was put aside whole, with every reason, and its reader
            went on. A person looks at it here.

            More about them: docs/dead-letters.md.
        """,
    ),
    "dlq list": Page(
        short="List what was put aside.",
        text="""
            List the dead letters, a line each: its place, when it was refused, where it stood, who refused it, and the
            first reason. The log of a session may be read while the session runs.
        """,
        examples=(
            ("algotrade dlq list --session-dir sessions/monday", "of a session"),
            ("algotrade dlq list --bus kafka --topic order_intents", "of one topic on Kafka"),
            ("algotrade dlq list --bus kafka --json | jq -r .[].place", "for scripts"),
        ),
        codes=_DLQ_CODES,
    ),
    "dlq show": Page(
        short="Show one letter whole.",
        text="""
            Show one letter: where it stood, its key and headers, every reason, and its bytes, as JSON where they are
            and else in hexadecimal. With --raw its bytes alone, exactly, to be mended and put back.
        """,
        examples=(
            ("algotrade dlq show dlq_order_intents/0/3 --bus kafka", "all of it"),
            (
                "algotrade dlq show dlq_order_intents/0/3 --bus kafka --raw > mended.json",
                "its bytes, into a file",
            ),
        ),
        codes=_DLQ_CODES,
    ),
    "dlq replay": Page(
        short="Put a letter back, once, by a named person.",
        text="""
            Put a letter back on the topic it came from: the bytes of --value, or the original ones, with the original
            key and headers, and headers that say from where, by whom, why and when. What the topic's contract does not
            allow is refused with every reason, and a letter that was put back before is refused.

            An order intent goes back under a new id and with a new validity, an amendment with a new validity; half
            a bracket never. An execution report never: it tells the broker's truth, which the order plane keeps in its
            journal and publishes again at its next start. Nor market_raw, which is a recording and holds the message
            already, nor ofi_events, which are counted from market_events. Market events keep their own time, so that
            nobody trades on an old price.

            A session that runs is the only writer of its directory, and a finished one is evidence: both are refused.
        """,
        examples=(
            (
                "algotrade dlq replay dlq_order_intents/0/3 --bus kafka --by Ann --reason ok",
                "an intent as it was, for thirty seconds",
            ),
            (
                "algotrade dlq replay PLACE --bus kafka --by Ann --reason ok --value new.json",
                "a mended message in its stead; PLACE as dlq list shows it",
            ),
            (
                "algotrade dlq replay PLACE --session-dir DIR --by Ann --reason ok",
                "into the log of a session that is going to be resumed",
            ),
        ),
        codes=(
            ExitCode.OK,
            ExitCode.GATE_FAILED,
            ExitCode.USAGE,
            ExitCode.CONFIG,
            ExitCode.UNREACHABLE,
            ExitCode.EVIDENCE,
        ),
    ),
}
