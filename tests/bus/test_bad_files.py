"""Files that are not what was written, disks that are full, locks that are held: a named error, and nothing lost."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.bus.behaviour import bodies, everything, opened, read
from tests.contracts.examples import tick

from algo_trade.bus import (
    BusBacklog,
    BusBusy,
    BusClosed,
    BusCorrupt,
    BusError,
    BusFull,
    BusStop,
    BusUnusable,
    Earliest,
    EmbeddedBus,
    EmbeddedLogReader,
)
from algo_trade.bus.store import MARKET_FILE, ORDERS_FILE
from algo_trade.clock import Clock, SystemIds, run_virtual

FILES = pytest.mark.parametrize("name", [MARKET_FILE, ORDERS_FILE])
TOPIC_IN = {MARKET_FILE: "market_raw", ORDERS_FILE: "dlq_order_intents"}


def written(place: Path, count: int = 400) -> None:
    """A closed log with `count` records in one topic of each file."""

    async def scenario(clock: Clock) -> None:
        async with opened(EmbeddedBus(place, clock=clock, ids=SystemIds())) as bus:
            for number in range(count):
                for topic in TOPIC_IN.values():
                    bus.append(topic, b"%d " % number * 20, key="k")
                if number % 100 == 0:
                    await bus.flush()

    run_virtual(scenario)


def read_all(place: Path, topic: str) -> list[bytes]:
    """Through a bus, and the same through the report's reader."""

    async def scenario(clock: Clock) -> list[bytes]:
        async with opened(EmbeddedBus(place, clock=clock, ids=SystemIds())) as bus:
            return bodies(await everything(bus.replay(topic)))

    values = run_virtual(scenario)
    with EmbeddedLogReader(place) as log:
        assert bodies(list(log.replay(topic))) == values
    return values


def assert_told_or_whole(place: Path, name: str) -> None:
    try:
        values = read_all(place, TOPIC_IN[name])
    except BusStop as error:
        assert name in str(error)
    else:
        assert values == [b"%d " % number * 20 for number in range(400)]


@FILES
@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"not a database, and long enough to have the header of one" * 40, BusCorrupt),
        (b"SQLite format 3\x00" + b"\x00" * 4000, BusCorrupt),
        (b"\xff" * 17, BusCorrupt),
    ],
    ids=["text", "header only", "short"],
)
def test_a_file_that_is_no_log_is_refused(
    tmp_path: Path, name: str, content: bytes, error: type[BusError]
) -> None:
    written(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=name):
        read_all(tmp_path, TOPIC_IN[name])
    with pytest.raises(error, match=name):
        EmbeddedLogReader(tmp_path)
    assert (tmp_path / name).read_bytes() == content  # what is left of it is somebody's evidence


@FILES
def test_another_programs_database_is_refused(tmp_path: Path, name: str) -> None:
    connection = sqlite3.connect(tmp_path / name)
    connection.execute("CREATE TABLE recipes(name TEXT)")
    connection.close()
    with pytest.raises(BusCorrupt, match="not a log of this program"):
        read_all(tmp_path, TOPIC_IN[name])


@FILES
def test_another_versions_log_is_refused(tmp_path: Path, name: str) -> None:
    written(tmp_path)
    _change(tmp_path / name, "PRAGMA user_version=99")
    with pytest.raises(BusUnusable, match="another version"):
        read_all(tmp_path, TOPIC_IN[name])


@FILES
def test_a_file_without_its_name_is_refused(tmp_path: Path, name: str) -> None:
    written(tmp_path)
    _change(tmp_path / name, "DELETE FROM about")
    with pytest.raises(BusCorrupt, match="log_id"):
        read_all(tmp_path, TOPIC_IN[name])


def test_a_place_that_cannot_hold_a_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BusUnusable, match="file"):
        read_all(tmp_path / "file" / "log", "market_raw")
    (tmp_path / MARKET_FILE).mkdir()
    with pytest.raises(BusUnusable, match=MARKET_FILE):
        read_all(tmp_path, "market_raw")


def test_a_lock_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bus.lock").write_bytes(b"not ours " * 1000)
    with pytest.raises(BusCorrupt, match=r"bus\.lock"):
        read_all(tmp_path, "market_raw")


def test_a_report_on_nothing_says_so_and_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(BusUnusable, match="no such log"):
        EmbeddedLogReader(tmp_path)
    assert list(tmp_path.iterdir()) == []


@FILES
@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_byte_is_an_error_and_never_another_record(tmp_path: Path, name: str, seed: int) -> None:
    """Or it lay where nothing was written, and then everything is there."""
    written(tmp_path)
    path, chance = tmp_path / name, random.Random(seed)
    content = bytearray(path.read_bytes())
    for _ in range(3):
        content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
    path.write_bytes(content)
    assert_told_or_whole(tmp_path, name)


@FILES
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.6, 0.9])
def test_a_file_cut_short_is_an_error_and_never_a_shorter_log(tmp_path: Path, name: str, kept: float) -> None:
    written(tmp_path)
    path = tmp_path / name
    content = path.read_bytes()
    path.write_bytes(content[: 4096 + int(kept * (len(content) - 4096))])
    assert_told_or_whole(tmp_path, name)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (MARKET_FILE, "DELETE FROM blocks WHERE first_offset = (SELECT max(first_offset) / 2 FROM blocks)"),
        (MARKET_FILE, "DELETE FROM blocks WHERE first_offset BETWEEN 1 AND 150"),
        (MARKET_FILE, "UPDATE blocks SET last_offset = last_offset - 1"),
        (MARKET_FILE, "UPDATE blocks SET blob = x'28b52ffd'"),
        (MARKET_FILE, "UPDATE blocks SET blob = x''"),
        (MARKET_FILE, "UPDATE blocks SET blob = substr(blob, 1, length(blob) - 5)"),
        (ORDERS_FILE, "DELETE FROM records WHERE offset = 200"),
        (ORDERS_FILE, "UPDATE records SET value = x'00' WHERE offset = 7"),
        (ORDERS_FILE, "UPDATE records SET key = 'other' WHERE offset = 7"),
        (ORDERS_FILE, 'UPDATE records SET headers = \'[["h", ""]]\' WHERE offset = 7'),
    ],
)
def test_damage_inside_is_told_where_it_is(tmp_path: Path, name: str, damage: str) -> None:
    written(tmp_path)
    changed = _change(tmp_path / name, damage)
    if changed:
        with pytest.raises(BusCorrupt, match=TOPIC_IN[name]):
            read_all(tmp_path, TOPIC_IN[name])
        with EmbeddedLogReader(tmp_path) as log, pytest.raises(BusCorrupt, match=TOPIC_IN[name]):
            list(log.replay(TOPIC_IN[name]))


@pytest.mark.parametrize("seed", range(12))
def test_a_torn_write_ahead_log_leaves_a_prefix(tmp_path: Path, seed: int) -> None:
    """What SIGKILL or a power cut leaves in the WAL: whole transactions up to somewhere, garbage after."""
    alive, torn, chance = tmp_path / "alive", tmp_path / "torn", random.Random(seed)

    async def scenario(clock: Clock) -> None:
        async with opened(EmbeddedBus(alive, clock=clock, ids=SystemIds())) as bus:
            for number in range(200):
                for topic in TOPIC_IN.values():
                    bus.append(topic, b"%d " % number * 20, key="k")
                if number % 7 == 0:
                    await bus.flush()
            torn.mkdir()
            for name in (MARKET_FILE, ORDERS_FILE):
                shutil.copy(alive / name, torn / name)
                wal = bytearray((alive / f"{name}-wal").read_bytes())
                cut = chance.randrange(4096 * 8, len(wal))
                garbage = chance.randbytes(chance.choice((0, 24, 4120)))
                (torn / f"{name}-wal").write_bytes(bytes(wal[:cut]) + garbage)

    run_virtual(scenario)
    for topic in TOPIC_IN.values():
        values = read_all(torn, topic)
        assert values == [b"%d " % number * 20 for number in range(len(values))]
        assert len(values) in {0, 200, *range(1, 200, 7)}


# -- disks and locks ---------------------------------------------------------------------------------


def _limit(bus: EmbeddedBus, pages: int) -> None:
    """The file may grow by this many pages of 4 KiB and no more: SQLite's own "disk full"."""
    for store in (bus.check().market, bus.check().orders):
        connection = store._table.file.connection
        used = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={used + pages}")


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(tmp_path: Path) -> None:
    noise = random.Random(1)

    async def scenario(clock: Clock) -> None:
        bus = EmbeddedBus(tmp_path, clock=clock, ids=SystemIds())
        async with opened(bus):
            reader = await bus.subscribe(["market_raw", "dlq_order_intents"])
            _limit(bus, 4)
            appended = [noise.randbytes(1000) for _ in range(50)]
            for value in appended:
                bus.append("market_raw", value, key="k")
            with pytest.raises(BusFull, match="disk is full"):
                await bus.flush()
            with pytest.raises(BusFull):
                await bus.publish("dlq_order_intents", b"refused", key="k")
            assert bus.health().producer_queue == 50
            assert "disk is full" in (bus.health().trouble or "")
            assert await bus.head("dlq_order_intents") == {0: 0}
            await asyncio.sleep(10)  # the timer tries, fails, and tries again
            assert bus.health().producer_queue == 50
            _limit(bus, 100_000)
            await asyncio.sleep(1.1)
            assert bus.health().producer_queue == 0
            assert bus.health().trouble is None
            assert (await bus.publish("dlq_order_intents", b"taken", key="k")).offset == 0
            assert sorted(bodies(await read(reader, 51))) == sorted([*appended, b"taken"])
        async with opened(EmbeddedBus(tmp_path, clock=clock, ids=SystemIds())) as again:
            assert bodies(await everything(again.replay("market_raw"))) == appended
            assert bodies(await everything(again.replay("dlq_order_intents"))) == [b"taken"]

    run_virtual(scenario)


def test_a_disk_full_for_long_pushes_back(tmp_path: Path) -> None:
    noise = random.Random(1)

    async def scenario(clock: Clock) -> None:
        bus = EmbeddedBus(tmp_path, clock=clock, ids=SystemIds())
        await bus.open()
        _limit(bus, 2)
        with pytest.raises(BusBacklog, match="disk is full"):
            for _ in range(1_000_000):
                bus.append("market_raw", noise.randbytes(10_000), key="k")
        with pytest.raises(BusFull):
            await bus.drain()
        with pytest.raises(BusFull):
            await bus.close()  # it says that records are lost, and lets go all the same
        assert not bus.health().connected

    run_virtual(scenario)


def test_a_held_file_delays_a_publish_only_when_it_has_to(tmp_path: Path) -> None:
    """A publish goes to the file ahead; only once a group commit has failed does the next one say so."""

    async def scenario(clock: Clock) -> None:
        bus = EmbeddedBus(tmp_path, clock=clock, ids=SystemIds())
        async with opened(bus):
            for store in (bus.check().market, bus.check().orders):
                store._table.file.connection.execute("PRAGMA busy_timeout=1")
            other = sqlite3.connect(tmp_path / ORDERS_FILE, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            assert (await bus.publish("dlq_order_intents", b"0", key=None)).offset == 0
            with pytest.raises(BusBusy, match=ORDERS_FILE):
                await bus.flush()
            with pytest.raises(BusBusy, match=ORDERS_FILE):
                await bus.publish("dlq_order_intents", b"", key=None)
            with EmbeddedLogReader(tmp_path) as log:
                assert bodies(list(log.replay("dlq_order_intents"))) == [b"0"]
            other.execute("ROLLBACK")
            other.close()
            assert (await bus.publish("dlq_order_intents", b"1", key=None)).offset == 1
            assert bus.health().trouble is None
            assert bodies(await everything(bus.replay("dlq_order_intents"))) == [b"0", b"1"]

    run_virtual(scenario)


def test_a_file_lost_in_mid_session_stops_everybody(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        bus = EmbeddedBus(tmp_path, clock=clock, ids=SystemIds())
        async with opened(bus):
            reader = await bus.subscribe(["market_events"])
            waiting = asyncio.create_task(reader.fetch())
            await asyncio.sleep(0)
            bus.check().orders._table.file.connection.execute("DROP TABLE records")
            actions: list[Callable[[], object]] = [
                lambda: bus.append("market_events", tick(), key="SPY"),
                lambda: bus.replay("market_events"),
            ]
            await bus.publish("dlq_order_intents", b"", key=None)
            await asyncio.sleep(2)  # the group commit meets it
            with pytest.raises(BusStop, match=ORDERS_FILE):
                await bus.publish("dlq_order_intents", b"", key=None)
            with pytest.raises(BusStop, match=ORDERS_FILE):
                await waiting
            for action in actions:
                with pytest.raises(BusStop, match=ORDERS_FILE):
                    action()
            with pytest.raises(BusStop, match=ORDERS_FILE):
                await bus.subscribe(["market_events"], start=Earliest())
            with pytest.raises(BusStop, match=ORDERS_FILE):
                await bus.flush()
            assert not bus.health().connected
        with pytest.raises(BusClosed):
            await bus.flush()

    run_virtual(scenario)


def _change(path: Path, sql: str) -> int:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(sql).rowcount
    finally:
        connection.close()
