"""What the page says of the session and its evidence: events, messages, books, dead letters, findings, sources."""

from __future__ import annotations

from datetime import datetime

from algo_trade.clock import from_utc, new_york
from algo_trade.session.report.page.markup import bullets, facts, nothing, paragraph, table
from algo_trade.session.report.page.order_sections import at
from algo_trade.session.report.results import Results
from algo_trade.session.report.summary import Summary
from algo_trade.session.report.tables import CheckRow, DeadLetterRow, EventRow, GatewayRow
from algo_trade.session.report.wording import broker_words, count, duration, money


def events(rows: list[EventRow]) -> str:
    if not rows:
        return nothing("The log tells of no events.")
    cells = [
        [
            at(row.time),
            row.severity.lower(),
            row.kind.replace("_", " ").lower(),
            row.symbol,
            row.text,
            row.n,
        ]
        for row in rows
    ]
    header = ["Time", "Severity", "Event", "Symbol", "What was said", "n"]
    return table("events-c", "The session's own events; New York time", header, cells, text_columns=5)


def gateway(rows: list[GatewayRow], summary: Summary) -> str:
    if not rows:
        return nothing("The gateway sent no messages.")
    caption = (
        f"Messages of the gateway by code: {count(sum(summary.errors.values()), 'error')}; notices are farm states and "
        "the answers to cancels (202)"
    )
    cells = [[row.code, row.kind, row.first_text, row.n] for row in rows]
    return table("gateway-c", caption, ["Code", "Kind", "First text", "n"], cells, text_columns=3)


def checks(rows: list[CheckRow], summary: Summary) -> str:
    lead = paragraph(f"Our books {broker_words(summary)}.")
    if not rows:
        return lead
    words = {True: "agree", False: "DIFFER", None: "no answer"}
    cells = [
        [
            at(row.time),
            row.moment,
            words[row.match],
            _holdings(row.positions_ours),
            _holdings(row.positions_broker),
            *("–" if amount is None else money(amount) for amount in _compared(row)),
        ]
        for row in rows
    ]
    header = ["Time", "Moment", "Books", "Ours", "Broker's", "Cash", "Broker's", "Commission", "Broker's"]
    caption = "Positions in shares, cash and commission, ours and the broker's; New York time"
    return lead + table("checks-c", caption, header, cells, text_columns=5)


def dead_letters(rows: list[DeadLetterRow], summary: Summary) -> str:
    rate = "no messages" if summary.dlq.rate is None else f"{summary.dlq.rate:.4%} of the messages validated"
    lead = paragraph(f"{count(summary.dlq.count, 'dead letter')}, {rate}.")
    if not rows:
        return lead
    cells = [[row.topic, row.reasons or "no reason given", row.n] for row in rows]
    return lead + table("dlq-c", "Dead letters by reason", ["Topic", "Reasons", "n"], cells, text_columns=2)


def findings(results: Results) -> str:
    if not results.findings:
        return nothing("No contradictions were found in the evidence.")
    cells = [[finding.check, finding.severity, finding.text] for finding in results.findings]
    caption = "Contradictions in the evidence; an error fails the session"
    return table("findings-c", caption, ["Check", "Severity", "What was seen"], cells, text_columns=3)


def parameters(summary: Summary) -> str:
    """What the strategy was told to do."""
    if not summary.strategy_parameters:
        return nothing("The session's record names no parameters of the strategy.")
    rows = [(name, str(value)) for name, value in summary.strategy_parameters.items()]
    return facts(rows, short=True)


def sources(results: Results) -> str:
    summary, data = results.summary, results.folded.data
    records = ", ".join(f"{topic} {stats.count:,}" for topic, stats in data.topics.items())
    bars = ", ".join(f"{n:,} of {name}" for name, n in data.quotes.bars.most_common())
    wall = "" if summary.wall_s is None else f" It took {duration(summary.wall_s)} of real time."
    lines = [
        "All numbers are counted again from the session's log, apart from the seconds of real time.",
        f"Records read: {records}.",
        *([f"Bars among the market events: {bars}."] if bars else []),
        f"Window: {_moment(data.record.started)} to {new_york(data.last_ns):%H:%M:%S} New York time, "
        f"{duration(summary.duration_s)}.{wall}",
        "Profit and loss is at average cost, marked to mid; executions count once, in their latest correction.",
    ]
    return bullets(lines) + paragraph(f"Digest of intents and reports: {summary.digest}", "mono")


def _compared(row: CheckRow) -> tuple[float | None, ...]:
    return row.cash_ours, row.cash_broker, row.commission_ours, row.commission_broker


def _holdings(positions: dict[str, int]) -> str:
    return ", ".join(f"{symbol} {held}" for symbol, held in positions.items()) or "flat"


def _moment(when: datetime) -> str:
    return f"{new_york(from_utc(when)):%H:%M:%S}"
