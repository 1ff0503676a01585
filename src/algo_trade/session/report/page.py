"""report.html: one file that opens anywhere, without a network and without a script.

Everything that comes from the evidence is escaped: a symbol, a reject's text or a path is data, never markup.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from algo_trade.clock import new_york
from algo_trade.session.report import sections, wording
from algo_trade.session.report.fold import Results
from algo_trade.session.report.listing import tables_of
from algo_trade.session.report.markup import bullets, section
from algo_trade.session.report.pictures import drawdown_chart, price_charts, result_chart
from algo_trade.session.report.summary import Summary, gate_failures


def page(results: Results) -> str:
    """The whole document."""
    summary = results.summary
    tables = tables_of(results)
    body = [
        _head(results),
        _verdict(summary),
        "".join(f"<p>{escape(line)}</p>" for line in wording.what_it_means(summary)),
        _tiles(summary),
        section("Profit and loss", result_chart(results), "<h3>Drawdown</h3>", drawdown_chart(results)),
        section("Price and fills", *(price_charts(results) or ['<p class="nothing">No quotes.</p>'])),
        section("By symbol", sections.symbols(tables["symbols"])),
        section("Latency", sections.latency(summary)),
        section("Orders", sections.orders(tables["orders"])),
        section("Refused, expired and rejected", sections.refusals(tables["refusals"])),
        section("Messages of the gateway", sections.gateway(tables["gateway_messages"], summary)),
        section("Our books and the broker's", sections.checks(tables["broker_checks"], summary)),
        section("Dead letters", sections.dead_letters(tables["dead_letters"], summary)),
        section("Contradictions in the evidence", sections.findings(results)),
        section("What this report cannot show", bullets(wording.limits_of(summary))),
        section("Where the numbers come from", sections.sources(results)),
    ]
    style = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    title = escape(f"Session {summary.session_id} ({summary.mode})")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def _head(results: Results) -> str:
    summary, record = results.summary, results.data.record
    began = new_york(record.started_ns)
    badges = [(summary.mode, summary.mode != "PAPER"), (f"{summary.clock} clock", summary.clock == "virtual")]
    badges.append(("finished", False) if summary.finished else ("unfinished", True))
    if summary.kill_latched:
        badges.append(("stop fired", True))
    shown = "".join(
        f'<span class="badge{" warn" if loud else ""}">{escape(text)}</span>' for text, loud in badges
    )
    facts = [
        f"{began:%A, %d %B %Y, from %H:%M} New York time",
        f"profile {summary.profile}",
        *([f"strategy {summary.strategy_id}"] if summary.strategy_id else []),
        f"symbols {', '.join(summary.symbols) or 'none'}",
        *([f"seed {summary.seed}"] if summary.seed is not None else []),
    ]
    return (
        f'<h1>Session <span class="mono">{escape(summary.session_id)}</span></h1>\n<p>{shown}</p>\n'
        f'<p class="soft">{escape("; ".join(facts))}</p>'
    )


def _verdict(summary: Summary) -> str:
    failures = gate_failures(summary)
    if not failures:
        word = "Nothing failed." if summary.finished else "Nothing failed so far; the session is unfinished."
        return f'<p class="verdict">{word} Our books {escape(wording.broker_words(summary))}.</p>'
    return f'<div class="verdict bad"><b>Failed:</b>{bullets(failures)}</div>'


def _tiles(summary: Summary) -> str:
    pnl, rate = summary.pnl, summary.fill_rate
    slippage = summary.slippage
    drawdown_pct = summary.max_drawdown_pct
    tiles = [
        (wording.money(pnl.total), "result after commission"),
        (wording.money(pnl.realised), "realised"),
        (wording.money(pnl.unrealised), "unrealised, at the last mid"),
        (wording.money(pnl.commission), f"commission, {wording.count(summary.fills, 'fill')}"),
        (
            wording.money(summary.max_drawdown),
            "largest drawdown"
            + ("" if drawdown_pct is None else f", {drawdown_pct:.2f} % of the allocated capital"),
        ),
        (f"{summary.filled_orders} of {summary.orders}", "orders with a fill"),
        (
            "–" if rate.value is None or rate.ci95 is None else f"{rate.value:.1%}",
            "fill rate: insufficient data"
            if rate.ci95 is None
            else f"fill rate, 95 % interval {rate.ci95[0]:.1%} to {rate.ci95[1]:.1%}",
        ),
        (
            "–" if slippage.bps is None else f"{slippage.bps:+.2f} bp",
            f"slippage against the mid at decision, {wording.count(slippage.n, 'fill')}; + is worse",
        ),
        (f"{summary.ticks:,}", f"quotes, and {wording.count(summary.bars, 'bar')}"),
    ]
    return (
        '<div class="tiles">'
        + "".join(
            f'<div class="tile"><b>{escape(value)}</b><span>{escape(label)}</span></div>'
            for value, label in tiles
        )
        + "</div>"
    )
