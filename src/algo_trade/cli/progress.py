"""Who watches a running session: a screen on a terminal, lines in a pipe or a file, errors only with --quiet."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.live import Live

from algo_trade.cli.screen import line, note_line, screen
from algo_trade.clock import Clock, SystemClock
from algo_trade.contracts import Severity
from algo_trade.session.plan import SessionPlan
from algo_trade.session.progress import State, Status, Watcher

_TERMINAL_EVERY_NS = 250_000_000
# A pipe gets a line now and then, and at once when something has changed.
_PLAIN_EVERY_NS = 10_000_000_000
_LOOK_EVERY_NS = 500_000_000
# Below this many columns no screen can be read; lines, which the terminal breaks as it likes, can.
_NARROWEST = 40


class Pace:
    """Lets something happen every so often of real time."""

    def __init__(self, clock: Clock, every_ns: int) -> None:
        self._clock = clock
        self._every_ns = every_ns
        self._next_ns = 0

    def due(self) -> bool:
        return self._clock.monotonic_ns() >= self._next_ns

    def start(self) -> None:
        """It happened now."""
        self._next_ns = self._clock.monotonic_ns() + self._every_ns


class _Teller(ABC):
    """What the watchers have in common: they look now and then, and stop when nobody reads any more.

    A pipe that is closed, or a terminal that is gone, must not end a session: trading goes on.
    """

    def __init__(self, clock: Clock, every_ns: int) -> None:
        self._look = Pace(clock, every_ns)
        self._reader_gone = False

    def due(self) -> bool:
        return not self._reader_gone and self._look.due()

    def show(self, status: Status) -> None:
        self._look.start()
        try:
            self._tell(status)
        except (OSError, ValueError):
            self._reader_gone = True

    @abstractmethod
    def _tell(self, status: Status) -> None:
        """Write what there is to say."""


class ErrorsOnly(_Teller):
    """For --quiet: what a person has to know, and nothing else. Each note is told once."""

    severities: tuple[Severity, ...] = (Severity.ERROR,)

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        super().__init__(clock, _LOOK_EVERY_NS)
        self._stream = stream
        self._told = 0

    def _tell(self, status: Status) -> None:
        for note in status.notes:
            if note.number > self._told:
                self._told = note.number
                if note.severity in self.severities:
                    self._say(note_line(note))

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class PlainLines(ErrorsOnly):
    """For files and pipes: no control characters; what warns, every change of the state, and a line now and then."""

    severities = (Severity.WARNING, Severity.ERROR)

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        super().__init__(stream, clock)
        self._now_and_then = Pace(clock, _PLAIN_EVERY_NS)
        self._state: State | None = None

    def _tell(self, status: Status) -> None:
        super()._tell(status)
        if self._now_and_then.due() or status.state is not self._state:
            self._now_and_then.start()
            self._state = status.state
            self._say(line(status))


class Screen(_Teller):
    """For terminals: one screen that stays in its place, drawn anew four times a second."""

    def __init__(self, live: Live, clock: Clock) -> None:
        super().__init__(clock, _TERMINAL_EVERY_NS)
        self._live = live

    def _tell(self, status: Status) -> None:
        self._live.update(screen(status, self._live.console.width), refresh=True)


@contextmanager
def terminal_watcher(plan: SessionPlan, stream: TextIO, *, quiet: bool) -> Iterator[Watcher]:
    """The watcher that suits `stream`. The line before it says where the session lives and whom it calls."""
    clock = SystemClock()
    if quiet:
        yield ErrorsOnly(stream, clock)
        return
    goes_on = "resuming" if plan.resumed else "session"
    ibkr = plan.settings.ibkr
    gateway = (
        "a gateway simulator of its own" if plan.settings.profile == "dev" else f"{ibkr.host}:{ibkr.port}"
    )
    print(f"{goes_on} {plan.session_id} in {plan.directory}, connecting to {gateway}", file=stream)
    console = Console(file=stream)
    dumb = os.environ.get("TERM", "") in ("dumb", "unknown")
    if not stream.isatty() or dumb or console.width < _NARROWEST:
        yield PlainLines(stream, clock)
        return
    # Refreshed by hand: rich's own refresh thread would be a thread beside the session's loop.
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield Screen(live, clock)
