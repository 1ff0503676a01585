"""How numbers are written for people: with their unit, and "insufficient data" where there is too little."""

from __future__ import annotations

from algo_trade.clock import new_york
from algo_trade.session.report.stats import LEAST_N
from algo_trade.session.report.summary import Summary
from algo_trade.session.report.summary_parts import Latency, Proportion

INSUFFICIENT = "insufficient data"


def money(value: float) -> str:
    """Dollars and cents; a sign only where it is negative."""
    cents = round(value, 2)
    return f"-${-cents:,.2f}" if cents < 0 else f"${abs(cents):,.2f}"


def axis_money(value: float, decimals: int) -> str:
    """As short as the step of the axis allows."""
    text = f"${abs(value):,.{decimals}f}"
    return f"-{text}" if value < 0 else text


def price(value: float) -> str:
    """Dollars a share without the sign: cents, and what there is beyond them."""
    text = f"{value:,.4f}"
    return text[:-2] + text[-2:].rstrip("0")


def basis_points(value: float) -> str:
    return f"{value:+.2f} bp"


def duration(seconds: float) -> str:
    """The two largest units."""
    whole_s = int(seconds)
    if whole_s < 60:
        return f"{seconds:.3g} s"
    hours, rest = divmod(whole_s, 3600)
    if hours:
        return f"{hours} h {rest // 60:02} min"
    return f"{rest // 60} min {rest % 60:02} s"


def short_time(milliseconds: float) -> str:
    """Three digits, in the unit that suits them."""
    if milliseconds < 1000:
        return f"{milliseconds:.3g} ms"
    return f"{milliseconds / 1000:.3g} s" if milliseconds < 60_000 else duration(milliseconds / 1000)


def clock_time(at_ns: int) -> str:
    """New York's, to the second."""
    return new_york(at_ns).strftime("%H:%M:%S")


def count(n: int, one: str, more: str | None = None) -> str:
    """1 order, 2 orders."""
    return f"{n:,} {one if n == 1 else more or one + 's'}"


def share(rate: Proportion, nothing: str = "none") -> str:
    """Share, interval and n."""
    if rate.value is None or rate.ci95 is None:
        return f"{INSUFFICIENT} ({nothing})"
    low, high = rate.ci95
    return f"{rate.value:.1%} ({rate.k} of {rate.n}; 95 % interval {low:.1%} to {high:.1%})"


def milliseconds(value: float | None) -> str:
    return INSUFFICIENT if value is None else f"{value:,.1f} ms"


def needs(latency: Latency, percent: int) -> str:
    """A percentile, or how many values it would need."""
    value: float | None = getattr(latency, f"p{percent}")
    return milliseconds(value) if value is not None else f"{INSUFFICIENT}, needs n ≥ {LEAST_N[percent]}"


def broker_words(summary: Summary) -> str:
    """What the comparisons with the broker amount to."""
    return {
        True: "agree with the broker's",
        False: "DIFFER from the broker's",
        None: "were not compared often enough to say",
    }[summary.positions_match_broker]
