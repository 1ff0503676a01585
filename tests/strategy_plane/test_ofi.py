"""Order flow imbalance against its definition, a day of AAPL, and sums that must not lose a share."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algo_trade.strategy_plane.ofi import MIN_BINS, OfiBin, OfiState, quote_flow, standard_score

AAPL_DAY = Path(__file__).parents[2].parent / "shared/data/aapl-2012-06-21-level1.csv"
START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)

# (bid, bid size, ask, ask size, e_n from the row before), by hand from equation 10.
HAND_CHECKED = [
    (100.00, 10, 100.02, 20, None),
    (100.00, 15, 100.02, 20, 5),  # 5 join the bid
    (100.00, 15, 100.02, 12, 8),  # 8 leave the ask
    (100.01, 7, 100.02, 12, 7),  # a new best bid of 7
    (100.01, 7, 100.03, 30, 12),  # the ask of 12 is gone
    (100.00, 9, 100.03, 30, -7),  # the bid of 7 is gone
    (100.00, 9, 100.02, 4, -4),  # a new best ask of 4
    (99.99, 3, 100.01, 6, -9 - 6),  # both fall: the bid of 9 is gone, a new best ask of 6
    (100.02, 8, 100.04, 2, 8 + 6),  # both rise
    (100.02, 8, 100.04, 2, 0),  # told twice: counted, and nothing
]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def state(interval_s: float = 10.0, window: int = 60) -> OfiState:
    return OfiState("SPY", interval_s=interval_s, window=window)


def test_each_quote_change_has_the_flow_of_the_definition() -> None:
    for before, now in pairwise(HAND_CHECKED):
        assert quote_flow(*before[:4], *now[:4]) == now[4], now


def test_a_bin_is_the_sum_of_its_quote_changes() -> None:
    ofi = state()
    for offset, (bid, bid_size, ask, ask_size, _) in enumerate(HAND_CHECKED):
        assert ofi.add(at(offset), bid, bid_size, ask, ask_size, offset) == ()
    (closed,) = ofi.add(at(10), 100.02, 8, 100.04, 2, 10)
    assert closed == OfiBin("SPY", at(10), sum(row[4] or 0 for row in HAND_CHECKED), None, None, None, 9)
    assert isinstance(closed.ofi, int)


def test_sizes_sent_as_floats_still_sum_to_an_integer() -> None:
    ofi = state()
    ofi.add(at(0), 100.0, 10.0, 100.1, 10.0, 0)
    ofi.add(at(1), 100.0, 17.0, 100.1, 10.0, 1)
    partial = ofi.flush()
    assert partial is not None and partial.ofi == 7 and isinstance(partial.ofi, int)


def test_fractions_of_shares_stay_fractions() -> None:
    ofi = state()
    ofi.add(at(0), 100.0, 10.25, 100.1, 10.0, 0)
    ofi.add(at(1), 100.0, 10.75, 100.1, 10.0, 1)
    partial = ofi.flush()
    assert partial is not None and partial.ofi == 0.5


def grow(ofi: OfiState, second: float, size: int, offset: int) -> tuple[OfiBin, ...]:
    return ofi.add(at(second), 100.0, size, 100.1, 50, offset)


def test_z_waits_for_enough_bins_then_compares_with_the_window() -> None:
    ofi, size = state(), 1000
    bins: list[OfiBin] = []
    for number in range(MIN_BINS + 1):
        size += number  # each bin's flow is its number
        bins += grow(ofi, 10 * number + 1, size, number)
    assert [closed.ofi for closed in bins] == list(range(MIN_BINS))
    assert [closed.z for closed in bins[:-1]] == [None] * (MIN_BINS - 1)
    last = bins[-1]
    mean = (MIN_BINS - 1) / 2
    std = ((MIN_BINS**2 - 1) / 12) ** 0.5
    assert last.mean == mean and last.std == pytest.approx(std)
    assert last.z == pytest.approx((MIN_BINS - 1 - mean) / std)


def test_no_deviation_is_no_signal() -> None:
    assert standard_score([5, 5, 5]) == (0.0, 5.0, 0.0)


def test_a_silence_is_bins_of_nothing() -> None:
    ofi = state()
    grow(ofi, 1, 10, 0)
    grow(ofi, 2, 14, 1)
    bins = grow(ofi, 45, 20, 2)
    assert [(closed.end, closed.ofi) for closed in bins] == [
        (at(10), 4),
        (at(20), 0),
        (at(30), 0),
        (at(40), 0),
    ]
    assert {closed.last_offset for closed in bins} == {1}


def test_a_long_silence_is_caught_up_with_a_window_at_most() -> None:
    ofi = state(window=12)
    grow(ofi, 1, 10, 0)
    bins = grow(ofi, 100_000, 20, 1)
    assert len(bins) == 1 + 12
    assert bins[-1].end == at(100_000) and bins[-1].std == 0.0 and bins[-1].z == 0.0


def test_a_quote_from_before_the_bin_counts_in_it() -> None:
    ofi = state()
    grow(ofi, 11, 10, 0)
    assert grow(ofi, 3, 15, 1) == ()
    (closed,) = grow(ofi, 21, 15, 2)
    assert (closed.end, closed.ofi) == (at(20), 5)


def test_the_partial_bin_is_given_once() -> None:
    ofi = state()
    grow(ofi, 1, 10, 0)
    grow(ofi, 4, 13, 1)
    assert ofi.flush() == OfiBin("SPY", at(4), 3, None, None, None, 1, partial=True)
    assert ofi.flush() is None
    grow(ofi, 6, 20, 2)
    (closed,) = grow(ofi, 12, 20, 3)
    assert (closed.ofi, closed.last_offset) == (7, 2)


@pytest.mark.parametrize(("interval_s", "window"), [(0, 60), (-1, 60), (float("nan"), 60), (10, 1)])
def test_senseless_parameters_are_refused(interval_s: float, window: int) -> None:
    with pytest.raises(ValueError, match="OFI bin"):
        OfiState("SPY", interval_s=interval_s, window=window)


quotes = st.lists(
    st.tuples(
        st.integers(0, 60_000_000),  # microseconds since the quote before
        st.integers(-3, 3),
        st.integers(0, 500),
        st.integers(1, 4),
        st.integers(0, 500),
    ),
    max_size=80,
)


@given(quotes)
@settings(deadline=None)
def test_bins_hold_all_the_flow_and_nothing_else(steps: list[tuple[int, int, int, int, int]]) -> None:
    ofi, moment, mid = state(interval_s=7.0, window=12), START, 10_000
    before, total = None, 0.0
    bins: list[OfiBin] = []
    for offset, (pause_us, move, bid_size, width, ask_size) in enumerate(steps):
        moment, mid = moment + timedelta(microseconds=pause_us), mid + move
        quote = (mid / 100, bid_size, (mid + width) / 100, ask_size)
        total += quote_flow(*before, *quote) if before else 0
        bins += ofi.add(moment, *quote, offset)
        before = quote
    ends = [closed.end for closed in bins]
    assert all(later > earlier for earlier, later in pairwise(ends))
    last = ofi.flush()
    assert sum(closed.ofi for closed in bins) + (last.ofi if last else 0) == total


@given(quotes, st.data())
@settings(deadline=None)
def test_a_state_restored_from_its_bins_goes_on_as_if_nothing_had_happened(
    steps: list[tuple[int, int, int, int, int]], data: st.DataObject
) -> None:
    rows, moment, mid = [], START, 10_000
    for offset, (pause_us, move, bid_size, width, ask_size) in enumerate(steps):
        moment, mid = moment + timedelta(microseconds=pause_us), mid + move
        rows.append((moment, mid / 100, bid_size, (mid + width) / 100, ask_size, offset))
    through = state(window=12)
    expected = [closed for row in rows for closed in through.add(*row)]
    if not expected:
        return
    kept = data.draw(st.integers(1, len(expected)))
    covered = expected[kept - 1].last_offset
    again = state(window=12)
    again.restore([(b.end, b.ofi) for b in expected[:kept]], last_offset=covered)
    again.prime(*rows[covered][1:5])
    assert [closed for row in rows[covered + 1 :] for closed in again.add(*row)] == expected[kept:]


@pytest.mark.skipif(not AAPL_DAY.exists(), reason="the recorded day of AAPL is not here")
def test_the_known_answer_of_a_real_day() -> None:
    ofi, total = OfiState("AAPL", interval_s=10.0, window=60), 0.0
    with AAPL_DAY.open() as file:
        rows = list(csv.DictReader(file))
    for offset, row in enumerate(rows):
        prices_and_sizes = (
            int(row["bid_price"]) / 10_000,
            float(row["bid_volume"]),
            int(row["ask_price"]) / 10_000,
            float(row["ask_volume"]),
        )
        moment = START + timedelta(microseconds=offset * 23_400_000_000 // len(rows))
        total += sum(closed.ofi for closed in ofi.add(moment, *prices_and_sizes, offset))
    last = ofi.flush()
    assert last is not None
    assert total + last.ofi == -218_913  # strict inequalities would give -85,223
