"""Dead letters found again and put back: once, valid, by somebody, and never what must not be."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bus.behaviour import everything, opened
from tests.contracts.examples import FULL, NOW, intent, tick

from algo_trade.bus import (
    Bus,
    DeadLetterOffice,
    EmbeddedBus,
    EmbeddedLogReader,
    Headers,
    Origin,
    Record,
)
from algo_trade.bus.dlq import (
    DEAD_LETTER_TOPICS,
    AlreadyReplayed,
    FoundLetter,
    InvalidReplay,
    LogSource,
    NoSuchLetter,
    NotReplayable,
    Place,
    find,
    letters,
    topics_of,
)
from algo_trade.bus.dlq_replay import Replayed, Request, replay
from algo_trade.clock import Clock, SystemIds, from_utc, run_virtual, utc
from algo_trade.contracts import BarEvent, Message, OrderAmendment, OrderIntent

ASK = Request(by="Ann", reason="bad limit, mended")
LONE = {
    name: value
    for name, value in FULL[OrderIntent].items()
    if name not in ("parent_intent_id", "attached_exits")
}


def with_bus(directory: Path, scenario: Callable[[Bus, Clock], Awaitable[None]]) -> None:
    async def main(clock: Clock) -> None:
        async with opened(EmbeddedBus(directory, clock=clock, ids=SystemIds())) as bus:
            await scenario(bus, clock)

    run_virtual(main)


async def aside(bus: Bus, topic: str, value: bytes, key: str | None = "k", headers: Headers = ()) -> Place:
    """Publish something and put it aside; the letter's place."""
    original = await bus.publish(topic, value, key=key, headers=headers)
    letter = await DeadLetterOffice(bus).send(original, ["a: wrong", "b: too"], "OrderPlaneValidator")
    return Place(letter.topic, letter.partition, letter.offset)


async def put_back(bus: Bus, clock: Clock, place: Place, request: Request = ASK) -> Replayed:
    return await replay(bus, await find(bus, place), request, clock)


def mended(message: Message) -> Request:
    return Request(ASK.by, ASK.reason, value=message.encode())


def test_letters_are_listed_beside_their_writer_and_after_it(tmp_path: Path) -> None:
    """From outside, by place; a record that is no letter is shown as what it is."""

    async def scenario(bus: Bus, _: Clock) -> None:
        place = await aside(bus, "market_events", b"1")
        await aside(bus, "order_intents", b"2")
        await aside(bus, "market_raw", b"3")
        await bus.publish("dlq_market_events", b"?", key=None)
        with EmbeddedLogReader(tmp_path) as log:
            source = LogSource(log)
            found = [letter async for letter in letters(source)]
            assert [str(letter.place) for letter in found] == [
                "dlq_market_events/0/0",
                "dlq_market_events/0/1",
                "dlq_market_events/0/2",
                "dlq_order_intents/0/0",
            ]
            assert [letter.letter.topic if letter.letter else None for letter in found] == [
                "market_events",
                "market_raw",
                None,
                "order_intents",
            ]
            assert "not a dead letter" in found[2].trouble
            of_raw = [letter async for letter in letters(source, "market_raw")]
            assert [letter.place.offset for letter in of_raw] == [1, 2]
            assert (await find(source, place)).record.value == b"1"
            for nothing in (Place("dlq_market_events", 0, 3), Place("dlq_market_events", 1, 0)):
                for where in (source, bus):
                    with pytest.raises(NoSuchLetter, match="nothing lies"):
                        await find(where, nothing)
            with pytest.raises(NoSuchLetter, match="nothing lies"):
                await find(bus, Place("dlq_market_events", 0, 99))

    with_bus(tmp_path, scenario)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "dlq_order_intents",
        "dlq_order_intents/3",
        "dlq_order_intents/0/-1",
        "order_intents/0/3",
        "a/²/1",
    ],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(NoSuchLetter):
        Place.parse(text)


def test_places_and_topics_are_read_as_they_are_written() -> None:
    for topic in DEAD_LETTER_TOPICS:
        assert Place.parse(str(Place(topic, 2, 17))) == (topic, 2, 17)
        assert topics_of(topic) == (topic,)
    assert topics_of("market_raw") == ("dlq_market_events",)
    for nothing in ("session_events", "nowhere"):
        with pytest.raises(NoSuchLetter, match="order_intents"):
            topics_of(nothing)


def test_a_mended_event_goes_back_whole_and_once(tmp_path: Path) -> None:
    """The key, the headers and the bytes; and who, why, when and from where behind them."""

    async def scenario(bus: Bus, clock: Clock) -> None:
        place = await aside(bus, "market_events", b"{", "756733", (("trace", b"\xff"),))
        with pytest.raises(InvalidReplay, match=r"nothing was written[\s\S]*--value"):
            await put_back(bus, clock, place)
        assert (await bus.head("market_events"))[0] == 1
        done = await put_back(bus, clock, place, mended(tick(5)))
        [record] = await everything(bus.replay("market_events", from_offset=1))
        assert (record.key, record.value) == ("756733", tick(5).encode())
        assert done.record.offset == 1 and done.new_id is None
        assert record.headers == (
            ("trace", b"\xff"),
            ("replay.from", b"dlq_market_events/0/0"),
            ("replay.letter", str((await find(bus, place)).record.timestamp_ns).encode()),
            ("replay.by", b"Ann"),
            ("replay.reason", b"bad limit, mended"),
            ("replay.at", f"{utc(clock.now_ns()):%Y-%m-%dT%H:%M:%S.%fZ}".encode()),
        )
        with pytest.raises(AlreadyReplayed, match=r"at market_events/0/1, by Ann on 2026-03-02T.*bad limit"):
            await put_back(bus, clock, place, mended(tick(6)))
        other = await aside(bus, "market_events", b"[")
        assert (await put_back(bus, clock, other, mended(tick(7)))).record.offset == 3

    with_bus(tmp_path, scenario)


def test_a_letter_of_a_replayed_record_is_a_letter_of_its_own(tmp_path: Path) -> None:
    """What was put back and refused again can be put back again; the first letter still cannot."""

    async def scenario(bus: Bus, clock: Clock) -> None:
        first = await aside(bus, "market_events", b"{")
        back = (await put_back(bus, clock, first, mended(tick(1)))).record
        letter = await DeadLetterOffice(bus).send(back, ["again"], "StrategyPlaneValidator")
        second = Place(letter.topic, 0, letter.offset)
        assert len((await put_back(bus, clock, second)).record.headers) == 10
        for place in (first, second):
            with pytest.raises(AlreadyReplayed):
                await put_back(bus, clock, place, mended(tick(1)))

    with_bus(tmp_path, scenario)


def test_what_never_was_a_record_needs_a_message(tmp_path: Path) -> None:
    """A bar of history is text of the gateway's: no event was ever made of it."""

    async def scenario(bus: Bus, clock: Clock) -> None:
        origin = Origin("market_events", "756733", b"20260302 09:30:00|1|0|1|1|5|1|2", clock.now_ns())
        letter = await DeadLetterOffice(bus).send(origin, ["high: below low"], "DataPlaneValidator")
        place = Place(letter.topic, 0, letter.offset)
        with pytest.raises(InvalidReplay, match="no message was ever made; give one with --value"):
            await put_back(bus, clock, place)
        bar = BarEvent(**FULL[BarEvent])
        assert (await put_back(bus, clock, place, mended(bar))).record.value == bar.encode()

    with_bus(tmp_path, scenario)


@given(valid_s=st.floats(0.001, 86_400), wait_s=st.floats(0, 1e6))
@settings(max_examples=10, deadline=None)
def test_an_intent_goes_back_as_another(
    tmp_path_factory: pytest.TempPathFactory, valid_s: float, wait_s: float
) -> None:
    """A new id, made of the letter; valid from now on; everything else as it was."""

    async def scenario(bus: Bus, clock: Clock) -> None:
        old = OrderIntent(**{**LONE, "timestamp": NOW - timedelta(seconds=wait_s), "valid_until": NOW})
        places = [await aside(bus, "order_intents", old.encode()) for _ in range(2)]
        ids = []
        for place in places:
            done = await put_back(bus, clock, place, Request("Ann", "seen", valid_s=valid_s))
            new = OrderIntent.decode(done.record.value)
            ids.append(new.intent_id)
            assert (done.old_id, done.new_id) == (old.intent_id, new.intent_id)
            assert new.timestamp == utc(clock.now_ns())
            assert abs((new.valid_until - new.timestamp).total_seconds() - valid_s) < 1e-5
            kept = {"intent_id", "timestamp", "valid_until"}
            assert new.model_dump(exclude=kept) == old.model_dump(exclude=kept)
        assert len({*ids, old.intent_id}) == 3

    with_bus(tmp_path_factory.mktemp("bus"), scenario)


def test_two_who_put_back_one_letter_at_once_make_one_intent(tmp_path: Path) -> None:
    """Neither sees the other's record, and the order plane takes an id once."""

    class Blind:
        """A bus whose reader comes too early to see the other's record."""

        def __init__(self, bus: Bus) -> None:
            self.publish = bus.publish

        async def replay(self, topic: str, **_: Any) -> Any:
            nothing: tuple[Record, ...] = ()
            for record in nothing:
                yield record

    async def scenario(bus: Bus, clock: Clock) -> None:
        place = await aside(bus, "order_intents", intent(3).encode())
        found = await find(bus, place)
        blind: Any = Blind(bus)
        made = [await replay(blind, found, Request(by, "seen"), clock) for by in ("Ann", "Bob")]
        assert made[0].new_id == made[1].new_id

    with_bus(tmp_path, scenario)


def test_an_amendment_keeps_its_id(tmp_path: Path) -> None:
    """The order plane carries an id out once for ever, so a second copy can do no harm."""

    async def scenario(bus: Bus, clock: Clock) -> None:
        old = OrderAmendment(**FULL[OrderAmendment])
        done = await put_back(bus, clock, await aside(bus, "order_intents", old.encode()))
        new = OrderAmendment.decode(done.record.value)
        assert new.amendment_id == old.amendment_id and done.new_id is None
        assert from_utc(new.valid_until) == clock.now_ns() // 1000 * 1000 + 30_000_000_000

    with_bus(tmp_path, scenario)


NEVER: list[tuple[str, bytes, str]] = [
    ("exec_reports", b"{}", "journal"),
    ("market_raw", b"9", "market_raw/0/0, and nothing acts"),
    ("ofi_events", b"{}", "counted"),
    ("order_intents", OrderIntent(**{**LONE, "attached_exits": 1}).encode(), "bracket"),
    ("order_intents", OrderIntent(**{**LONE, "parent_intent_id": UUID(int=1)}).encode(), "bracket"),
]


@pytest.mark.parametrize(("topic", "value", "why"), NEVER)
def test_what_is_never_put_back_says_why(tmp_path: Path, topic: str, value: bytes, why: str) -> None:
    async def scenario(bus: Bus, clock: Clock) -> None:
        place = await aside(bus, topic, value)
        with pytest.raises(NotReplayable, match=why):
            await put_back(bus, clock, place, Request("Ann", "seen", value=value))
        assert (await bus.head(topic))[0] == 1

    with_bus(tmp_path, scenario)


@given(
    value=st.binary(max_size=60)
    | st.dictionaries(st.sampled_from(sorted(LONE)), st.just(1)).map(
        lambda body: json.dumps({"event_type": "order_intent", **body}).encode()
    )
)
@settings(max_examples=40, deadline=None)
def test_nothing_invalid_is_ever_written(tmp_path_factory: pytest.TempPathFactory, value: bytes) -> None:
    """Refused with every reason the plane has, and the topic is as it was."""

    async def scenario(bus: Bus, clock: Clock) -> None:
        place = await aside(bus, "order_intents", b"")
        for request in (ASK, Request("Ann", "seen", value=value)):
            with pytest.raises(InvalidReplay) as refused:
                await put_back(bus, clock, place, request)
            assert refused.value.reasons and all(text in str(refused.value) for text in refused.value.reasons)
        assert (await bus.head("order_intents"))[0] == 1

    with_bus(tmp_path_factory.mktemp("bus"), scenario)


def test_nobody_and_no_reason_and_no_letter_are_refused(tmp_path: Path) -> None:
    async def scenario(bus: Bus, clock: Clock) -> None:
        place = await aside(bus, "market_events", tick(1).encode())
        for request in (Request(" ", "why"), Request("Ann", "")):
            with pytest.raises(ValueError, match="a name and a reason"):
                await put_back(bus, clock, place, request)
        record = await bus.publish("dlq_market_events", b"?", key=None)
        with pytest.raises(NotReplayable, match="not a dead letter"):
            await put_back(bus, clock, Place(record.topic, 0, record.offset))
        found = await find(bus, place)
        assert found.letter is not None
        foreign = replace(found, letter=replace(found.letter, topic="nowhere"))
        with pytest.raises(NotReplayable, match="names no such topic"):
            await replay(bus, foreign, ASK, clock)

    with_bus(tmp_path, scenario)


def test_a_place_of_another_log_is_another_letter(tmp_path: Path) -> None:
    """The same place, written at another time: not the letter that was put back."""

    async def scenario(bus: Bus, clock: Clock) -> None:
        place = await aside(bus, "market_events", tick(1).encode())
        found = await find(bus, place)
        earlier: Record = found.record._replace(timestamp_ns=found.record.timestamp_ns - 1)
        await replay(bus, FoundLetter(place, earlier, found.letter), ASK, clock)
        await replay(bus, found, ASK, clock)
        with pytest.raises(AlreadyReplayed):
            await replay(bus, found, ASK, clock)

    with_bus(tmp_path, scenario)
