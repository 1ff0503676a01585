"""The machine: settings, disk, clock, libraries, time zones, browser."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from confluent_kafka import libversion

from algo_trade.clock import kernel_keeps_time
from algo_trade.exit_codes import ExitCode
from algo_trade.session.doctor.findings import Finding, Patient, fail, ok, warn
from algo_trade.settings import Settings

_GIB = 1024**3
_FREE_FAIL_BYTES = 1 * _GIB
_FREE_WARN_BYTES = 5 * _GIB
# The gateway tells whole seconds: up to one of them is its rounding, and another the way here and our own.
_CLOCK_WARN_S = 2.0
_CLOCK_FAIL_S = 10.0
_PYTHONS = ((3, 11), (3, 14))
_LIBRARIES = ("algo-trade", "ib_async", "confluent-kafka", "pydantic", "typer", "tzdata", "zstandard")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def configuration(patient: Patient) -> list[Finding]:
    """Every problem is a line of its own."""
    if patient.refused is not None:
        code = patient.refused.exit_code
        remedy = "`algotrade config check` shows every setting and where it came from"
        return [fail(problem, remedy, code) for problem in patient.refused.problems]
    assert patient.settings is not None
    refusal = patient.settings.session_refusal
    told = ok(f"profile {patient.settings.profile} loads")
    return [told] if refusal is None else [told, warn(refusal)]


def data_directory(_: Patient, settings: Settings) -> list[Finding]:
    """Where the journal is: writable, and with room."""
    directory = settings.data_dir
    there = directory
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        remedy = "give this user a directory to write in, or set ALGOTRADE_DATA_DIR"
        return [fail(f"{directory} cannot be written", remedy, ExitCode.CONFIG)]
    return [free_space(directory, shutil.disk_usage(there).free)]


def free_space(directory: Path, free_bytes: int) -> Finding:
    text = f"{directory}, {free_bytes / _GIB:.1f} GiB free"
    remedy = "make room: a session that cannot write its journal stops trading"
    if free_bytes < _FREE_FAIL_BYTES:
        return fail(text, remedy, ExitCode.CONFIG)
    return warn(text, remedy) if free_bytes < _FREE_WARN_BYTES else ok(text)


def clock(patient: Patient) -> list[Finding]:
    """By the gateway's own clock where it has one, and by the kernel's word."""
    return [clock_finding(patient.gateway_ahead_s, kernel_keeps_time())]


def clock_finding(gateway_ahead_s: float | None, kept: bool | None) -> Finding:
    """The gateway's is the better witness: it is another clock, and the one that orders are stamped with."""
    remedy = "let a time service keep the clock: chrony, or `timedatectl set-ntp true`"
    if gateway_ahead_s is not None:
        apart_s = max(0.0, abs(gateway_ahead_s + 0.5) - 0.5)  # it tells whole seconds
        text = f"at most {apart_s + 1:.1f} s from the gateway's"
        if apart_s > _CLOCK_FAIL_S:
            return fail(f"{apart_s:.1f} s from the gateway's", remedy, ExitCode.GATE_FAILED)
        return warn(f"{apart_s:.1f} s from the gateway's", remedy) if apart_s > _CLOCK_WARN_S else ok(text)
    if kept is None:
        return warn(
            "not known: the kernel does not tell, and no gateway with a clock of its own was asked", remedy
        )
    return (
        ok("the kernel says that a time service keeps it")
        if kept
        else warn(
            "the kernel knows of no time service that keeps it",
            f"{remedy}; unless the host of this machine does",
        )
    )


def versions(_: Patient) -> list[Finding]:
    """Of what a report of a defect should name."""
    python = ".".join(map(str, sys.version_info[:3]))
    found, missing = (
        [f"Python {python}", f"SQLite {sqlite3.sqlite_version}", f"librdkafka {libversion()[0]}"],
        [],
    )
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    text = ", ".join(found)
    if missing:
        return [fail(f"{', '.join(missing)} not installed; {text}", "run scripts/setup", ExitCode.CONFIG)]
    if not _PYTHONS[0] <= sys.version_info[:2] < _PYTHONS[1]:
        return [warn(f"Python {python} was never tried; {text}", "use Python 3.11, 3.12 or 3.13")]
    return [ok(text)]


def time_zones(_: Patient) -> list[Finding]:
    """New York's, since its summer time decides when a market opens."""
    remedy = "install the zone database (Debian: tzdata), or the package tzdata"
    try:
        zone = ZoneInfo("America/New_York")
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        return [fail(f"no zone America/New_York: {error}", remedy, ExitCode.CONFIG)]
    offsets = [datetime(2026, month, 1, 12, tzinfo=UTC).astimezone(zone).utcoffset() for month in (1, 7)]
    if offsets != [timedelta(hours=-5), timedelta(hours=-4)]:
        return [fail(f"America/New_York is {offsets[0]} and {offsets[1]} from UTC", remedy, ExitCode.CONFIG)]
    return [ok("America/New_York, with its summer time")]


def browser(_: Patient) -> list[Finding]:
    """Only tests and `make screenshot` want one."""
    named = os.environ.get("CHROMIUM")
    found = next((path for name in (named, *_BROWSERS) if name and (path := shutil.which(name))), None)
    return [ok(found or "no Chromium, which is fine: only the tests of the report's page want one")]
