"""What a check is given, and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from algo_trade.clock import Clock
from algo_trade.exit_codes import ExitCode
from algo_trade.settings import Settings, SettingsError


class State(StrEnum):
    """Ok is said of what was seen to be right; what cannot be told is a warning."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `remedy` is what to do, if anything; `code` is what a failure ends the command with."""

    state: State
    text: str
    remedy: str = ""
    code: ExitCode = ExitCode.OK
    about: str = ""  # the check; filled in on the round


@dataclass(slots=True)
class Patient:
    """What there is to look at. `gateway_ahead_s`: its clock less ours, once a gateway that has one was asked."""

    clock: Clock
    settings: Settings | None
    refused: SettingsError | None
    bus: str
    gateway_ahead_s: float | None = None


def ok(text: str) -> Finding:
    return Finding(State.OK, text)


def warn(text: str, remedy: str = "") -> Finding:
    return Finding(State.WARN, text, remedy)


def fail(text: str, remedy: str, code: ExitCode) -> Finding:
    return Finding(State.FAIL, text, remedy, code)


def exit_code_of_findings(findings: Sequence[Finding]) -> ExitCode:
    """That of the first failure; OK where nothing failed."""
    return next((finding.code for finding in findings if finding.state is State.FAIL), ExitCode.OK)
