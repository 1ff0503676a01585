"""kill -9 in mid-session, again and again, against a simulator that lives on: nothing doubled, nothing lost.

The witnesses are not ours: the frames the simulator counted on its wire, and the executions ib_async's own `IB`
is given by it.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.processes.harness import (
    ALGOTRADE,
    EAGER,
    Simulator,
    algotrade,
    check_orders,
    clean_environment,
    fills_told,
    paper_environment,
    simulator,
)
from tests.processes.witness import executions_seen_by_ib_async

_ORDER_WAIT_S = 60.0
_SESSION_S = "2h"


class Life:
    """One process of the session."""

    def __init__(self, directory: Path, env: dict[str, str], number: int) -> None:
        self._log = (directory / f"life-{number}.err").open("wb")
        self.process = subprocess.Popen(
            [
                *ALGOTRADE,
                "run",
                "--profile",
                "paper",
                "--duration",
                _SESSION_S,
                "--session-dir",
                "session",
                "--json",
            ],
            cwd=directory,
            env=clean_environment(env),
            stdout=subprocess.PIPE,
            stderr=self._log,
        )

    def kill(self) -> None:
        assert self.process.poll() is None, f"it ended by itself with {self.process.returncode}"
        self.process.kill()
        self.process.wait()
        self._close()

    def stop_in_order(self) -> int:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=90)
        self._close()
        return self.process.returncode

    def _close(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()


def wait_for_order(sim: Simulator, life: Life, seen: int) -> None:
    """Until one more placeOrder frame has reached the simulator: from then to its fill take 2 s."""
    until = time.monotonic() + _ORDER_WAIT_S
    while len(sim.placed_refs()) <= seen:
        assert life.process.poll() is None, f"it ended by itself with {life.process.returncode}"
        assert time.monotonic() < until, f"no order within {_ORDER_WAIT_S} s"
        time.sleep(0.005)


def run_with_kills(directory: Path, *, kills: int, kills_with_an_order_out: int, seed: int) -> dict[str, Any]:
    """Kill, restart, at last stop in order; what the report says then."""
    generator = random.Random(seed)
    with simulator(directory, "--seed", str(seed), "--ack-ms", "2000") as sim:
        env = {**paper_environment(sim, directory / "data"), **EAGER}
        for number in range(kills):
            life = Life(directory, env, number)
            wait_for_order(sim, life, len(sim.placed_refs()))
            if number >= kills_with_an_order_out:
                time.sleep(generator.uniform(0, 6))
            life.kill()
        life = Life(directory, env, kills)
        wait_for_order(sim, life, len(sim.placed_refs()))
        assert life.stop_in_order() == 130, (directory / f"life-{kills}.err").read_text()
        told = algotrade("report", "session", "--json", cwd=directory)
        assert told.returncode == 0, told.stderr
        summary: dict[str, Any] = json.loads(told.stdout)
        check_against_the_wire(sim, summary, directory, kills=kills)
    return summary


def check_against_the_wire(sim: Simulator, summary: dict[str, Any], directory: Path, *, kills: int) -> None:
    seen = executions_seen_by_ib_async(sim.host, sim.port)
    report = json.loads((directory / "session" / "report.json").read_text())
    assert fills_told(report) == sorted((one.exec_id, one.shares, one.price) for one in seen)
    assert len(report["tables"]["fills"]) == summary["fills"]
    check_orders(sim, report, kills=kills)
    assert summary["positions_match_broker"] is not False
    assert summary["final_positions"] == {}


def test_two_kills_with_an_order_out(tmp_path: Path) -> None:
    """The short version, for every run of the tests."""
    run_with_kills(tmp_path, kills=2, kills_with_an_order_out=2, seed=3)


@pytest.mark.slow
def test_twenty_kills(tmp_path: Path) -> None:
    """Twenty, of which twelve between journal and fill and eight at any moment after an order."""
    run_with_kills(tmp_path, kills=20, kills_with_an_order_out=12, seed=5)
