"""Percentiles and intervals against numbers anybody can look up."""

from __future__ import annotations

from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade.session.report.stats import percentile, wilson


def test_nearest_rank() -> None:
    """The rank is the share of n, rounded up: of 1..100 the 95th percentile is 95, of 1..60 it is 57."""
    assert percentile([float(value) for value in range(100, 0, -1)], 95) == 95
    assert percentile([float(value) for value in range(1, 61)], 95) == 57
    assert percentile([float(value) for value in range(1, 301)], 99) == 297
    assert percentile([4.0, 1.0, 3.0], 50) == 3
    assert percentile([4.0, 1.0], 50) == 1


def test_too_little_data_is_no_number() -> None:
    values = [1.0] * 298
    assert percentile([], 50) is None
    assert percentile(values[:1], 50) == 1
    assert percentile(values[:58], 95) is None
    assert percentile(values[:59], 95) == 1
    assert percentile(values, 99) is None
    assert percentile([*values, 1.0], 99) == 1


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.integers(299, 400), st.sampled_from([50, 95, 99])
)
def test_a_percentile_is_the_least_value_that_covers_its_share(
    few: list[float], count: int, percent: int
) -> None:
    values = list(islice(cycle(few), count))
    found = percentile(values, percent)
    assert found is not None
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [  # Newcombe 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson(k: int, n: int, low: float, high: float) -> None:
    interval = wilson(k, n)
    assert interval is not None
    assert interval == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing() -> None:
    assert wilson(0, 0) is None
    with pytest.raises(ValueError, match="proportion"):
        wilson(3, 2)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_encloses_the_share(pair: tuple[int, int]) -> None:
    k, n = pair
    interval = wilson(k, n)
    assert interval is not None
    assert 0 <= interval[0] <= k / n <= interval[1] <= 1
