"""What every bus must do: the promises of `algo_trade.bus.port`, as tests.

An implementation inherits `BusBehaviour` and says how to open a bus. Nothing here knows of a partition number, of a
file, or of when a record becomes visible beyond what the port promises: readers wait for what they are owed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from tests.contracts.examples import intent, tick

from algo_trade.bus import (
    MAX_LETTER_BYTES,
    MAX_RECORD_BYTES,
    AtOffsets,
    AtTime,
    BadRecord,
    Bus,
    BusClosed,
    DeadLetterOffice,
    Earliest,
    Latest,
    OffsetOutOfRange,
    Record,
    RecordTooLarge,
    StrategyPlaneValidator,
    Subscription,
    UnknownTopic,
    read_dead_letter,
)
from algo_trade.clock import Clock, run_real, run_virtual
from algo_trade.contracts import TickEvent

Run = Callable[[Callable[[Clock], Awaitable[None]]], None]

PATIENCE_S = 30  # far beyond any bus's slowness; a promise not kept shall fail and not hang
LETTERS = ("a", "b", "c", "ä", None)


async def read(reader: Subscription, count: int, max_records: int = 500) -> list[Record]:
    """The next `count` records."""
    records: list[Record] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(records) < count:
            records += await reader.fetch(min(max_records, count - len(records)))
    return records


async def nothing_more(reader: Subscription) -> bool:
    """Whether the reader has nothing to read, now and in a while."""
    try:
        async with asyncio.timeout(0.2):
            await reader.fetch()
    except TimeoutError:
        return True
    return False


async def everything(records: AsyncIterator[Record]) -> list[Record]:
    return [record async for record in records]


def bodies(records: Sequence[Record]) -> list[bytes]:
    return [record.value for record in records]


def places(records: Sequence[Record]) -> list[tuple[str, int, int]]:
    return [(record.topic, record.partition, record.offset) for record in records]


def by_key(records: Sequence[Record]) -> dict[str | None, list[bytes]]:
    grouped: dict[str | None, list[bytes]] = defaultdict(list)
    for record in records:
        grouped[record.key].append(record.value)
    return dict(grouped)


class BusBehaviour:
    """Inherit, and say how a bus is opened."""

    def bus(self, clock: Clock, place: Path, *, hand_over: bool = True) -> AbstractAsyncContextManager[Bus]:
        """An open bus on the log at `place`, which is made if it is new; closed at the end."""
        raise AssertionError("the implementation's suite says how")

    @pytest.fixture(params=["virtual", "real"])
    def run(self, request: pytest.FixtureRequest) -> Run:
        return cast(Run, run_virtual if request.param == "virtual" else run_real)

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "log"

    # -- writing and reading -------------------------------------------------------------------------
    def test_what_is_published_is_read_by_subscribers_and_by_replay(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                reader = await bus.subscribe(["order_intents"])
                before_ns = clock.now_ns()
                record = await bus.publish("order_intents", intent(1), key="756733")
                assert record.value == intent(1).encode()
                assert (record.topic, record.key) == ("order_intents", "756733")
                assert before_ns // 10**6 <= record.timestamp_ns // 10**6 <= clock.now_ns() // 10**6
                [seen] = await read(reader, 1)
                [replayed] = await everything(bus.replay("order_intents"))
                for other in (seen, replayed):
                    assert other._replace(message=None) == record._replace(message=None)

        run(scenario)

    def test_keys_headers_and_bytes_come_back_as_they_were(self, run: Run, place: Path) -> None:
        headers = (("name", b"\x00\xff"), ("name", b"again"), ("größe", b""))
        written = [(b"\x00\xff", None, ()), (b"", "", headers), (b"{}", "ключ", headers[:1])]

        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                for topic in ("market_raw", "dlq_order_intents"):
                    for value, key, extra in written:
                        bus.append(topic, value, key=key, headers=extra)
                        await bus.publish(topic, value, key=key, headers=extra)
            async with self.bus(clock, place) as bus:
                for topic in ("market_raw", "dlq_order_intents"):
                    records = await everything(bus.replay(topic))
                    assert sorted((r.value, r.key or "", r.headers) for r in records) == sorted(
                        (value, key or "", extra) for value, key, extra in written for _ in range(2)
                    )
                    assert {r.key for r in records} == {None, "", "ключ"}

        run(scenario)

    def test_each_key_is_read_in_the_order_of_writing(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            written: dict[str | None, list[bytes]] = defaultdict(list)
            async with self.bus(clock, place) as bus:
                reader = await bus.subscribe(["market_raw"])
                for number in range(600):
                    key, value = LETTERS[number * 7 % 5], b"%d" % number
                    written[key].append(value)
                    if number % 50 == 0:
                        await bus.publish("market_raw", value, key=key)
                    else:
                        bus.append("market_raw", value, key=key)
                # Who has no key has no order either.
                live, replayed = (
                    by_key(await read(reader, 600)),
                    by_key(await everything(bus.replay("market_raw"))),
                )
                assert sorted(live.pop(None)) == sorted(replayed.pop(None)) == sorted(written.pop(None))
                assert live == replayed == written

        run(scenario)

    def test_offsets_grow_within_a_partition_and_a_key_stays_in_its_own(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            records = []
            for _ in range(2):
                async with self.bus(clock, place) as bus:
                    for number in range(20):
                        records.append(
                            await bus.publish("order_intents", intent(number), key=f"{number % 4}")
                        )
            offsets, partitions = defaultdict(list), defaultdict(set)
            for record in records:
                offsets[record.partition].append(record.offset)
                partitions[record.key].add(record.partition)
            assert all(given == sorted(set(given)) for given in offsets.values())
            assert all(len(found) == 1 for found in partitions.values())

        run(scenario)

    def test_appended_is_seen_at_once_and_kept_after_flush_or_close(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                reader = await bus.subscribe(["market_events"])
                for number in range(30):
                    bus.append("market_events", tick(number), key="SPY")
                assert bodies(await read(reader, 30)) == [tick(number).encode() for number in range(30)]
                await bus.flush()
                assert bus.health().producer_queue == 0
                bus.append("market_events", tick(30), key="SPY")
            async with self.bus(clock, place) as bus:
                replayed = await everything(bus.replay("market_events"))
                assert bodies(replayed) == [tick(number).encode() for number in range(31)]

        run(scenario)

    def test_a_producer_that_drains_is_never_refused(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                for number in range(20_000):
                    bus.append("market_raw", b"x" * 100, key="k")
                    if number % 100 == 0:
                        await bus.drain()
                await bus.flush()
                assert sum((await bus.head("market_raw")).values()) == 20_000

        run(scenario)

    # -- fetch ---------------------------------------------------------------------------------------
    def test_fetch_waits_for_a_record(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                reader = await bus.subscribe(["market_raw", "order_intents"])
                waiting = asyncio.create_task(read(reader, 1))
                await asyncio.sleep(0.05)
                assert not waiting.done()
                bus.append("market_raw", b"late", key=None)
                assert bodies(await waiting) == [b"late"]

        run(scenario)

    def test_fetch_gives_no_more_than_asked_for(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                for number in range(25):
                    bus.append("market_raw", b"%d" % number, key="k")
                await bus.flush()
                reader = await bus.subscribe(["market_raw"], start=Earliest())
                seen: list[bytes] = []
                async with asyncio.timeout(PATIENCE_S):
                    while len(seen) < 25:
                        batch = await reader.fetch(10)
                        assert 1 <= len(batch) <= 10
                        seen += bodies(batch)
                assert seen == [b"%d" % number for number in range(25)]

        run(scenario)

    def test_a_cancelled_fetch_loses_nothing(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                reader = await bus.subscribe(["market_raw"])
                for number in range(5):
                    waiting = asyncio.create_task(reader.fetch())
                    await asyncio.sleep(0)
                    bus.append("market_raw", b"%d" % number, key="k")
                    await asyncio.sleep(0)
                    if not waiting.done():
                        waiting.cancel()
                        await asyncio.wait([waiting])
                    if not waiting.cancelled():
                        assert bodies(waiting.result()) == [b"%d" % number]
                    else:
                        assert bodies(await read(reader, 1)) == [b"%d" % number]

        run(scenario)

    def test_closing_ends_a_waiting_fetch_and_every_later_one(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                reader, other = await bus.subscribe(["market_raw"]), await bus.subscribe(["market_raw"])
                waiting = asyncio.create_task(reader.fetch())
                with_the_bus = asyncio.create_task(other.fetch())
                await asyncio.sleep(0.01)
                await reader.close()
                await reader.close()
                async with asyncio.timeout(PATIENCE_S):
                    assert await waiting == ()
                    assert await reader.fetch() == ()
            async with asyncio.timeout(PATIENCE_S):
                assert await with_the_bus == ()

        run(scenario)

    def test_a_busy_topic_does_not_starve_a_quiet_one(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                for number in range(5_000):
                    bus.append("market_raw", b"%d" % number, key="k")
                await bus.publish("order_intents", intent(1), key="k")
                reader = await bus.subscribe(["market_raw", "order_intents"], start=Earliest())
                assert "order_intents" in {record.topic for record in await read(reader, 2_000, 100)}

        run(scenario)

    # -- where readers start -------------------------------------------------------------------------
    def test_a_reader_starts_where_it_is_told(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                first = [await bus.publish("market_raw", b"%d" % number, key="k") for number in range(3)]
                await asyncio.sleep(0.05)
                middle_ns = clock.now_ns()
                await asyncio.sleep(0.05)
                second = [await bus.publish("market_raw", b"%d" % number, key="k") for number in range(3, 6)]
                place_of = {("market_raw", second[1].partition): second[1].offset}
                end = await bus.subscribe(["market_raw"], start=Latest())
                for start, owed in (
                    (Earliest(), first + second),
                    (AtOffsets(place_of), second[1:]),
                    (AtOffsets({}), first + second),
                    (AtTime(middle_ns), second),
                    (AtTime(0), first + second),
                ):
                    reader = await bus.subscribe(["market_raw"], start=start)
                    assert places(await read(reader, len(owed))) == places(owed), start
                    assert await nothing_more(reader), start
                later = await bus.subscribe(["market_raw"], start=AtTime(clock.now_ns() + 10**12))
                new = await bus.publish("market_raw", b"new", key="k")
                assert places(await read(end, 1)) == places(await read(later, 1)) == places([new])

        run(scenario)

    def test_a_position_the_log_never_reached_is_refused(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                record = await bus.publish("market_raw", b"only", key="k")
                beyond = AtOffsets({("market_raw", record.partition): record.offset + 2})
                with pytest.raises(OffsetOutOfRange):
                    async with asyncio.timeout(PATIENCE_S):
                        await (await bus.subscribe(["market_raw"], start=beyond)).fetch()

        run(scenario)

    def test_a_reader_that_keeps_its_own_offset_goes_on_there(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            seen: list[bytes] = []
            kept: dict[tuple[str, int], int] = {}
            for turn in range(4):
                async with self.bus(clock, place) as bus:
                    for number in range(turn * 10, turn * 10 + 10):
                        bus.append("market_raw", b"%d" % number, key="k")
                    reader = await bus.subscribe(["market_raw"], start=AtOffsets(kept))
                    seen += bodies(await read(reader, 7))
                    kept = reader.position()
            assert seen == [b"%d" % number for number in range(28)]

        run(scenario)

    # -- groups --------------------------------------------------------------------------------------
    @pytest.mark.parametrize("topic", ["market_raw", "dlq_order_intents"])
    def test_a_group_resumes_after_what_it_committed(self, run: Run, place: Path, topic: str) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                for number in range(10):
                    await bus.publish(topic, b"%d" % number, key="k")
                reader = await bus.subscribe([topic], group="g", start=Earliest())
                records = await read(reader, 8)
                await reader.commit(records[4])
                await reader.commit(records[2])  # never backwards
                await reader.close()
                again = await bus.subscribe(
                    [topic], group="g", start=Latest()
                )  # the commit decides, not the start
                assert bodies(await read(again, 5)) == [b"5", b"6", b"7", b"8", b"9"]
            async with self.bus(clock, place) as bus:
                reader = await bus.subscribe([topic], group="g")
                assert bodies(await read(reader, 5)) == [b"5", b"6", b"7", b"8", b"9"]
                await reader.commit(records[6])
            async with self.bus(clock, place) as bus:
                assert bodies(await read(await bus.subscribe([topic], group="g"), 3)) == [b"7", b"8", b"9"]

        run(scenario)

    def test_groups_know_nothing_of_one_another(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                for number in range(4):
                    await bus.publish("market_raw", b"%d" % number, key="k")
                one = await bus.subscribe(["market_raw"], group="one", start=Earliest())
                two = await bus.subscribe(["market_raw"], group="two", start=Earliest())
                await one.commit((await read(one, 4))[-1])
                assert bodies(await read(two, 4)) == [b"0", b"1", b"2", b"3"]

        run(scenario)

    def test_only_what_was_fetched_in_a_group_can_be_committed(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                for number in range(3):
                    await bus.publish("market_raw", b"%d" % number, key="k")
                loner = await bus.subscribe(["market_raw"], start=Earliest())
                records = await read(loner, 3)
                with pytest.raises(BadRecord):
                    await loner.commit(records[0])
                member = await bus.subscribe(["market_raw"], group="g", start=Earliest())
                await read(member, 1)
                with pytest.raises(BadRecord):
                    await member.commit(records[2])
                with pytest.raises(BadRecord):
                    await member.commit(records[0]._replace(topic="ofi_events"))

        run(scenario)

    def test_health_tells_each_groups_lag(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                reader = await bus.subscribe(["market_raw"], group="g", start=Earliest())
                for number in range(10):
                    await bus.publish("market_raw", b"%d" % number, key="k")
                records = await read(reader, 10)
                assert bus.health().connected
                assert sum(lag.lag for lag in bus.health().groups if lag.group == "g") == 10
                await reader.commit(records[6])
                assert sum(lag.lag for lag in bus.health().groups if lag.group == "g") == 3
                await reader.commit(records[9])
                assert sum(lag.lag for lag in bus.health().groups if lag.group == "g") == 0

        run(scenario)

    # -- replay --------------------------------------------------------------------------------------
    def test_replay_is_what_the_log_held_when_asked_and_ends(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                for number in range(1_200):
                    bus.append("market_raw", b"%d" % number, key="k")
                await bus.flush()
                replay = bus.replay("market_raw")
                seen = []
                async for record in replay:
                    seen.append(record)
                    bus.append("market_raw", b"later", key="k")
                assert bodies(seen) == [b"%d" % number for number in range(1_200)]
                assert await everything(bus.replay("ofi_events")) == []

        run(scenario)

    def test_replay_begins_at_an_offset_or_a_time(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                records = []
                for number in range(6):
                    records.append(await bus.publish("market_raw", b"%d" % number, key="k"))
                    await asyncio.sleep(0.01)
                at = records[3]
                for replay in (
                    bus.replay("market_raw", from_offset=at.offset),
                    bus.replay("market_raw", from_time_ns=at.timestamp_ns),
                    bus.replay("market_raw", from_offset=records[1].offset, from_time_ns=at.timestamp_ns),
                    bus.replay("market_raw", from_offset=at.offset, from_time_ns=0),
                ):
                    assert places(await everything(replay)) == places(records[3:])
                assert await everything(bus.replay("market_raw", from_time_ns=clock.now_ns() + 10**12)) == []

        run(scenario)

    def test_the_same_log_gives_the_same_records(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                for number in range(300):
                    bus.append("market_events", tick(number), key=LETTERS[number % 5])
                name = bus.log_id("market_events")
                await bus.flush()
                first = await everything(bus.replay("market_events"))
            async with self.bus(clock, place) as bus:
                again = await everything(bus.replay("market_events"))
                assert [record._replace(message=None) for record in first] == again
                assert bus.log_id("market_events") == name
            async with self.bus(clock, place.with_name("another")) as bus:
                assert bus.log_id("market_events") != name

        run(scenario)

    # -- what the reader gets ------------------------------------------------------------------------
    @pytest.mark.parametrize("hand_over", [True, False])
    def test_objects_handed_over_and_bytes_parsed_are_the_same(
        self, run: Run, place: Path, hand_over: bool
    ) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place, hand_over=hand_over) as bus:
                reader = await bus.subscribe(["market_events"])
                for number in range(20):
                    bus.append("market_events", tick(number), key="SPY")
                records = await read(reader, 20)
            if not hand_over:
                assert all(record.message is None for record in records)
            validator = StrategyPlaneValidator()
            assert [validator.validate(record, TickEvent) for record in records] == [
                tick(n) for n in range(20)
            ]
            assert bodies(records) == [tick(number).encode() for number in range(20)]

        run(scenario)

    # -- refusals ------------------------------------------------------------------------------------
    def test_what_cannot_be_a_record_is_refused_and_leaves_no_trace(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                too_large = b"x" * (MAX_RECORD_BYTES + 1)
                for topic, message, key, error in (
                    ("nowhere", b"", "k", UnknownTopic),
                    ("market_raw", too_large, "k", RecordTooLarge),
                    ("order_intents", tick(), "k", BadRecord),
                    ("market_raw", "text", "k", BadRecord),
                    ("market_raw", None, "k", BadRecord),
                    ("market_raw", b"", "\ud800", BadRecord),
                ):
                    with pytest.raises(error):
                        bus.append(topic, message, key=key)  # type: ignore[arg-type]
                    with pytest.raises(error):
                        await bus.publish(topic, message, key=key)  # type: ignore[arg-type]
                with pytest.raises(BadRecord):
                    bus.append("market_raw", b"", key=None, headers=(("h", "text"),))  # type: ignore[arg-type]
                assert (
                    sum((await bus.head("market_raw")).values())
                    == sum((await bus.head("order_intents")).values())
                    == 0
                )
                await bus.publish("market_raw", too_large[1:], key="k")
                [record] = await everything(bus.replay("market_raw"))
                assert len(record.value) == MAX_RECORD_BYTES

        run(scenario)

    def test_a_dead_letter_holds_what_was_too_large_for_its_topic(self, run: Run, place: Path) -> None:
        """Others may write as much as the broker lets in; it goes aside, whole, and the partition goes on."""

        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                whole = b"x" * MAX_LETTER_BYTES
                foreign = Record("order_intents", 1, 7, "k", whole, clock.now_ns(), (("h", b"theirs"),))
                await DeadLetterOffice(bus).send(foreign, ("too large",), "OrderPlaneValidator")
                [letter] = await everything(bus.replay("dlq_order_intents"))
                assert read_dead_letter(letter).value == whole
                with pytest.raises(RecordTooLarge):
                    await bus.publish("dlq_order_intents", whole + b"x", key="k")

        run(scenario)

    def test_a_topic_nobody_declared_cannot_be_read(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                for topics in (["nowhere"], ["market_raw", "nowhere"], []):
                    with pytest.raises(UnknownTopic):
                        await bus.subscribe(topics)
                with pytest.raises(UnknownTopic):
                    await everything(bus.replay("nowhere"))
                with pytest.raises(UnknownTopic):
                    await bus.head("nowhere")
                with pytest.raises(UnknownTopic):
                    bus.log_id("nowhere")

        run(scenario)

    def test_a_closed_bus_says_so(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                await bus.publish("market_raw", b"", key=None)
            await bus.close()  # twice is once
            assert not bus.health().connected
            with pytest.raises(BusClosed):
                bus.append("market_raw", b"", key=None)
            with pytest.raises(BusClosed):
                await bus.publish("market_raw", b"", key=None)
            with pytest.raises(BusClosed):
                await bus.flush()
            with pytest.raises(BusClosed):
                await bus.drain()
            with pytest.raises(BusClosed):
                await bus.subscribe(["market_raw"])
            with pytest.raises(BusClosed):
                await bus.enforce_retention()

        run(scenario)

    def test_retention_keeps_what_is_young(self, run: Run, place: Path) -> None:
        async def scenario(clock: Clock) -> None:
            async with self.bus(clock, place) as bus:
                record = await bus.publish("market_raw", b"young", key="k")
                await bus.enforce_retention()
                assert places(await everything(bus.replay("market_raw"))) == places([record])

        run(scenario)


@asynccontextmanager
async def opened(bus: Bus) -> AsyncIterator[Bus]:
    """The bus, open inside the block."""
    await bus.open()
    try:
        yield bus
    finally:
        await bus.close()
