"""Reading from Kafka: what foreigners wrote, positions that are gone, and readers that do not keep up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from tests.bus.behaviour import PATIENCE_S, bodies, everything, nothing_more, read
from tests.bus.kafka import kafka, settings_for

from algo_trade.bus import AtOffsets, BusClosed, Earliest, Invalid, OffsetOutOfRange, StrategyPlaneValidator
from algo_trade.bus import kafka_consumer as consuming
from algo_trade.clock import Clock, run_real
from algo_trade.contracts import TickEvent
from algo_trade.settings.sections import KafkaSettings


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition, as long as a bus may take."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.01)


async def asked(client: AdminClient, ask: Callable[[], dict[Any, Any]]) -> None:
    """The admin client's answer, without holding up the loop."""
    for future in ask().values():
        await asyncio.wrap_future(future)


async def delete_before(settings: KafkaSettings, topic: str, partition: int, offset: int) -> None:
    """What retention does."""
    client = AdminClient({"bootstrap.servers": settings.bootstrap_servers})
    place = TopicPartition(settings.topic_prefix + topic, partition, offset)
    await asked(client, lambda: client.delete_records([place]))


@pytest.fixture
def settings(kafka_servers: str, tmp_path: Path) -> KafkaSettings:
    return settings_for(kafka_servers, tmp_path)


def run(settings: KafkaSettings, scenario: Callable[..., Awaitable[None]]) -> None:
    """The scenario, with an open bus."""

    async def main(clock: Clock) -> None:
        async with kafka(clock, settings) as bus:
            await scenario(bus)

    run_real(main)


def test_what_a_foreign_producer_wrote_reaches_the_reader(settings: KafkaSettings) -> None:
    """No body, a key that is not text, a header without value, more than any bus of ours takes: none stops a reader."""

    async def scenario(bus: Any) -> None:
        reader = await bus.subscribe(["market_raw"], start=Earliest())
        topic = settings.topic_prefix + "market_raw"
        producer = Producer(
            {"bootstrap.servers": settings.bootstrap_servers, "message.max.bytes": 4_000_000, "linger.ms": 0}
        )
        producer.produce(topic, None, key=b"k", partition=0)
        producer.produce(topic, b"1", key=b"\xff\xfe", partition=0, headers=[("h", None)])
        producer.produce(topic, b"x" * 3_000_000, key=b"k", partition=0)
        producer.produce(topic, b"last", partition=0)
        assert producer.flush(PATIENCE_S) == 0
        empty, odd, large, last = await read(reader, 4)
        assert (empty.value, empty.key) == (b"", "k")
        assert (odd.value, odd.key, odd.headers) == (b"1", "\ufffd\ufffd", (("h", b""),))
        assert len(large.value) == 3_000_000
        assert (last.value, last.key) == (b"last", None)
        with pytest.raises(Invalid, match="at most 1048576"):
            StrategyPlaneValidator().validate(large, TickEvent)
        # A dead letter carries the key of what it is about, so that key must be one that can be written.
        await bus.publish("dlq_order_intents", odd.value, key=odd.key, headers=odd.headers)

    run(settings, scenario)


def test_a_group_whose_place_retention_removed_goes_on_at_the_oldest(settings: KafkaSettings) -> None:
    """And health counts what it missed."""

    async def scenario(bus: Any) -> None:
        records = [await bus.publish("market_raw", b"%d" % number, key="k") for number in range(8)]
        partition = records[0].partition
        reader = await bus.subscribe(["market_raw"], group="g", start=Earliest())
        await reader.commit((await read(reader, 2))[-1])
        await reader.close()
        await delete_before(settings, "market_raw", partition, 5)
        again = await bus.subscribe(["market_raw"], group="g")
        assert bodies(await read(again, 3)) == [b"5", b"6", b"7"]
        assert bus.health().missed == 3
        loner = await bus.subscribe(["market_raw"], start=AtOffsets({("market_raw", partition): 4}))
        assert bodies(await read(loner, 3)) == [b"5", b"6", b"7"]
        assert bus.health().missed == 4
        assert bodies(await everything(bus.replay("market_raw"))) == [b"5", b"6", b"7"]

    run(settings, scenario)


def test_a_group_that_committed_beyond_the_end_is_refused(settings: KafkaSettings) -> None:
    """As after the topic was made anew: to start somewhere else is for a person to decide."""

    async def scenario(bus: Any) -> None:
        record = await bus.publish("market_raw", b"only", key="k")
        client = AdminClient({"bootstrap.servers": settings.bootstrap_servers})
        place = TopicPartition(settings.topic_prefix + "market_raw", record.partition, 99)
        group = ConsumerGroupTopicPartitions(settings.topic_prefix + "g", [place])
        await asked(client, lambda: client.alter_consumer_group_offsets([group]))
        reader = await bus.subscribe(["market_raw"], group="g", start=Earliest())
        with pytest.raises(OffsetOutOfRange):
            await read(reader, 1)

    run(settings, scenario)


@pytest.mark.parametrize("start", [-1, 3])
def test_an_offset_outside_the_log_is_refused_at_once(settings: KafkaSettings, start: int) -> None:
    """Also a negative one, which to Kafka's clients means something else."""

    async def scenario(bus: Any) -> None:
        record = await bus.publish("market_raw", b"only", key="k")
        with pytest.raises(OffsetOutOfRange):
            await bus.subscribe(["market_raw"], start=AtOffsets({("market_raw", record.partition): start}))
        with pytest.raises(OffsetOutOfRange):
            await everything(bus.replay("market_raw", from_offset=start))

    run(settings, scenario)


def test_a_reader_that_does_not_fetch_holds_a_bounded_number_of_records(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its partitions are paused, and it loses nothing when it goes on."""
    monkeypatch.setattr(consuming, "AHEAD_RECORDS", 300)
    monkeypatch.setattr(consuming, "_CROSSING_RECORDS", 100)

    async def scenario(bus: Any) -> None:
        reader = await bus.subscribe(["market_raw"], start=Earliest())
        thread = reader.shares[0].reader
        for number in range(6_000):
            bus.append("market_raw", b"%d" % number, key="k")
        await bus.flush()
        await until(lambda: thread._paused)
        assert thread._handed_records <= 400
        assert await nothing_more(await bus.subscribe(["market_raw"]))  # a while
        assert thread._handed_records <= 400
        assert bodies(await read(reader, 6_000)) == [b"%d" % number for number in range(6_000)]

    run(settings, scenario)


def test_replay_merges_partitions_by_time(settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one of them runs ahead of the others and is held."""
    monkeypatch.setattr("algo_trade.bus.kafka_replay._HELD_RECORDS", 40)
    monkeypatch.setattr("algo_trade.bus.kafka_replay._GO_ON_RECORDS", 10)

    async def scenario(bus: Any) -> None:
        for number in range(3_000):
            bus.append("market_raw", b"%d" % number, key="abcdefgh"[number % 8])
            if number % 10 == 0:
                await asyncio.sleep(0.001)
        await bus.flush()
        first = await everything(bus.replay("market_raw"))
        assert len({record.partition for record in first}) == 3
        order = [(record.timestamp_ns, record.partition, record.offset) for record in first]
        assert order == sorted(order)
        assert len(first) == 3_000
        assert await everything(bus.replay("market_raw")) == first

    run(settings, scenario)


def test_a_replay_left_early_lets_its_consumer_go(settings: KafkaSettings) -> None:
    """Whoever has seen enough breaks off."""

    async def scenario(bus: Any) -> None:
        for number in range(100):
            bus.append("market_raw", b"%d" % number, key="k")
        await bus.flush()
        replay = bus.replay("market_raw")
        assert (await anext(replay)).value == b"0"
        await replay.aclose()

    run(settings, scenario)


def test_closing_the_bus_ends_a_replay(settings: KafkaSettings) -> None:
    """With the reason, as every call on a closed bus."""

    async def scenario(bus: Any) -> None:
        for number in range(2_000):
            bus.append("market_raw", b"%d" % number, key="k")
        await bus.flush()
        replay = bus.replay("market_raw")
        assert (await anext(replay)).value == b"0"
        await bus.close()
        with pytest.raises(BusClosed):
            await everything(replay)

    run(settings, scenario)
