"""What the page says of orders: kinds, refusals, amendments, brackets, round trips, latencies, and each one of them."""

from __future__ import annotations

from datetime import datetime

from algo_trade.clock import from_utc
from algo_trade.session.report.page.markup import nothing, table
from algo_trade.session.report.summary import Summary
from algo_trade.session.report.summary_parts import Latency
from algo_trade.session.report.tables import (
    AmendmentRow,
    BracketRow,
    OrderRow,
    RefusalRow,
    RoundTripRow,
)
from algo_trade.session.report.wording import (
    INSUFFICIENT,
    clock_time,
    count,
    duration,
    money,
    needs,
    price,
    share,
)


def at(rfc3339: str | None) -> str:
    """New York time of a row's moment."""
    return "–" if rfc3339 is None else clock_time(from_utc(datetime.fromisoformat(rfc3339)))


def _price(value: float | None) -> str:
    return "–" if value is None else price(value)


def kinds(summary: Summary) -> str:
    """How orders of each kind fared."""
    if not summary.by_kind:
        return nothing("No orders.")
    rows = [
        [
            kind,
            found.fill_rate.n,
            found.fill_rate.k,
            "–" if found.fill_rate.value is None else f"{found.fill_rate.value:.1%}",
            "–" if (interval := found.fill_rate.ci95) is None else f"{interval[0]:.1%} to {interval[1]:.1%}",
            found.shares_wanted,
            found.shares_filled,
            "–" if found.slippage_bps is None else f"{found.slippage_bps:+.2f}",
        ]
        for kind, found in summary.by_kind.items()
    ]
    header = ["Kind", "Orders", "With a fill", "Fill rate", "95 % interval"]
    header += ["Shares wanted", "Shares filled", "Slippage, bp"]
    caption = "Orders by kind; slippage is against the mid at the decision, + is worse"
    return table("kinds-c", caption, header, rows, text_columns=1)


def latency(summary: Summary) -> str:
    """Percentiles of every hop."""
    hops = summary.latency_ms
    named: list[tuple[str, Latency]] = [
        ("intent → submit", hops.intent_to_submit),
        ("submit → acknowledge", hops.submit_to_ack),
        ("acknowledge → fill", hops.ack_to_fill),
        ("intent → fill", hops.intent_to_fill),
    ]
    if hops.rested_until_fill.n:
        named.append(("rested until filled", hops.rested_until_fill))
    caption = (
        f"Milliseconds on the session's {summary.clock} clock, nearest rank; to a fill, of immediate orders"
    )
    if summary.mode == "SIM":
        caption += "; the simulator's, so they say nothing about a broker"
    rows = [[name, hop.n, *(needs(hop, level) for level in (50, 95, 99))] for name, hop in named]
    return table("latency-c", caption, ["Hop", "n", "p50", "p95", "p99"], rows, text_columns=1)


def orders(rows: list[OrderRow]) -> str:
    if not rows:
        return nothing("No orders.")
    cells = [
        [
            row.order_id or "–",
            at(row.time),
            row.symbol,
            row.direction or "?",
            " ".join(part for part in (row.order_type, row.time_in_force) if part) or "?",
            row.outcome,
            row.reason,
            "?" if row.quantity is None else row.quantity,
            row.filled,
            _price(row.limit_price),
            _price(row.stop_price),
            _price(row.average_price),
            "–" if row.commission is None else money(row.commission),
        ]
        for row in rows
    ]
    header = ["Order", "Time", "Symbol", "Side", "Type", "Outcome", "Reason"]
    header += ["Shares", "Filled", "Limit", "Stop", "Average", "Commission"]
    return table("orders-c", f"{count(len(rows), 'order')}; New York time", header, cells, text_columns=7)


def refusals(rows: list[RefusalRow]) -> str:
    if not rows:
        return nothing("No intent was refused, none expired, and no order was rejected.")
    cells = [[row.how, row.reason or "no reason given", row.n] for row in rows]
    return table(
        "refusals-c",
        "Refused, expired and rejected, by reason",
        ["How", "Reason", "n"],
        cells,
        text_columns=2,
    )


def amendments(rows: list[AmendmentRow]) -> str:
    if not rows:
        return ""
    cells = [
        [
            row.order_id or "–",
            at(row.time),
            row.symbol,
            row.action.lower(),
            row.answer,
            row.reason,
            "–" if row.quantity is None else row.quantity,
            _price(row.limit_price),
            _price(row.stop_price),
        ]
        for row in rows
    ]
    header = ["Order", "Time", "Symbol", "Asked", "Answer", "Reason", "Shares", "Limit", "Stop"]
    caption = f"{count(len(rows), 'amendment')} of working orders; New York time"
    return table("amendments-c", caption, header, cells, text_columns=6)


def brackets(rows: list[BracketRow]) -> str:
    if not rows:
        return ""
    cells = [
        [
            row.entry_order_id or "–",
            at(row.time),
            row.symbol,
            row.direction or "?",
            row.end,
            ", ".join(row.exit_order_ids),
            row.entered,
            row.exited,
        ]
        for row in rows
    ]
    header = ["Entry", "Time", "Symbol", "Side", "Ended by", "Exits", "Shares in", "Shares out"]
    return table("brackets-c", f"{count(len(rows), 'bracket')}; New York time", header, cells, text_columns=6)


def round_trips(rows: list[RoundTripRow], summary: Summary) -> str:
    found = summary.round_trips
    if found.mean is None or found.best is None or found.worst is None or found.mean_s is None:
        return nothing(f"Round trips: {INSUFFICIENT} (no position was opened and closed).")
    cells = [
        [
            at(row.opened),
            at(row.closed),
            row.symbol,
            row.largest,
            money(row.gross),
            money(row.commission),
            money(row.net),
        ]
        for row in rows
    ]
    caption = (
        f"{count(found.n, 'round trip')}, from flat to flat: won {share(found.won)}; mean {money(found.mean)} after "
        f"commission, best {money(found.best)}, worst {money(found.worst)}, mean time {duration(found.mean_s)}"
    )
    header = ["Opened", "Closed", "Symbol", "Largest position", "From trading", "Commission", "Result"]
    return table("trips-c", caption, header, cells, text_columns=3)
