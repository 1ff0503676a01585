"""Inside five seconds of the days made up before: trades one by one, the quotes around them, and seconds.

An interval of five seconds has at least four trades: at its open, at its two extremes (which comes first is the tick
number's parity) and at its close. They share its volume evenly and stand in its five seconds evenly, so that ticks,
seconds and longer bars tell the same prices and volumes.
"""

from __future__ import annotations

from algo_trade.gateway_sim.bars.columns import Bar, TradeColumns
from algo_trade.gateway_sim.quotes import Quote

_LEAST_TRADES = 4
_MICROS_PER_E4 = 100
_NS = 1_000_000_000
# Shares displayed on a side, in trades of the moment.
_TRADES_DISPLAYED = 4


def interval_ticks(intervals: TradeColumns, index: int, spread_e4: int) -> list[tuple[int, Quote]]:
    """The trades of one interval with the second each came in; the bid stands at the price of the trade."""
    count = max(_LEAST_TRADES, intervals.trades[index])
    opening, high, low, close = (
        column[index] // _MICROS_PER_E4
        for column in (intervals.open, intervals.high, intervals.low, intervals.close)
    )
    first, second = (high, low) if (index + count) % 2 else (low, high)
    start_s = intervals.first_s + index * intervals.step_s
    volume = intervals.volume[index]
    ticks = []
    for number in range(count):
        price = (
            opening
            if not number
            else close
            if number == count - 1
            else first
            if number < count / 2
            else second
        )
        size = volume // count + (number < volume % count)
        second_s = start_s + number * intervals.step_s // count
        shown = _TRADES_DISPLAYED * (volume // count + 1)
        quote = Quote(
            second_s * _NS,
            price,
            price + spread_e4,
            shown * (1 + number % 3),
            shown * (1 + (number + index) % 3),
            price,
            size,
        )
        ticks.append((second_s, quote))
    return ticks


def seconds_of(intervals: TradeColumns) -> TradeColumns:
    """The same day in seconds; one without a trade is flat."""
    seconds = TradeColumns(1)
    for index in range(len(intervals)):
        start_s = intervals.first_s + index * intervals.step_s
        ticks = interval_ticks(intervals, index, 0)
        standing = intervals.open[index]
        for second_s in range(start_s, start_s + intervals.step_s):
            here = [quote for at_s, quote in ticks if at_s == second_s]
            prices = [quote.trade_e4 * _MICROS_PER_E4 for quote in here] or [standing]
            bar = Bar(second_s, prices[0], max(prices), min(prices), prices[-1])
            volume = sum(quote.trade_size for quote in here)
            value = sum(quote.trade_e4 * _MICROS_PER_E4 * quote.trade_size for quote in here)
            seconds.trade_bar(bar, volume=volume, value=value, trades=len(here))
            standing = prices[-1]
    return seconds
