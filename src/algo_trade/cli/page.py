"""One page of the manual: its words, its examples, and what its exit codes mean."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from algo_trade.exit_codes import ExitCode

# Help is made for 80 columns; the formatter may not break what has its own lines.
_WIDTH = 76
_KEEP_LINES = "\b"

CODES = {
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
        lines = ["Exit codes:", *(f"  {code.value:>3}  {CODES[code]}" for code in self.codes)]
        return "\n".join([_KEEP_LINES, *lines])
