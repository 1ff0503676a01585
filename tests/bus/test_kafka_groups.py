"""Consumer groups on Kafka: who has which partition, and that nothing is lost between two owners."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.bus.behaviour import PATIENCE_S, bodies, read
from tests.bus.kafka import kafka, settings_for
from tests.bus.test_kafka_consuming import until

from algo_trade.bus import (
    Bus,
    BusBusy,
    BusClosed,
    BusInUse,
    Earliest,
    GroupTaken,
    Latest,
    Record,
    Start,
    Subscription,
)
from algo_trade.clock import Clock, run_real
from algo_trade.settings.sections import KafkaSettings

KEYS = "abcdefgh"  # in all three partitions


@pytest.fixture
def settings(kafka_servers: str, tmp_path: Path) -> KafkaSettings:
    return settings_for(kafka_servers, tmp_path)


class Member:
    """Fetches and commits in the background; `seen` is what it has done."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.seen: list[Record] = []
        self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while records := await self.subscription.fetch(50):
            self.seen += records
            for record in _last_of_each_partition(records):
                try:
                    await self.subscription.commit(record)
                except BusBusy:
                    continue  # the partition has gone to the other, who reads it again
                except BusClosed:
                    return  # closed between a record and its commit

    async def close(self) -> None:
        await self.subscription.close()
        await self._task


def _last_of_each_partition(records: Sequence[Record]) -> list[Record]:
    return list({record.partition: record for record in records}.values())


async def write(bus: Bus, numbers: range) -> None:
    for number in numbers:
        bus.append("market_raw", b"%d" % number, key=KEYS[number % len(KEYS)])
    await bus.flush()


def test_members_share_partitions_and_lose_nothing_on_the_way(settings: KafkaSettings) -> None:
    """One has everything until another joins; what either had committed by then is not seen again."""

    async def scenario(clock: Clock) -> None:
        async with kafka(clock, settings, "one") as one, kafka(clock, settings, "two") as two:
            first = Member(await one.subscribe(["market_raw"], group="g", start=Earliest()))
            await write(one, range(400))
            await until(lambda: len(first.seen) == 400)
            assert len(first.subscription.position()) == 3
            second = Member(await two.subscribe(["market_raw"], group="g", start=Earliest()))
            await until(lambda: 1 <= len(second.subscription.position()) <= 2)
            await write(one, range(400, 800))
            await until(lambda: len(first.seen) + len(second.seen) >= 800)
            assert second.seen
            assert Counter(bodies(first.seen + second.seen)) == Counter(b"%d" % n for n in range(800))
            lags = [*one.health().groups, *two.health().groups]
            assert sorted(lag.partition for lag in lags) == [0, 1, 2]
            await until(lambda: not any(lag.lag for lag in (*one.health().groups, *two.health().groups)))
            await first.close()
            await second.close()

    run_real(scenario)


@pytest.mark.parametrize("start", [Earliest(), Latest()])
def test_nothing_unread_is_skipped_when_a_second_member_comes(settings: KafkaSettings, start: Start) -> None:
    """Together they read everything that was written since the group began."""

    async def scenario(clock: Clock) -> None:
        async with kafka(clock, settings, "one") as one, kafka(clock, settings, "two") as two:
            first = await one.subscribe(["market_raw"], group="g", start=start)
            await until(lambda: len(first.position()) == 3)
            await write(one, range(80))
            second = await two.subscribe(["market_raw"], group="g", start=start)
            await until(lambda: 1 <= len(second.position()) <= 2)
            members = [Member(first), Member(second)]
            await write(one, range(80, 160))
            await until(
                lambda: (
                    {*bodies(members[0].seen), *bodies(members[1].seen)} == {b"%d" % n for n in range(160)}
                )
            )
            for member in members:
                await member.close()

    run_real(scenario)


@pytest.mark.slow
def test_a_member_that_left_is_taken_over_within_the_session_timeout(settings: KafkaSettings) -> None:
    """Its partitions wait ten seconds for it, then go to the other, from its last commit."""

    async def scenario(clock: Clock) -> None:
        async with kafka(clock, settings, "one") as one, kafka(clock, settings, "two") as two:
            first = Member(await one.subscribe(["market_raw"], group="g", start=Earliest()))
            second = Member(await two.subscribe(["market_raw"], group="g", start=Earliest()))
            await until(lambda: bool(first.subscription.position()) and bool(second.subscription.position()))
            await write(one, range(400))
            await until(lambda: len(first.seen) + len(second.seen) >= 400)
            await first.close()
            await write(one, range(400, 800))
            await until(
                lambda: {*bodies(first.seen), *bodies(second.seen)} == {b"%d" % n for n in range(800)}
            )
            assert len(second.subscription.position()) == 3
            await second.close()

    run_real(scenario)


def test_a_second_process_of_the_same_name_puts_the_first_one_out(settings: KafkaSettings) -> None:
    """Two order planes by mistake: the older one stops, and says why."""

    async def scenario(clock: Clock) -> None:
        async with kafka(clock, settings) as one, kafka(clock, settings) as two:
            first = await one.subscribe(["market_raw"], group="g", start=Earliest())
            await until(lambda: len(first.position()) == 3)
            second = await two.subscribe(["market_raw"], group="g", start=Earliest())
            with pytest.raises(BusInUse):
                async with asyncio.timeout(PATIENCE_S):
                    await first.fetch()
            await write(two, range(10))
            assert len(await read(second, 10)) == 10

    run_real(scenario)


def test_one_bus_reads_a_topic_once_in_a_group(settings: KafkaSettings) -> None:
    """Both would have one name."""

    async def scenario(clock: Clock) -> None:
        async with kafka(clock, settings) as bus:
            reader = await bus.subscribe(["market_raw"], group="g")
            with pytest.raises(GroupTaken):
                await bus.subscribe(["ofi_events", "market_raw"], group="g")
            await reader.close()
            await bus.subscribe(["market_raw"], group="g")

    run_real(scenario)


def test_health_tells_the_lag_of_a_reader_that_does_not_read(settings: KafkaSettings) -> None:
    """What somebody else wrote, too, within a second or so."""

    async def scenario(clock: Clock) -> None:
        async with kafka(clock, settings, "one") as one, kafka(clock, settings, "two") as two:
            reader = await one.subscribe(["market_raw"], group="g", start=Latest())
            await until(lambda: len(reader.position()) == 3)
            await write(two, range(90))
            await until(lambda: sum(lag.lag for lag in one.health().groups) == 90)
            assert {lag.committed for lag in one.health().groups} == {None}
            assert {lag.group for lag in one.health().groups} == {"g"}

    run_real(scenario)


def test_many_commits_at_once_are_one_after_the_other_for_the_broker(settings: KafkaSettings) -> None:
    """Commits that wait are sent together, and each returns when its own is done."""

    async def scenario(clock: Clock) -> None:
        async with kafka(clock, settings) as bus:
            reader = await bus.subscribe(["market_raw"], group="g", start=Earliest())
            await write(bus, range(500))
            records = await read(reader, 500)
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(*(reader.commit(record) for record in records))
            assert sum(lag.lag for lag in bus.health().groups) == 0
            await reader.close()
            await bus.publish("market_raw", b"next", key="a")
            again = await bus.subscribe(["market_raw"], group="g")
            assert bodies(await read(again, 1)) == [b"next"]

    run_real(scenario)
