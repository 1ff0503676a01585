"""The picture of latencies: how many orders took how long, on a logarithmic scale, with the percentiles marked."""

from __future__ import annotations

import math
from html import escape

from algo_trade.session.report.fold import Folded
from algo_trade.session.report.histogram import LEAST_MS, log_bins
from algo_trade.session.report.page.chart import (
    HEIGHT,
    WIDTH,
    frame,
    percent,
    round_numbers,
    stretched,
    value_axis,
)
from algo_trade.session.report.page.markup import figure
from algo_trade.session.report.stats import LEAST_N, percentile
from algo_trade.session.report.wording import short_time

# Which round numbers of a decade are labelled: the fewest that give three labels.
_LABELS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0))
_FEWEST_LABELS = 3
_LABEL_ROW_PX = 17  # the percentiles stand above the bars, one under the other
_WHOLE_AXIS = 6  # orders are counted: up to here every number is a line
_TITLES = {
    "intent_to_fill": "Intent to fill",
    "submit_to_ack": "Submit to acknowledge",
    "ack_to_fill": "Acknowledge to fill",
    "rested_until_fill": "Rested until filled",
}


def latencies(folded: Folded) -> str:
    """A picture for each hop that any order took, but for intent to submit, which is our own and all but nothing."""
    pictures = [
        _picture(f"latency-{number}", title, folded.latencies_ms[hop])
        for number, (hop, title) in enumerate(_TITLES.items())
        if folded.latencies_ms[hop]
    ]
    return f'<div class="pair">{"".join(pictures)}</div>' if pictures else ""


def _picture(ident: str, title: str, values: list[float]) -> str:
    bins = log_bins(values)
    low, high = math.log10(bins[0].from_ms), math.log10(bins[-1].to_ms)
    most = max(item.n for item in bins)
    ticks = [float(n) for n in range(most + 1)] if most < _WHOLE_AXIS else round_numbers(0, most)[0]
    top = ticks[-1]

    def across(milliseconds: float) -> float:
        return (math.log10(max(milliseconds, LEAST_MS)) - low) / (high - low)

    bars = [
        f'<path class="bar" d="M{(left := round(across(item.from_ms) * WIDTH))} {HEIGHT}'
        f'V{round((1 - item.n / top) * HEIGHT)}H{max(left + 1, round(across(item.to_ms) * WIDTH))}V{HEIGHT}Z"/>'
        for item in bins
        if item.n
    ]
    marks, told = [], []
    for row, level in enumerate((50, 95, 99)):
        value = percentile(values, level)
        if value is None:
            told.append(f"p{level} needs {LEAST_N[level]} values")
            continue
        told.append(f"p{level} {short_time(value)}")
        x = percent(min(1.0, max(0.0, across(value))))
        top_px = _LABEL_ROW_PX * (3 - row)
        side, dx = ("before", -5) if across(value) > 0.5 else ("after", 5)
        marks.append(
            f'<line class="mark" x1="{x}" x2="{x}" y1="-{top_px - 3}" y2="100%"/>'
            f'<text class="{side}" x="{x}" dx="{dx}" y="-{top_px - 13}">p{level} {escape(short_time(value))}</text>'
        )
    summary = f"{len(values):,} orders, from {short_time(min(values))} to {short_time(max(values))}; {', '.join(told)}."
    parts = [
        *value_axis([(1 - tick / top, f"{tick:,.0f}", tick == 0) for tick in ticks]),
        *_labels(low, high),
        stretched(bars),
        *marks,
    ]
    picture = frame(ident, f"{title}: how many orders took how long", summary, parts, "counts")
    return figure(title, picture, [("bar", "orders, by time on a logarithmic scale")], summary)


def _labels(low: float, high: float) -> list[str]:
    """Round times along the axis; `low` and `high` are logarithms of milliseconds."""
    places: list[float] = []
    for steps in _LABELS:
        decades = range(math.floor(low), math.ceil(high) + 1)
        places = [step * 10.0**decade for decade in decades for step in steps]
        places = [value for value in places if low - 1e-9 <= math.log10(value) <= high + 1e-9]
        if len(places) >= _FEWEST_LABELS:
            break
    parts = []
    for number, value in enumerate(places):
        x = percent((math.log10(value) - low) / (high - low))
        style = "x" if number % 2 == 0 else "x often"
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y2="100%"/>')
        parts.append(f'<text class="{style}" x="{x}" y="100%" dy="1.5em">{escape(short_time(value))}</text>')
    return parts
