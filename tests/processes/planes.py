"""The planes of a session as real processes over a real broker, and a look at the order plane's journal."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.processes.harness import ALGOTRADE, algotrade, clean_environment

PLANES = ("data", "strategy", "order")


class Planes:
    """The three processes of one session in `directory`, each of which can be killed and started again."""

    def __init__(self, directory: Path, env: Mapping[str, str], *, duration: str = "2h") -> None:
        self._directory, self._env, self._duration = directory, env, duration
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lives = dict.fromkeys(PLANES, 0)

    def apply_topics(self) -> None:
        done = algotrade("topics", "apply", "--profile", "paper", cwd=self._directory, env=self._env)
        assert done.returncode == 0, done.stderr

    def start(self, plane: str) -> None:
        self._lives[plane] += 1
        arguments = ["plane", plane, "--session-dir", "session", "--duration", self._duration, "--json"]
        with (
            (self._directory / f"{plane}-{self._lives[plane]}.err").open("wb") as stderr,
            (self._directory / f"{plane}.out").open("wb") as stdout,
        ):
            self._running[plane] = subprocess.Popen(
                [*ALGOTRADE, *arguments],
                cwd=self._directory,
                env=clean_environment(self._env),
                stdout=stdout,
                stderr=stderr,
            )

    def check_alive(self) -> None:
        for plane, process in self._running.items():
            assert process.poll() is None, (
                f"{plane} ended with {process.returncode}: {self.last_words(plane)}"
            )

    def last_words(self, plane: str) -> str:
        path = self._directory / f"{plane}-{self._lives[plane]}.err"
        return path.read_text(errors="replace")[-3000:]

    def kill(self, plane: str) -> None:
        process = self._running.pop(plane)
        assert process.poll() is None, f"{plane} ended with {process.returncode}: {self.last_words(plane)}"
        process.kill()
        process.wait()

    def stop(self) -> dict[str, int]:
        """SIGTERM to the order plane, which ends the session; the exit code of each."""
        self.check_alive()
        os.kill(self._running["order"].pid, signal.SIGTERM)
        return self.wait()

    def wait(self, timeout_s: float = 180) -> dict[str, int]:
        """Until all have ended by themselves; their exit codes."""
        return {plane: process.wait(timeout=timeout_s) for plane, process in self._running.items()}

    def clean_up(self) -> None:
        for process in self._running.values():
            if process.poll() is None:
                process.kill()
                process.wait()


class JournalWatch:
    """The states of an account's orders, read from its journal while the order plane writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None

    def in_state(self, state: str) -> set[str]:
        """Intents whose orders are in a state just now."""
        if self._db is None:
            if not self._path.exists():
                return set()
            self._db = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, isolation_level=None)
        try:
            rows = self._db.execute("SELECT intent_id FROM orders WHERE state=?", (state,)).fetchall()
        except sqlite3.OperationalError:
            return set()  # it is being made
        return {intent_id for (intent_id,) in rows}

    def orders(self) -> int:
        """How many there have been."""
        if self._db is None:
            self.in_state("")
        return 0 if self._db is None else self._db.execute("SELECT count(*) FROM orders").fetchone()[0]

    def close(self) -> None:
        if self._db is not None:
            self._db.close()


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Look every few milliseconds until `condition()` is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.003)
