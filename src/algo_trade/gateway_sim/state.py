"""What the gateway must not forget, kept on disk: written before any byte tells of it.

Every change is one transaction, committed inline. The database is in WAL mode with synchronous=NORMAL: a killed
process loses nothing; only a machine that loses power may lose its last moments, as a real gateway may.
Without a path the same calls keep nothing.

A path is one simulator's at a time: two that fill orders of one account would both be wrong.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from algo_trade.gateway_sim.account import Account, Position
from algo_trade.gateway_sim.errors import SimulatorStateError
from algo_trade.gateway_sim.orders import SimExecution, SimOrder

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (perm_id INTEGER PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS executions (number INTEGER PRIMARY KEY, exec_id TEXT UNIQUE, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS positions (con_id INTEGER PRIMARY KEY, value TEXT NOT NULL);
"""


class StateStore:
    """The simulator's memory. `path` None remembers nothing."""

    def __init__(self, path: Path | None) -> None:
        self._db: sqlite3.Connection | None = None
        self._lock: IO[str] | None = None
        if path is None:
            return
        self._lock = _take_lock(path)
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            self.close()
            raise SimulatorStateError(f"{path}: not a simulator's state: {error}") from None

    @property
    def keeps(self) -> bool:
        """Whether anything that is saved is kept."""
        return self._db is not None

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # -- writing -----------------------------------------------------------------------------------
    def save(
        self,
        *,
        facts: dict[str, Any] | None = None,
        orders: Iterable[SimOrder] = (),
        executions: Iterable[SimExecution] = (),
        account: Account | None = None,
        position: Position | None = None,
    ) -> None:
        """Write all of it, or none of it, durably before returning."""
        if self._db is None:
            return
        self._db.execute("BEGIN IMMEDIATE")
        for name, value in (facts or {}).items():
            self._put_fact(name, value)
        for order in orders:
            self._db.execute(
                "INSERT OR REPLACE INTO orders VALUES (?, ?)", (order.perm_id, json.dumps(order.to_json()))
            )
        for execution in executions:
            self._db.execute(
                "INSERT INTO executions (exec_id, value) VALUES (?, ?) "
                "ON CONFLICT (exec_id) DO UPDATE SET value = excluded.value",
                (execution.exec_id, json.dumps(execution.to_json())),
            )
        if account is not None:
            self._put_fact("cash_micros", account.cash_micros)
            self._put_fact("commission_micros", account.commission_micros)
        if position is not None:
            row = (position.con_id, position.shares, position.cost_micros, position.realized_micros)
            self._db.execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", (row[0], json.dumps(row)))
        self._db.execute("COMMIT")

    def _put_fact(self, name: str, value: Any) -> None:
        assert self._db is not None
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    # -- reading -----------------------------------------------------------------------------------
    def facts(self) -> dict[str, Any]:
        return {name: json.loads(value) for name, value in self._rows("SELECT name, value FROM facts")}

    def orders(self) -> Iterator[SimOrder]:
        for (value,) in self._rows("SELECT value FROM orders ORDER BY perm_id"):
            yield SimOrder.from_json(json.loads(value))

    def executions(self) -> Iterator[SimExecution]:
        for (value,) in self._rows("SELECT value FROM executions ORDER BY number"):
            yield SimExecution.from_json(json.loads(value))

    def positions(self) -> Iterator[Position]:
        for (value,) in self._rows("SELECT value FROM positions ORDER BY con_id"):
            yield Position(*json.loads(value))

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return [] if self._db is None else self._db.execute(query).fetchall()


def _take_lock(path: Path) -> IO[str]:
    """Held until it is closed or the process ends, however it ends: the kernel releases it."""
    lock: IO[str] | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if lock is None:
            raise SimulatorStateError(f"{path}: cannot be written: {error.strerror}") from None
        lock.close()
        raise SimulatorStateError(f"{path}: another simulator keeps its state here") from None
    return lock
