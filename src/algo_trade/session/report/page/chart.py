"""Charts over time as inline SVG: no script, no network, sharp and readable on any width.

A chart is drawn in two layers. Lines live in an inner SVG that is stretched to whatever room there is, with strokes
that do not stretch; labels and markers are placed by percentages in the outer one, so letters keep their size on a
phone and on a wide screen alike. Colours and sizes are classes of the page's style sheet.

A line never has more than MOST_POINTS points: the time is cut into equal parts and of each part the lowest and the
highest value are drawn, so that no extreme disappears.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from algo_trade.clock import new_york
from algo_trade.session.report.stats import thin

MOST_POINTS = 1600

# Whole numbers keep paths short: three units to a pixel of the widest chart, four to one of the tallest.
WIDTH, HEIGHT = 3000, 1000
_NS_PER_S = 1_000_000_000
_TIME_STEPS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_LABELS = 8

Point = tuple[int, float]  # UTC epoch ns, value
Piece = tuple[int, int, float]  # from, to (UTC epoch ns), value
Unit = Callable[[float, int], str]  # writes a value with so many decimals


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `style` is a CSS class (its colour), `step` holds each value until the next, `fill` shades it to 0."""

    style: str
    points: Sequence[Point]
    step: bool = False
    fill: bool = False


@dataclass(frozen=True, slots=True)
class Levels:
    """Pieces that lie flat, drawn where the axis reaches them."""

    style: str
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Marker:
    """A shape of the page's SHAPES at a moment; `text` is shown on pointing at it."""

    at_ns: int
    value: float
    shape: str
    text: str


@dataclass(frozen=True, slots=True)
class TimeChart:
    """`ident` names it on the page; `title` and `summary` are what a screen reader says instead of the picture.

    The axis encloses lines, markers and `reach`; levels are drawn as far as they fit on it. `size` is a CSS class.
    """

    ident: str
    title: str
    summary: str
    start_ns: int
    end_ns: int
    unit: Unit
    lines: Sequence[Line]
    levels: Sequence[Levels] = ()
    markers: Sequence[Marker] = ()
    reach: Sequence[float] = ()
    size: str = ""


def thinned(times: Sequence[int], values: Sequence[float]) -> list[Point]:
    """A line's points, its extremes kept."""
    return thin(times, values, MOST_POINTS)


def draw(chart: TimeChart) -> str:
    """The chart's SVG; a sentence where there is nothing to draw."""
    values = [value for line in chart.lines for _, value in line.points]
    values += [marker.value for marker in chart.markers]
    if not values:
        return '<p class="nothing">No data.</p>'
    values += chart.reach
    ticks, decimals = round_numbers(min(values), max(values))
    low, high = ticks[0], ticks[-1]
    span_ns = max(1, chart.end_ns - chart.start_ns)

    def across(at_ns: int) -> float:
        return min(1.0, max(0.0, (at_ns - chart.start_ns) / span_ns))

    def down(value: float) -> float:
        return (high - value) / (high - low)

    data = [_line(line, across, down) for line in chart.lines]
    data += [_level(levels, across, down) for levels in chart.levels]
    parts = [
        *value_axis([(down(tick), chart.unit(tick, decimals), tick == 0) for tick in ticks]),
        *_time_axis(chart.start_ns, chart.end_ns, across),
        stretched(data),
        *(_marker(marker, across(marker.at_ns), down(marker.value)) for marker in chart.markers),
    ]
    return frame(chart.ident, chart.title, chart.summary, parts, chart.size)


def frame(ident: str, title: str, summary: str, parts: Sequence[str], size: str = "") -> str:
    """The outer SVG with its title and description."""
    return (
        f'<div class="chart {size}"><svg class="frame" role="img" aria-labelledby="{ident}-t {ident}-d">'
        f'<title id="{ident}-t">{escape(title)}</title><desc id="{ident}-d">{escape(summary)}</desc>'
        f"{''.join(parts)}</svg></div>"
    )


def stretched(parts: Sequence[str]) -> str:
    """The inner SVG: WIDTH by HEIGHT units on all the room there is."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" width="100%" height="100%">'
        f"{''.join(parts)}</svg>"
    )


def value_axis(ticks: Sequence[tuple[float, str, bool]]) -> list[str]:
    """Grid lines with their labels to the left: (how far down, label, whether it is the line of zero)."""
    parts = []
    for at, label, zero in ticks:
        y = percent(at)
        parts.append(f'<line class="{"zero" if zero else "grid"}" x2="100%" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="y" y="{y}" dx="-8" dy=".34em">{escape(label)}</text>')
    return parts


def percent(share: float) -> str:
    """0.25 → "25%"."""
    return f"{share * 100:.2f}".rstrip("0").rstrip(".") + "%"


def round_numbers(low: float, high: float) -> tuple[list[float], int]:
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


def _time_axis(start_ns: int, end_ns: int, across: Callable[[int], float]) -> list[str]:
    """Every second label is one that a narrow screen leaves out."""
    span_s = max(1, (end_ns - start_ns) // _NS_PER_S)
    step_s = next((step for step in _TIME_STEPS_S if span_s / step <= _MOST_LABELS), span_s)
    form = "%H:%M" if step_s >= 60 else "%H:%M:%S"
    step_ns = step_s * _NS_PER_S
    parts = []
    for number in range(-(-start_ns // step_ns), end_ns // step_ns + 1):
        at = across(number * step_ns)
        x, label = percent(at), new_york(number * step_ns).strftime(form)
        style = "x" if number % 2 == 0 else "x often"
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y2="100%"/>')
        parts.append(f'<text class="{style}" x="{x}" y="100%" dy="1.5em">{label}</text>')
    return parts


def _line(line: Line, across: Callable[[int], float], down: Callable[[float], float]) -> str:
    """Relative whole-number steps: what does not move is not written."""
    if not line.points:
        return ""
    places = [(round(across(at) * WIDTH), round(down(value) * HEIGHT)) for at, value in line.points]
    x, y = places[0]
    moves = [f"M{x} {y}"]
    for to_x, to_y in places[1:]:
        right, below = to_x - x, to_y - y
        if line.step or not right or not below:
            moves.append((f"h{right}" if right else "") + (f"v{below}" if below else ""))
        else:
            moves.append(f"l{right} {below}")
        x, y = to_x, to_y
    # A path of one place is not drawn at all: a value seen once gets a dot.
    drawn = "".join(moves) if any(moves[1:]) else f"{moves[0]}h{1 if x < WIDTH else -1}"
    area = ""
    if line.fill:
        base = round(min(1.0, max(0.0, down(0.0))) * HEIGHT)
        area = f'<path class="area {line.style}" d="{drawn}V{base}H{places[0][0]}Z"/>'
    return f'{area}<path class="line {line.style}" d="{drawn}"/>'


def _level(levels: Levels, across: Callable[[int], float], down: Callable[[float], float]) -> str:
    moves = []
    for begins_ns, ends_ns, value in levels.pieces:
        at = down(value)
        if 0 <= at <= 1:
            left, right = round(across(begins_ns) * WIDTH), round(across(ends_ns) * WIDTH)
            moves.append(f"M{left} {round(at * HEIGHT)}h{max(1, right - left)}")
    return f'<path class="line {levels.style}" d="{"".join(moves)}"/>' if moves else ""


def _marker(marker: Marker, across: float, down: float) -> str:
    return (
        f'<use href="#{marker.shape}" class="{marker.shape}" x="{percent(across)}" y="{percent(down)}">'
        f"<title>{escape(marker.text)}</title></use>"
    )
