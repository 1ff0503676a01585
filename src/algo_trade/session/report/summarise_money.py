"""The money and risk of a summary: rounding, units, and null where there is nothing to say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from algo_trade.session.report.costs import Shortfall, Slippage
from algo_trade.session.report.executions import Execution
from algo_trade.session.report.exposure import ExposureSummary
from algo_trade.session.report.performance import BAR_S, Performance
from algo_trade.session.report.pnl import Position
from algo_trade.session.report.quotes import MICROS
from algo_trade.session.report.round_trips import RoundTrip
from algo_trade.session.report.stats import proportion
from algo_trade.session.report.summary_parts import (
    BreakEven,
    Exposure,
    PerformanceSummary,
    Pnl,
    RoundTripSummary,
    ShortfallSummary,
    SlippageSummary,
)


def pnl(positions: Iterable[Position]) -> Pnl:
    items = list(positions)
    realised = sum(position.realised_micros for position in items)
    unrealised = sum(position.unrealised_micros for position in items)
    commission = sum(position.commission_micros for position in items)
    return Pnl(
        realised=realised / MICROS,
        unrealised=unrealised / MICROS,
        commission=commission / MICROS,
        total=(realised + unrealised - commission) / MICROS,
    )


def break_even(executions: Sequence[Execution], result: Pnl) -> BreakEven:
    traded = sum(execution.quantity * execution.price_micros for execution in executions) / MICROS
    if not traded:
        return BreakEven(traded=0.0, needed_bps=None, earned_bps=None)
    earned = result.realised + result.unrealised
    return BreakEven(
        traded=round(traded, 6),
        needed_bps=round(result.commission / traded * 1e4, 4),
        earned_bps=round(earned / traded * 1e4, 4),
    )


def performance(found: Performance | None) -> PerformanceSummary:
    """None: the session's record names no capital."""
    if found is None:
        found = Performance(0, 0, "the session's record names no allocated capital to have returns on")
    interval = found.annual_ci95
    return PerformanceSummary(
        bar_s=BAR_S,
        n=found.n,
        changed=found.changed,
        insufficient=found.insufficient or None,
        sharpe=_rounded(found.sharpe, 6),
        standard_error=_rounded(found.standard_error, 6),
        sharpe_annual=_rounded(found.sharpe_annual, 4),
        sharpe_annual_ci95=None if interval is None else (round(interval[0], 4), round(interval[1], 4)),
        skew=_rounded(found.skew, 4),
        kurtosis=_rounded(found.kurtosis, 4),
        psr=_rounded(found.psr, 6),
        bars_needed=found.bars_needed,
    )


def exposure(found: ExposureSummary) -> Exposure:
    window = found.window_ns
    return Exposure(
        time_in_market=round(found.in_market_ns / window, 6) if window else None,
        gross_mean=round(found.gross_mean_micros / MICROS, 6),
        gross_max=found.gross_most_micros / MICROS,
        net_mean=round(found.net_mean_micros / MICROS, 6),
        net_max=found.net_most_micros / MICROS,
        largest_positions=found.largest,
    )


def round_trips(trips: Sequence[RoundTrip]) -> RoundTripSummary:
    nets = [trip.net_micros for trip in trips]
    won = proportion(sum(net > 0 for net in nets), len(nets))
    if not nets:
        return RoundTripSummary(n=0, won=won, mean=None, best=None, worst=None, mean_s=None)
    lasted_ns = sum(trip.closed_ns - trip.opened_ns for trip in trips)
    return RoundTripSummary(
        n=len(nets),
        won=won,
        mean=round(sum(nets) / len(nets) / MICROS, 6),
        best=max(nets) / MICROS,
        worst=min(nets) / MICROS,
        mean_s=round(lasted_ns / len(nets) / 1e9, 3),
    )


def slippage(found: Slippage) -> SlippageSummary:
    if not found.n or found.bps is None:
        return SlippageSummary(n=0, total=None, bps=None)
    return SlippageSummary(n=found.n, total=found.micros / MICROS, bps=round(found.bps, 4))


def shortfall(found: Shortfall) -> ShortfallSummary:
    return ShortfallSummary(
        n=found.n,
        delay=found.delay_micros / MICROS,
        execution=found.execution_micros / MICROS,
        opportunity=found.opportunity_micros / MICROS,
        commission=found.commission_micros / MICROS,
        total=found.total_micros / MICROS,
        bps=_rounded(found.bps, 4),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
