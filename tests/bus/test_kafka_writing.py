"""Writing to Kafka, and a cluster that is away: nothing is lost, nothing is dropped, somebody is told."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from pathlib import Path

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its __init__ has no __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)
from tests.broker import Broker, own_broker
from tests.bus.behaviour import bodies, everything, read
from tests.bus.kafka import TOPICS_HERE, kafka, make_topics, settings_for
from tests.bus.test_kafka_consuming import asked, until

from algo_trade.bus import (
    BusBacklog,
    BusClosed,
    BusUnreachable,
    BusUnusable,
    Earliest,
    KafkaAdapter,
    RecordTooLarge,
)
from algo_trade.bus import kafka_producer as producing
from algo_trade.clock import Clock, run_real
from algo_trade.settings.sections import KafkaSettings

KEYS = "abcdefgh"  # in all partitions


@pytest.fixture
def settings(kafka_servers: str, tmp_path: Path) -> KafkaSettings:
    return settings_for(kafka_servers, tmp_path)


def test_where_no_broker_answers_open_says_where(tmp_path: Path) -> None:
    """Within the patience, and with the addresses it tried."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"

    async def scenario(clock: Clock) -> None:
        bus = KafkaAdapter(settings_for(address, tmp_path, patience_sec=0.5), clock=clock)
        began = asyncio.get_running_loop().time()
        with pytest.raises(BusUnreachable, match=address):
            await bus.open()
        assert asyncio.get_running_loop().time() - began < 5
        assert not bus.health().connected
        with pytest.raises(BusClosed):
            await bus.flush()
        await bus.close()

    run_real(scenario)


def test_missing_topics_and_partitions_are_told_with_the_remedy(settings: KafkaSettings) -> None:
    """All of them at once."""

    async def scenario(clock: Clock) -> None:
        make_topics(settings)
        wanted = TOPICS_HERE | {
            "market_raw": TOPICS_HERE["market_raw"].model_copy(update={"partitions": 8}),
            "exec_reports": TOPICS_HERE["market_raw"].model_copy(update={"name": "exec_reports"}),
        }
        bus = KafkaAdapter(settings, clock=clock, topics=wanted)
        with pytest.raises(BusUnusable, match="algotrade topics apply") as caught:
            await bus.open()
        assert f"{settings.topic_prefix}market_raw has 3 of 8 partitions" in str(caught.value)
        assert f"{settings.topic_prefix}exec_reports does not exist" in str(caught.value)

    run_real(scenario)


def test_a_full_queue_pushes_back_and_loses_nothing(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was refused was not written, what was not refused was written once, in its order."""
    monkeypatch.setattr(producing, "BACKLOG_RECORDS", 200)

    async def scenario(clock: Clock) -> None:
        async with kafka(clock, settings) as bus:
            refusals = 0
            for number in range(3_000):
                try:
                    bus.append("market_raw", b"%d" % number, key="k")
                except BusBacklog:
                    refusals += 1
                    assert bus.health().producer_queue <= 200
                    await bus.drain()
                    bus.append("market_raw", b"%d" % number, key="k")
            assert refusals
            await bus.flush()
            assert bodies(await everything(bus.replay("market_raw"))) == [b"%d" % n for n in range(3_000)]

    run_real(scenario)


def test_publish_returns_after_all_that_was_appended_before(settings: KafkaSettings) -> None:
    """On other topics too, whose records go through another producer."""

    async def scenario(clock: Clock) -> None:
        async with kafka(clock, settings) as bus:
            for turn in range(1, 6):
                for number in range(500):
                    bus.append("market_raw", b"x" * 500, key=KEYS[number % len(KEYS)])
                    bus.append("market_events", b"x" * 500, key=KEYS[number % len(KEYS)])
                await bus.publish("dlq_order_intents", b"effect", key="k")
                assert bus.health().producer_queue == 0
                for topic in ("market_raw", "market_events"):
                    assert sum((await bus.head(topic)).values()) == 500 * turn

    run_real(scenario)


def test_publishes_at_once_keep_the_order_of_their_keys(settings: KafkaSettings) -> None:
    """They wait together, and each gets its own place."""

    async def scenario(clock: Clock) -> None:
        async with kafka(clock, settings) as bus:
            records = await asyncio.gather(
                *(
                    bus.publish("market_raw", b"%d" % number, key=KEYS[number % len(KEYS)])
                    for number in range(400)
                )
            )
            assert bodies(records) == [b"%d" % number for number in range(400)]
            assert len({(record.partition, record.offset) for record in records}) == 400
            replayed = {(r.partition, r.offset): r for r in await everything(bus.replay("market_raw"))}
            assert [replayed[record.partition, record.offset] for record in records] == records

    run_real(scenario)


def test_what_kafka_refuses_hits_the_publish_and_not_the_bus(settings: KafkaSettings) -> None:
    """A topic that was configured smaller than topics.yaml says."""

    async def scenario(clock: Clock) -> None:
        async with kafka(clock, settings) as bus:
            with pytest.raises(RecordTooLarge):
                await bus.publish("market_raw", b"x", key="k", headers=(("h", b"x" * 200_000),))
            client = AdminClient({"bootstrap.servers": settings.bootstrap_servers})
            entry = ConfigEntry("max.message.bytes", "2000", incremental_operation=AlterConfigOpType.SET)
            resource = ConfigResource(
                "TOPIC", settings.topic_prefix + "dlq_order_intents", incremental_configs=[entry]
            )
            await asked(client, lambda: client.incremental_alter_configs([resource]))
            with pytest.raises(RecordTooLarge):
                while True:  # until the broker has heard of it
                    await bus.publish("dlq_order_intents", bytes(range(256)) * 100, key="k")
            assert (await bus.publish("dlq_order_intents", b"small", key="k")).value == b"small"
            bus.append("dlq_order_intents", bytes(range(256)) * 100, key="k")
            # Nobody waits for an append, so its refusal is a gap, and a gap stops the bus.
            with pytest.raises(BusUnusable, match="appended"):
                await bus.flush()
            with pytest.raises(BusUnusable, match="appended"):
                bus.append("market_raw", b"", key=None)
            assert "appended" in (bus.health().trouble or "")
            with pytest.raises(BusUnusable):
                await bus.close()
            await bus.close()

    run_real(scenario)


def test_a_commit_is_not_durable_before_what_was_appended(settings: KafkaSettings) -> None:
    """Else a crash would lose the effect and keep the commit."""

    async def scenario(clock: Clock) -> None:
        async with kafka(clock, settings) as bus:
            await bus.publish("dlq_order_intents", b"cause", key="k")
            reader = await bus.subscribe(["dlq_order_intents"], group="g", start=Earliest())
            [cause] = await read(reader, 1)
            for _ in range(500):
                bus.append("market_raw", b"effect", key="k")
            await reader.commit(cause)
            assert bus.health().producer_queue == 0

    run_real(scenario)


@pytest.mark.slow
def test_a_broker_that_dies_and_comes_back_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Publishes and appends go on by themselves, readers resume, health tells, and each key keeps its order."""

    async def scenario(clock: Clock, broker: Broker) -> None:
        settings = settings_for(broker.servers, tmp_path, patience_sec=60)
        async with kafka(clock, settings) as bus:
            reader = await bus.subscribe(["market_raw"], start=Earliest())
            member = await bus.subscribe(["dlq_order_intents"], group="g", start=Earliest())
            written: dict[str, list[bytes]] = defaultdict(list)
            published: list[bytes] = []
            stop = asyncio.Event()

            async def append() -> None:
                number = 0
                while not stop.is_set():
                    key, value = KEYS[number % len(KEYS)], b"%d" % number
                    try:
                        bus.append("market_raw", value, key=key)
                        written[key].append(value)
                    except BusBacklog:
                        await bus.drain()
                    number += 1
                    await asyncio.sleep(0.001)

            async def publish() -> None:
                while not stop.is_set():
                    value = b"%d" % len(published)
                    await bus.publish("dlq_order_intents", value, key="k")
                    published.append(value)

            tasks = [asyncio.create_task(append()), asyncio.create_task(publish())]
            seen = await read(reader, 100)
            broker.kill()
            await until(lambda: not bus.health().connected)
            before = len(published)
            await asyncio.to_thread(broker.start)
            async with asyncio.timeout(60):
                while len(published) < before + 100:
                    await asyncio.sleep(0.01)
            await until(lambda: bus.health().connected)
            stop.set()
            async with asyncio.timeout(60):
                await asyncio.gather(*tasks)
                await bus.flush()
                total = sum(map(len, written.values()))
                while len(seen) < total:
                    seen += await reader.fetch()
                intents = await read(member, len(published))
                await member.commit(intents[-1])
            by_key: dict[str | None, list[bytes]] = defaultdict(list)
            for record in seen:
                by_key[record.key].append(record.value)
            assert by_key == written
            assert bodies(intents) == published
            assert bodies(await everything(bus.replay("dlq_order_intents"))) == published

    with own_broker(tmp_path / "broker") as broker:
        run_real(lambda clock: scenario(clock, broker))


@pytest.mark.slow
def test_closing_during_an_outage_gives_up_after_the_patience_and_says_so(tmp_path: Path) -> None:
    """With how many records were not taken; an append during the outage is refused only when the queue is full."""

    async def scenario(clock: Clock, broker: Broker) -> None:
        settings = settings_for(broker.servers, tmp_path, patience_sec=2)
        make_topics(settings)
        bus = KafkaAdapter(settings, clock=clock, topics=TOPICS_HERE)
        await bus.open()
        subscription = await bus.subscribe(["market_raw"], group="g", start=Earliest())
        await bus.publish("market_raw", b"before", key="k")
        assert bodies(await read(subscription, 1)) == [b"before"]
        broker.kill()
        for _ in range(10):
            bus.append("market_raw", b"during", key="k")
        with pytest.raises(BusUnreachable, match="10 records"):
            await bus.close()

    with own_broker(tmp_path / "broker") as broker:
        run_real(lambda clock: scenario(clock, broker))
