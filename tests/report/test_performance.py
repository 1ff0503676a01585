"""Sharpe ratio and PSR: against other people's programs, against a second way, and silent where there is too little."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algo_trade.session.report.performance import (
    BARS_A_YEAR,
    LEAST_BARS,
    LEAST_CHANGED,
    Performance,
    bar_returns,
    performance_of,
)
from algo_trade.session.report.pnl import EquityCurve

MINUTE_NS = 60 * 10**9


def wave(n: int = 240) -> list[float]:
    """Minutes that earn and lose a little, and pay commission every quarter of an hour."""
    return [
        round(
            0.00004 * math.sin(i * 1.7) + 0.00002 * math.cos(i * 0.31) + 0.000004 - 0.0001 * (i % 15 == 0), 9
        )
        for i in range(n)
    ]


def test_the_ratios_are_those_of_other_programs() -> None:
    """Computed once on the same 240 returns: empyrical-reloaded 0.5.12, SciPy 1.17.1, quantstats 0.0.86."""
    found = performance_of(wave())
    assert found.sharpe_annual == pytest.approx(
        -22.180487497083625, rel=1e-9
    )  # empyrical, annualization=252*390
    assert found.skew == pytest.approx(-0.8017288504556994, rel=1e-9)  # scipy.stats.skew
    assert found.kurtosis == pytest.approx(4.096179976957799, rel=1e-9)  # scipy.stats.kurtosis, fisher=False
    assert found.psr == pytest.approx(0.13052760762831994, rel=1e-9)  # its norm.cdf of these
    assert found.psr == pytest.approx(0.13049027794497237, abs=1e-4)  # quantstats: unbiased moments instead


def second_way(values: list[int]) -> tuple[float, float]:
    """Sharpe and PSR from exact sums of powers and an error function, not from moments and a normal's object."""
    n = len(values)
    first, second, third, fourth = (sum(value**power for value in values) for power in (1, 2, 3, 4))
    # Central moments times n to their power: whole numbers.
    m2 = n * second - first**2
    m3 = n**2 * third - 3 * n * first * second + 2 * first**3
    m4 = n**3 * fourth - 4 * n**2 * first * third + 6 * n * first**2 * second - 3 * first**4
    sharpe = first / math.sqrt(m2 * n / (n - 1))
    skew, kurtosis = m3 / m2**1.5, m4 / m2**2
    z = sharpe * math.sqrt(n - 1) / math.sqrt(1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2)
    return sharpe, (1 + math.erf(z / math.sqrt(2))) / 2


@settings(max_examples=25)
@given(st.lists(st.integers(-1000, 1000), min_size=LEAST_BARS, max_size=90))
def test_any_series_gives_what_a_second_computation_gives(millionths: list[int]) -> None:
    returns = [value / 1e6 for value in millionths]
    found = performance_of(returns)
    if found.insufficient:
        assert sum(value != 0 for value in returns) < LEAST_CHANGED or len(set(returns)) == 1
        return
    sharpe, psr = second_way(millionths)
    assert found.sharpe == pytest.approx(sharpe, rel=1e-9, abs=1e-12)
    assert found.psr == pytest.approx(psr, abs=1e-9)
    assert found.annual_ci95 is not None and found.sharpe_annual is not None
    assert found.annual_ci95[0] <= found.sharpe_annual <= found.annual_ci95[1]


def test_as_many_bars_as_it_says_are_what_it_takes() -> None:
    """With MinTRL bars of the same moments the lower end of the one-sided interval is at 0."""
    found = performance_of(wave())
    assert found.bars_needed is not None and found.sharpe is not None and found.standard_error is not None
    error_then = found.standard_error * math.sqrt((found.n - 1) / (found.bars_needed - 1))
    assert abs(found.sharpe) / error_then == pytest.approx(1.645, abs=0.005)


@pytest.mark.parametrize(
    ("returns", "said"),
    [
        ([], "needs 60 full minutes, there are 0"),
        ([0.001, -0.001] * 29, "needs 60 full minutes, there are 58"),
        ([0.0] * 100, "needs 30 minutes that changed the result, there are 0"),
        ([0.0] * 100 + [0.001] * 29, "needs 30 minutes that changed the result, there are 29"),
        ([0.001] * 100, "every minute brought the same: there is no deviation to measure by"),
    ],
)
def test_too_little_gives_a_reason_and_no_number(returns: list[float], said: str) -> None:
    found = performance_of(returns)
    assert found == Performance(len(returns), sum(value != 0 for value in returns), said)
    assert (found.sharpe_annual, found.annual_ci95, found.psr) == (None, None, None)


def curve(*points: tuple[int, int]) -> EquityCurve:
    made = EquityCurve()
    for at_ns, net in points:
        made.add(at_ns, net, 0, (0, 0))
    return made


def test_a_return_is_the_change_from_one_full_minute_to_the_next() -> None:
    """The result holds until it changes, the broken minute at the end is left out, and capital divides."""
    made = curve((0, 0), (30 * 10**9, 100), (MINUTE_NS, 300), (MINUTE_NS + 1, 350), (3 * MINUTE_NS + 5, 0))
    assert bar_returns(made, 3 * MINUTE_NS + 10, 1000) == [0.3, 0.05, 0.0]
    assert made.at_ns == array("q", [0, 30 * 10**9, MINUTE_NS, MINUTE_NS + 1, 3 * MINUTE_NS + 5])
    assert bar_returns(made, MINUTE_NS - 1, 1000) == []


@given(st.lists(st.tuples(st.integers(0, 20 * MINUTE_NS), st.integers(-(10**9), 10**9)), max_size=30))
def test_returns_add_up_to_the_result(changes: list[tuple[int, int]]) -> None:
    points = [(0, 0), *sorted(changes)]
    made = curve(*points)
    total = sum(bar_returns(made, 20 * MINUTE_NS, 10**6))
    assert total == pytest.approx(points[-1][1] / 10**6, abs=1e-6)


def test_the_year_is_of_252_days_of_390_minutes() -> None:
    assert BARS_A_YEAR == 98_280
