"""Who watches: lines in a pipe now and then, errors only when quiet, and a terminal that is left as it was found."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import TextIO, cast

import pytest
from tests.cli.statuses import note, status
from tests.processes.harness import ALGOTRADE, algotrade, clean_environment

from algo_trade.cli.progress import ErrorsOnly, PlainLines, Screen, terminal_watcher
from algo_trade.contracts import Severity
from algo_trade.session.plan import SessionPlan
from algo_trade.session.progress import State
from algo_trade.settings import load_settings

_SHORT = ("run", "--profile", "dev", "--duration", "2m", "--speed")


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic_ns(self) -> int:
        return int(self.seconds * 1e9)

    def now_ns(self) -> int:
        return self.monotonic_ns()


class Closed(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def lines(stream: TextIO) -> list[str]:
    assert isinstance(stream, io.StringIO)
    return stream.getvalue().splitlines()


def test_a_pipe_gets_a_line_now_and_then() -> None:
    """The first at once, then one in ten seconds, however often there is news to show."""
    stream, time = io.StringIO(), Time()
    watcher = PlainLines(stream, time)
    for _ in range(200):
        if watcher.due():
            watcher.show(status(notes=[]))
        time.seconds += 0.1
    assert len(lines(stream)) == 2
    assert "\x1b" not in stream.getvalue() and "\r" not in stream.getvalue()


def test_a_change_of_state_and_what_warns_are_told_at_once_and_once() -> None:
    stream, time = io.StringIO(), Time()
    watcher = PlainLines(stream, time)
    notes = [note(1, "all is well", Severity.INFO), note(2, "order alarm: look")]
    watcher.show(status(notes=[]))
    time.seconds += 1
    watcher.show(status(notes=notes, state=State.RECONCILING, reason="1100"))
    time.seconds += 1
    watcher.show(status(notes=notes, state=State.RECONCILING, reason="1100"))
    told = lines(stream)
    assert len(told) == 3
    assert told[1] == "09:30:02 warning: order alarm: look"
    assert told[2].endswith("[1100]")


def test_quiet_tells_errors_only() -> None:
    stream, time = io.StringIO(), Time()
    watcher = ErrorsOnly(stream, time)
    notes = [note(1, "w"), note(2, "kill latched: PT-06", Severity.ERROR)]
    for _ in range(3):
        watcher.show(status(notes=notes, state=State.STOPPED, reason="PT-06"))
        time.seconds += 20
    assert lines(stream) == ["09:30:02 error: kill latched: PT-06"]


def test_a_reader_that_goes_away_stops_the_telling_and_not_the_session() -> None:
    time = Time()
    for watcher in (PlainLines(Closed(), time), ErrorsOnly(Closed(), time)):
        watcher.show(status(notes=[note(1, "x", Severity.ERROR)]))
        time.seconds += 60
        assert not watcher.due()


def test_in_a_pipe_there_are_no_control_characters_and_quiet_is_quiet(tmp_path: Path) -> None:
    """stdout is the summary either way; with --quiet stderr has nothing to say of a session without errors."""
    plain = algotrade(*_SHORT, "max", "--session-dir", "a", cwd=tmp_path)
    assert plain.returncode == 0, plain.stderr
    assert "\x1b" not in plain.stderr + plain.stdout and "\r" not in plain.stderr
    assert "SIM" in plain.stderr and "report: a/report.html" in plain.stderr
    assert plain.stdout.lstrip().startswith("session")
    quiet = algotrade(*_SHORT, "max", "--quiet", "--json", "--session-dir", "b", cwd=tmp_path)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert json.loads(quiet.stdout)["finished"] is True


def on_a_terminal(directory: Path, columns: int) -> tuple[str, str]:
    """(what the terminal got on stderr, stdout) of a short session at sixty times real time."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*ALGOTRADE, *_SHORT, "60", "--session-dir", "s"],
        cwd=directory,
        env=clean_environment({"COLUMNS": str(columns), "LINES": "24", "TERM": "xterm-256color"}),
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    assert process.stdout is not None
    with process.stdout, os.fdopen(ours, "rb", buffering=0) as terminal:
        while True:
            select.select([terminal], [], [])
            try:
                chunk = terminal.read(65536)
            except OSError:  # the other side is closed
                break
            if not chunk:
                break
            seen += chunk
        out = process.stdout.read().decode()
    assert process.wait() == 0, seen.decode(errors="replace")
    return seen.decode(), out


def test_a_terminal_gets_one_screen_that_stays_in_its_place(tmp_path: Path) -> None:
    """It is drawn over itself, never wider than the terminal, and gone when the summary comes."""
    seen, out = on_a_terminal(tmp_path, 60)
    assert seen.count("TRADING") > 3
    assert "nothing to do" in seen
    assert "\x1b[2J" not in seen, "clearing the whole screen flickers"
    assert seen.count("\x1b[1A\x1b[2K") > seen.count("TRADING"), "it goes back up before it draws again"
    assert seen.count("\x1b[?25l") == seen.count("\x1b[?25h") == 1, "the cursor is back"
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    assert max(len(line) for line in re.split(r"[\r\n]+", plain) if "New York" in line) <= 60
    assert out.lstrip().startswith("session") and "\x1b" not in out


@pytest.mark.parametrize(
    ("columns", "terminal", "watcher"),
    [("80", "xterm-256color", Screen), ("39", "xterm-256color", PlainLines), ("80", "dumb", PlainLines)],
)
def test_a_terminal_that_can_show_no_screen_gets_lines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, columns: str, terminal: str, watcher: type
) -> None:
    """A dumb one, and one that is too narrow to read anything on."""
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERM", terminal)
    settings = load_settings("dev", env={}, dotenv=None)
    plan = cast(
        SessionPlan, SimpleNamespace(resumed=True, session_id="x", directory=tmp_path, settings=settings)
    )
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as seen, os.fdopen(theirs, "w") as stream:
        with terminal_watcher(plan, stream, quiet=False) as chosen:
            assert type(chosen) is watcher
        stream.flush()
        assert seen.read(8) == b"resuming"
