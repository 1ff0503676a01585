"""Any sequence of writing, reading, committing, waiting and restarting, against a list."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bus.behaviour import bodies, everything

from algo_trade.bus import (
    AtOffsets,
    AtTime,
    Bus,
    Earliest,
    EmbeddedBus,
    EmbeddedLogReader,
    Record,
    Subscription,
)
from algo_trade.bus.blocks import pack, unpack
from algo_trade.clock import Clock, SystemIds, run_virtual

TOPICS = ("market_raw", "dlq_order_intents")
Step = tuple[str, int]

steps = st.lists(
    st.tuples(
        st.sampled_from(("append", "publish", "flush", "wait", "fetch", "commit", "reopen", "subscribe")),
        st.integers(0, 40),
    ),
    max_size=40,
)


@dataclass
class Model:
    """What a bus with one topic must look like."""

    written: list[tuple[bytes, str]] = field(default_factory=list)
    times_ns: list[int] = field(default_factory=list)
    fetched: list[Record] = field(default_factory=list)
    position: int = 0
    committed: int = 0


@settings(max_examples=60, deadline=None)
@given(steps=steps, topic=st.sampled_from(TOPICS))
def test_a_bus_is_a_list_with_readers(steps: list[Step], topic: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        run_virtual(lambda clock: _act(clock, Path(directory), topic, steps))


async def _act(clock: Clock, place: Path, topic: str, steps: list[Step]) -> None:
    model, bus = Model(), await _opened(clock, place)
    reader = await bus.subscribe([topic], group="g", start=Earliest())
    for action, number in [*steps, ("reopen", 0)]:
        if action in ("append", "publish"):
            value, key = b"%d" % len(model.written) * number, f"{number % 3}"
            model.written.append((value, key))
            model.times_ns.append(clock.now_ns())
            if action == "append":
                bus.append(topic, value, key=key)
            else:
                await bus.publish(topic, value, key=key)
        elif action == "flush":
            await bus.flush()
        elif action == "wait":
            await asyncio.sleep(number / 10)
        elif action == "fetch" and model.position < len(model.written):
            batch = await reader.fetch(1 + number)
            model.fetched += batch
            model.position += len(batch)
        elif action == "commit" and model.fetched:
            record = model.fetched[number % len(model.fetched)]
            await reader.commit(record)
            model.committed = max(model.committed, record.offset + 1)
        elif action in ("reopen", "subscribe"):
            if action == "reopen":
                await bus.close()
                _check_from_outside(place, topic, model)
                bus = await _opened(clock, place)
            else:
                await reader.close()
            reader = await bus.subscribe([topic], group="g", start=Earliest())
            model.position = model.committed
            model.fetched = [record for record in model.fetched if record.offset < model.committed]
        await _check(bus, reader, topic, model)
    await bus.close()


async def _opened(clock: Clock, place: Path) -> Bus:
    bus = EmbeddedBus(place, clock=clock, ids=SystemIds())
    await bus.open()
    return bus


async def _check(bus: Bus, reader: Subscription, topic: str, model: Model) -> None:
    records = await everything(bus.replay(topic))
    assert [(record.value, record.key) for record in records] == model.written
    assert [record.offset for record in records] == list(range(len(records)))
    assert reader.position() == {(topic, 0): model.position}
    assert await bus.head(topic) == {0: len(model.written)}
    lag = {group.group: group.lag for group in bus.health().groups}["g"]
    assert lag == len(model.written) - model.committed
    middle = len(records) // 2
    for at in {0, middle, len(records)}:
        assert bodies(await everything(bus.replay(topic, from_offset=at))) == bodies(records[at:])
        assert (await bus.subscribe([topic], start=AtOffsets({(topic, 0): at}))).position() == {
            (topic, 0): at
        }
    if records:
        time_ns = model.times_ns[middle]
        first = next(index for index, written in enumerate(model.times_ns) if written >= time_ns)
        assert bodies(await everything(bus.replay(topic, from_time_ns=time_ns))) == bodies(records[first:])
        assert (await bus.subscribe([topic], start=AtTime(time_ns))).position() == {(topic, 0): first}
        assert await everything(bus.replay(topic, from_time_ns=model.times_ns[-1] + 1)) == []


def _check_from_outside(place: Path, topic: str, model: Model) -> None:
    with EmbeddedLogReader(place) as log:
        assert [(record.value, record.key) for record in log.replay(topic)] == model.written
        assert log.head(topic) == log.count(topic) == len(model.written)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
headers = st.lists(st.tuples(texts, st.binary(max_size=8)), max_size=3).map(tuple)


@given(
    rows=st.lists(
        st.tuples(st.none() | texts, st.binary(max_size=200), st.integers(0, 2**60), headers),
        min_size=1,
        max_size=60,
    ),
    first_offset=st.integers(0, 2**50),
)
def test_a_block_gives_back_what_was_packed(
    rows: list[tuple[str | None, bytes, int, tuple[tuple[str, bytes], ...]]], first_offset: int
) -> None:
    rows.sort(key=lambda row: row[2])
    records = [
        Record("market_raw", 0, first_offset + index, key, value, time_ns, extra)
        for index, (key, value, time_ns, extra) in enumerate(rows)
    ]
    assert unpack(pack(records), "market_raw", first_offset) == records
