"""report.html: one file that opens anywhere, without a network and without a script.

Everything that comes from the evidence is escaped: a symbol, a reject's text or a path is data, never markup.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from algo_trade.clock import new_york
from algo_trade.session.report import sentences, wording
from algo_trade.session.report.listing import tables_of
from algo_trade.session.report.page import (
    evidence_sections,
    latency_picture,
    market_pictures,
    money_pictures,
    order_sections,
    risk_sections,
)
from algo_trade.session.report.page.markup import bullets, paragraph, section
from algo_trade.session.report.results import Results
from algo_trade.session.report.summary import Summary, gate_failures

_LONG_S = 600  # from here on nobody asks in which second a session began

# Drawn once, used by every chart: where a buy, a sell and a decision to leave are.
_SHAPES = (
    '<svg class="shapes" aria-hidden="true"><defs><path id="buy" d="M0 1.5l-5.5 9.5h11z"/>'
    '<path id="sell" d="M0 -1.5l-5.5 -9.5h11z"/><path id="exit" d="M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0"/>'
    "</defs></svg>"
)


def page(results: Results) -> str:
    """The whole document."""
    summary = results.summary
    parts = _sections(results)
    links = "".join(f'<li><a href="#{ident}">{escape(title)}</a></li>' for ident, title, _ in parts)
    style = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    title = escape(f"Session {summary.session_id} ({summary.mode})")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f'<meta name="color-scheme" content="light dark"/>\n<title>{title}</title>\n<style>\n{style}</style>\n</head>\n'
        f'<body>\n<a class="skip" href="#main">Skip to the report</a>\n{_SHAPES}\n{_head(results)}\n'
        f'<div class="columns">\n<nav aria-label="Contents"><ul>{links}</ul></nav>\n<main id="main">\n'
        f"{_verdict(summary)}{_lead(summary)}{_tiles(summary)}\n"
        + "\n".join(section(*part) for part in parts)
        + f"\n</main>\n</div>\n<footer>{paragraph(_colophon(summary))}</footer>\n</body>\n</html>\n"
    )


def _sections(results: Results) -> list[tuple[str, str, str]]:
    """Id, title and content, in the order of the questions a reader has."""
    summary, folded = results.summary, results.folded
    tables, settings = tables_of(results), folded.data.settings
    flows = market_pictures.flows(folded)
    return [
        (
            "result",
            "Result",
            money_pictures.result(folded)
            + money_pictures.drawdown(folded)
            + risk_sections.symbols(tables.symbols),
        ),
        ("market", "Prices and fills", market_pictures.prices(folded)),
        *([("flow", "Order flow and decisions", flows)] if flows else []),
        (
            "risk",
            "Risk",
            money_pictures.exposure(folded)
            + risk_sections.exposure(summary, settings)
            + "<h3>Sharpe ratio</h3>"
            + risk_sections.performance(summary),
        ),
        (
            "orders",
            "Orders",
            order_sections.kinds(summary)
            + order_sections.refusals(tables.refusals)
            + order_sections.brackets(tables.brackets)
            + order_sections.amendments(tables.amendments)
            + order_sections.round_trips(tables.round_trips, summary)
            + order_sections.orders(tables.orders),
        ),
        ("costs", "What trading cost", risk_sections.costs(summary)),
        ("latency", "Latency", order_sections.latency(summary) + latency_picture.latencies(folded)),
        (
            "events",
            "What happened",
            evidence_sections.events(tables.events)
            + evidence_sections.gateway(tables.gateway_messages, summary),
        ),
        ("books", "Our books and the broker's", evidence_sections.checks(tables.broker_checks, summary)),
        (
            "evidence",
            "Evidence",
            evidence_sections.findings(results)
            + evidence_sections.dead_letters(tables.dead_letters, summary)
            + "<h3>Parameters of the strategy</h3>"
            + evidence_sections.parameters(summary)
            + "<h3>Where the numbers come from</h3>"
            + evidence_sections.sources(results),
        ),
        ("limits", "What this report cannot show", bullets(sentences.limits_of(summary))),
    ]


def _head(results: Results) -> str:
    summary, record = results.summary, results.folded.data.record
    began, ended = new_york(record.started_ns), new_york(results.folded.data.end_ns)
    badges = [(summary.mode, summary.mode != "PAPER"), (f"{summary.clock} clock", summary.clock == "virtual")]
    badges.append(("finished", False) if summary.finished else ("unfinished", True))
    if summary.kill_latched:
        badges.append(("stop fired", True))
    shown = " ".join(
        f'<span class="badge{" loud" if loud else ""}">{escape(text)}</span>' for text, loud in badges
    )
    symbols = ", ".join(summary.symbols) or "no symbols"
    what = f"{summary.strategy_id} on {symbols}" if summary.strategy_id else symbols
    form = "%H:%M" if summary.duration_s >= _LONG_S else "%H:%M:%S"
    facts = [
        f"{began.strftime(form)} to {ended.strftime(form)} New York time",
        f"profile {summary.profile}",
        *([f"seed {summary.seed}"] if summary.seed is not None else []),
        f"session {summary.session_id}",
    ]
    return (
        f'<header><p class="badges">{shown}</p>\n<h1>{escape(what)}, {began:%A} {began.day} {began:%B %Y}</h1>\n'
        f"{paragraph(' · '.join(facts), 'soft')}</header>"
    )


def _verdict(summary: Summary) -> str:
    failures = gate_failures(summary)
    if not failures:
        word = "Nothing failed." if summary.finished else "Nothing failed so far; the session is unfinished."
        return paragraph(f"{word} Our books {wording.broker_words(summary)}.", "verdict")
    return f'<div class="verdict bad"><p><b>Failed:</b></p>{bullets(failures)}</div>'


def _lead(summary: Summary) -> str:
    honest = sentences.what_a_loss_is_made_of(summary)
    lines = [line for line in (sentences.break_even(summary), *sentences.what_happened(summary)) if line]
    first = "" if honest is None else paragraph(honest, "lead")
    return first + "".join(paragraph(line) for line in lines)


def _tiles(summary: Summary) -> str:
    pnl, rate, hop = summary.pnl, summary.fill_rate, summary.latency_ms.intent_to_fill
    slippage, ratio, drawdown_pct = summary.slippage, summary.performance, summary.max_drawdown_pct
    interval, psr = ratio.sharpe_annual_ci95, ratio.psr
    tiles = [
        (wording.money(pnl.total), "result after commission"),
        (
            wording.money(pnl.realised + pnl.unrealised),
            f"from trading: {wording.money(pnl.realised)} realised, {wording.money(pnl.unrealised)} unrealised at the "
            "last mid",
        ),
        (wording.money(pnl.commission), f"commission, {wording.count(summary.fills, 'fill')}"),
        (
            wording.money(summary.max_drawdown),
            "largest drawdown" + ("" if drawdown_pct is None else f", {drawdown_pct:.2f} % of the capital"),
        ),
        (
            "–" if rate.value is None or rate.ci95 is None else f"{rate.value:.1%}",
            "fill rate: insufficient data (no orders)"
            if rate.ci95 is None
            else f"fill rate, {rate.k} of {rate.n} orders; 95 % interval {rate.ci95[0]:.1%} to {rate.ci95[1]:.1%}",
        ),
        (
            "–" if hop.p50 is None else wording.short_time(hop.p50),
            f"intent to fill, median of {hop.n}; p95 {wording.needs(hop, 95)}",
        ),
        (
            "–" if ratio.sharpe_annual is None else f"{ratio.sharpe_annual:+.1f}",
            f"Sharpe ratio: insufficient data, {ratio.insufficient}"
            if interval is None or psr is None
            else f"Sharpe ratio a year, 95 % interval {interval[0]:+.1f} to {interval[1]:+.1f}; PSR {psr:.1%}",
        ),
        (
            "–" if slippage.bps is None else wording.basis_points(slippage.bps),
            f"slippage against the mid at decision, {wording.count(slippage.n, 'fill')}; + is worse",
        ),
    ]
    return (
        '<ul class="tiles">'
        + "".join(f"<li><b>{escape(value)}</b> <span>{escape(label)}</span></li>" for value, label in tiles)
        + "</ul>"
    )


def _colophon(summary: Summary) -> str:
    return f"Made from the session's log alone. Digest {summary.digest[:16]}…"
