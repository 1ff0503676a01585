"""The sections of the page that are tables: what each shows, and what it says when there is nothing."""

from __future__ import annotations

from datetime import datetime
from html import escape

from algo_trade.clock import from_utc, new_york
from algo_trade.session.report import wording
from algo_trade.session.report.fold import Results
from algo_trade.session.report.listing import Row
from algo_trade.session.report.markup import bullets, table
from algo_trade.session.report.summary import Latency, Summary

# A page with more rows than these helps nobody; report.json has them all.
_MOST_ROWS = 500
_CHECKED_MONEY = ("cash_ours", "cash_broker", "commission_ours", "commission_broker")


def symbols(rows: list[Row]) -> str:
    return table(
        "Shares and dollars; OFI is the sum over all quotes, in shares",
        [
            "Symbol",
            "Quotes",
            "OFI",
            "Fills",
            "Bought",
            "Sold",
            "Position",
            "Realised",
            "Unrealised",
            "Commission",
        ],
        [
            [
                row["symbol"],
                row["ticks"],
                row["ofi_sum"],
                *(row.get(name, 0) for name in ("fills", "bought", "sold", "position")),
                *(wording.money(row.get(name, 0.0)) for name in ("realised", "unrealised", "commission")),
            ]
            for row in rows
        ],
        text_columns=1,
    )


def latency(summary: Summary) -> str:
    hops = summary.latency_ms
    named: list[tuple[str, Latency]] = [
        ("intent → submit", hops.intent_to_submit),
        ("submit → acknowledge", hops.submit_to_ack),
        ("acknowledge → fill", hops.ack_to_fill),
        ("intent → fill", hops.intent_to_fill),
    ]
    caption = f"Milliseconds on the session's {summary.clock} clock, nearest rank"
    if summary.mode == "SIM":
        caption += "; the simulator's, so they say nothing about a broker"
    rows = [[name, hop.n, *(wording.needs(hop, percent) for percent in (50, 95, 99))] for name, hop in named]
    return table(caption, ["Hop", "n", "p50", "p95", "p99"], rows, text_columns=1)


def orders(rows: list[Row]) -> str:
    if not rows:
        return '<p class="nothing">No orders.</p>'
    shown = rows[:_MOST_ROWS]
    caption = f"{wording.count(len(rows), 'order')}; New York time"
    if len(rows) > len(shown):
        caption += f"; the first {len(shown)} are shown, report.json has all"
    return table(
        caption,
        [
            "Time",
            "Order",
            "Symbol",
            "Side",
            "Outcome",
            "Reason",
            "Shares",
            "Filled",
            "Limit",
            "Average",
            "Commission",
        ],
        [
            [
                _time(row["time"]),
                row["order_id"] or "–",
                row["symbol"],
                row["direction"] or "?",
                row["outcome"],
                row["reason"],
                "?" if row["quantity"] is None else row["quantity"],
                row["filled"],
                _price(row["limit_price"]),
                _price(row["average_price"]),
                "–" if row["commission"] is None else wording.money(row["commission"]),
            ]
            for row in shown
        ],
        text_columns=6,
    )


def refusals(rows: list[Row]) -> str:
    if not rows:
        return '<p class="nothing">None.</p>'
    cells = [[row["how"], row["reason"] or "no reason given", row["n"]] for row in rows[:_MOST_ROWS]]
    return table("Intents, by reason", ["How", "Reason", "n"], cells, text_columns=2)


def gateway(rows: list[Row], summary: Summary) -> str:
    caption = (
        f"{wording.count(sum(summary.errors.values()), 'error')}; "
        "notices are farm states and the answers to cancels (202)"
    )
    if not rows:
        return '<p class="nothing">None.</p>'
    cells = [[row["kind"], row["code"], row["first_text"], row["n"]] for row in rows]
    return table(caption, ["Kind", "Code", "First text", "n"], cells, text_columns=3)


def checks(rows: list[Row], summary: Summary) -> str:
    words = {True: "agree", False: "DIFFER", None: "no answer"}
    lead = f"<p>Our books {escape(wording.broker_words(summary))}.</p>"
    if not rows:
        return lead
    cells = [
        [
            _time(row["time"]),
            row["moment"],
            words[row["match"]],
            _holdings(row["positions_ours"]),
            _holdings(row["positions_broker"]),
            *("–" if row[name] is None else wording.money(row[name]) for name in _CHECKED_MONEY),
        ]
        for row in rows[:_MOST_ROWS]
    ]
    header = ["Time", "Moment", "Books", "Ours", "Broker's", "Cash", "Broker's", "Commission", "Broker's"]
    return lead + table("Positions in shares, ours and the broker's", header, cells, text_columns=5)


def dead_letters(rows: list[Row], summary: Summary) -> str:
    rate = "no messages" if summary.dlq.rate is None else f"{summary.dlq.rate:.4%} of the messages validated"
    lead = f"<p>{escape(wording.count(summary.dlq.count, 'dead letter'))}, {rate}.</p>"
    if not rows:
        return lead
    cells = [[row["topic"], row["reasons"] or "no reason given", row["n"]] for row in rows[:_MOST_ROWS]]
    return lead + table("By reason", ["Topic", "Reasons", "n"], cells, text_columns=2)


def findings(results: Results) -> str:
    if not results.findings:
        return '<p class="nothing">None found.</p>'
    cells = [[finding.severity, finding.check, finding.text] for finding in results.findings]
    return table("An error fails the session", ["Severity", "Check", "What was seen"], cells, text_columns=3)


def sources(results: Results) -> str:
    summary, data = results.summary, results.data
    records = ", ".join(f"{topic} {stats.count:,}" for topic, stats in data.topics.items())
    wall = "" if summary.wall_s is None else f" It took {wording.duration(summary.wall_s)} of real time."
    lines = [
        "All numbers are counted again from the session's log, apart from the seconds of real time.",
        f"Records read: {records}.",
        f"Window: {_moment(data.record.started)} to {new_york(data.last_ns):%H:%M:%S} New York time, "
        f"{wording.duration(summary.duration_s)}.{wall}",
        "Profit and loss is at average cost, marked to mid; executions count once, in their latest correction.",
    ]
    digest = f'<p>Digest of intents and reports: <span class="mono">{escape(summary.digest)}</span></p>'
    return bullets(lines) + digest


def _holdings(positions: dict[str, int]) -> str:
    return ", ".join(f"{symbol} {held}" for symbol, held in positions.items()) or "flat"


def _price(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4f}".rstrip("0").rstrip(".")


def _time(rfc3339: str | None) -> str:
    return "–" if rfc3339 is None else wording.clock_time(from_utc(datetime.fromisoformat(rfc3339)))


def _moment(when: datetime) -> str:
    return f"{new_york(from_utc(when)):%H:%M:%S}"
