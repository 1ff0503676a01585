"""The summary at the end of a run in the terminal: the same honest numbers, on one screen."""

from __future__ import annotations

from algo_trade.session.report import sentences, wording
from algo_trade.session.report.stats import LEAST_N
from algo_trade.session.report.summary import Summary, gate_failures

# So many reasons, errors or positions are named; the report has all of them.
_NAMED = 3


def summary_lines(summary: Summary) -> list[tuple[str, str]]:
    """Label and text, one line each."""
    pnl, hop = summary.pnl, summary.latency_ms.intent_to_fill
    state = "finished" if summary.finished else "UNFINISHED"
    lines = [
        ("session", f"{summary.session_id}  {summary.mode}, {summary.clock} clock, {state}"),
        ("ran", _ran(summary)),
        ("quotes", f"{summary.ticks:,}" + (f", {summary.bars:,} bars" if summary.bars else "")),
        (
            "intents",
            f"{summary.intents} = {summary.refused} refused + {summary.expired} expired + {summary.orders} orders",
        ),
        (
            "orders",
            f"{summary.filled_orders} with fills ({wording.count(summary.fills, 'fill')}), "
            f"{summary.cancelled} cancelled, {summary.rejected} rejected, {summary.unknown} unknown",
        ),
        *_sometimes(summary),
        ("fill rate", wording.share(summary.fill_rate, "no orders")),
        (
            "intent → fill",
            f"p50 {wording.needs(hop, 50)}, p95 {wording.needs(hop, 95)}, p99 {wording.needs(hop, 99)} (n = {hop.n})",
        ),
        (
            "result",
            f"{wording.money(pnl.total)} = {wording.money(pnl.realised)} realised + {wording.money(pnl.unrealised)} "
            f"unrealised - {wording.money(pnl.commission)} commission",
        ),
        *((("", honest),) if (honest := sentences.what_a_loss_is_made_of(summary)) else ()),
        ("max drawdown", wording.money(summary.max_drawdown)),
        ("Sharpe", sentences.performance(summary)),
        ("books", wording.broker_words(summary)),
        ("position", _first([f"{s} {q:+}" for s, q in summary.final_positions.items()]) or "flat"),
        ("errors", _first([f"{code} x {n}" for code, n in summary.errors.items()]) or "none"),
        ("dead letters", f"{summary.dlq.count}"),
        ("digest", summary.digest[:16] + "…"),
    ]
    if summary.kill_latched:
        lines.append(("stop", "FIRED: no new orders from then on"))
    if summary.findings.error or summary.findings.warning:
        found = summary.findings
        lines.append(("findings", f"{found.error} errors, {found.warning} warnings (see the report)"))
    lines += [("failed", failure) for failure in gate_failures(summary)]
    return lines


def summary_text(summary: Summary) -> str:
    """The lines as plain text, labels aligned; no colour, no markup, the same in a pipe."""
    lines = summary_lines(summary)
    width = max(len(label) for label, _ in lines)
    text = [f"{label:>{width}}  {value}" for label, value in lines]
    if summary.mode == "SIM":
        text.append(_sim_note(summary))
    return "\n".join(text)


def _sometimes(summary: Summary) -> list[tuple[str, str]]:
    """Lines about what not every session has."""
    lines = []
    changed, brackets = summary.amendments, summary.brackets
    if changed.replaces or changed.cancels:
        lines.append(
            (
                "amendments",
                f"{changed.replaces} replaced + {changed.cancels} cancelled: {changed.refused} refused, "
                f"{changed.too_late} too late, {changed.unanswered} unanswered",
            )
        )
    if brackets.n:
        lines.append(
            (
                "brackets",
                f"{brackets.n}: {brackets.take_profit} took profit, {brackets.stop_loss} stopped, "
                f"{brackets.not_entered} not entered, {brackets.otherwise + brackets.both} otherwise",
            )
        )
    for label, reasons in (("refused", summary.refusal_reasons), ("rejected", summary.reject_reasons)):
        if reasons:
            lines.append((label, _first([f"{n} x {reason}" for reason, n in reasons.items()])))
    return lines


def _first(items: list[str]) -> str:
    more = len(items) - _NAMED
    return ", ".join(items[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _ran(summary: Summary) -> str:
    text = wording.duration(summary.duration_s)
    if summary.wall_s is not None and summary.clock == "virtual":
        text += f" of virtual time in {wording.duration(summary.wall_s)}"
    return text


def _sim_note(summary: Summary) -> str:
    note = "Simulated: fills, latencies and fees are the simulator's, and nothing was traded at a broker."
    if summary.latency_ms.intent_to_fill.n < LEAST_N[95]:
        note += f" A 95th percentile needs {LEAST_N[95]} orders."
    return note
