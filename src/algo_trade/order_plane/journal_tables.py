"""The journal's tables, and an order with its fills and amendments as rows of them.

A journal of an earlier schema is brought up to date when it is opened (`UPGRADES`): an account's orders are kept for
years, and a new version of the program must not lose them.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from algo_trade.contracts import OrderAmendment, OrderIntent
from algo_trade.order_plane.amendment import Amendment, AmendmentState
from algo_trade.order_plane.lifecycle import OrderState, Trigger
from algo_trade.order_plane.order import JournalFill, Order, OrderKind
from algo_trade.risk import Terms

SCHEMA_VERSION = "3"
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
    reports INTEGER NOT NULL, intent BLOB NOT NULL,
    quantity INTEGER NOT NULL, limit_price REAL, stop_price REAL, most_shares INTEGER NOT NULL, adaptive TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_by_state ON orders (state);
CREATE TABLE IF NOT EXISTS fills (
    prefix TEXT PRIMARY KEY, intent_id TEXT NOT NULL, execution_id TEXT NOT NULL, quantity INTEGER NOT NULL,
    price_micros INTEGER NOT NULL, time_ns INTEGER NOT NULL, commission_micros INTEGER
);
CREATE INDEX IF NOT EXISTS fills_by_intent ON fills (intent_id);
CREATE TABLE IF NOT EXISTS amendments (
    number INTEGER PRIMARY KEY, amendment_id TEXT UNIQUE NOT NULL, intent_id TEXT NOT NULL, state TEXT NOT NULL,
    accepted_ns INTEGER NOT NULL, sent_ns INTEGER, quantity INTEGER NOT NULL, limit_price REAL, stop_price REAL,
    price_micros INTEGER NOT NULL, reason TEXT NOT NULL, wish BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS amendments_by_state ON amendments (state);
CREATE TABLE IF NOT EXISTS reports (
    intent_id TEXT, sequence INTEGER, session_id TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (intent_id, sequence)
);
CREATE INDEX IF NOT EXISTS reports_by_session ON reports (session_id);
CREATE TABLE IF NOT EXISTS kill_events (
    number INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, latched INTEGER NOT NULL, who TEXT NOT NULL, text TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (session_id TEXT PRIMARY KEY, started_ns INTEGER NOT NULL, baseline TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lease (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS peaks (session_id TEXT PRIMARY KEY, peak_micros INTEGER NOT NULL) WITHOUT ROWID;
"""

# Schema found → what makes it the next one. Version 1 knew no amendments, so every order had its intent's terms; 2 knew
# no lease, and its table is made with the others.
UPGRADES = {
    "1": """
ALTER TABLE orders ADD COLUMN quantity INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN limit_price REAL;
ALTER TABLE orders ADD COLUMN stop_price REAL;
ALTER TABLE orders ADD COLUMN most_shares INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN adaptive TEXT NOT NULL DEFAULT '';
UPDATE orders SET quantity=json_extract(CAST(intent AS TEXT), '$.quantity'),
    most_shares=json_extract(CAST(intent AS TEXT), '$.quantity'),
    limit_price=json_extract(CAST(intent AS TEXT), '$.limit_price'),
    stop_price=json_extract(CAST(intent AS TEXT), '$.stop_price');
UPDATE meta SET value='2' WHERE name='schema';
""",
    "2": "UPDATE meta SET value='3' WHERE name='schema';",
}

_WRITE_ORDER = (
    "INSERT INTO orders (intent_id, session_id, kind, accepted_ns, intent, state, order_id, perm_id, adaptive,"
    " price_micros, sent_ns, acknowledged_ns, last_fill_ns, broker_status, reason, stated_filled, ending, reports,"
    " quantity, limit_price, stop_price, most_shares) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
    " ON CONFLICT (intent_id) DO UPDATE SET state=excluded.state, order_id=excluded.order_id,"
    " perm_id=excluded.perm_id, adaptive=excluded.adaptive, price_micros=excluded.price_micros,"
    " sent_ns=excluded.sent_ns, acknowledged_ns=excluded.acknowledged_ns, last_fill_ns=excluded.last_fill_ns,"
    " broker_status=excluded.broker_status, reason=excluded.reason, stated_filled=excluded.stated_filled,"
    " ending=excluded.ending, reports=excluded.reports, quantity=excluded.quantity,"
    " limit_price=excluded.limit_price, stop_price=excluded.stop_price, most_shares=excluded.most_shares"
)
_READ_ORDERS = (
    "SELECT intent_id, kind, accepted_ns, intent, state, order_id, perm_id, adaptive, price_micros, sent_ns,"
    " acknowledged_ns, last_fill_ns, broker_status, reason, stated_filled, ending, reports, quantity, limit_price,"
    " stop_price, most_shares FROM orders ORDER BY number"
)


def write_order(db: sqlite3.Connection, order: Order) -> None:
    """Insert or replace an order with its fills and those of its amendments that are not settled and told."""
    intent_id = str(order.intent_id)
    terms = order.terms
    db.execute(
        _WRITE_ORDER,
        (
            intent_id,
            order.session_id,
            order.kind.value,
            order.accepted_ns,
            order.intent.encode(),
            order.state.value,
            order.order_id,
            order.perm_id,
            order.adaptive,
            order.price_micros,
            order.sent_ns,
            order.acknowledged_ns,
            order.last_fill_ns,
            order.broker_status,
            order.reason,
            order.stated_filled,
            None if order.ending is None else order.ending.value,
            order.reports,
            terms.quantity,
            terms.limit_price,
            terms.stop_price,
            order.most_shares,
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
    for amendment in {id(one): one for one in (*order.amendments, *order.answers)}.values():
        _write_amendment(db, amendment)


def _write_amendment(db: sqlite3.Connection, amendment: Amendment) -> None:
    terms = amendment.terms
    db.execute(
        "INSERT INTO amendments (amendment_id, intent_id, accepted_ns, quantity, limit_price, stop_price, wish,"
        " state, sent_ns, price_micros, reason) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (amendment_id) DO UPDATE SET"
        " quantity=excluded.quantity, limit_price=excluded.limit_price, stop_price=excluded.stop_price,"
        " state=excluded.state, sent_ns=excluded.sent_ns, price_micros=excluded.price_micros, reason=excluded.reason",
        (
            str(amendment.amendment_id),
            str(amendment.wish.intent_id),
            amendment.accepted_ns,
            terms.quantity,
            terms.limit_price,
            terms.stop_price,
            amendment.wish.encode(),
            amendment.state.value,
            amendment.sent_ns,
            amendment.price_micros,
            amendment.reason,
        ),
    )


def read_orders(db: sqlite3.Connection) -> list[Order]:
    """Every order, in order of acceptance, with its fills and the amendments that are not settled."""
    fills: dict[str, dict[str, JournalFill]] = {}
    for prefix, intent_id, *rest in db.execute(
        "SELECT prefix, intent_id, execution_id, quantity, price_micros, time_ns, commission_micros FROM fills"
        " ORDER BY rowid"
    ):
        fills.setdefault(intent_id, {})[prefix] = JournalFill(*rest)
    amendments: dict[str, list[Amendment]] = {}
    for row in db.execute(
        "SELECT intent_id, wish, quantity, limit_price, stop_price, accepted_ns, price_micros, state, sent_ns, reason"
        " FROM amendments WHERE state NOT IN ('CARRIED_OUT', 'REFUSED') ORDER BY number"
    ):
        amendments.setdefault(row[0], []).append(_amendment(row))
    rows = db.execute(_READ_ORDERS)
    return [_order(row, fills.get(row[0], {}), amendments.get(row[0], [])) for row in rows]


def _amendment(row: tuple[Any, ...]) -> Amendment:
    _, wish, quantity, limit_price, stop_price, accepted_ns, price_micros, state, sent_ns, reason = row
    return Amendment(
        OrderAmendment.decode(wish),
        Terms(quantity, limit_price, stop_price),
        accepted_ns,
        price_micros,
        AmendmentState(state),
        sent_ns,
        reason,
    )


def _order(row: tuple[Any, ...], fills: dict[str, JournalFill], amendments: list[Amendment]) -> Order:
    _, kind, accepted_ns, intent, state, order_id, perm_id, adaptive, price_micros, *rest = row
    sent_ns, acknowledged_ns, last_fill_ns, broker_status, reason, stated_filled, ending, reports, *rest = (
        rest
    )
    *terms, most_shares = rest
    return Order(
        intent=OrderIntent.decode(intent),
        kind=OrderKind(kind),
        accepted_ns=accepted_ns,
        terms=Terms(*terms),
        most_shares=most_shares,
        state=OrderState(state),
        order_id=order_id,
        perm_id=perm_id,
        adaptive=adaptive,
        price_micros=price_micros,
        sent_ns=sent_ns,
        acknowledged_ns=acknowledged_ns,
        last_fill_ns=last_fill_ns,
        broker_status=broker_status,
        reason=reason,
        stated_filled=stated_filled,
        ending=None if ending is None else Trigger(ending),
        reports=reports,
        fills=fills,
        amendments=amendments,
    )
