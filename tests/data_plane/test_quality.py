"""Fresh, complete, well-timed: what is told, when, and how often."""

from __future__ import annotations

import pytest

from algo_trade.data_plane.quality import (
    GOOD_TICKS_TO_CLEAR,
    QualityLimits,
    QualityMonitor,
    QualityNotice,
    Trouble,
)

S = 1_000_000_000
NOON_S = 1_772_470_000


def monitor(max_skew_s: float = 2.0, stale_after_s: float = 15.0) -> QualityMonitor:
    return QualityMonitor(QualityLimits(max_skew_s, stale_after_s))


def told(notices: list[QualityNotice] | None) -> list[tuple[str, Trouble, bool]]:
    return [(notice.symbol, notice.trouble, notice.begins) for notice in notices or []]


def test_freshness_is_the_time_since_the_tick_before() -> None:
    feed = monitor().feed("SPY", 0)
    assert feed.age_ms(NOON_S * S) is None
    assert feed.age_ms(NOON_S * S + 98_765_432) == 98.765
    assert feed.age_ms(NOON_S * S) == 0  # a clock stepped back: no negative age


def test_completeness_is_the_share_of_sound_ticks() -> None:
    feed = monitor().feed("SPY", 0)
    assert feed.completeness() == 1.0
    feed.seen, feed.accepted = 2, 1
    assert feed.completeness() == 0.6667


@pytest.mark.parametrize("lag_s", [-2.0, 0.0, 0.999, 2.999])
def test_clocks_within_the_bound_and_the_gateways_whole_second_agree(lag_s: float) -> None:
    watch = monitor()
    assert watch.on_tick(watch.feed("SPY", 0), NOON_S, NOON_S * S + int(lag_s * S)) is None


@pytest.mark.parametrize("lag_s", [-2.1, 3.1, 3600.0])
def test_a_skewed_clock_is_told_once_and_its_end_once(lag_s: float) -> None:
    watch = monitor()
    feed, skewed_ns = watch.feed("SPY", 0), NOON_S * S + int(lag_s * S)
    first = watch.on_tick(feed, NOON_S, skewed_ns)
    assert told(first) == [("SPY", Trouble.SKEWED, True)] and first is not None
    assert first[0].value_s == pytest.approx(lag_s)
    for _ in range(100):
        assert watch.on_tick(feed, NOON_S, skewed_ns) is None
    ends = [watch.on_tick(feed, NOON_S, NOON_S * S) for _ in range(100)]
    assert [told(end) for end in ends if end] == [[("SPY", Trouble.SKEWED, False)]]
    assert ends[GOOD_TICKS_TO_CLEAR - 1] is not None


def test_a_flickering_clock_is_one_episode() -> None:
    watch = monitor()
    feed = watch.feed("SPY", 0)
    notices = [watch.on_tick(feed, NOON_S, (NOON_S + 10 * (n % 2)) * S) for n in range(100)]
    assert sum(notice is not None for notice in notices) == 1


def test_a_silent_symbol_is_told_once_until_it_ticks_again() -> None:
    watch = monitor(stale_after_s=15.0)
    watch.expect(("SPY", "QQQ"), 0)
    watch.feed("SPY", 0).heard_mono_ns = 10 * S
    assert told(watch.silent(15 * S)) == []
    assert told(watch.silent(16 * S)) == [("QQQ", Trouble.SILENT, True)]
    assert watch.silent(17 * S) == [] and watch.stale_symbols() == ["QQQ"]
    assert told(watch.silent(26 * S)) == [("SPY", Trouble.SILENT, True)]
    feed = watch.feed("QQQ", 30 * S)
    feed.heard_mono_ns = 30 * S
    assert told(watch.on_tick(feed, NOON_S, NOON_S * S)) == [("QQQ", Trouble.SILENT, False)]
    assert watch.stale_symbols() == ["SPY"]
    assert watch.on_tick(feed, NOON_S, NOON_S * S) is None


def test_an_unreadable_tick_makes_its_symbol_stale_until_enough_can_be_read() -> None:
    watch = monitor()
    feed = watch.feed("SPY", 0)
    assert watch.on_unreadable(feed, "cut off") is not None
    assert watch.on_unreadable(feed, "cut off") is None
    for _ in range(GOOD_TICKS_TO_CLEAR - 1):
        assert watch.on_tick(feed, NOON_S, NOON_S * S) is None
        assert watch.stale_symbols() == ["SPY"]
    assert told(watch.on_tick(feed, NOON_S, NOON_S * S)) == [("SPY", Trouble.UNREADABLE, False)]
    assert watch.stale_symbols() == []


@pytest.mark.parametrize("limits", [(0.0, 1.0), (1.0, 0.0), (float("nan"), 1.0), (1.0, -1.0)])
def test_senseless_limits_are_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        QualityLimits(*limits)
