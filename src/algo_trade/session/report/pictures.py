"""The report's charts: price with fills, result before and after commission, drawdown."""

from __future__ import annotations

from array import array
from html import escape

from algo_trade.session.report.charts import Line, Marker, line_chart, thin
from algo_trade.session.report.fold import Results
from algo_trade.session.report.quotes import MICROS
from algo_trade.session.report.wording import axis_money, clock_time

# More triangles than these hide each other; the table and report.json have them all.
_MOST_MARKERS = 600


def price_charts(results: Results) -> list[str]:
    """One for each symbol that was quoted."""
    quotes = results.data.quotes
    times = [array("q") for _ in quotes.symbols]
    mids: list[array[float]] = [array("d") for _ in quotes.symbols]
    columns = (quotes.symbol_index, quotes.at_ns, quotes.bid_micros, quotes.ask_micros)
    for index, at_ns, bid, ask in zip(*columns, strict=True):
        times[index].append(at_ns)
        mids[index].append((bid + ask) / (2 * MICROS))
    return [
        _price_chart(results, symbol, times[index], mids[index])
        for index, symbol in enumerate(quotes.symbols)
    ]


def _price_chart(results: Results, symbol: str, times: array[int], mids: array[float]) -> str:
    executions = [execution for execution in results.executions if execution.symbol == symbol]
    markers = [
        Marker(
            at_ns=execution.known_ns,
            value=execution.price_micros / MICROS,
            buy=execution.sign > 0,
            text=(
                f"{clock_time(execution.known_ns)} {'bought' if execution.sign > 0 else 'sold'} {execution.quantity} "
                f"at ${execution.price_micros / MICROS:,.4f}"
            ),
        )
        for execution in executions[:_MOST_MARKERS]
    ]
    bought = sum(execution.sign > 0 for execution in executions)
    sold = len(executions) - bought
    title = f"{symbol}: mid price over the session, with {bought} buying and {sold} selling fills"
    more = f" (the first {_MOST_MARKERS} are drawn)" if len(executions) > _MOST_MARKERS else ""
    chart = line_chart(
        title,
        [Line(f"{symbol} mid", "a", thin(times, mids), step=True)],
        start_ns=results.data.record.started_ns,
        end_ns=results.data.last_ns,
        unit=axis_money,
        markers=markers,
    )
    key = (
        f'<p class="key"><i class="a"></i>mid price <span class="up">▲</span> {bought} buys '
        f'<span class="down">▼</span> {sold} sells{more}; {len(times):,} quotes, New York time</p>'
    )
    return f"<h3>{escape(symbol)}</h3>{chart}{key}"


def result_chart(results: Results) -> str:
    """Marked to mid, before and after commission."""
    curve = results.curve
    end_ns = max(results.data.last_ns, curve.at_ns[-1])
    lines = []
    for name, style, column in (
        ("before commission", "b", curve.gross),
        ("after commission", "a", curve.net),
    ):
        points = thin(curve.at_ns, [value / MICROS for value in column])
        lines.append(Line(name, style, [*points, (end_ns, column[-1] / MICROS)], step=True))
    chart = line_chart(
        "Profit and loss marked to mid, before and after commission",
        lines,
        start_ns=results.data.record.started_ns,
        end_ns=end_ns,
        unit=axis_money,
    )
    return (
        f'{chart}<p class="key"><i class="b"></i>before commission <i class="a"></i>after commission; '
        f"marked to mid at {len(curve.at_ns):,} moments, New York time</p>"
    )


def drawdown_chart(results: Results) -> str:
    """How far the result after commission stood below its highest value so far."""
    curve = results.curve
    end_ns = max(results.data.last_ns, curve.at_ns[-1])
    points = thin(curve.at_ns, [-value / MICROS for value in curve.drawdown])
    points.append((end_ns, -curve.drawdown[-1] / MICROS))
    chart = line_chart(
        "Drawdown: how far the result stood below its highest value so far",
        [Line("drawdown", "c", points, step=True, fill=True)],
        start_ns=results.data.record.started_ns,
        end_ns=end_ns,
        unit=axis_money,
    )
    deepest = curve.max_drawdown_ns
    when = "it never fell" if deepest is None else f"deepest at {clock_time(deepest)} New York time"
    return f'{chart}<p class="key">result after commission, below its highest value so far; {when}</p>'
