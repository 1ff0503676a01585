"""From the bytes of a quote to the bytes of the order it causes, through three plane processes and a Kafka broker.

Everything is on: logs, validation, strategy, risk, journal (kill-safe). Held against two raw hops of the same broker in
the same run, since that is what lies between the planes: bytes produced, consumed by another process, produced again
and consumed here, with the settings of the order path and nothing done to them. All processes and the broker share
the machine's cores; nothing is pinned.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.kafka_broker import broker
from benchmarks.measuring import percentiles, spread, verdict
from benchmarks.raw_hops import consumer, producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from algo_trade.bus.kafka_topics import KafkaTopics
from algo_trade.clock import SystemClock
from algo_trade.settings import KafkaSettings

ROUNDS, ORDERS, WARM, PAUSE_MS = 3, 100, 30, 40.0
GOAL = 1.5
_RAW = ("raw-there", "raw-back")
# About what a quote and an intent are, as JSON.
_BYTES = b"x" * 500


@contextmanager
def process(*arguments: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A Python process, once it has said "ready"; killed at the end."""
    made = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
    )
    assert made.stdout is not None
    try:
        if made.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{arguments} did not begin")
        yield made
    finally:
        made.kill()
        made.wait()


def raw_hops_us(servers: str) -> list[float]:
    """Microseconds of two hops, there and back."""
    admin = AdminClient({"bootstrap.servers": servers})
    for future in admin.create_topics([NewTopic(name, 1, 1) for name in _RAW]).values():
        try:
            future.result()
        except Exception as error:  # the second round finds them there
            if "already exists" not in str(error):
                raise
    there, back = _RAW
    taken = []
    with process("-m", "benchmarks.raw_hops", servers, there, back):
        reader, writer = consumer(servers, back), producer(servers)
        for _ in range(ORDERS + WARM):
            began = time.perf_counter_ns()
            writer.produce(there, _BYTES)
            writer.poll(0)
            message: Any = None
            while message is None or message.error() is not None:
                message = reader.poll(5.0)
            taken.append((time.perf_counter_ns() - began) / 1000)
            time.sleep(PAUSE_MS / 1000)
        writer.flush(5)
        reader.close()
    return taken[WARM:]


def planes_us(servers: str, prefix: str) -> list[float]:
    """Microseconds from quote to order."""
    kafka = {"KAFKA_BOOTSTRAP_SERVERS": servers, "KAFKA_TOPIC_PREFIX": prefix}
    settings = KafkaSettings(bootstrap_servers=servers, topic_prefix=prefix)
    KafkaTopics(settings, clock=SystemClock()).apply()
    gateway = ("-m", "benchmarks.measuring_gateway", str(ORDERS + WARM), str(PAUSE_MS), "-1")
    served = subprocess.Popen([sys.executable, *gateway], stdout=subprocess.PIPE, text=True)
    assert served.stdout is not None
    try:
        address = json.loads(served.stdout.readline())
        with tempfile.TemporaryDirectory() as place:
            where = (place, address["host"], str(address["port"]))
            plane = ("-m", "benchmarks.pinging_plane")
            # The one that quotes last: the gateway begins when it is subscribed to.
            with (
                process(*plane, "order", *where, env=kafka),
                process(*plane, "strategy", *where, env=kafka),
                process(*plane, "data", *where, env=kafka),
            ):
                line = served.stdout.readline()
        if not line:
            raise RuntimeError("the gateway gave up: an order did not come")
        return [ns / 1000 for ns in json.loads(line)["ns"][WARM:]]
    finally:
        served.kill()
        served.wait()


def main() -> None:
    raw: list[float] = []
    ours: list[float] = []
    ratios: list[float] = []
    with broker() as servers:
        for number in range(ROUNDS):
            hops = raw_hops_us(servers)
            planes = planes_us(servers, f"bench-{number}.")
            raw += hops
            ours += planes
            ratios.append(statistics.median(planes) / statistics.median(hops))
    print(f"quote bytes in → order bytes out over three processes, {ROUNDS} rounds of {ORDERS}")
    print(f"  three planes  {percentiles(ours, 'us')}, n = {len(ours)}")
    print(f"  two raw hops  {percentiles(raw, 'us')}, n = {len(raw)}")
    print(f"  ratio of p50  {spread(ratios, 'x')}; {verdict(statistics.median(ratios), GOAL, at_most=True)}")


if __name__ == "__main__":
    main()
