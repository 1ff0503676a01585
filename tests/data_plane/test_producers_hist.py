"""Bars of the gateway become bars of ours: closed ones only, named by their close, bad ones put aside."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from algo_trade.bus import EmbeddedBus, Record
from algo_trade.clock import VIRTUAL_START_NS, Clock, SeededIds, rng, run_virtual
from algo_trade.contracts import BarDuration, BarEvent
from algo_trade.data_plane import Backfill, HistoricalProducer
from algo_trade.data_plane.normalise import bar_close
from algo_trade.ibkr.answers import Answer, Known, Unknown
from algo_trade.ibkr.history import HistoricalBar
from algo_trade.ibkr.instruments import Instrument

START_S = VIRTUAL_START_NS // 1_000_000_000


def bar(
    starts: object, *, high: float = 502.0, close: float = 501.0, volume: float = 1200.0
) -> HistoricalBar:
    return HistoricalBar(str(starts), 500.0, high, 499.0, close, volume, 500.5, 42)


class History:
    """A gateway that gives one answer."""

    def __init__(self, answer: Answer[HistoricalBar]) -> None:
        self._answer = answer
        self.asked: list[tuple[str, str, str]] = []

    async def resolve(self, symbol: str) -> Instrument:
        return Instrument(756733, symbol, "ARCA", "USD", 0.01, "a fund", "US/Eastern", ())

    async def request_hist(self, symbol: str, duration: str, bar_size: str) -> Answer[HistoricalBar]:
        self.asked.append((symbol, duration, bar_size))
        return self._answer


def backfill(
    directory: Path, answer: Answer[HistoricalBar], size: BarDuration = BarDuration.M1
) -> tuple[Backfill, list[Record], list[Record]]:
    async def main(clock: Clock) -> tuple[Backfill, list[Record], list[Record]]:
        bus = EmbeddedBus(directory, clock=clock, ids=SeededIds(rng(1, "ids")))
        await bus.open()
        source = History(answer)
        result = await HistoricalProducer(bus, clock, source).backfill("SPY", size=size, duration="1 D")
        assert source.asked == [("SPY", "1 D", size.value)]
        events = [record async for record in bus.replay("market_events")]
        letters = [record async for record in bus.replay("dlq_market_events")]
        await bus.close()
        return result, events, letters

    return run_virtual(main)


def test_bars_are_named_by_their_close(tmp_path: Path) -> None:
    result, records, _ = backfill(tmp_path, Known((bar(START_S - 120), bar(START_S - 60))))
    assert result == Backfill(published=2, dead_lettered=0, unfinished=0)
    events = [BarEvent.decode(record.value) for record in records]
    assert [event.timestamp.timestamp() for event in events] == [START_S - 60, START_S]
    last = events[1]
    assert (last.open, last.high, last.low, last.close, last.volume) == (500.0, 502.0, 499.0, 501.0, 1200.0)
    assert (last.bar_duration, last.asset_class, last.currency, last.exchange) == (
        "1m",
        "equity",
        "USD",
        "ARCA",
    )
    assert last.data_quality is not None and last.data_quality.source == "ibkr_historical"
    assert [event.metadata.sequence_number for event in events if event.metadata] == [0, 1]
    assert {record.key for record in records} == {"756733"}


def test_a_bar_still_being_made_is_not_published(tmp_path: Path) -> None:
    result, records, _ = backfill(tmp_path, Known((bar(START_S - 60), bar(START_S - 59))))
    assert (result.unfinished, len(records)) == (1, 1)


def test_bad_bars_are_put_aside_and_the_rest_published(tmp_path: Path) -> None:
    rows = (
        bar("yesterday"),
        bar(START_S - 180, high=1.0),
        bar(START_S - 120, close=float("nan"), volume=-1.0),
        bar(START_S - 60),
    )
    result, records, letters = backfill(tmp_path, Known(rows))
    assert (result.published, result.dead_lettered, len(records)) == (1, 3, 1)
    reasons = [json.loads(dict(letter.headers)["dlq.reasons"]) for letter in letters]
    assert reasons[0] == ["starts: 'yesterday' is no time a 1m bar could start at"]
    assert [len(reason) for reason in reasons] == [1, 1, 2]
    assert letters[1].value.startswith(f"{START_S - 180}|500|1|499|".encode())
    event = BarEvent.decode(records[0].value)
    assert event.metadata is not None and event.metadata.sequence_number == 3


def test_no_answer_is_not_no_bars(tmp_path: Path) -> None:
    result, records, _ = backfill(tmp_path, Unknown("timed out"))
    assert result.unknown == "timed out" and not records


@pytest.mark.parametrize(
    ("starts", "size", "close"),
    [
        ("20260302", BarDuration.D1, datetime(2026, 3, 2, 21, 0, tzinfo=UTC)),
        ("20260702", BarDuration.D1, datetime(2026, 7, 2, 20, 0, tzinfo=UTC)),  # summer time
        ("1772461800", BarDuration.S5, datetime(2026, 3, 2, 14, 30, 5, tzinfo=UTC)),
        ("1772461800", BarDuration.H4, datetime(2026, 3, 2, 18, 30, tzinfo=UTC)),
    ],
)
def test_when_a_bar_closes(starts: str, size: BarDuration, close: datetime) -> None:
    assert bar_close(starts, size) == close


@pytest.mark.parametrize("size", list(BarDuration))
def test_every_size_has_a_length(size: BarDuration) -> None:
    bar_close("20260302", size)


@pytest.mark.parametrize(
    ("starts", "size"), [("", BarDuration.M1), ("9" * 30, BarDuration.M1), ("20261302", BarDuration.D1)]
)
def test_a_start_that_is_no_time_is_refused(starts: str, size: BarDuration) -> None:
    with pytest.raises(ValueError, match="starts"):
        bar_close(starts, size)
