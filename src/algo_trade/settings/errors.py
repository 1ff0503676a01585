"""What is wrong with the settings, all of it at once.

    Exception
      SettingsError      stop: nothing may start until a person has changed the configuration

A user who mends one variable only to be told of the next learns to hate the tool, so the loader collects
`Problem`s and raises them together.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from algo_trade.exit_codes import ExitCode


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: which variables it is about, and what to do.

    `lock` marks a setting that points at real money; it decides the exit code, because a script must be able
    to tell "you mistyped a number" from "this was about to trade a live account".
    """

    text: str
    variables: tuple[str, ...] = ()
    lock: bool = False


class SettingsError(Exception):
    """The settings cannot be used. `problems` holds every reason, one line each, none containing a secret."""

    def __init__(self, profile: str, found: Iterable[Problem]) -> None:
        self.profile = profile
        self.found = tuple(found)
        self.problems: tuple[str, ...] = tuple(problem.text for problem in self.found)
        count = len(self.problems)
        head = f"settings of profile {profile!r}: {count} problem{'s' if count != 1 else ''}"
        super().__init__("\n".join([head, *(f"  - {text}" for text in self.problems)]))

    @property
    def exit_code(self) -> ExitCode:
        """LOCK_REFUSED when any problem would have let real money in, else CONFIG."""
        return ExitCode.LOCK_REFUSED if any(problem.lock for problem in self.found) else ExitCode.CONFIG
