"""The journal's tables, and an order as rows of them."""

from __future__ import annotations

import sqlite3
from typing import Any

from algo_trade.contracts import OrderIntent
from algo_trade.order_plane.lifecycle import OrderState, Trigger
from algo_trade.order_plane.order import JournalFill, Order, OrderKind

SCHEMA_VERSION = "1"
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS offsets (
    log_id TEXT, topic TEXT, part INTEGER, next_offset INTEGER NOT NULL, PRIMARY KEY (log_id, topic, part)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY, intent_id TEXT UNIQUE NOT NULL, session_id TEXT NOT NULL, kind TEXT NOT NULL,
    state TEXT NOT NULL, order_id INTEGER NOT NULL, perm_id INTEGER NOT NULL, price_micros INTEGER NOT NULL,
    accepted_ns INTEGER NOT NULL, sent_ns INTEGER, acknowledged_ns INTEGER, last_fill_ns INTEGER,
    broker_status TEXT NOT NULL, reason TEXT NOT NULL, stated_filled INTEGER NOT NULL, ending TEXT,
    reports INTEGER NOT NULL, intent BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_by_state ON orders (state);
CREATE TABLE IF NOT EXISTS fills (
    prefix TEXT PRIMARY KEY, intent_id TEXT NOT NULL, execution_id TEXT NOT NULL, quantity INTEGER NOT NULL,
    price_micros INTEGER NOT NULL, time_ns INTEGER NOT NULL, commission_micros INTEGER
);
CREATE INDEX IF NOT EXISTS fills_by_intent ON fills (intent_id);
CREATE TABLE IF NOT EXISTS reports (
    intent_id TEXT, sequence INTEGER, session_id TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (intent_id, sequence)
);
CREATE INDEX IF NOT EXISTS reports_by_session ON reports (session_id);
CREATE TABLE IF NOT EXISTS kill_events (
    number INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, latched INTEGER NOT NULL, who TEXT NOT NULL, text TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (session_id TEXT PRIMARY KEY, started_ns INTEGER NOT NULL, baseline TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS peaks (session_id TEXT PRIMARY KEY, peak_micros INTEGER NOT NULL) WITHOUT ROWID;
"""


def write_order(db: sqlite3.Connection, order: Order) -> None:
    """Insert or replace an order with its fills."""
    intent_id = str(order.intent_id)
    db.execute(
        "INSERT INTO orders (intent_id, session_id, kind, state, order_id, perm_id, price_micros, accepted_ns,"
        " sent_ns, acknowledged_ns, last_fill_ns, broker_status, reason, stated_filled, ending, reports, intent)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (intent_id) DO UPDATE SET"
        " state=excluded.state, order_id=excluded.order_id, perm_id=excluded.perm_id,"
        " price_micros=excluded.price_micros, sent_ns=excluded.sent_ns,"
        " acknowledged_ns=excluded.acknowledged_ns, last_fill_ns=excluded.last_fill_ns,"
        " broker_status=excluded.broker_status, reason=excluded.reason, stated_filled=excluded.stated_filled,"
        " ending=excluded.ending, reports=excluded.reports",
        (
            intent_id,
            order.session_id,
            order.kind.value,
            order.state.value,
            order.order_id,
            order.perm_id,
            order.price_micros,
            order.accepted_ns,
            order.sent_ns,
            order.acknowledged_ns,
            order.last_fill_ns,
            order.broker_status,
            order.reason,
            order.stated_filled,
            None if order.ending is None else order.ending.value,
            order.reports,
            order.intent.encode(),
        ),
    )
    for prefix, fill in order.fills.items():
        db.execute(
            "INSERT OR REPLACE INTO fills VALUES (?,?,?,?,?,?,?)",
            (
                prefix,
                intent_id,
                fill.execution_id,
                fill.quantity,
                fill.price_micros,
                fill.time_ns,
                fill.commission_micros,
            ),
        )


def read_orders(db: sqlite3.Connection) -> list[Order]:
    """Every order, in order of acceptance."""
    fills: dict[str, dict[str, JournalFill]] = {}
    for prefix, intent_id, *rest in db.execute(
        "SELECT prefix, intent_id, execution_id, quantity, price_micros, time_ns, commission_micros FROM fills"
        " ORDER BY rowid"
    ):
        fills.setdefault(intent_id, {})[prefix] = JournalFill(*rest)
    rows = db.execute(
        "SELECT intent, kind, accepted_ns, state, order_id, perm_id, price_micros, sent_ns, acknowledged_ns,"
        " last_fill_ns, broker_status, reason, stated_filled, ending, reports FROM orders ORDER BY number"
    )
    return [_order(row, fills) for row in rows]


def _order(row: tuple[Any, ...], fills: dict[str, dict[str, JournalFill]]) -> Order:
    intent, kind, accepted_ns, state, order_id, perm_id, price_micros, *times = row
    sent_ns, acknowledged_ns, last_fill_ns, broker_status, reason, stated_filled, ending, reports = times
    decoded = OrderIntent.decode(intent)
    return Order(
        intent=decoded,
        kind=OrderKind(kind),
        accepted_ns=accepted_ns,
        state=OrderState(state),
        order_id=order_id,
        perm_id=perm_id,
        price_micros=price_micros,
        sent_ns=sent_ns,
        acknowledged_ns=acknowledged_ns,
        last_fill_ns=last_fill_ns,
        broker_status=broker_status,
        reason=reason,
        stated_filled=stated_filled,
        ending=None if ending is None else Trigger(ending),
        reports=reports,
        fills=fills.get(str(decoded.intent_id), {}),
    )
