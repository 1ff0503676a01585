"""The embedded bus keeps the port's promises, and a few of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from tests.bus.behaviour import BusBehaviour, Run, bodies, everything, nothing_more, opened, places, read
from tests.contracts.examples import intent, tick

from algo_trade.bus import (
    AtOffsets,
    AtTime,
    Bus,
    BusInUse,
    Earliest,
    EmbeddedBus,
    EmbeddedLogReader,
    GroupTaken,
    OffsetOutOfRange,
)
from algo_trade.bus.store import MARKET_FILE, ORDERS_FILE
from algo_trade.clock import Clock, SeededIds, SystemIds, rng, run_real, run_virtual, utc
from algo_trade.contracts import SessionEvent, SessionEventKind, Severity

HOUR_S = 3600


def embedded(clock: Clock, place: Path, *, hand_over: bool = True) -> AbstractAsyncContextManager[Bus]:
    return opened(EmbeddedBus(place, clock=clock, ids=SystemIds(), hand_over=hand_over))


class TestEmbeddedBus(BusBehaviour):
    def bus(self, clock: Clock, place: Path, *, hand_over: bool = True) -> AbstractAsyncContextManager[Bus]:
        return embedded(clock, place, hand_over=hand_over)


def test_appends_reach_the_file_within_the_group_commit(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        bus = EmbeddedBus(tmp_path, clock=clock, ids=SystemIds(), group_commit_ms=250)
        async with opened(bus):
            bus.append("market_events", tick(), key="SPY")
            bus.append("order_intents", intent(), key="SPY")
            await asyncio.sleep(0.24)
            assert bus.health().producer_queue == 2
            await asyncio.sleep(0.02)
            assert bus.health().producer_queue == 0
            with EmbeddedLogReader(tmp_path) as log:
                assert log.count("market_events") == log.count("order_intents") == 1

    run_virtual(scenario)


def test_what_was_appended_is_in_the_file_when_publish_returns(tmp_path: Path) -> None:
    """Cause before effect, as another process sees it."""

    async def scenario(clock: Clock) -> None:
        async with embedded(clock, tmp_path) as bus:
            for number in range(10):
                bus.append("market_events", tick(number), key="SPY")
                bus.append("dlq_market_events", b"%d" % number, key="SPY")
            with EmbeddedLogReader(tmp_path) as log:
                assert log.count("market_events") == log.count("dlq_market_events") == 0
                await bus.publish("order_intents", intent(), key="SPY")
                assert log.count("market_events") == log.count("dlq_market_events") == 10

    run_virtual(scenario)


def test_a_groups_progress_is_never_durable_before_its_effects(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with embedded(clock, tmp_path) as bus:
            await bus.publish("market_raw", b"cause", key="k")
            await bus.publish("dlq_order_intents", b"cause", key="k")
            market = await bus.subscribe(["market_raw"], group="m", start=Earliest())
            orders = await bus.subscribe(["dlq_order_intents"], group="o", start=Earliest())
            [cause] = await read(market, 1)
            bus.append("session_events", _note(clock), key="s")
            await market.commit(cause)
            assert _groups(tmp_path / MARKET_FILE) == {}
            [cause] = await read(orders, 1)
            bus.append("market_events", tick(), key="SPY")
            await orders.commit(cause)
            with EmbeddedLogReader(tmp_path) as log:
                assert log.count("session_events") == log.count("market_events") == 1
            assert _groups(tmp_path / ORDERS_FILE) == {"o": 1}
            assert _groups(tmp_path / MARKET_FILE) == {"m": 1}

    run_virtual(scenario)


def test_many_records_of_one_turn_are_one_batch(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with embedded(clock, tmp_path) as bus:
            reader = await bus.subscribe(["market_raw"])
            waiting = asyncio.create_task(reader.fetch())
            await asyncio.sleep(0)
            for number in range(100):
                bus.append("market_raw", b"%d" % number, key="k")
            assert len(await waiting) == 100

    run_virtual(scenario)


def test_the_producers_own_object_is_handed_over_live_and_not_from_the_file(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with embedded(clock, tmp_path) as bus:
            reader, message = await bus.subscribe(["market_events"]), tick()
            bus.append("market_events", message, key="SPY")
            assert (await read(reader, 1))[0].message is message
        async with embedded(clock, tmp_path) as bus:
            assert [record.message for record in await everything(bus.replay("market_events"))] == [None]

    run_virtual(scenario)


def test_a_slow_reader_falls_back_to_the_file_and_memory_stays_bounded(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        bus = EmbeddedBus(tmp_path, clock=clock, ids=SystemIds())
        async with opened(bus):
            slow = await bus.subscribe(["market_raw", "dlq_order_intents"])
            for number in range(30_000):
                bus.append("market_raw", b"%d" % number, key=f"{number % 3}")
            for number in range(3_000):
                bus.append("dlq_order_intents", b"%d" % number, key=None)
            assert len(bus._logs["market_raw"].tail) < 11_000
            records = await read(slow, 33_000)
            market = [record for record in records if record.topic == "market_raw"]
            assert bodies(market) == [b"%d" % number for number in range(30_000)]
            assert [record.offset for record in market] == list(range(30_000))
            assert {record.key for record in market} == {"0", "1", "2"}
            assert await nothing_more(slow)

    run_virtual(scenario)


def test_large_records_do_not_stay_in_memory(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        bus = EmbeddedBus(tmp_path, clock=clock, ids=SystemIds())
        async with opened(bus):
            reader = await bus.subscribe(["market_raw"])
            for number in range(100):
                bus.append("market_raw", b"%d" % number * (500_000 if number > 9 else 1_000_000), key="k")
                assert bus._logs["market_raw"].tail_bytes < 50_000_000
            assert [record.offset for record in await read(reader, 100)] == list(range(100))

    run_virtual(scenario)


def test_retention_removes_what_is_old_and_gives_no_offset_again(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with embedded(clock, tmp_path) as bus:
            slow = await bus.subscribe(["market_raw"])
            member = await bus.subscribe(["market_raw"], group="g")
            for number in range(10):
                bus.append("market_raw", b"%d" % number, key="k")
                await bus.publish("dlq_order_intents", b"%d" % number, key="k")
            await member.commit((await read(member, 3))[-1])
            await member.close()
            await asyncio.sleep(8 * HOUR_S + 1)  # market_raw: 8 h
            assert (await bus.enforce_retention()).removed == {"market_raw": 10}
            assert await everything(bus.replay("market_raw")) == []
            assert await bus.head("market_raw") == {0: 10}
            assert (await bus.enforce_retention()).removed == {}
            record = await bus.publish("market_raw", b"new", key="k")
            assert record.offset == 10
            assert places(await read(slow, 1)) == places([record])
            member = await bus.subscribe(["market_raw"], group="g")
            assert places(await read(member, 1)) == places([record])
            assert bus.health().missed == 10 + 7
            from_three = await bus.subscribe(["market_raw"], start=AtOffsets({("market_raw", 0): 3}))
            assert places(await read(from_three, 1)) == places([record])
            await asyncio.sleep(8 * HOUR_S + 1)
            await bus.enforce_retention()
        async with embedded(clock, tmp_path) as bus:
            assert await bus.head("market_raw") == {0: 11}
            assert await everything(bus.replay("market_raw", from_offset=2)) == []
            assert len(await everything(bus.replay("dlq_order_intents"))) == 10
            await asyncio.sleep(7 * 24 * HOUR_S)
            assert (await bus.enforce_retention()).removed == {"dlq_order_intents": 10}
            assert (await bus.publish("dlq_order_intents", b"", key=None)).offset == 10

    run_virtual(scenario)


def test_retention_keeps_the_young_part_of_a_topic(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with embedded(clock, tmp_path) as bus:
            for topic, hours in (("market_raw", 8), ("dlq_order_intents", 7 * 24)):
                for number in range(4):
                    await bus.publish(topic, b"%d" % number, key="k")
                    await asyncio.sleep(hours * HOUR_S / 4)
                await asyncio.sleep(1)
                await bus.enforce_retention()
                assert bodies(await everything(bus.replay(topic))) == [b"1", b"2", b"3"]
                reader = await bus.subscribe([topic], start=Earliest())
                assert (await read(reader, 1))[0].value == b"1"
                with EmbeddedLogReader(tmp_path) as log:
                    assert (log.count(topic), log.head(topic)) == (3, 4)
                    assert [record.offset for record in log.replay(topic)] == [1, 2, 3]

    run_virtual(scenario)


def test_times_in_the_log_never_go_back_though_the_clock_does(tmp_path: Path) -> None:
    class Jumping:
        times = iter((5_000, 3_000, 4_000, 6_000))

        def now_ns(self) -> int:
            return next(self.times)

        def monotonic_ns(self) -> int:
            return 0

    async def scenario(_: Clock) -> None:
        async with opened(EmbeddedBus(tmp_path, clock=Jumping(), ids=SystemIds())) as bus:
            await bus.publish("market_raw", b"0", key=None)
            bus.append("market_raw", b"1", key=None)
        async with opened(EmbeddedBus(tmp_path, clock=Jumping(), ids=SystemIds())) as bus:
            for number in (2, 3):
                bus.append("market_raw", b"%d" % number, key=None)
            times = [record.timestamp_ns for record in await everything(bus.replay("market_raw"))]
            assert times == [5_000, 5_000, 5_000, 6_000]
            reader = await bus.subscribe(["market_raw"], start=AtTime(5_001))
            assert bodies(await read(reader, 1)) == [b"3"]

    run_virtual(scenario)


def test_a_group_has_one_member_here(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with embedded(clock, tmp_path) as bus:
            member = await bus.subscribe(["market_raw", "market_events"], group="g")
            with pytest.raises(GroupTaken, match="market_events"):
                await bus.subscribe(["market_events"], group="g")
            await bus.subscribe(["ofi_events"], group="g")
            await member.close()
            await bus.subscribe(["market_events"], group="g")

    run_virtual(scenario)


def test_one_task_waits_at_a_subscription(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with embedded(clock, tmp_path) as bus:
            reader = await bus.subscribe(["market_raw"])
            waiting = asyncio.create_task(reader.fetch())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="another task"):
                await reader.fetch()
            with pytest.raises(ValueError, match="max_records"):
                await reader.fetch(0)
            bus.append("market_raw", b"", key=None)
            assert len(await waiting) == 1

    run_virtual(scenario)


def test_one_bus_writes_a_directory(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        other = EmbeddedBus(tmp_path, clock=clock, ids=SystemIds())
        async with embedded(clock, tmp_path) as bus:
            with pytest.raises(BusInUse, match="another process"):
                await other.open()
            with pytest.raises(BusInUse, match="already open"):
                await bus.open()
            await bus.publish("market_raw", b"", key=None)
        async with opened(other):
            assert await other.head("market_raw") == {0: 1}

    run_virtual(scenario)


def test_offsets_name_partition_0(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with embedded(clock, tmp_path) as bus:
            with pytest.raises(OffsetOutOfRange):
                await bus.subscribe(["market_raw"], start=AtOffsets({("market_raw", 0): -1}))
            with pytest.raises(OffsetOutOfRange):
                bus.replay("market_raw", from_offset=1)

    run_virtual(scenario)


@pytest.mark.parametrize("run", [run_virtual, run_real])
def test_the_same_seed_names_the_same_logs(tmp_path: Path, run: Run) -> None:
    async def names(clock: Clock, place: Path) -> tuple[str, str]:
        async with opened(EmbeddedBus(place, clock=clock, ids=SeededIds(rng(7, "bus")))) as bus:
            return bus.log_id("market_raw"), bus.log_id("order_intents")

    async def scenario(clock: Clock) -> None:
        first = await names(clock, tmp_path / "a")
        assert first == await names(clock, tmp_path / "b")
        assert first == await names(clock, tmp_path / "a")
        assert len(set(first)) == 2

    run(scenario)


def _note(clock: Clock) -> SessionEvent:
    return SessionEvent(
        timestamp=utc(clock.now_ns()),
        session_id="s-1",
        kind=SessionEventKind.RECONCILED,
        severity=Severity.INFO,
        text="",
    )


def _groups(path: Path) -> dict[str, int]:
    connection = sqlite3.connect(path)
    try:
        return dict(connection.execute("SELECT group_name, next_offset FROM group_offsets"))
    finally:
        connection.close()
