"""Fifty times what the plan asks for, held: 5,000 validated ticks a second through Kafka, and whether a reader follows.

One process makes ticks, validates and appends them at that rate; this one reads them in a group, validates each and
commits once a second. What is told is the lag, records written and not yet read, sampled every second: a reader that is
too slow shows a lag that grows. HOLD_S shortens the ten minutes.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time

from benchmarks.bench_planes import process
from benchmarks.kafka_broker import broker

from algo_trade.bus import Earliest, KafkaAdapter, StrategyPlaneValidator, Subscription
from algo_trade.bus.kafka_topics import KafkaTopics
from algo_trade.clock import Clock, SystemClock, run_real, utc
from algo_trade.contracts import TickEvent
from algo_trade.settings import KafkaSettings

RATE = 5_000
HOLD_S = int(os.environ.get("HOLD_S", "600"))
_TICK_S = 0.02
_SETTLE_S = 10  # of the start, left out
_PREFIX = "hold."
_KEYS = tuple(str(number) for number in range(100))


def settings() -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"], topic_prefix=_PREFIX)


async def produce(clock: Clock) -> None:
    """RATE ticks a second, until killed."""
    bus = KafkaAdapter(settings(), clock=clock, role="producer")
    await bus.open()
    print("ready", flush=True)
    began, made = time.perf_counter(), 0
    while True:
        await asyncio.sleep(_TICK_S)
        due = int((time.perf_counter() - began) * RATE)
        now = utc(clock.now_ns())
        for number in range(made, due):
            price = 100 + number % 100 / 100
            tick = TickEvent(
                symbol=f"S{number % 100}",
                timestamp=now,
                bid=price,
                ask=price + 0.01,
                bid_size=100,
                ask_size=100,
            )
            bus.append("market_events", tick, key=_KEYS[number % 100])
        made = due
        await bus.drain()


class Reader:
    """Counts what it has validated."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._validator = StrategyPlaneValidator()
        self.read = 0

    async def run(self) -> None:
        next_commit = 0.0
        while records := await self._subscription.fetch():
            for record in records:
                self._validator.validate(record, TickEvent)
            self.read += len(records)
            if time.monotonic() >= next_commit:
                next_commit = time.monotonic() + 1
                newest = {record.partition: record for record in records}
                for record in newest.values():
                    await self._subscription.commit(record)


async def measure(clock: Clock) -> None:
    bus = KafkaAdapter(settings(), clock=clock, role="reader")
    await bus.open()
    reader = Reader(await bus.subscribe(["market_events"], group="hold", start=Earliest()))
    reading = asyncio.create_task(reader.run())
    lags: list[int] = []
    began = time.perf_counter()
    while time.perf_counter() - began < HOLD_S:
        await asyncio.sleep(1)
        lags.append(sum((await bus.head("market_events")).values()) - reader.read)
        if reading.done():
            reading.result()
    elapsed_s = time.perf_counter() - began
    lags = lags[_SETTLE_S:]
    quarter = max(1, len(lags) // 4)
    first, last = statistics.median(lags[:quarter]), statistics.median(lags[-quarter:])
    print(
        f"{reader.read / elapsed_s:,.0f} validated ticks/s read over {elapsed_s:.0f} s, {RATE} a second written"
    )
    print(
        f"  lag, records: first quarter {first:,.0f}, last quarter {last:,.0f}, most {max(lags):,}; n = {len(lags)} s; "
        f"goal no growth (last quarter under a second's records): {'met' if last < RATE else 'MISSED'}"
    )
    reading.cancel()
    await bus.close()


def main() -> None:
    if sys.argv[1:] == ["produce"]:
        run_real(produce)
        return
    with broker() as servers:
        os.environ["KAFKA_BOOTSTRAP_SERVERS"] = servers
        KafkaTopics(settings(), clock=SystemClock()).apply()
        with process("-m", "benchmarks.bench_hold", "produce"):
            run_real(measure)


if __name__ == "__main__":
    main()
