"""Bars of the gateway become bars of ours: closed ones only, named by their close, bad ones put aside."""

from __future__ import annotations

import json
from pathlib import Path

from algo_trade.bus import EmbeddedBus, Record
from algo_trade.clock import VIRTUAL_START_NS, Clock, SeededIds, rng, run_virtual
from algo_trade.contracts import BarDuration, BarEvent
from algo_trade.data_plane import Backfill, HistoricalProducer
from algo_trade.data_plane.bar_grid import Interval
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

    async def request_hist(
        self, symbol: str, duration: str, bar_size: str, *, end: str = ""
    ) -> Answer[HistoricalBar]:
        assert not end
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
    assert result == Backfill(published=2, newest_close_s=START_S)
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
    result, records, _ = backfill(tmp_path, Known((bar(START_S - 60), bar(START_S))))
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
    assert result == Backfill(unknown=Unknown("timed out")) and not records


def test_what_was_published_before_is_left_out_and_a_gap_is_told(tmp_path: Path) -> None:
    """By its close; the bars of a day should follow one another, from the one known before on."""
    rows = tuple(bar(START_S + at) for at in (0, 60, 120, 240, 300, 86_400))

    async def main(clock: Clock) -> tuple[Backfill, list[int]]:
        bus = EmbeddedBus(tmp_path, clock=clock, ids=SeededIds(rng(1, "ids")))
        await bus.open()
        producer = HistoricalProducer(bus, clock, History(Known(rows)))
        result = await producer.backfill(
            "SPY", size=BarDuration.M1, duration="1 D", after_s=START_S + 60, until_s=START_S + 90_000
        )
        closes = [
            int(BarEvent.decode(record.value).timestamp.timestamp()) - START_S
            async for record in bus.replay("market_events")
        ]
        await bus.close()
        return result, closes

    result, closes = run_virtual(main)
    assert closes == [120, 180, 300, 360, 86_460]
    assert result == Backfill(
        published=5,
        known=1,
        newest_close_s=START_S + 86_460,
        gaps=(Interval(START_S + 180, START_S + 240),),
    )


def test_an_answer_that_goes_back_in_time_is_published_in_order_all_the_same(tmp_path: Path) -> None:
    """A close is told once, and none before one that was told."""
    result, records, _ = backfill(tmp_path, Known((bar(START_S - 60), bar(START_S - 120), bar(START_S - 60))))
    assert (result.published, result.known, len(records)) == (1, 2, 1)
