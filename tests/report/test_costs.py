"""What trading cost, how much was at stake, and round trips: by hand, and by what has to hold for any fills."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.test_money import execution, quantities, quotes_of, sessions
from tests.report.writing import START, Writer, fill

from algo_trade.contracts import TimeInForce
from algo_trade.session.report import build_report
from algo_trade.session.report.exposure import exposure_of, largest_positions
from algo_trade.session.report.histogram import log_bins
from algo_trade.session.report.pnl import equity_curve, positions_of
from algo_trade.session.report.quotes import Mids
from algo_trade.session.report.round_trips import round_trips_of

_MICROS = 1_000_000


def sent(at_s: float) -> dict[str, Any]:
    return {"submitted_timestamp": START + timedelta(seconds=at_s)}


def test_the_shortfall_is_split_by_when_it_arose(tmp_path: Path) -> None:
    """Ten wanted at a mid of 100.00; six fill at 100.05 when the mid is 100.03; the rest is given up at 100.20.

    delay 6 x 0.03 = 0.18, execution 6 x 0.02 = 0.12, opportunity 4 x 0.20 = 0.80, commission 1.00: 2.10 of 1,000.
    """
    writer = Writer(tmp_path)
    writer.tick(1, 99.99, 100.01)
    writer.intent(2, "in", quantity=10, decision_mid=100.0, time_in_force=TimeInForce.DAY)
    writer.tick(2.5, 100.02, 100.04)
    writer.report(3, "in", "PARTIAL_FILL", [fill("a.01", 6, 100.05)], **sent(2.6))
    writer.tick(4, 100.19, 100.21)
    writer.report(5, "in", "CANCELED", [fill("a.01", 6, 100.05)], **sent(2.6))
    writer.tick(6, 90.0, 90.02)
    found = build_report(writer.write(ended_s=10)).summary.shortfall
    parts = (found.delay, found.execution, found.opportunity, found.commission)
    assert parts == pytest.approx((0.18, 0.12, 0.80, 1.0))
    assert found.total == pytest.approx(2.10)
    assert found.n == 1
    assert found.bps == pytest.approx(21.0)


def test_a_sale_at_a_better_price_costs_less_than_nothing(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.tick(1, 99.99, 100.01)
    writer.intent(2, "out", "SELL", decision_mid=100.0)
    writer.report(3, "out", "FILLED", [fill("a.01", 10, 100.10, 0.5)], side="SELL", **sent(2))
    summary = build_report(writer.write(ended_s=10)).summary
    assert summary.shortfall.execution == pytest.approx(-1.0)
    assert summary.slippage.total == pytest.approx(-1.0)
    assert summary.slippage.bps == pytest.approx(-10.0)


def test_orders_that_do_not_name_their_mid_have_no_costs_to_tell(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.tick(1, 99.99, 100.01)
    writer.intent(2, "in")
    writer.report(3, "in", "FILLED", [fill("a.01", 10, 100.0)], **sent(2))
    summary = build_report(writer.write(ended_s=10)).summary
    assert (summary.shortfall.n, summary.shortfall.bps, summary.slippage.bps) == (0, None, None)
    assert summary.break_even.needed_bps == pytest.approx(10.0)  # a dollar on a thousand


def test_exposure_by_hand() -> None:
    """Long 10 at 100 for four seconds of ten, then short 5 for two: 60 % of the time, at most 1,000 either way."""
    quotes = quotes_of([(0, "SPY", 100 * _MICROS, 100 * _MICROS)])
    fills = [
        execution(10, 100 * _MICROS, 2 * 10**9),
        execution(-15, 100 * _MICROS, 6 * 10**9),
        execution(5, 100 * _MICROS, 8 * 10**9),
    ]
    found = exposure_of(equity_curve(fills, quotes, 0), fills, 10 * 10**9)
    assert (found.in_market_ns, found.window_ns) == (6 * 10**9, 10 * 10**9)
    assert (found.gross_most_micros, found.net_most_micros) == (1000 * _MICROS, 1000 * _MICROS)
    assert found.gross_mean_micros == 500 * _MICROS
    assert found.net_mean_micros == 300 * _MICROS
    assert found.largest == {"SPY": 10}


@given(sessions())
def test_exposure_is_position_times_mid(session: tuple[list[Any], dict[str, Mids]]) -> None:
    """At the end of the curve net and gross are what the positions are worth; net never exceeds gross."""
    fills, quotes = session
    curve = equity_curve(fills, quotes, 0)
    positions = positions_of(fills, {symbol: mids.last for symbol, mids in quotes.items()})
    worth = [position.quantity * position.mark_micros for position in positions.values()]
    assert curve.long_less_short[-1] == sum(worth)
    assert curve.long_and_short[-1] == sum(map(abs, worth))
    pairs = zip(curve.long_less_short, curve.long_and_short, strict=True)
    assert all(abs(net) <= gross for net, gross in pairs)


@given(st.lists(st.tuples(quantities, st.integers(1, 1000 * _MICROS), st.integers(0, 9)), max_size=30))
def test_round_trips_of_a_flat_book_bring_its_whole_result(fills: list[tuple[int, int, int]]) -> None:
    """Sums of gross and commission are the book's, however often the position was turned over."""
    rest = -sum(signed for signed, _, _ in fills)
    if rest:
        fills = [*fills, (rest, 500 * _MICROS, 1)]
    executions = [
        execution(signed, price, number, commission=fee) for number, (signed, price, fee) in enumerate(fills)
    ]
    trips = round_trips_of(executions)
    assert sum(trip.gross_micros for trip in trips) == -sum(signed * price for signed, price, _ in fills)
    assert sum(trip.commission_micros for trip in trips) == sum(fee for _, _, fee in fills)
    assert all(trip.opened_ns <= trip.closed_ns and trip.largest for trip in trips)
    largest = max((abs(trip.largest) for trip in trips), default=0)
    assert largest == max(map(abs, largest_positions(executions).values()), default=0)


def test_a_trip_that_is_open_is_none_yet() -> None:
    assert round_trips_of([execution(5, _MICROS)]) == ()


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=60))
def test_every_latency_is_in_one_bin(values: list[float]) -> None:
    bins = log_bins(values)
    assert sum(item.n for item in bins) == len(values)
    assert bins[0].n and bins[-1].n
    assert all(before.to_ms == after.from_ms for before, after in pairwise(bins))
    assert all(item.from_ms < item.to_ms for item in bins)
    assert len(bins) < 150
