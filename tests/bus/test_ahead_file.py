"""The file ahead of the databases: a publish rests on it, so it is killed, cut, filled up and damaged here."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bus.behaviour import bodies, everything, opened
from tests.contracts.examples import intent, tick

from algo_trade.bus import BusCorrupt, BusFull, BusUnusable, EmbeddedBus, EmbeddedLogReader, Record
from algo_trade.bus.ahead_file import AheadFile, read_ahead
from algo_trade.bus.store import AHEAD_FILE
from algo_trade.clock import Clock, SystemIds, run_virtual

TOPICS = ("market_events", "order_intents")


def published(place: Path, copy: Path, count: int = 5) -> None:
    """A log in which quotes were appended and intents published, copied as a kill would leave it."""

    async def scenario(clock: Clock) -> None:
        async with opened(EmbeddedBus(place, clock=clock, ids=SystemIds())) as bus:
            for number in range(count):
                bus.append("market_events", tick(number), key="SPY")
                await bus.publish("order_intents", intent(number), key="SPY", headers=(("h", b"\0"),))
            shutil.copytree(place, copy)

    run_virtual(scenario)


def told(place: Path) -> dict[str, list[Record]]:
    """Through the report's reader and, after that, through a bus: both have to tell the same."""
    with EmbeddedLogReader(place) as log:
        read = {topic: list(log.replay(topic)) for topic in TOPICS}
        assert {topic: log.head(topic) for topic in TOPICS} == {topic: len(read[topic]) for topic in TOPICS}

    async def scenario(clock: Clock) -> None:
        async with opened(EmbeddedBus(place, clock=clock, ids=SystemIds())) as bus:
            for topic in TOPICS:
                assert await everything(bus.replay(topic)) == read[topic]

    run_virtual(scenario)
    return read


def test_what_was_published_survives_without_a_group_commit(tmp_path: Path) -> None:
    published(tmp_path / "log", tmp_path / "killed")
    assert (tmp_path / "killed" / AHEAD_FILE).stat().st_size > 0
    read = told(tmp_path / "killed")
    assert bodies(read["order_intents"]) == [intent(number).encode() for number in range(5)]
    assert bodies(read["market_events"]) == [tick(number).encode() for number in range(5)]
    assert {record.headers for record in read["order_intents"]} == {(("h", b"\0"),)}
    assert (tmp_path / "killed" / AHEAD_FILE).stat().st_size == 0


def test_a_crash_between_the_databases_and_the_emptying_doubles_nothing(tmp_path: Path) -> None:
    published(tmp_path / "log", tmp_path / "killed")
    ahead = (tmp_path / "killed" / AHEAD_FILE).read_bytes()
    first = told(tmp_path / "killed")
    (tmp_path / "killed" / AHEAD_FILE).write_bytes(ahead)
    assert told(tmp_path / "killed") == first


def test_an_end_in_order_leaves_it_empty(tmp_path: Path) -> None:
    published(tmp_path / "log", tmp_path / "killed")
    assert (tmp_path / "log" / AHEAD_FILE).stat().st_size == 0
    assert len(told(tmp_path / "log")["order_intents"]) == 5


def test_a_write_cut_short_at_any_byte_loses_only_what_was_not_acknowledged(tmp_path: Path) -> None:
    published(tmp_path / "log", tmp_path / "killed", 3)
    whole = (tmp_path / "killed" / AHEAD_FILE).read_bytes()
    records = read_ahead(tmp_path / "killed" / AHEAD_FILE)
    assert [record.topic for record in records] == ["market_events", "order_intents"] * 3
    path = tmp_path / "cut"
    seen = set()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        kept = read_ahead(path)
        assert kept == records[: len(kept)]
        seen.add(len(kept))
    assert seen == {0, 2, 4, 6}  # a batch comes whole or not at all
    path.write_bytes(whole + bytes(100))  # the file grew, and nothing came
    assert read_ahead(path) == records


def test_a_flipped_byte_anywhere_is_told(tmp_path: Path) -> None:
    published(tmp_path / "log", tmp_path / "killed", 2)
    whole = (tmp_path / "killed" / AHEAD_FILE).read_bytes()
    path = tmp_path / "flipped"
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        with pytest.raises(BusCorrupt, match="damaged at byte"):
            read_ahead(path)


def test_databases_older_than_the_file_are_told(tmp_path: Path) -> None:
    """Its first record follows theirs, or something is missing."""
    published(tmp_path / "log", tmp_path / "killed")
    published(tmp_path / "other", tmp_path / "other-killed", 1)
    records = read_ahead(tmp_path / "killed" / AHEAD_FILE)
    (tmp_path / "other-killed" / AHEAD_FILE).unlink()
    file = AheadFile(tmp_path / "other-killed" / AHEAD_FILE, power_safe=False)
    file.write(records[4:])
    file.close()
    with pytest.raises(BusCorrupt, match="goes on at offset 2, but the log ends at 0"):
        run_virtual(lambda clock: EmbeddedBus(tmp_path / "other-killed", clock=clock, ids=SystemIds()).open())


def test_a_full_disk_takes_back_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite = os.pwrite

    async def scenario(clock: Clock) -> None:
        async with opened(EmbeddedBus(tmp_path, clock=clock, ids=SystemIds())) as bus:
            await bus.publish("dlq_order_intents", b"0", key=None)
            with monkeypatch.context() as disk:
                disk.setattr(os, "pwrite", lambda file, data, at: pwrite(file, data[: len(data) // 2], at))
                with pytest.raises(BusFull, match="disk is full"):
                    await bus.publish("dlq_order_intents", b"refused", key=None)
            assert await bus.head("dlq_order_intents") == {0: 1}
            assert len(read_ahead(tmp_path / AHEAD_FILE)) == 1
            assert (await bus.publish("dlq_order_intents", b"1", key=None)).offset == 1
            assert bodies(await everything(bus.replay("dlq_order_intents"))) == [b"0", b"1"]

    run_virtual(scenario)


@pytest.mark.parametrize("power_safe", [True, False])
def test_a_publish_waits_for_the_disk_when_it_is_to_be_power_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, power_safe: bool
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)

    async def scenario(clock: Clock) -> None:
        bus = EmbeddedBus(tmp_path, clock=clock, ids=SystemIds(), power_safe=power_safe)
        async with opened(bus):
            for number in range(3):
                await bus.publish("order_intents", intent(number), key="SPY")
        assert len(synced) == (3 if power_safe else 0)

    run_virtual(scenario)


def test_a_failed_sync_stops_the_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows then what the disk holds."""

    def failing(_file: int) -> None:
        raise OSError(5, "Input/output error")

    async def scenario(clock: Clock) -> None:
        async with opened(EmbeddedBus(tmp_path, clock=clock, ids=SystemIds())) as bus:
            monkeypatch.setattr(os, "fdatasync", failing)
            with pytest.raises(BusUnusable, match="Input/output error"):
                await bus.publish("order_intents", intent(), key="SPY")
            with pytest.raises(BusUnusable, match="Input/output error"):
                bus.append("market_events", tick(), key="SPY")

    run_virtual(scenario)


def test_publishes_alone_reach_the_databases_with_the_group_commit(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with opened(EmbeddedBus(tmp_path, clock=clock, ids=SystemIds())) as bus:
            await bus.publish("order_intents", intent(), key="SPY")
            assert len(read_ahead(tmp_path / AHEAD_FILE)) == 1
            await asyncio.sleep(1.1)
            assert read_ahead(tmp_path / AHEAD_FILE) == []

    run_virtual(scenario)


_names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    st.lists(
        st.builds(
            Record,
            topic=_names,
            partition=st.just(0),
            offset=st.integers(0, 2**63 - 1),
            key=st.none() | _names,
            value=st.binary(max_size=200),
            timestamp_ns=st.integers(0, 2**63 - 1),
            headers=st.lists(st.tuples(_names, st.binary(max_size=20)), max_size=3).map(tuple),
            message=st.none(),
        ),
        max_size=5,
    )
)
def test_any_record_comes_back(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> None:
    path = tmp_path_factory.mktemp("ahead") / "file"
    file = AheadFile(path, power_safe=False)
    file.write(records)
    file.write(records[:1])
    file.close()
    assert read_ahead(path) == [*records, *records[:1]]
