"""The summary at the end of a run in the terminal: the same honest numbers in some twenty lines."""

from __future__ import annotations

from algo_trade.session.report import wording
from algo_trade.session.report.stats import LEAST_N
from algo_trade.session.report.summary import Summary, gate_failures


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
        ("fill rate", wording.fill_rate(summary.fill_rate)),
        (
            "intent → fill",
            f"p50 {wording.needs(hop, 50)}, p95 {wording.needs(hop, 95)}, p99 {wording.needs(hop, 99)} (n = {hop.n})",
        ),
        (
            "result",
            f"{wording.money(pnl.total)} = {wording.money(pnl.realised)} realised + {wording.money(pnl.unrealised)} "
            f"unrealised - {wording.money(pnl.commission)} commission",
        ),
        ("max drawdown", wording.money(summary.max_drawdown)),
        ("books", wording.broker_words(summary)),
        ("position", ", ".join(f"{s} {q:+}" for s, q in summary.final_positions.items()) or "flat"),
        ("errors", _codes(summary.errors)),
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


def _ran(summary: Summary) -> str:
    text = wording.duration(summary.duration_s)
    if summary.wall_s is not None and summary.clock == "virtual":
        text += f" of virtual time in {wording.duration(summary.wall_s)}"
    return text


def _codes(errors: dict[str, int]) -> str:
    return ", ".join(f"{code} x {n}" for code, n in errors.items()) or "none"


def _sim_note(summary: Summary) -> str:
    note = "Simulated: fills, latencies and fees are the simulator's, and nothing was traded at a broker."
    if summary.latency_ms.intent_to_fill.n < LEAST_N[95]:
        note += f" A 95th percentile needs {LEAST_N[95]} orders."
    return note
