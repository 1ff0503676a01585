"""Every tick is written down as it came, and becomes an event or a dead letter: one of them, once."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from algo_trade.bus import EmbeddedBus, Record
from algo_trade.clock import VIRTUAL_START_NS, Clock, SeededIds, rng, run_virtual
from algo_trade.contracts import SessionEvent, TickEvent
from algo_trade.data_plane import QualityLimits, RealTimeProducer
from algo_trade.data_plane.producers_rt import Tick
from algo_trade.ibkr.events import TickBidAsk, TickLast, TickNote, TopOfBook, Undecodable

S = 1_000_000_000


def tick(
    number: int = 0,
    *,
    symbol: str = "SPY",
    bid: float = 500.01,
    ask: float = 500.02,
    bid_size: float = 200.0,
    arrival_ns: int | None = None,
    time_s: int | None = None,
) -> TickBidAsk:
    arrival = VIRTUAL_START_NS + number * 100_000_000 if arrival_ns is None else arrival_ns
    return TickBidAsk(
        req_id=1,
        con_id=756733,
        symbol=symbol,
        time_s=arrival // S if time_s is None else time_s,
        bid=bid,
        ask=ask,
        bid_size=bid_size,
        ask_size=300.0,
        arrival_ns=arrival,
        raw=f"99|{number}|{bid}|{ask}".encode(),
    )


def trade(
    number: int = 0,
    *,
    symbol: str = "SPY",
    price: float = 500.02,
    size: float = 30.0,
    arrival_ns: int | None = None,
) -> TickLast:
    arrival = VIRTUAL_START_NS + number * 100_000_000 if arrival_ns is None else arrival_ns
    raw = f"99|trade|{number}|{price}".encode()
    return TickLast(2, 756733, symbol, arrival // S, price, size, "ARCA", arrival, raw)


def unreadable(symbol: str | None = "SPY", message_id: int = 99) -> Undecodable:
    return Undecodable(message_id, b"99\x00nonsense", "field 4: not a number", VIRTUAL_START_NS, symbol)


class Source:
    """Batches given beforehand, each after a pause in seconds."""

    def __init__(self, *batches: tuple[float, Sequence[Tick]]) -> None:
        self._batches = batches

    async def ticks(self) -> AsyncIterator[Sequence[Tick]]:
        for pause_s, batch in self._batches:
            await asyncio.sleep(pause_s)
            yield batch


class Log:
    """What is on the bus at the end."""

    def __init__(self, records: dict[str, list[Record]], producer: RealTimeProducer) -> None:
        self.raw = records["market_raw"]
        self.events = [TickEvent.decode(record.value) for record in records["market_events"]]
        self.event_records = records["market_events"]
        self.letters = records["dlq_market_events"]
        self.told = [SessionEvent.decode(record.value) for record in records["session_events"]]
        self.producer = producer


def produce(directory: Path, *batches: Sequence[Tick] | tuple[float, Sequence[Tick]]) -> Log:
    timed = [batch if isinstance(batch, tuple) else (0.0, batch) for batch in batches]

    async def main(clock: Clock) -> Log:
        bus = EmbeddedBus(directory, clock=clock, ids=SeededIds(rng(1, "ids")))
        await bus.open()
        producer = RealTimeProducer(
            bus, clock, Source(*timed), session_id="s", limits=QualityLimits(2.0, 15.0)
        )
        producer.expect(("SPY",))
        watching = asyncio.get_running_loop().create_task(producer.watch())
        await producer.run()
        watching.cancel()
        topics = ("market_raw", "market_events", "dlq_market_events", "session_events")
        records = {topic: [record async for record in bus.replay(topic)] for topic in topics}
        await bus.close()
        return Log(records, producer)

    return run_virtual(main)


def test_a_tick_is_kept_as_received_and_published_as_an_event(tmp_path: Path) -> None:
    log = produce(tmp_path, [tick(0), tick(1)])
    assert [record.value for record in log.raw] == [tick(0).raw, tick(1).raw]
    assert {record.key for record in (*log.raw, *log.event_records)} == {"756733"}
    event = log.events[1]
    assert (event.bid, event.ask, event.bid_size, event.ask_size) == (500.01, 500.02, 200.0, 300.0)
    assert event.timestamp.isoformat() == "2026-03-02T14:30:00.100000+00:00"  # of arrival
    quality, metadata = event.data_quality, event.metadata
    assert quality is not None and metadata is not None
    assert (quality.freshness_ms, quality.completeness_score, quality.source) == (100.0, 1.0, "ibkr_realtime")
    assert (metadata.producer_id, metadata.sequence_number) == ("rt", 1)
    assert len(log.event_records[1].value) <= 350
    assert not log.letters and not log.told


@pytest.mark.parametrize(
    ("bad", "reasons"),
    [
        (tick(1, bid=500.03), ["ask"]),
        (tick(1, bid=math.nan, ask=math.inf), ["bid", "ask"]),
        (tick(1, bid=0.0, bid_size=-1.0), ["bid", "bid_size"]),
        (tick(1, symbol=""), ["symbol"]),
    ],
)
def test_a_bad_quote_is_a_dead_letter_with_every_reason(
    tmp_path: Path, bad: TickBidAsk, reasons: list[str]
) -> None:
    log = produce(tmp_path, [tick(0), bad, tick(2)])
    assert len(log.events) == 2 and len(log.raw) == 3
    (letter,) = log.letters
    headers = dict(letter.headers)
    assert letter.value == bad.raw
    said = json.loads(headers["dlq.reasons"])
    assert [reason.split(":")[0] for reason in said] == reasons
    assert (headers["dlq.topic"], headers["dlq.offset"]) == (b"market_raw", b"1")
    assert headers["dlq.validator"] == b"DataPlaneValidator"
    assert log.raw[1].value == bad.raw
    # The numbers of the events have a gap where the dead letter is.
    numbers = [event.metadata.sequence_number for event in log.events if event.metadata is not None]
    assert numbers == [0, 2]


def test_a_trade_is_an_event_of_its_own_beside_the_quote_that_stands(tmp_path: Path) -> None:
    """And the last trade of every quote after it."""
    log = produce(tmp_path, [tick(0), trade(1), tick(2, bid=500.0), trade(3, price=500.0, size=7.0)])
    assert [(event.last, event.last_size) for event in log.events] == [
        (None, None),
        (500.02, 30.0),
        (500.02, 30.0),
        (500.0, 7.0),
    ]
    assert [event.bid for event in log.events] == [500.01, 500.01, 500.0, 500.0]
    assert [event.timestamp.microsecond for event in log.events] == [0, 100_000, 200_000, 300_000]
    assert [record.value for record in log.raw] == [
        each.raw for each in (tick(0), trade(1), tick(2, bid=500.0), trade(3, price=500.0))
    ]
    numbers = [event.metadata.sequence_number for event in log.events if event.metadata is not None]
    assert numbers == [0, 1, 2, 3]


def test_a_trade_without_a_quote_to_stand_beside_waits_for_the_next(tmp_path: Path) -> None:
    """Before the first one, after one that was refused, and when quotes have gone silent."""
    late_ns = VIRTUAL_START_NS + 30 * S
    late: list[Tick] = [trade(price=497.0, arrival_ns=late_ns), tick(arrival_ns=late_ns)]
    early: list[Tick] = [trade(0, price=499.0), tick(1), tick(2, bid=501.0), trade(3, price=498.0), tick(4)]
    log = produce(tmp_path, early, (30.0, late))
    assert [event.last for event in log.events] == [499.0, 498.0, 497.0]
    counts = log.producer.counts
    assert (counts.received, counts.processed, counts.dead_lettered, counts.waited) == (7, 3, 1, 3)
    assert len(log.raw) == 7


def test_a_trade_that_is_none_is_a_dead_letter_and_says_nothing_of_the_quotes(tmp_path: Path) -> None:
    log = produce(tmp_path, [tick(0), trade(1, price=-1.0, size=-2.0), tick(2)])
    (letter,) = log.letters
    reasons = json.loads(dict(letter.headers)["dlq.reasons"])
    assert [reason.split(":")[0] for reason in reasons] == ["last", "last_size"]
    assert [event.last for event in log.events] == [None, None]
    assert log.producer.stale_symbols() == []


def test_parts_of_a_sampled_quote_are_kept_as_they_came(tmp_path: Path) -> None:
    part = TopOfBook(1, 756733, "SPY", 2, 500.02, 300.0, VIRTUAL_START_NS, b"1|part")
    note = TickNote(1, 756733, "SPY", 49, "0", VIRTUAL_START_NS, b"45|note")
    log = produce(tmp_path, [part, note, tick(0)])
    assert [record.value for record in log.raw] == [b"1|part", b"45|note", tick(0).raw]
    assert {record.key for record in log.raw} == {"756733"}
    assert log.producer.counts.received == len(log.events) == 1


def test_what_is_missing_shows_in_the_score(tmp_path: Path) -> None:
    log = produce(tmp_path, [tick(0), tick(1, bid=0.0), tick(2), tick(3)])
    scores = [event.data_quality.completeness_score for event in log.events if event.data_quality]
    assert scores == [1.0, 0.6667, 0.75]


def test_an_undecodable_tick_is_a_dead_letter_and_its_symbol_stale(tmp_path: Path) -> None:
    log = produce(tmp_path, [tick(0), tick(1, symbol="QQQ"), unreadable(), unreadable()])
    assert [letter.value for letter in log.letters] == [unreadable().raw] * 2
    assert log.producer.stale_symbols() == ["SPY"]
    (told,) = log.told  # once, not per tick
    assert (told.kind, told.severity, told.symbol) == ("DATA_QUALITY", "WARNING", "SPY")


def test_an_undecodable_tick_of_nobody_makes_all_stale_and_other_messages_none(tmp_path: Path) -> None:
    known = [tick(0), tick(1, symbol="QQQ")]
    log = produce(tmp_path / "tick", [*known, unreadable(None)])
    assert log.producer.stale_symbols() == ["SPY", "QQQ"]
    log = produce(tmp_path / "other", [*known, unreadable(None, message_id=77)])
    assert log.producer.stale_symbols() == [] and len(log.letters) == 1


def test_silence_is_noticed_without_a_tick_and_its_end_with_one(tmp_path: Path) -> None:
    late_ns = VIRTUAL_START_NS + 60 * S
    log = produce(tmp_path, [tick(0)], (60.0, [tick(arrival_ns=late_ns)]))
    assert [(told.severity, told.data["trouble"]) for told in log.told] == [
        ("WARNING", "silent"),
        ("INFO", "silent"),
    ]
    silence = log.told[0].timestamp - log.events[0].timestamp
    assert 15 < silence.total_seconds() <= 15 + 15 / 4
    assert log.producer.stale_symbols() == []


def test_a_symbol_that_never_ticks_is_silent_too(tmp_path: Path) -> None:
    log = produce(tmp_path, (40.0, []))
    assert [told.symbol for told in log.told] == ["SPY"]


def test_a_skewed_clock_is_told_once_for_many_ticks(tmp_path: Path) -> None:
    behind = [tick(number, time_s=VIRTUAL_START_NS // S - 3600) for number in range(50)]
    log = produce(tmp_path, behind)
    (told,) = log.told
    assert told.data["trouble"] == "clock_skew" and told.data["value_s"] == 3600.0
    assert len(log.events) == 50  # they are quotes all the same


ticks = st.lists(
    st.one_of(
        st.builds(
            tick,
            st.integers(0, 1000),
            symbol=st.sampled_from(["SPY", "QQQ", "", "X" * 30]),
            bid=st.floats(allow_nan=True, allow_infinity=True),
            ask=st.floats(allow_nan=True, allow_infinity=True),
            bid_size=st.floats(allow_nan=True),
        ),
        st.builds(tick, st.integers(0, 1000)),
        st.builds(trade, st.integers(0, 1000), price=st.floats(-1, 1000)),
        st.builds(unreadable, st.sampled_from(["SPY", None]), st.sampled_from([99, 77])),
    ),
    max_size=20,
)


@given(st.lists(ticks, max_size=4))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_tick_is_one_event_or_one_dead_letter(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Tick]]
) -> None:
    log = produce(tmp_path_factory.mktemp("bus"), *batches)
    given_ticks = [each for batch in batches for each in batch]
    counts = log.producer.counts
    assert counts.received == len(given_ticks)
    assert counts.received == counts.processed + counts.dead_lettered + counts.waited
    assert (len(log.events), len(log.letters)) == (counts.processed, counts.dead_lettered)
    assert [record.value for record in log.raw] == [each.raw for each in given_ticks]


def test_the_bus_failing_is_the_producers_end(tmp_path: Path) -> None:
    """Nothing is counted that was not written."""

    async def main(clock: Clock) -> None:
        bus = EmbeddedBus(tmp_path, clock=clock, ids=SeededIds(rng(1, "ids")))
        producer = RealTimeProducer(bus, clock, Source((0.0, [tick(0)])), session_id="s")
        with pytest.raises(Exception, match="not open"):
            await producer.run()
        assert producer.counts.processed == 0

    run_virtual(main)
