"""How much was at stake, for how long: exposure over time, from the curve that is marked to mid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from algo_trade.session.report.executions import Execution
from algo_trade.session.report.pnl import EquityCurve


@dataclass(frozen=True, slots=True)
class ExposureSummary:
    """Micro-dollars and nanoseconds of the window. Means are over time, over all of it, flat or not."""

    window_ns: int
    in_market_ns: int  # with any position open
    gross_mean_micros: float
    gross_most_micros: int
    net_mean_micros: float
    net_most_micros: int  # the largest amount, whichever way
    largest: dict[str, int]  # symbol → the largest position, signed shares


def exposure_of(curve: EquityCurve, executions: Sequence[Execution], end_ns: int) -> ExposureSummary:
    """Over the time from the curve's start to `end_ns`; each value holds until the next."""
    ends = [*curve.at_ns[1:], max(end_ns, curve.at_ns[-1])]
    in_market = gross_time = net_time = 0
    columns = (curve.at_ns, ends, curve.long_and_short, curve.long_less_short)
    for begins, stops, gross, net in zip(*columns, strict=True):
        lasted = stops - begins
        if gross:
            in_market += lasted
            gross_time += gross * lasted
            net_time += net * lasted
    window = ends[-1] - curve.at_ns[0]
    return ExposureSummary(
        window_ns=window,
        in_market_ns=in_market,
        gross_mean_micros=gross_time / window if window else 0.0,
        gross_most_micros=max(curve.long_and_short),
        net_mean_micros=net_time / window if window else 0.0,
        net_most_micros=max(curve.long_less_short, key=abs),
        largest=largest_positions(executions),
    )


def largest_positions(executions: Sequence[Execution]) -> dict[str, int]:
    """The position furthest from flat that each symbol ever had, in the order of the first executions."""
    held: dict[str, int] = {}
    largest: dict[str, int] = {}
    for execution in sorted(executions, key=lambda item: item.known_ns):
        symbol = execution.symbol
        held[symbol] = held.get(symbol, 0) + execution.signed_quantity
        largest[symbol] = max(largest.get(symbol, 0), held[symbol], key=abs)
    return largest
