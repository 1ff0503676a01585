"""Dead letters: the original bytes, every reason, and where they came from; never lost, never silent."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bus.behaviour import everything, opened
from tests.contracts.examples import tick

from algo_trade.bus import (
    BadRecord,
    Bus,
    BusClosed,
    DeadLetter,
    DeadLetterOffice,
    Earliest,
    EmbeddedBus,
    Invalid,
    NoDeadLetterTopic,
    Origin,
    StrategyPlaneValidator,
    read_dead_letter,
)
from algo_trade.clock import Clock, SystemIds, run_virtual
from algo_trade.contracts import TOPICS, TickEvent

REASONS = ("ask: crossed: ask 1 is below bid 2", "symbol: größer als 20")


def embedded(clock: Clock, place: Path) -> Bus:
    return EmbeddedBus(place, clock=clock, ids=SystemIds())


@pytest.mark.parametrize("topic", [name for name, topic in TOPICS.items() if topic.dead_letters])
def test_a_dead_letter_tells_all_of_its_original(tmp_path: Path, topic: str) -> None:
    async def scenario(clock: Clock) -> None:
        async with opened(embedded(clock, tmp_path)) as bus:
            office = DeadLetterOffice(bus)
            await bus.publish(topic, b"the first is fine", key="k")
            original = await bus.publish(
                topic, b"\x00\xff not json", key="ключ", headers=(("trace", b"\x01"),)
            )
            letter = await office.send(original, REASONS, "OrderPlaneValidator")
            assert letter.topic == TOPICS[topic].dead_letters
            assert office.counts == {topic: 1}
        async with opened(embedded(clock, tmp_path)) as bus:
            [letter] = await everything(bus.replay(TOPICS[topic].dead_letters or ""))
            assert read_dead_letter(letter) == DeadLetter(
                reasons=REASONS,
                validator="OrderPlaneValidator",
                topic=topic,
                partition=original.partition,
                offset=original.offset,
                timestamp_ns=original.timestamp_ns,
                refused_ns=letter.timestamp_ns,
                key="ключ",
                value=b"\x00\xff not json",
                headers=(("trace", b"\x01"),),
            )

    run_virtual(scenario)


def test_what_never_was_a_record_can_be_put_aside_too(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with opened(embedded(clock, tmp_path)) as bus:
            origin = Origin("market_events", "756733", b"9\x00nan\x00", clock.now_ns(), (("h", b""),))
            letter = await DeadLetterOffice(bus).send(origin, ["bid: not a number"], "DataPlaneValidator")
            told = read_dead_letter(letter)
            assert (told.topic, told.partition, told.offset) == ("market_events", None, None)
            assert (told.value, told.timestamp_ns) == (origin.value, origin.timestamp_ns)
            assert (told.headers, told.validator) == (origin.headers, "DataPlaneValidator")

    run_virtual(scenario)


def test_a_poisoned_record_blocks_nobody_and_the_sums_add_up(tmp_path: Path) -> None:
    """Written = processed + dead, for a reader that goes on after each."""

    async def scenario(clock: Clock) -> None:
        async with opened(embedded(clock, tmp_path)) as bus:
            office, validator = DeadLetterOffice(bus), StrategyPlaneValidator()
            for number in range(100):
                poison = (b"", b"{", b'{"event_type":"tick_event"}', b"\xff")[number % 4]
                bus.append("market_events", tick(number) if number % 10 else poison, key="SPY")
            reader, processed = await bus.subscribe(["market_events"], group="g", start=Earliest()), 0
            while bus.health().groups[0].lag:
                for record in await reader.fetch(7):
                    try:
                        validator.validate(record, TickEvent)
                        processed += 1
                    except Invalid as refusal:
                        await office.send(record, refusal.reasons, validator.name)
                    await reader.commit(record)
            assert (processed, office.counts.total()) == (90, 10)
            letters = [
                read_dead_letter(letter) for letter in await everything(bus.replay("dlq_market_events"))
            ]
            assert [letter.offset for letter in letters] == list(range(0, 100, 10))
            assert all(letter.reasons for letter in letters)

    run_virtual(scenario)


@pytest.mark.parametrize("topic", ["session_events", "dlq_market_events", "nowhere"])
def test_a_topic_without_a_place_for_dead_letters_says_so(tmp_path: Path, topic: str) -> None:
    async def scenario(clock: Clock) -> None:
        async with opened(embedded(clock, tmp_path)) as bus:
            office = DeadLetterOffice(bus)
            with pytest.raises(NoDeadLetterTopic, match=topic):
                await office.send(Origin(topic, None, b"", 0), ["x"], "V")
            assert office.counts.total() == 0

    run_virtual(scenario)


def test_a_letter_that_cannot_be_written_is_the_readers_to_stop_on(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with opened(embedded(clock, tmp_path)) as bus:
            office = DeadLetterOffice(bus)
        with pytest.raises(BusClosed):
            await office.send(Origin("market_events", None, b"", 0), ["x"], "V")
        assert office.counts.total() == 0

    run_virtual(scenario)


def test_a_record_that_is_no_dead_letter_is_told_apart(tmp_path: Path) -> None:
    async def scenario(clock: Clock) -> None:
        async with opened(embedded(clock, tmp_path)) as bus:
            plain = await bus.publish("dlq_market_events", b"", key=None)
            with pytest.raises(BadRecord, match="not a dead letter"):
                read_dead_letter(plain)
            letter = await DeadLetterOffice(bus).send(Origin("market_events", None, b"", 5), ["x"], "V")
            for index, damage in ((0, b"["), (0, b"5"), (4, b"third"), (5, b""), (1, b"\xff")):
                headers = list(letter.headers)
                headers[index] = (headers[index][0], damage)
                with pytest.raises(BadRecord, match="damaged headers"):
                    read_dead_letter(letter._replace(headers=tuple(headers)))

    run_virtual(scenario)
