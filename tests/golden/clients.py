"""The clients by name, the versions each speaks with us, and a process of each one's environment to talk to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.clients.environments import python_of

SPEAKER = Path(__file__).with_name("speaker.py")


def _versions(newest: int) -> tuple[int, ...]:
    """Ours are 157 and 159 to 178; 158 is never announced."""
    return tuple(version for version in range(157, newest + 1) if version != 158)


VERSIONS = {
    "ib_async": _versions(178),
    "ib_insync": _versions(176),
    "ibapi": _versions(157),
    "nautilus-ibapi-10.30": _versions(178),
    "nautilus-ibapi-10.45": _versions(178),
}


class Speaker:
    """One client's process; `ask` sends it jobs and returns its answers (see `speaker`)."""

    def __init__(self, client: str) -> None:
        self.client = client
        # ib_async is in the project's own environment, so its frames are looked at in every run.
        python = sys.executable if client == "ib_async" else str(python_of(client))
        self._process = subprocess.Popen(
            [python, "-W", "ignore", str(SPEAKER), client],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(jobs) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"{self.client}'s process ended with {self._process.wait()}"
        answers: list[dict[str, Any]] = json.loads(line)
        return answers

    def close(self) -> None:
        self._process.communicate()
