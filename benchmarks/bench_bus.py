"""How many validated events a second one process publishes and consumes over the embedded bus.

Each round does the same 50,000 quotes four ways, one after the other, so that a slow moment of the machine hits all:

    bus            the normaliser's fields → DataPlaneValidator → append → fetch → StrategyPlaneValidator, with the
                   group commits and the last flush inside the time; the validated object is handed over
    bus, bytes     the same with hand_over=False: the consumer parses what was stored
    bus, alone     append, fetch, encode and group commits, of quotes that were validated before the clock started
    baseline       bare pydantic validate and dump, then SQLite executemany in groups of 1,000; nothing reads

Goal: at least 40,000 events/s for the first. Then reading a log back, and single durable publishes.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.measuring import percentiles, spread, verdict

from algo_trade.bus import DataPlaneValidator, EmbeddedBus, EmbeddedLogReader, StrategyPlaneValidator
from algo_trade.clock import VIRTUAL_START_NS, Clock, SystemIds, rng, run_real, utc
from algo_trade.contracts import DataQuality, DataSource, Metadata, TickEvent

ROUNDS = 7
EVENTS = 50_000
PUBLISHES = 500
GOAL = 40_000
_UNITS = {"bytes a record": "bytes", "ratio to baseline": "x"}
_EVENTS_A_TURN = 30  # as many as arrive while the loop is busy with something else
_BASELINE_GROUP = 1_000


def quotes(count: int) -> Iterator[dict[str, Any]]:
    """The fields of seeded quotes in three symbols, a hundredth of a second apart."""
    chance = rng(1, "bench")
    bids = {"SPY": 680.0, "QQQ": 610.0, "IWM": 250.0}
    start = utc(VIRTUAL_START_NS)
    for number in range(count):
        symbol = ("SPY", "QQQ", "IWM")[number % 3]
        bids[symbol] = round(bids[symbol] + chance.choice((-0.01, 0.0, 0.01)), 2)
        yield {
            "symbol": symbol,
            "timestamp": start + timedelta(milliseconds=10 * number),
            "bid": bids[symbol],
            "ask": round(bids[symbol] + 0.01, 2),
            "bid_size": float(chance.randrange(1, 20) * 100),
            "ask_size": float(chance.randrange(1, 20) * 100),
            "data_quality": DataQuality(
                completeness_score=1.0,
                freshness_ms=round(chance.random() * 900, 1),
                source=DataSource.IBKR_REALTIME,
            ),
            "metadata": Metadata(
                producer_id="data-plane", sequence_number=number, session_id="0f8fad5bd9cb469fa165"
            ),
        }


async def through_the_bus(
    clock: Clock, directory: Path, fields: list[dict[str, Any]], *, hand_over: bool, validated_before: bool
) -> float:
    """Events a second from fields (or validated quotes) to the consumer's message, all of it durable."""
    bus = EmbeddedBus(directory, clock=clock, ids=SystemIds(), hand_over=hand_over)
    await bus.open()
    reader = await bus.subscribe(["market_events"])
    border_in, border_out = DataPlaneValidator(), StrategyPlaneValidator()
    ready = [border_in.build(TickEvent, quote) for quote in fields] if validated_before else []

    async def consume() -> None:
        done = 0
        while done < len(fields):
            for record in await reader.fetch():
                border_out.validate(record, TickEvent)
                done += 1

    began = time.perf_counter()
    consumer = asyncio.create_task(consume())
    for number, quote in enumerate(fields):
        tick = ready[number] if validated_before else border_in.build(TickEvent, quote)
        bus.append("market_events", tick, key=tick.symbol)
        if number % _EVENTS_A_TURN == 0:
            await asyncio.sleep(0)
    await consumer
    await bus.flush()
    rate = len(fields) / (time.perf_counter() - began)
    await bus.close()
    return rate


def baseline(directory: Path, fields: list[dict[str, Any]]) -> float:
    """Events a second of pydantic and SQLite alone."""
    connection = sqlite3.connect(directory / "baseline.db", isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE t(key, value)")
    began = time.perf_counter()
    for start in range(0, len(fields), _BASELINE_GROUP):
        group = [TickEvent(**quote) for quote in fields[start : start + _BASELINE_GROUP]]
        rows = [(tick.symbol, tick.model_dump_json(exclude_none=True)) for tick in group]
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
        connection.execute("COMMIT")
    rate = len(fields) / (time.perf_counter() - began)
    connection.close()
    return rate


def read_back(directory: Path) -> tuple[float, float]:
    """Records a second of the report's reader, and bytes on disk a record."""
    began = time.perf_counter()
    with EmbeddedLogReader(directory) as log:
        count = sum(1 for _ in log.replay("market_events"))
    rate = count / (time.perf_counter() - began)
    return rate, sum(path.stat().st_size for path in directory.glob("bus-market.db*")) / count


async def durable_publishes(clock: Clock, directory: Path) -> list[float]:
    """Milliseconds of each `publish` to an order topic: one commit to the disk."""
    bus = EmbeddedBus(directory, clock=clock, ids=SystemIds())
    await bus.open()
    took_ms = []
    for _ in range(PUBLISHES):
        began = time.perf_counter()
        await bus.publish("dlq_order_intents", b"x" * 500, key="756733")
        took_ms.append((time.perf_counter() - began) * 1000)
    await bus.close()
    return took_ms


def main() -> None:
    fields = list(quotes(EVENTS))
    rows: dict[str, list[float]] = {}
    publishes: list[float] = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            results = {"baseline": baseline(place, fields)}
            for label, folder, hand_over, before in (
                ("bus", "objects", True, False),
                ("bus, bytes", "bytes", False, False),
                ("bus, alone", "alone", True, True),
            ):

                def run(
                    clock: Clock, at: Path = place / folder, h: bool = hand_over, b: bool = before
                ) -> Any:
                    return through_the_bus(clock, at, fields, hand_over=h, validated_before=b)

                results[label] = run_real(run)
            results["read back"], results["bytes a record"] = read_back(place / "objects")
            results["ratio to baseline"] = results["bus"] / results["baseline"]
            for label, value in results.items():
                rows.setdefault(label, []).append(value)
            publishes += run_real(lambda clock, at=place / "orders": durable_publishes(clock, at))  # type: ignore[misc]
    print(f"embedded bus, {EVENTS:,} quotes a round, n = {ROUNDS} rounds")
    for label, values in rows.items():
        print(f"  {label:<18} {spread(values, _UNITS.get(label, 'events/s'))}")
    publishes_us = [1000 * taken_ms for taken_ms in publishes]
    print(f"  durable publish    {percentiles(publishes_us, 'us')}, n = {len(publishes_us)}")
    print(f"  bus, events/s      {verdict(statistics.median(rows['bus']), GOAL, at_most=False)}")


if __name__ == "__main__":
    main()
