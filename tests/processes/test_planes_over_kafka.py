"""Three plane processes, a simulator and a real broker; planes are killed, the broker is killed, and nothing is doubled
or lost.

The witnesses are not ours: the frames the simulator counted on its wire, and the executions ib_async's own `IB` is
given by it.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.broker import Broker, own_broker
from tests.processes.harness import (
    EAGER,
    Simulator,
    algotrade,
    check_orders,
    fills_told,
    paper_environment,
    simulator,
)
from tests.processes.planes import PLANES, JournalWatch, Planes, until
from tests.processes.witness import executions_seen_by_ib_async

from algo_trade.bus import EmbeddedLogReader
from algo_trade.contracts import ExecutionReport, OrderIntent

# Entries every second; a stop at the thousand dollars the campaign is asked to stay within.
BUSY = {
    **EAGER,
    "OFI_ENTRY_SPACING_S": "1",
    "OFI_MAX_HOLD_S": "2",
    "OFI_MAX_ENTRIES": "100000",
    "KILL_SWITCH_PNL_USD": "-1000",
}
# One message a second that is no cancel: an order often waits for its token, its mark J committed alone.
HELD = {"IBKR_ORDER_RATE_LIMIT": "6"}
_FINAL = {"FILLED", "CANCELED", "REJECTED", "TIMEOUT", "ERROR"}
# Which state an order is in, in the journal, in each window of the order plane's death.
WINDOWS = {"J": "ACCEPTED", "S": "SENDING", "A": "WORKING"}


class Campaign:
    """One session that is being hurt."""

    def __init__(self, directory: Path, sim: Simulator, broker: Broker, planes: Planes) -> None:
        self.directory, self.sim, self.broker, self.planes = directory, sim, broker, planes
        self.journal = JournalWatch(directory / "data" / "DSIM001.journal.db")
        self.kills: Counter[str] = Counter()

    def wait_for_orders(self, more: int, seconds: float = 120) -> None:
        wanted = len(self.sim.placed_refs()) + more
        end = time.monotonic() + seconds
        while len(self.sim.placed_refs()) < wanted:
            self.planes.check_alive()
            assert time.monotonic() < end, f"{more} orders did not come within {seconds} s"
            time.sleep(0.05)

    def kill(self, plane: str) -> None:
        self.planes.kill(plane)
        self.kills[plane] += 1
        self.planes.start(plane)

    def kills_of_the_order_plane(self) -> int:
        return sum(times for what, times in self.kills.items() if what not in ("data", "strategy", "broker"))

    def kill_order_plane_in(self, window: str) -> None:
        """Kill it when the journal shows an order in the window, and count it if one is still there when it is dead."""
        state = WINDOWS[window]
        until(lambda: self.journal.in_state(state), 60, f"an order in window {window}")
        self.planes.kill("order")
        self.kills[window if self.journal.in_state(state) else "order, window missed"] += 1
        self.planes.start("order")


@contextmanager
def campaign(directory: Path, *, seed: int, more: Mapping[str, str] | None = None) -> Iterator[Campaign]:
    """Everything running; ended with the block, whatever happened in it."""
    with (
        own_broker(directory / "kafka") as broker,
        simulator(directory, "--seed", str(seed), "--ack-ms", "700", "--fill-ms", "700") as sim,
    ):
        env = {
            **paper_environment(sim, directory / "data"),
            **BUSY,
            **(more or {}),
            "KAFKA_BOOTSTRAP_SERVERS": broker.servers,
        }
        planes = Planes(directory, env)
        made = Campaign(directory, sim, broker, planes)
        try:
            planes.apply_topics()
            for plane in PLANES:
                planes.start(plane)
            yield made
        finally:
            planes.clean_up()
            made.journal.close()


def check(made: Campaign, *, intents: int) -> str:
    """After the orderly end: the wire's truth against the report's. What was seen, to be printed."""
    seen = executions_seen_by_ib_async(made.sim.host, made.sim.port)
    report = json.loads((made.directory / "session" / "report.json").read_text())
    summary: dict[str, Any] = json.loads((made.directory / "order.out").read_text())
    assert fills_told(report) == sorted((one.exec_id, one.shares, one.price) for one in seen)
    with EmbeddedLogReader(made.directory / "session" / "log") as log:
        asked = {OrderIntent.decode(record.value).intent_id for record in log.replay("order_intents")}
        reports = [ExecutionReport.decode(record.value) for record in log.replay("exec_reports")]
    answered = {report.intent_id for report in reports if report.status in _FINAL}
    assert asked - answered == set()
    assert len(asked) >= intents
    check_orders(made.sim, report, kills=made.kills_of_the_order_plane())
    assert summary["final_positions"] == {}
    assert summary["positions_match_broker"] is not False
    return f"{len(asked)} intents, {len(seen)} executions, killed {dict(made.kills)}"


@pytest.mark.slow
def test_planes_are_killed_and_started_again(tmp_path: Path) -> None:
    """Each plane once. What three planes do for one another is tested faster in tests/session, in virtual time."""
    with campaign(tmp_path, seed=3) as made:
        for plane in PLANES:
            made.wait_for_orders(3)
            made.kill(plane)
        made.wait_for_orders(3)
        assert made.planes.stop() == {"data": 0, "strategy": 0, "order": 130}
        check(made, intents=10)


@pytest.mark.slow
def test_two_hundred_intents_and_twenty_kills(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five of the order plane in each window (after J, after S, after A), and both others as they come."""
    generator = random.Random(5)
    with campaign(tmp_path, seed=5, more=HELD) as made:
        made.wait_for_orders(2)
        for window in WINDOWS:
            while made.kills[window] < 5:
                made.kill_order_plane_in(window)
                made.wait_for_orders(generator.randrange(1, 6))
        for plane in ("data", "strategy") * 3:
            made.kill(plane)
            made.wait_for_orders(generator.randrange(1, 6))
        until(lambda: made.journal.orders() >= 200, 300, "200 intents")
        assert made.planes.stop() == {"data": 0, "strategy": 0, "order": 130}
        seen = check(made, intents=200)
        with capsys.disabled():
            sys.stdout.write(f"\n{seen}\n")
        assert all(made.kills[window] >= 5 for window in WINDOWS)
        assert made.kills.total() >= 20


@pytest.mark.slow
def test_all_planes_in_one_process_over_kafka(tmp_path: Path, kafka_servers: str) -> None:
    """`run --bus kafka`: the same session, its log in the cluster and then in its directory."""
    env = {**EAGER, "KAFKA_BOOTSTRAP_SERVERS": kafka_servers, "KAFKA_TOPIC_PREFIX": "one-process."}
    assert algotrade("topics", "apply", cwd=tmp_path, env=env).returncode == 0
    arguments = ("run", "--bus", "kafka", "--duration", "40s", "--session-dir", "s", "--json")
    done = algotrade(*arguments, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["filled_orders"] > 3
    assert summary["final_positions"] == {}
    (tmp_path / "s" / "log").rename(tmp_path / "elsewhere")
    assert algotrade("report", "s", cwd=tmp_path, env=env).returncode == 7
    again = algotrade("report", "s", "--gather", "--json", cwd=tmp_path, env=env)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["digest"] == summary["digest"]


@pytest.mark.slow
def test_the_broker_is_killed_three_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with campaign(tmp_path, seed=7) as made:
        for _ in range(3):
            made.wait_for_orders(10)
            made.broker.kill()
            made.kills["broker"] += 1
            made.planes.check_alive()
            made.broker.start()
        made.wait_for_orders(20)
        assert made.planes.stop() == {"data": 0, "strategy": 0, "order": 130}
        seen = check(made, intents=50)
        with capsys.disabled():
            sys.stdout.write(f"\n{seen}\n")
