"""The pictures of money: result before and after commission, drawdown, exposure."""

from __future__ import annotations

from collections.abc import Sequence

from algo_trade.session.report.fold import Folded
from algo_trade.session.report.page.chart import Line, Point, TimeChart, draw, thinned
from algo_trade.session.report.page.markup import figure
from algo_trade.session.report.quotes import MICROS
from algo_trade.session.report.wording import axis_money, clock_time, money


def _held_to_the_end(folded: Folded, column: Sequence[int]) -> list[Point]:
    """Dollars over time; the last value holds until the session's end."""
    points = thinned(folded.curve.at_ns, [value / MICROS for value in column])
    return [*points, (folded.data.end_ns, column[-1] / MICROS)]


def _extreme(folded: Folded, column: Sequence[int], index: int) -> str:
    return f"{money(column[index] / MICROS)} at {clock_time(folded.curve.at_ns[index])}"


def result(folded: Folded) -> str:
    """Marked to mid, before and after commission."""
    curve = folded.curve
    net = curve.net
    lowest, highest = net.index(min(net)), net.index(max(net))
    summary = (
        f"After commission the result ended at {money(net[-1] / MICROS)}; highest {_extreme(folded, net, highest)}, "
        f"lowest {_extreme(folded, net, lowest)}. Before commission it ended at {money(curve.gross[-1] / MICROS)}. "
        f"Marked to mid at {len(net):,} moments, New York time."
    )
    chart = TimeChart(
        ident="result-chart",
        title="Profit and loss over the session, before and after commission",
        summary=summary,
        start_ns=folded.data.record.started_ns,
        end_ns=folded.data.end_ns,
        unit=axis_money,
        lines=[
            Line("b", _held_to_the_end(folded, curve.gross), step=True),
            Line("a", _held_to_the_end(folded, curve.net), step=True),
        ],
        reach=[0.0],
    )
    key = [("a", "after commission"), ("b", "before commission")]
    return figure("Profit and loss", draw(chart), key, summary)


def drawdown(folded: Folded) -> str:
    """How far the result after commission stood below its highest value so far."""
    curve = folded.curve
    deepest = curve.max_drawdown_ns
    summary = (
        "The result never fell below an earlier value."
        if deepest is None
        else f"Deepest {money(curve.max_drawdown_micros / MICROS)} at {clock_time(deepest)} New York time; "
        f"{money(curve.drawdown[-1] / MICROS)} below the best at the end."
    )
    chart = TimeChart(
        ident="drawdown-chart",
        title="Drawdown: how far the result after commission stood below its highest value so far",
        summary=summary,
        start_ns=folded.data.record.started_ns,
        end_ns=folded.data.end_ns,
        unit=axis_money,
        lines=[
            Line("c", _held_to_the_end(folded, [-value for value in curve.drawdown]), step=True, fill=True)
        ],
        reach=[0.0],
        size="low",
    )
    return figure("Drawdown", draw(chart), [("c", "below the highest result so far")], summary)


def exposure(folded: Folded) -> str:
    """What the positions were worth: with their signs, and without."""
    curve = folded.curve
    gross, net = curve.long_and_short, curve.long_less_short
    most = gross.index(max(gross))
    summary = (
        f"Gross exposure was at most {_extreme(folded, gross, most)} New York time; net between "
        f"{money(min(net) / MICROS)} and {money(max(net) / MICROS)}."
        if gross[most]
        else "No position was ever open."
    )
    chart = TimeChart(
        ident="exposure-chart",
        title="Exposure over the session: gross and net value of the positions at mid",
        summary=summary,
        start_ns=folded.data.record.started_ns,
        end_ns=folded.data.end_ns,
        unit=axis_money,
        lines=[
            Line("d", _held_to_the_end(folded, gross), step=True, fill=True),
            Line("a", _held_to_the_end(folded, net), step=True),
        ],
        reach=[0.0],
        size="low",
    )
    return figure("Exposure", draw(chart), [("d", "gross"), ("a", "net: long less short")], summary)
