"""SIGKILL in the middle of writing: nothing acknowledged is lost, no offset is missing, none is given twice."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bus.behaviour import everything, opened
from tests.bus.writer_process import GROUP, MARKET_TOPIC, ORDER_TOPIC, body

from algo_trade.bus import EmbeddedBus, EmbeddedLogReader
from algo_trade.clock import Clock, SystemIds, run_real

ROOT = Path(__file__).resolve().parents[2]
KILLS = 8


@dataclass
class Acknowledged:
    """What the writer was told is safe: how many records of each topic, and where the group resumes."""

    orders: int = 0
    market: int = 0
    committed: int = 0

    def hear(self, line: str) -> None:
        match line.split():
            case ["published", offset, appended]:
                self.orders = max(self.orders, int(offset) + 1)
                self.market = max(self.market, int(appended))
            case ["flushed", appended]:
                self.market = max(self.market, int(appended))
            case ["committed", offset]:
                self.committed = max(self.committed, int(offset))


def write_and_kill(place: Path, seed: int, acknowledged: Acknowledged) -> None:
    """Let a process write on, kill it after some acknowledgements, and hear all that it still said."""
    lines_before_the_kill = random.Random(seed).randrange(1, 150)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bus.writer_process", str(place), str(seed)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        for _ in range(lines_before_the_kill):
            line = process.stdout.readline()
            assert line, "the writer ended by itself"
            acknowledged.hear(line)
        process.kill()
        for line in process.stdout:
            if line.endswith("\n"):
                acknowledged.hear(line)


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    acknowledged, log_ids = Acknowledged(), set()
    for seed in range(KILLS):
        write_and_kill(tmp_path, seed, acknowledged)
        with EmbeddedLogReader(
            tmp_path
        ) as log:  # first as the report would find it, with nobody's recovery before
            for topic, safe in ((MARKET_TOPIC, acknowledged.market), (ORDER_TOPIC, acknowledged.orders)):
                records = list(log.replay(topic))
                assert len(records) == log.count(topic) == log.head(topic) >= safe
                assert [record.offset for record in records] == list(range(len(records)))
                assert all(record.value == body(record.offset) for record in records)
                times = [record.timestamp_ns for record in records]
                assert times == sorted(times)
                log_ids.add((topic, log.log_id(topic)))
        if seed % 3 == 2:
            run_real(lambda clock: reopen(clock, tmp_path, acknowledged))
    assert acknowledged.orders > 50
    assert acknowledged.market > 500
    assert acknowledged.committed > 0
    assert len(log_ids) == 2


async def reopen(clock: Clock, place: Path, acknowledged: Acknowledged) -> None:
    """As the next session would: all is there, and the group resumes where it was told or later, never beyond."""
    async with opened(EmbeddedBus(place, clock=clock, ids=SystemIds())) as bus:
        records = await everything(bus.replay(ORDER_TOPIC))
        resumed = (await bus.subscribe([ORDER_TOPIC], group=GROUP)).position()[ORDER_TOPIC, 0]
        assert acknowledged.committed <= resumed <= len(records)
        assert (await bus.head(MARKET_TOPIC))[0] >= acknowledged.market
        again = await bus.publish(ORDER_TOPIC, body(len(records)), key="k")
        assert again.offset == len(records)
