"""The report's way into the log: beside the writer, after its death, and fast enough for a day."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bus.behaviour import bodies, everything, opened
from tests.contracts.examples import intent, tick

from algo_trade.bus import EmbeddedBus, EmbeddedLogReader, UnknownTopic
from algo_trade.clock import Clock, SystemIds, run_virtual


def embedded(clock: Clock, place: Path) -> EmbeddedBus:
    return EmbeddedBus(place, clock=clock, ids=SystemIds())


def test_the_reader_sees_what_the_bus_wrote(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with opened(embedded(clock, tmp_path)) as bus:
            for number in range(6_000):
                bus.append("market_events", tick(number), key="SPY")
                if number % 1_000 == 0:
                    await bus.publish("order_intents", intent(number), key="SPY")
            await bus.flush()
            with EmbeddedLogReader(tmp_path) as log:
                for topic, count in (("market_events", 6_000), ("order_intents", 6), ("ofi_events", 0)):
                    assert list(log.replay(topic)) == [
                        record._replace(message=None) for record in await everything(bus.replay(topic))
                    ]
                    assert log.count(topic) == log.head(topic) == count
                    assert log.log_id(topic) == bus.log_id(topic)

    run_virtual(scenario)


def test_the_reader_begins_at_an_offset_or_a_time_and_ends_where_the_log_did(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with opened(embedded(clock, tmp_path)) as bus:
            for topic in ("market_raw", "dlq_order_intents"):
                records = [await bus.publish(topic, b"%d" % number, key=None) for number in range(3)]
                with EmbeddedLogReader(tmp_path) as log:
                    assert bodies(list(log.replay(topic, from_offset=1))) == [b"1", b"2"]
                    assert list(log.replay(topic, from_offset=9)) == []
                    assert len(list(log.replay(topic, from_time_ns=records[0].timestamp_ns))) == 3
                    assert list(log.replay(topic, from_time_ns=clock.now_ns() + 1)) == []
                    seen = []
                    for record in log.replay(topic):
                        seen.append(record.value)
                        await bus.publish(topic, b"later", key=None)
                    assert seen == [b"0", b"1", b"2"]
                    assert log.head(topic) == 6

    run_virtual(scenario)


def test_reading_changes_nothing(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with opened(embedded(clock, tmp_path)) as bus:
            await bus.publish("market_raw", b"", key=None)

    run_virtual(scenario)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with EmbeddedLogReader(tmp_path) as log:
        assert log.count("market_raw") == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name in before} == before


def test_a_topic_nobody_declared_has_no_log(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with opened(embedded(clock, tmp_path)):
            pass

    run_virtual(scenario)
    with EmbeddedLogReader(tmp_path) as log:
        for ask in (log.head, log.count, log.log_id, lambda topic: list(log.replay(topic))):
            with pytest.raises(UnknownTopic):
                ask("nowhere")
