"""The session in plain sentences: what happened, what the loss is made of, what the numbers cannot show."""

from __future__ import annotations

from algo_trade.session.report.stats import LEAST_N
from algo_trade.session.report.summary import Summary
from algo_trade.session.report.wording import basis_points, count, duration, money

# From here on a loss is called one of commission.
_MOSTLY = 0.5


def what_a_loss_is_made_of(summary: Summary) -> str | None:
    """One honest sentence where commission is half of a loss or more; None otherwise."""
    pnl = summary.pnl
    earned = pnl.realised + pnl.unrealised
    if round(pnl.total, 2) >= 0 or pnl.commission < _MOSTLY * -pnl.total:
        return None
    if round(earned, 2) >= 0:
        return (
            f"All of the {money(-pnl.total)} lost is commission: trading earned {money(earned)}, commission took "
            f"{money(pnl.commission)}."
        )
    return (
        f"{money(pnl.commission)} of the {money(-pnl.total)} lost {_is_are(pnl.commission)} commission: trading itself "
        f"lost {money(-earned)}."
    )


def _is_are(amount: float) -> str:
    return "is" if money(amount) == "$1.00" else "are"


def break_even(summary: Summary) -> str | None:
    """What trading had to earn to pay its commission; None where nothing was traded."""
    even, pnl = summary.break_even, summary.pnl
    if even.needed_bps is None or even.earned_bps is None or not summary.fills:
        return None
    return (
        f"To break even, trading had to earn {money(pnl.commission)} before commission "
        f"({money(pnl.commission / summary.fills)} a fill, {even.needed_bps:.2f} bp of the {money(even.traded)} "
        f"traded); it earned {money(pnl.realised + pnl.unrealised)} ({basis_points(even.earned_bps)})."
    )


def performance(summary: Summary) -> str:
    """Sharpe ratio and PSR with what they are worth, or why there are none."""
    found = summary.performance
    if found.sharpe_annual is None or found.sharpe_annual_ci95 is None or found.psr is None:
        return f"insufficient data: {found.insufficient}"
    low, high = found.sharpe_annual_ci95
    return (
        f"{found.sharpe_annual:.1f} a year (95 % interval {low:.1f} to {high:.1f}), PSR {found.psr:.1%}, "
        f"n = {found.n} minutes"
    )


def what_happened(summary: Summary) -> list[str]:
    """The session in a few plain sentences."""
    ran = f"The session ran {duration(summary.duration_s)} on a {summary.clock} clock"
    if not summary.finished:
        ran += " and did not come to its end: this report tells how far it came"
    seen = count(summary.ticks, "quote") + (f" and {count(summary.bars, 'bar')}" if summary.bars else "")
    asked = (
        f"{count(summary.intents, 'intent')}: {summary.refused} refused by our own checks, {summary.expired} expired, "
        f"{count(summary.orders, 'order')} sent. With a fill: {summary.filled_orders}; cancelled: {summary.cancelled}; "
        f"rejected by the broker: {summary.rejected}; without a known end: {summary.unknown}."
    )
    lines = [f"{ran}, with {seen}.", asked]
    changed = summary.amendments
    if changed.cancels or changed.replaces:
        lines.append(
            f"Amendments of working orders: {changed.replaces} to replace, {changed.cancels} to cancel; of these "
            f"{changed.refused} refused, {changed.too_late} too late, {changed.unanswered} unanswered."
        )
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
    if summary.performance.sharpe is not None:
        limits.append(
            "Sharpe ratio and PSR suppose that minutes are independent; while one position is held they are not quite."
        )
    if summary.positions_match_broker is None:
        limits.append(
            "Our books were not compared with the broker's at three moments with a position open and at the end."
        )
    return limits
