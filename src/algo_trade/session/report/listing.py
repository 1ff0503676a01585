"""The tables of the report as plain data: what report.json holds and the page shows."""

from __future__ import annotations

from collections import Counter
from typing import Any

from algo_trade.clock import utc
from algo_trade.session.report.executions import Execution
from algo_trade.session.report.fold import Results
from algo_trade.session.report.orders import OrderStory, Outcome
from algo_trade.session.report.quotes import MICROS
from algo_trade.session.report.record import rfc3339

Row = dict[str, Any]


def tables_of(results: Results) -> dict[str, list[Row]]:
    """Rows by table. Money in dollars, times RFC 3339 in UTC."""
    return {
        "symbols": _symbols(results),
        "orders": [_order(story) for story in results.stories if story.outcome.is_order],
        "fills": [_fill(execution) for execution in results.executions],
        "refusals": _refusals(results),
        "gateway_messages": _gateway_messages(results),
        "broker_checks": [_check(results, index) for index in range(len(results.checks))],
        "topics": [
            {"topic": topic, "records": stats.count, "first_offset": stats.first_offset}
            for topic, stats in results.data.topics.items()
        ],
        "dead_letters": _dead_letters(results),
    }


def _symbols(results: Results) -> list[Row]:
    ticks = Counter(results.data.quotes.symbol_index)
    index_of = {symbol: index for index, symbol in enumerate(results.data.quotes.symbols)}
    rows = []
    for symbol in dict.fromkeys([*results.summary.symbols, *index_of, *results.positions]):
        position = results.positions.get(symbol)
        row: Row = {
            "symbol": symbol,
            "ticks": ticks[index_of[symbol]] if symbol in index_of else 0,
            "ofi_sum": results.summary.ofi_sum.get(symbol, 0),
        }
        if position is not None:
            row |= {
                "fills": sum(execution.symbol == symbol for execution in results.executions),
                "bought": position.bought,
                "sold": position.sold,
                "position": position.quantity,
                "realised": position.realised_micros / MICROS,
                "unrealised": position.unrealised_micros / MICROS,
                "commission": position.commission_micros / MICROS,
            }
        rows.append(row)
    return rows


def _order(story: OrderStory) -> Row:
    last, filled = story.last, story.filled
    paid = sum(execution.quantity * execution.price_micros for execution in story.executions)
    known = [
        execution.commission_micros
        for execution in story.executions
        if execution.commission_micros is not None
    ]
    times = [story.intent.timestamp] if story.intent is not None else []
    if last is not None:
        times.append(last.submitted_timestamp or last.timestamp)
    return {
        "time": rfc3339(times[0]) if times else None,
        "order_id": story.order_id,
        "intent_id": str(story.intent_id),
        "strategy_id": story.intent.strategy_id if story.intent is not None else None,
        "symbol": story.symbol,
        "direction": None if story.direction is None else str(story.direction),
        "quantity": story.wanted,
        "limit_price": None if story.intent is None else story.intent.limit_price,
        "outcome": str(story.outcome),
        "filled": filled,
        "average_price": round(paid / filled / MICROS, 6) if filled else None,
        "commission": sum(known) / MICROS if known else None,
        "reason": story.reason,
    }


def _fill(execution: Execution) -> Row:
    commission = execution.commission_micros
    return {
        "execution_id": execution.execution_id,
        "order_id": execution.order_id,
        "symbol": execution.symbol,
        "side": "BUY" if execution.sign > 0 else "SELL",
        "quantity": execution.quantity,
        "price": execution.price_micros / MICROS,
        "commission": None if commission is None else commission / MICROS,
        "time": rfc3339(utc(execution.broker_ns)),
        "known": rfc3339(utc(execution.known_ns)),
    }


def _refusals(results: Results) -> list[Row]:
    """Intents that never became an order, by how and why."""
    counts = Counter(
        (str(story.outcome), story.reason) for story in results.stories if not story.outcome.is_order
    )
    counts |= Counter(
        (str(story.outcome), story.reason) for story in results.stories if story.outcome is Outcome.REJECTED
    )
    return [{"how": how, "reason": reason, "n": n} for (how, reason), n in counts.most_common()]


def _gateway_messages(results: Results) -> list[Row]:
    """By code, with the first text of each."""
    texts = {str(event.code): event.text for event in reversed(results.data.events) if event.code is not None}
    kinds = (("error", results.summary.errors), ("notice", results.summary.notices))
    return [
        {"kind": kind, "code": code, "n": n, "first_text": texts.get(code, "")}
        for kind, counts in kinds
        for code, n in counts.items()
    ]


def _check(results: Results, index: int) -> Row:
    check = results.checks[index]
    return {
        "time": rfc3339(utc(check.at_ns)),
        "moment": check.moment,
        "position_open": check.position_open,
        "match": check.match,
        "positions_ours": check.positions_ours,
        "positions_broker": check.positions_broker,
        "cash_ours": check.cash_ours,
        "cash_broker": check.cash_broker,
        "commission_ours": check.commission_ours,
        "commission_broker": check.commission_broker,
    }


def _dead_letters(results: Results) -> list[Row]:
    counts = Counter((letter.topic, "; ".join(letter.reasons)) for letter in results.data.dead_letters)
    return [{"topic": topic, "reasons": reasons, "n": n} for (topic, reasons), n in counts.most_common()]
