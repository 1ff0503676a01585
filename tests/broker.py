"""A real Kafka broker for tests: somebody's, or one of our own that lives as long as the tests.

The first of: KAFKA_BOOTSTRAP_SERVERS; one that `scripts/kafka` starts from Java and Maven, or from a Docker engine.
Where there is none, tests that need one skip and say so; where CI=true, that is a failure.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "kafka"
_NOT_HERE = 3  # the script's exit code for a machine that cannot run a broker


class Broker:
    """A broker of our own in `directory`; `kill` is kill -9, and `start` brings it back on the same port and data."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.servers = ""

    def start(self) -> None:
        """Returns when it answers. Raises what pytest calls a skip or a failure where there is none."""
        done = subprocess.run([SCRIPT, "start", self._directory], capture_output=True, text=True, check=False)
        if done.returncode == _NOT_HERE and os.environ.get("CI") != "true":
            pytest.skip(f"no Kafka broker here: {done.stderr.strip()}")
        if done.returncode != 0:
            pytest.fail(f"no Kafka broker: {done.stderr.strip()}")
        self.servers = done.stdout.strip().partition("=")[2]

    def kill(self) -> None:
        pid = int((self._directory / "pid").read_text())
        os.kill(pid, signal.SIGKILL)
        (self._directory / "pid").unlink()

    def stop(self) -> None:
        subprocess.run([SCRIPT, "stop", self._directory], capture_output=True, check=False)


@contextmanager
def own_broker(directory: Path) -> Iterator[Broker]:
    """For tests that do to it what nobody may do to a broker others use."""
    directory.mkdir(parents=True, exist_ok=True)
    broker = Broker(directory)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def kafka_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker that all tests of this process share: each keeps to topics of its own prefix."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield given
        return
    with own_broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker.servers
