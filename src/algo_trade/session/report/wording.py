"""How numbers are written for people: with their unit, and "insufficient data" where there is too little."""

from __future__ import annotations

from algo_trade.clock import new_york
from algo_trade.session.report.stats import LEAST_N
from algo_trade.session.report.summary import Latency, Proportion, Summary

INSUFFICIENT = "insufficient data"


def money(value: float) -> str:
    """Dollars and cents; a sign only where it is negative."""
    cents = round(value, 2)
    return f"-${-cents:,.2f}" if cents < 0 else f"${abs(cents):,.2f}"


def axis_money(value: float, decimals: int) -> str:
    """As short as the step of the axis allows."""
    text = f"${abs(value):,.{decimals}f}"
    return f"-{text}" if value < 0 else text


def duration(seconds: float) -> str:
    """The two largest units."""
    whole_s = int(seconds)
    if whole_s < 60:
        return f"{seconds:.3g} s"
    hours, rest = divmod(whole_s, 3600)
    if hours:
        return f"{hours} h {rest // 60:02} min"
    return f"{rest // 60} min {rest % 60:02} s"


def clock_time(at_ns: int) -> str:
    """New York's, to the second."""
    return new_york(at_ns).strftime("%H:%M:%S")


def count(n: int, one: str, more: str | None = None) -> str:
    """1 order, 2 orders."""
    return f"{n:,} {one if n == 1 else more or one + 's'}"


def fill_rate(rate: Proportion) -> str:
    """Share, interval and n."""
    if rate.value is None or rate.ci95 is None:
        return f"{INSUFFICIENT} (no orders)"
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


def what_it_means(summary: Summary) -> list[str]:
    """The session in a few plain sentences."""
    pnl = summary.pnl
    ran = f"The session ran {duration(summary.duration_s)} on a {summary.clock} clock"
    if not summary.finished:
        ran += " and did not come to its end: this report tells how far it came"
    asked = (
        f"{count(summary.intents, 'intent')}: {summary.refused} refused by our own checks, {summary.expired} expired, "
        f"{count(summary.orders, 'order')} sent. {summary.filled_orders} of them had a fill, {summary.cancelled} "
        f"were cancelled, {summary.rejected} rejected by the broker, {summary.unknown} have no known end."
    )
    gross = pnl.realised + pnl.unrealised
    result = (
        f"Result {money(pnl.total)}: {money(gross)} from trading, less {money(pnl.commission)} commission. "
        f"The worst fall from a high was {money(summary.max_drawdown)}."
    )
    if pnl.total < 0 and abs(gross) < pnl.commission / 2:
        result += " The loss is nearly all commission."
    lines = [f"{ran}, with {count(summary.ticks, 'quote')}.", asked, result]
    if summary.kill_latched:
        lines.append("The stop fired: no new orders from then on, and open positions were closed.")
    return lines


def limits_of(summary: Summary) -> list[str]:
    """What this report cannot show."""
    limits = [
        f"The result is of one session of {duration(summary.duration_s)} and "
        f"{count(summary.filled_orders, 'filled order')}: far too little to tell skill from luck."
    ]
    if summary.mode == "SIM":
        limits.append(
            "SIM: fills, latencies and fees are the gateway simulator's; nothing here was traded at a broker."
        )
    if summary.clock == "virtual":
        limits.append(
            "Virtual time: the session counts neither for uptime nor for latency, however long it was."
        )
    if summary.latency_ms.intent_to_fill.n < LEAST_N[95]:
        limits.append(
            f"Too few orders for a 95th percentile: it needs {LEAST_N[95]} values, the 99th {LEAST_N[99]}."
        )
    if summary.positions_match_broker is None:
        limits.append(
            "Our books were not compared with the broker's at three moments with a position open and at the end."
        )
    return limits
