"""`algotrade doctor`: everything a session depends on, and what to do about it."""

from __future__ import annotations

import json as jsonlib
from typing import Annotated

import typer

from algo_trade.cli.session_place import ProfileOption
from algo_trade.clock import SystemClock
from algo_trade.session.configuration import configure
from algo_trade.session.doctor import CHECKS, Finding, Patient, examine, exit_code_of_findings
from algo_trade.settings import Settings, SettingsError, read_settings

_NAME_WIDTH = max(len(check.name) for check in CHECKS)


def doctor(
    profile: ProfileOption = None,
    bus: Annotated[str, typer.Option(help="kafka: look at the cluster, too.")] = "embedded",
    json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON object.")] = False,
) -> None:
    """Look at everything a session depends on (exit: that of the first failure)."""
    if bus not in ("embedded", "kafka"):
        raise typer.BadParameter(f"{bus!r} is no bus; there are embedded and kafka", param_hint="--bus")
    settings, refused = _settings(profile)
    findings: list[Finding] = []
    for finding in examine(Patient(SystemClock(), settings, refused, bus)):
        findings.append(finding)
        if not json:
            print(_line(finding), flush=True)
    code = exit_code_of_findings(findings)
    if json:
        print(jsonlib.dumps({"findings": [_told(finding) for finding in findings], "exit_code": int(code)}))
    raise typer.Exit(code)


def _settings(profile: str | None) -> tuple[Settings | None, SettingsError | None]:
    try:
        return configure(read_settings(profile)).settings, None
    except SettingsError as error:
        return None, error


def _line(finding: Finding) -> str:
    remedy = f": {finding.remedy}" if finding.remedy else ""
    return f"{finding.state:<4}  {finding.about:<{_NAME_WIDTH}}  {finding.text}{remedy}"


def _told(finding: Finding) -> dict[str, str]:
    return {
        "check": finding.about,
        "state": finding.state.value,
        "text": finding.text,
        "remedy": finding.remedy,
    }
