"""Line charts as inline SVG: no script, no network, readable on any width, in light and dark.

Colours are CSS variables of the page. A line never has more than MOST_POINTS points: the time is cut into equal
parts and of each part the lowest and the highest value are drawn, so that no extreme disappears.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from algo_trade.clock import new_york

MOST_POINTS = 2000

_WIDTH, _HEIGHT = 760, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 10, 10, 26
_NS_PER_S = 1_000_000_000
_TIME_STEPS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)

Point = tuple[int, float]  # UTC epoch ns, value


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `style` is a CSS class of the page (its colour), `step` holds each value until the next."""

    name: str
    style: str
    points: Sequence[Point]
    step: bool = False
    fill: bool = False


@dataclass(frozen=True, slots=True)
class Marker:
    """A fill: a triangle up for a buy, down for a sell; `text` is shown on pointing at it."""

    at_ns: int
    value: float
    buy: bool
    text: str


def thin(times: Sequence[int], values: Sequence[float], most: int = MOST_POINTS) -> list[Point]:
    """The series with at most `most` points, its extremes kept. `times` never go back."""
    count = len(times)
    if count <= most:
        return list(zip(times, values, strict=True))
    parts = most // 2 - 1
    first, span = times[0], max(1, times[-1] - times[0])
    kept: list[int] = [0]
    start = 0
    for part in range(1, parts + 1):
        end = count if part == parts else bisect_left(times, first + span * part // parts, lo=start)
        if end > start:
            indexes = range(start, end)
            lowest, highest = min(indexes, key=values.__getitem__), max(indexes, key=values.__getitem__)
            kept += sorted({lowest, highest})
        start = end
    kept.append(count - 1)
    return [(times[index], values[index]) for index in sorted(set(kept))]


def line_chart(
    title: str,
    lines: Sequence[Line],
    *,
    start_ns: int,
    end_ns: int,
    unit: Callable[[float, int], str],
    markers: Sequence[Marker] = (),
) -> str:
    """An SVG of the lines over time (labelled in New York time); `unit(value, decimals)` writes a value."""
    values = [value for line in lines for _, value in line.points] + [marker.value for marker in markers]
    if not values:
        return '<p class="nothing">No data.</p>'
    ticks, decimals = _nice(min(values), max(values))
    low, high = ticks[0], ticks[-1]
    span_ns = max(1, end_ns - start_ns)

    def x(at_ns: int) -> float:
        share = min(1.0, max(0.0, (at_ns - start_ns) / span_ns))
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (high - value) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}" class="chart">',
        *_grid(ticks, decimals, y, unit),
        *_time_axis(start_ns, end_ns, x),
        *(_path(line, x, y, y(max(low, min(high, 0.0)))) for line in lines),
        *(_triangle(marker, x(marker.at_ns), y(marker.value)) for marker in markers),
        "</svg>",
    ]
    return "".join(parts)


def _nice(low: float, high: float) -> tuple[list[float], int]:
    """Four to eight round numbers that enclose the values, and how many decimals they need."""
    if high - low < 1e-9:
        pad = max(abs(high) * 1e-4, 0.01)
        low, high = low - pad, high + pad
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [round(number * step, 9) for number in range(first, last + 1)], decimals


def _grid(
    ticks: Sequence[float], decimals: int, y: Callable[[float], float], unit: Callable[[float, int], str]
) -> list[str]:
    parts = []
    for tick in ticks:
        at = y(tick)
        style = "zero" if tick == 0 else "grid"
        parts.append(f'<path class="{style}" d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}"/>')
        label = escape(unit(tick, decimals))
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 3.5:.1f}" text-anchor="end">{label}</text>')
    return parts


def _time_axis(start_ns: int, end_ns: int, x: Callable[[int], float]) -> list[str]:
    span_s = max(1, (end_ns - start_ns) // _NS_PER_S)
    step_s = next((step for step in _TIME_STEPS_S if span_s / step <= 7), span_s)
    form = "%H:%M" if step_s >= 60 else "%H:%M:%S"
    step_ns = step_s * _NS_PER_S
    parts = []
    at_ns = -(-start_ns // step_ns) * step_ns
    while at_ns <= end_ns:
        at = x(at_ns)
        parts.append(f'<path class="grid" d="M{at:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
        anchor = "start" if at < _LEFT + 20 else "end" if at > _WIDTH - _RIGHT - 20 else "middle"
        label = new_york(at_ns).strftime(form)
        parts.append(f'<text x="{at:.1f}" y="{_HEIGHT - 7}" text-anchor="{anchor}">{label}</text>')
        at_ns += step_ns
    return parts


def _path(line: Line, x: Callable[[int], float], y: Callable[[float], float], base: float) -> str:
    if not line.points:
        return ""
    moves: list[str] = []
    for at_ns, value in line.points:
        across, down = f"{x(at_ns):.1f}", f"{y(value):.1f}"
        if not moves:
            moves.append(f"M{across} {down}")
        elif line.step:
            moves.append(f"H{across}V{down}")
        else:
            moves.append(f"L{across} {down}")
    drawn = "".join(moves)
    area = ""
    if line.fill:
        first, last = x(line.points[0][0]), x(line.points[-1][0])
        area = f'<path class="area {line.style}" d="{drawn}L{last:.1f} {base:.1f}L{first:.1f} {base:.1f}Z"/>'
    return f'{area}<path class="line {line.style}" d="{drawn}"><title>{escape(line.name)}</title></path>'


def _triangle(marker: Marker, across: float, down: float) -> str:
    if marker.buy:
        shape = f"M{across:.1f} {down + 1:.1f}l-4.5 8h9z"
    else:
        shape = f"M{across:.1f} {down - 1:.1f}l-4.5 -8h9z"
    style = "buy" if marker.buy else "sell"
    return f'<path class="{style}" d="{shape}"><title>{escape(marker.text)}</title></path>'
