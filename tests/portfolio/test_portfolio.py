"""The fold of execution reports: cumulative, repeated, corrected, late."""

from __future__ import annotations

from tests.order_plane.make import report

from algo_trade.portfolio import MICROS, Portfolio


def test_a_report_told_twice_counts_once() -> None:
    """At-least-once delivery must not double a position."""
    portfolio = Portfolio()
    told = report(fills=[("e1.01", 3, 100.0, 1.0)])
    assert portfolio.apply(told)
    assert not portfolio.apply(told)
    assert portfolio.positions() == {"SPY": 3}


def test_cumulative_reports_add_only_what_is_new() -> None:
    """Each report repeats the fills before it."""
    portfolio = Portfolio()
    portfolio.apply(report(fills=[("e1.01", 3, 100.0, None)]))
    portfolio.apply(report(fills=[("e1.01", 3, 100.0, None), ("e2.01", 2, 101.0, None)], sequence=1))
    assert portfolio.positions() == {"SPY": 5}


def test_a_correction_replaces_its_fill() -> None:
    """`.02` says what `.01` should have said; a late `.01` changes nothing."""
    portfolio = Portfolio()
    portfolio.apply(report(fills=[("e1.01", 3, 100.0, 1.0)]))
    portfolio.apply(report(fills=[("e1.02", 2, 100.0, 1.0)], sequence=1))
    portfolio.apply(report(fills=[("e1.01", 3, 100.0, 1.0)]))
    assert portfolio.positions() == {"SPY": 2}


def test_commission_may_come_late_and_is_kept() -> None:
    """A later report that does not know the commission yet does not forget it."""
    portfolio = Portfolio()
    portfolio.apply(report(fills=[("e1.01", 3, 100.0, None)]))
    assert portfolio.commission_micros == 0
    portfolio.apply(report(fills=[("e1.01", 3, 100.0, 1.0)], sequence=1))
    portfolio.apply(report(fills=[("e1.01", 3, 100.0, None)], sequence=2))
    assert portfolio.commission_micros == MICROS


def test_profit_needs_a_mark() -> None:
    """Without a mark the unrealised part is missing, and said to be."""
    portfolio = Portfolio()
    portfolio.apply(report(fills=[("e1.01", 2, 100.0, 1.0)]))
    assert not portfolio.pnl({}).complete
    pnl = portfolio.pnl({"SPY": 103 * MICROS})
    assert (pnl.complete, pnl.total_micros) == (True, 5 * MICROS)


def test_cash_flow_counts_commission() -> None:
    """Buy 2 at $100 and sell 2 at $101, $1 each time: the account holds what it held."""
    portfolio = Portfolio()
    portfolio.apply(report(fills=[("e1.01", 2, 100.0, 1.0)]))
    portfolio.apply(report(fills=[("e2.01", 2, 101.0, 1.0)], direction="SELL", intent=2))
    assert portfolio.positions() == {}
    assert portfolio.cash_flow_micros == 0


def test_commission_is_revised_not_added() -> None:
    portfolio = Portfolio()
    portfolio.apply(report(fills=[("e1.01", 3, 100.0, 1.0), ("e2.01", 1, 100.0, 0.5)]))
    portfolio.apply(report(fills=[("e1.01", 3, 100.0, 1.25), ("e2.01", 1, 100.0, 0.5)], sequence=1))
    assert portfolio.commission_micros == 1_750_000


def test_a_carried_position_is_held_valued_and_was_paid_for_before() -> None:
    """Three from yesterday at $100, sold at $102; a correction counts everything again and forgets nothing."""
    portfolio = Portfolio()
    portfolio.carry("SPY", 3, 300 * MICROS)
    assert portfolio.positions() == {"SPY": 3}
    assert portfolio.cash_flow_micros == 0
    assert portfolio.pnl({"SPY": 101 * MICROS}).unrealised_micros == 3 * MICROS
    portfolio.apply(report(fills=[("e1.01", 3, 102.0, 1.0)], direction="SELL"))
    assert portfolio.positions() == {}
    assert (portfolio.pnl({}).realised_micros, portfolio.cash_flow_micros) == (6 * MICROS, 305 * MICROS)
    portfolio.apply(report(fills=[("e1.02", 2, 102.0, 1.0)], direction="SELL", sequence=1))
    assert portfolio.positions() == {"SPY": 1}
    assert portfolio.pnl({"SPY": 100 * MICROS}).realised_micros == 4 * MICROS
