"""History and live bars become one sequence: each bar once, in order, whole, whatever is lost on the way."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data_plane.bar_world import (
    OPEN_S,
    Gateway,
    Outcome,
    Row,
    Weather,
    expected,
    live_bar,
    play,
    row_of,
)

from algo_trade.bus import EmbeddedBus
from algo_trade.clock import Clock, SeededIds, rng, run_virtual
from algo_trade.contracts import BarDuration
from algo_trade.data_plane import BarFeed
from algo_trade.data_plane.handover import TRANSITIONS, Change, IllegalChange, Stage, advance
from algo_trade.ibkr.answers import Unknown
from algo_trade.ibkr.events import Undecodable
from algo_trade.ibkr.market_lines import Feed

M1, M5, M15, H1, H4, D1, S5 = (
    BarDuration.M1, BarDuration.M5, BarDuration.M15, BarDuration.H1, BarDuration.H4, BarDuration.D1, BarDuration.S5
)  # fmt: skip


def check(outcome: Outcome, size: BarDuration, until_s: float, void: frozenset[int] = frozenset()) -> None:
    """Every bar of the day up to a moment (seconds after 9:30), each as it should be, and no other."""
    bars = outcome.of(size)
    wanted = expected(size, OPEN_S, OPEN_S + int(until_s), void)
    assert {close_s for close_s in bars if OPEN_S < close_s <= OPEN_S + until_s} == set(wanted)
    for close_s, (row, present, whole) in wanted.items():
        bar = bars[close_s]
        assert row_of(bar) == row, close_s - OPEN_S
        quality = bar.data_quality
        assert quality is not None
        if quality.completeness_score is not None:
            assert quality.completeness_score == round(present / whole, 4)


def slots(times: st.SearchStrategy[int]) -> st.SearchStrategy[frozenset[int]]:
    return st.frozensets(times.map(lambda number: OPEN_S + number * 5), max_size=40)


WEATHER = st.builds(
    Weather,
    outages=st.lists(
        st.tuples(st.integers(0, 1_400), st.integers(1, 400)).map(lambda each: (each[0], each[0] + each[1])),
        max_size=3,
    ),
    lost=slots(st.integers(0, 400)),
    void=slots(st.integers(0, 320)),
    live_delay_s=st.sampled_from([0.0, 0.2, 3.0]),
    history_s=st.sampled_from([0.0, 0.3, 7.0, 40.0]),
    history_lag_s=st.sampled_from([0.0, 4.0, 20.0]),
    answers=st.lists(
        st.sampled_from([None, Unknown("timed out"), Unknown("162 pacing violation", 162)]), max_size=3
    ),
)


SIZES = st.sets(st.sampled_from([S5, M1, M5, M15, H1]), min_size=1)
LONG = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def weathered(directory: Path, weather: Weather, from_s: float, sizes: set[BarDuration]) -> None:
    """Lost live bars, outages, a history that is slow, late and refuses: held against bars made another way."""
    outcome = play(directory, weather, sizes=sizes, from_s=from_s, until_s=2_700)
    for size in sizes:
        check(outcome, size, 2_400, weather.void)
    conceded = sum(
        int(str(told.data["missing"])) for told in outcome.told if told.data["trouble"] == "bars_missing"
    )
    assert conceded <= len(weather.void)
    assert not outcome.letters


@given(WEATHER, st.floats(0, 1_300), SIZES)
@settings(LONG, max_examples=12)
def test_no_gap_no_overlap_no_repetition_whatever_the_weather(
    tmp_path_factory: pytest.TempPathFactory, weather: Weather, from_s: float, sizes: set[BarDuration]
) -> None:
    """Each bar that is over once, in its order, with all that can be had."""
    weathered(tmp_path_factory.mktemp("bus"), weather, from_s, sizes)


@pytest.mark.slow
@given(WEATHER, st.floats(0, 1_300), SIZES)
@settings(LONG, max_examples=300)
def test_no_gap_no_overlap_no_repetition_in_three_hundred_weathers(
    tmp_path_factory: pytest.TempPathFactory, weather: Weather, from_s: float, sizes: set[BarDuration]
) -> None:
    """The same, for longer."""
    weathered(tmp_path_factory.mktemp("bus"), weather, from_s, sizes)


def test_a_quiet_day_needs_one_question_a_size_and_one_to_join(tmp_path: Path) -> None:
    """Live from there on: as soon as a bar is over it is told."""
    outcome = play(tmp_path, Weather(), sizes=[M1, M5], from_s=1_000.0, until_s=2_000)
    assert outcome.gateway.asked == [
        ("1 D", "1m", ""),
        ("1 D", "5m", ""),
        ("160 S", "5s", "20260302-14:47:40"),
    ]
    for size in (M1, M5):
        check(outcome, size, 1_990)
    live = outcome.of(M1)[OPEN_S + 1_500]
    quality = live.data_quality
    assert quality is not None
    assert (quality.source, quality.completeness_score, quality.freshness_ms) == ("ibkr_realtime", 1.0, 200.0)
    first = outcome.of(M1)[OPEN_S + 60].data_quality
    assert first is not None and first.source == "ibkr_historical"
    assert not outcome.told
    # Everything as it was received, live and past.
    assert outcome.raw[:2] == [b"17|1m|", b"17|5m|"]
    assert sum(raw.startswith(b"50|") for raw in outcome.raw) == 199


def test_history_is_published_before_anything_assembled(tmp_path: Path) -> None:
    """Also when it takes minutes, and the live bars of meanwhile are not lost."""
    outcome = play(tmp_path, Weather(history_s=150.0), sizes=[M1], from_s=600.0, until_s=1_500)
    check(outcome, M1, 1_200)
    sources = [bar.data_quality.source for bar in outcome.bars if bar.data_quality is not None]
    assert [source for source, _ in itertools.groupby(sources)] == ["ibkr_historical", "ibkr_realtime"]


def test_what_no_history_has_is_conceded_and_told(tmp_path: Path) -> None:
    """The bar comes without it, and says how much of it there is."""
    void = frozenset(OPEN_S + at for at in (900, 905, 1_000))
    outcome = play(tmp_path, Weather(void=void), sizes=[M1], from_s=60.0, until_s=1_500)
    check(outcome, M1, 1_440, void)
    scores = [bar.data_quality.completeness_score for bar in outcome.bars if bar.data_quality is not None]
    assert sorted(score for score in scores if score is not None and score < 1) == [0.8333, 0.9167]
    told = [each for each in outcome.told if each.data["trouble"] == "bars_missing"]
    assert [each.data["missing"] for each in told] == [2, 1]
    assert all(each.symbol == "SPY" and each.severity == "WARNING" for each in told)


def test_a_minute_of_which_there_is_nothing_is_told_and_not_made_up(tmp_path: Path) -> None:
    void = frozenset(range(OPEN_S + 900, OPEN_S + 960, 5))
    outcome = play(tmp_path, Weather(void=void), sizes=[M1, M5], from_s=60.0, until_s=1_500)
    for size in (M1, M5):
        check(outcome, size, 1_440, void)
    assert OPEN_S + 960 not in outcome.of(M1)
    assert "bars_missing" in outcome.troubles()


def test_without_live_bars_every_bar_comes_from_history_a_little_late(tmp_path: Path) -> None:
    """And the subscription is made again once a minute, in case."""
    outcome = play(tmp_path, Weather(deaf=True), sizes=[M1], from_s=60.0, until_s=900)
    check(outcome, M1, 840)
    delays = [
        bar.data_quality.freshness_ms
        for bar in outcome.bars
        if bar.data_quality is not None and bar.data_quality.freshness_ms is not None
    ]
    assert delays and max(delays) < 15_000
    assert 10 <= len(outcome.gateway.resubscribed) <= 15
    assert set(outcome.gateway.resubscribed) == {Feed.BARS}


def test_a_long_outage_is_filled_hour_by_hour(tmp_path: Path) -> None:
    """No answer of five-second bars is asked to hold more than an hour."""
    outcome = play(tmp_path, Weather(outages=[(600, 9_000)]), sizes=[M1, H1, H4], from_s=60.0, until_s=9_300)
    for size in (M1, H1, H4):
        check(outcome, size, 9_200)
    fills = [duration for duration, size, _ in outcome.gateway.asked if size == "5s"]
    assert fills == ["120 S", "3600 S", "3600 S", "1380 S"]


def test_the_close_and_the_next_open(tmp_path: Path) -> None:
    """The last bars of a day close with it, the day's own follows, and the night is no gap."""
    outcome = play(
        tmp_path, Weather(), sizes=[M15, H4, D1], from_s=23_000.0, until_s=86_400 + 1_000, duration="2 D"
    )
    for size in (M15, H4):
        bars = outcome.of(size)
        wanted = expected(size, OPEN_S, OPEN_S + 86_400 + 990, frozenset())
        assert set(wanted) <= set(bars)
        assert all(row_of(bars[close_s]) == row for close_s, (row, _, _) in wanted.items())
    days = outcome.of(D1)
    assert [close_s - OPEN_S for close_s in days] == [-3 * 86_400 + 23_400, 23_400]
    assert not outcome.told


def test_hours_that_are_learnt_later_count_from_then_on(tmp_path: Path) -> None:
    """A gateway lists some days ahead; a client asks anew after a reconnect."""
    weather = Weather(lists_tuesday_from_s=30_000.0, outages=[(29_000, 29_500)])
    outcome = play(tmp_path, weather, sizes=[M15, D1], from_s=23_000.0, until_s=86_400 + 23_500)
    bars, wanted = outcome.of(M15), expected(M15, OPEN_S, OPEN_S + 86_400 + 23_400, frozenset())
    assert set(wanted) <= set(bars)
    assert [close_s - OPEN_S for close_s in outcome.of(D1)] == [23_400, 86_400 + 23_400]


def test_a_lost_connection_at_the_close_does_not_lose_the_last_bar(tmp_path: Path) -> None:
    """No live bar will come to show that one is missing."""
    outcome = play(
        tmp_path, Weather(outages=[(23_380, 23_600)]), sizes=[M1, D1], from_s=23_000, until_s=24_000
    )
    check(outcome, M1, 23_400)
    assert OPEN_S + 23_400 in outcome.of(D1)


def test_a_session_that_resumes_repeats_nothing(tmp_path: Path) -> None:
    """The watermark is read back from the log; what was missed meanwhile comes from history."""
    play(tmp_path, Weather(), sizes=[M1, M5], from_s=100.0, until_s=1_003)
    outcome = play(tmp_path, Weather(), sizes=[M1, M5], from_s=1_450.0, until_s=2_000)
    for size in (M1, M5):
        check(outcome, size, 1_980)
    assert not outcome.told


def test_no_history_at_all_is_told_and_live_bars_go_on(tmp_path: Path) -> None:
    """As with a symbol that was recorded, before its first row."""
    none = Unknown("162 HMDS query returned no data: SPY@SMART Trades", 162)
    weather = Weather(answers=[none], void=frozenset(range(OPEN_S, OPEN_S + 600, 5)))
    outcome = play(tmp_path, weather, sizes=[M1], from_s=600.0, until_s=905)
    assert outcome.troubles() == ["history_missing", "bars_missing"]
    assert [int(bar.timestamp.timestamp()) - OPEN_S for bar in outcome.bars] == [660, 720, 780, 840, 900]


def test_a_history_that_is_refused_for_good_is_told(tmp_path: Path) -> None:
    """The other sizes are asked for all the same."""
    refused = Unknown("162 Time length exceed max.", 162)
    outcome = play(tmp_path, Weather(answers=[refused]), sizes=[M1, M5], from_s=600.0, until_s=1_000)
    (told,) = outcome.told
    assert (told.data["trouble"], told.severity) == ("history_missing", "WARNING")
    assert "1m history" in told.text and "Time length" in told.text
    assert OPEN_S + 300 in outcome.of(M5) and OPEN_S + 60 not in outcome.of(M1)


def test_a_history_that_is_late_is_told_once_and_its_coming_once(tmp_path: Path) -> None:
    answers: list[Unknown | None] = [Unknown("no answer within 60 s")] * 3
    outcome = play(tmp_path, Weather(answers=answers), sizes=[M1], from_s=600.0, until_s=1_000)
    assert [(told.data["trouble"], told.severity) for told in outcome.told] == [
        ("history_late", "WARNING"),
        ("history_late", "INFO"),
    ]
    check(outcome, M1, 960)


def test_after_five_tries_it_goes_on_without(tmp_path: Path) -> None:
    """Told, and not for ever silent."""
    answers: list[Unknown | None] = [Unknown("no answer within 60 s")] * 6
    outcome = play(tmp_path, Weather(answers=answers), sizes=[M1], from_s=600.0, until_s=1_000)
    assert outcome.troubles() == ["history_late", "history_missing"]
    assert OPEN_S + 660 in outcome.of(M1)


def test_bars_that_could_be_none_are_put_aside_and_come_from_history(tmp_path: Path) -> None:
    """Prices that contradict each other, and a frame that cannot be read."""

    async def main(clock: Clock) -> tuple[list[bytes], list[bytes]]:
        bus = EmbeddedBus(tmp_path, clock=clock, ids=SeededIds(rng(1, "ids")))
        await bus.open()
        gateway = Gateway(clock, Weather(lost=frozenset({OPEN_S + 620, OPEN_S + 625})))
        feed = BarFeed(bus, clock, gateway, session_id="s")
        running = asyncio.ensure_future(feed.run())
        await feed.start("SPY", [M1], "1 D")
        gateway.put(live_bar(OPEN_S + 620, Row(500.0, 1.0, 499.0, 500.0, 10.0)))
        gateway.put(Undecodable(50, b"50|nonsense", "field 4", 0, "SPY"))
        await asyncio.sleep(100)
        await feed.stop("SPY")
        await asyncio.sleep(100)
        gateway.close()
        await running
        letters = [record.value async for record in bus.replay("dlq_market_events")]
        events = [record.value async for record in bus.replay("market_events")]
        await bus.close()
        return letters, events

    letters, events = run_virtual(main, start_ns=(OPEN_S + 610) * 10**9)
    assert letters == [b"50|%d" % (OPEN_S + 620), b"50|nonsense"]
    outcome = [event for event in events if b"ibkr_realtime" in event]
    assert len(outcome) == 1 and b'"completeness_score":1.0' in outcome[0]


def test_starting_twice_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        bus = EmbeddedBus(tmp_path, clock=clock, ids=SeededIds(rng(1, "ids")))
        await bus.open()
        feed = BarFeed(bus, clock, Gateway(clock, Weather()), session_id="s")
        await feed.start("SPY", [D1], "2 D")
        with pytest.raises(ValueError, match="once"):
            await feed.start("SPY", [D1], "2 D")
        await feed.stop("SPY")
        await bus.close()

    run_virtual(main, start_ns=OPEN_S * 10**9)


def test_the_bus_failing_ends_the_feed(tmp_path: Path) -> None:
    """From the reader and from a symbol's task alike."""

    async def main(clock: Clock) -> None:
        bus = EmbeddedBus(tmp_path, clock=clock, ids=SeededIds(rng(1, "ids")))
        await bus.open()
        gateway = Gateway(clock, Weather())
        feed = BarFeed(bus, clock, gateway, session_id="s")
        running = asyncio.ensure_future(feed.run())
        await feed.start("SPY", [M1], "1 D")
        await bus.close()
        with pytest.raises(Exception, match="not open"):
            await asyncio.wait_for(running, 120)
        gateway.close()

    run_virtual(main, start_ns=(OPEN_S + 610) * 10**9)


def test_the_table_of_the_handover() -> None:
    """Nothing leads back to backfilling, and what is not in it is refused."""
    assert set(TRANSITIONS.values()) == {Stage.FOLLOWING, Stage.BEHIND}
    with pytest.raises(IllegalChange):
        advance(Stage.BACKFILLING, Change.MISSED)
