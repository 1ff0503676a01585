"""The durable memory of one account: what was accepted, sent, filled and told, and whether trading is latched.

One file an account: a mark counts when its commit has returned. Everything that belongs together is written in one
transaction: an accepted intent and the offset it was read at, an order's new state and the report that tells of it.
Orders stay for ever; a day has few.

With synchronous=FULL, which it is unless set otherwise, a mark survives the loss of power too. With NORMAL it survives
the death of the process (kill -9) and no more: what was written in the moments before a power cut may be gone, and
with it the knowledge of an order the broker has. It saves an order the wait for the disk.

JournalError
  JournalStop   the file cannot be used (locked by another process, another account's, damaged, disk full):
                trading stops, since nothing may leave that is not written down
    LeaseLost   another order plane trades this account now: this one stops, and sends nothing more
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal
from uuid import UUID

from algo_trade.contracts import ExecutionReport
from algo_trade.order_plane import lease
from algo_trade.order_plane.journal_tables import SCHEMA, SCHEMA_VERSION, UPGRADES, read_orders, write_order
from algo_trade.order_plane.order import Order


class JournalError(Exception):
    """Root of the journal's errors."""


class JournalStop(JournalError):
    """The journal cannot be used; the text says why and what to do."""


class LeaseLost(JournalStop):
    """Another process has taken the account's lease."""


@dataclass(frozen=True, slots=True)
class KillEvent:
    """The latest word on the latch."""

    at_ns: int
    latched: bool
    who: str
    text: str


class Journal:
    """Open with `Journal(path, account)`; one process at a time, held by a lock file beside it."""

    def __init__(self, path: Path, account: str, *, synchronous: Literal["full", "normal"] = "full") -> None:
        self.path = path
        self._lock: IO[str] | None = None
        self._db: sqlite3.Connection
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _take_lock(path)
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(f"PRAGMA synchronous={synchronous}")
            self._db.executescript(SCHEMA)
            self._check_owner(account)
            self.epoch = lease.take(self._db)
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise JournalStop(f"journal {path} cannot be opened: {error}") from error
        except JournalStop:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file; closing twice is closing once."""
        if hasattr(self, "_db"):
            self._db.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def holds_lease(self) -> bool:
        """Whether this is still the account's order plane."""
        return lease.newest(self._db) == self.epoch

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable when it returns. Raises JournalStop when the disk refuses, LeaseLost."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            if not self.holds_lease:
                raise LeaseLost(f"journal {self.path}: another order plane has taken this account over")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise JournalStop(f"journal {self.path} cannot be written: {error}") from error
            raise

    # -- offsets -----------------------------------------------------------------------------------
    def offset(self, log_id: str, topic: str, partition: int) -> int | None:
        """The next offset to read of a log; None for a log this journal has never read."""
        row = self._db.execute(
            "SELECT next_offset FROM offsets WHERE log_id=? AND topic=? AND part=?",
            (log_id, topic, partition),
        ).fetchone()
        return None if row is None else int(row[0])

    def set_offset(self, log_id: str, topic: str, partition: int, next_offset: int) -> None:
        self._db.execute(
            "INSERT INTO offsets VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET "
            "next_offset=max(next_offset, excluded.next_offset)",
            (log_id, topic, partition, next_offset),
        )

    # -- orders ------------------------------------------------------------------------------------
    def put(self, order: Order) -> None:
        """Insert or replace an order with its fills and amendments."""
        write_order(self._db, order)

    def orders(self) -> list[Order]:
        """Every order ever accepted, in order of acceptance."""
        return read_orders(self._db)

    def knows_amendment(self, amendment_id: UUID) -> bool:
        """Whether it was accepted before, carried out or refused."""
        row = self._db.execute("SELECT 1 FROM amendments WHERE amendment_id=?", (str(amendment_id),))
        return row.fetchone() is not None

    # -- reports -----------------------------------------------------------------------------------
    def put_report(self, report: ExecutionReport, session_id: str) -> None:
        self._db.execute(
            "INSERT INTO reports VALUES (?,?,?,?)",
            (str(report.intent_id), report.sequence, session_id, report.encode()),
        )

    def reports(self, session_id: str) -> list[ExecutionReport]:
        """Every report of a session, in the order they were made."""
        rows = self._db.execute("SELECT body FROM reports WHERE session_id=? ORDER BY rowid", (session_id,))
        return [ExecutionReport.decode(body) for (body,) in rows]

    def reports_of(self, intent_id: UUID) -> list[ExecutionReport]:
        """Every report on one intent, whichever session it belongs to."""
        rows = self._db.execute(
            "SELECT body FROM reports WHERE intent_id=? ORDER BY sequence", (str(intent_id),)
        )
        return [ExecutionReport.decode(body) for (body,) in rows]

    # -- the latch ---------------------------------------------------------------------------------
    def latch(self, at_ns: int, who: str, text: str) -> None:
        """Durable when it returns."""
        with self.transaction():
            self._db.execute(
                "INSERT INTO kill_events (at_ns, latched, who, text) VALUES (?,1,?,?)", (at_ns, who, text)
            )

    def reset_latch(self, at_ns: int, who: str, reason: str) -> None:
        """By a named person with a reason."""
        if not who.strip() or not reason.strip():
            raise ValueError("a reset needs a name and a reason")
        with self.transaction():
            self._db.execute(
                "INSERT INTO kill_events (at_ns, latched, who, text) VALUES (?,0,?,?)", (at_ns, who, reason)
            )

    def latched(self) -> KillEvent | None:
        """What latched trading, or None when it may go on."""
        row = self._db.execute(
            "SELECT at_ns, latched, who, text FROM kill_events ORDER BY number DESC LIMIT 1"
        ).fetchone()
        if row is None or not row[1]:
            return None
        return KillEvent(at_ns=row[0], latched=True, who=row[2], text=row[3])

    # -- sessions ----------------------------------------------------------------------------------
    def baseline(self, session_id: str) -> dict[str, object] | None:
        """What the account held when the session first started."""
        row = self._db.execute("SELECT baseline FROM sessions WHERE session_id=?", (session_id,)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def set_baseline(self, session_id: str, started_ns: int, baseline: dict[str, object]) -> None:
        with self.transaction():
            self._db.execute(
                "INSERT INTO sessions VALUES (?,?,?)",
                (session_id, started_ns, json.dumps(baseline, sort_keys=True)),
            )

    def peak_micros(self, session_id: str) -> int:
        """The best profit a session is known to have reached, in micro-dollars; 0 for one that never gained."""
        row = self._db.execute("SELECT peak_micros FROM peaks WHERE session_id=?", (session_id,)).fetchone()
        return 0 if row is None else int(row[0])

    def set_peak(self, session_id: str, peak_micros: int) -> None:
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO peaks VALUES (?,?)", (session_id, peak_micros))

    # -- opening -----------------------------------------------------------------------------------
    def _check_owner(self, account: str) -> None:
        found = dict(self._db.execute("SELECT name, value FROM meta").fetchall())
        while found.get("account") == account and (upgrade := UPGRADES.get(found["schema"])):
            self._db.executescript(f"BEGIN IMMEDIATE; {upgrade} COMMIT;")
            found = dict(self._db.execute("SELECT name, value FROM meta").fetchall())
        if not found:
            self._db.executemany(
                "INSERT INTO meta VALUES (?,?)", [("schema", SCHEMA_VERSION), ("account", account)]
            )
        elif found.get("schema") != SCHEMA_VERSION:
            raise JournalStop(
                f"journal {self.path} has schema {found.get('schema')}, expected {SCHEMA_VERSION}"
            )
        elif found.get("account") != account:
            raise JournalStop(f"journal {self.path} belongs to another account")


def _take_lock(path: Path) -> IO[str]:
    """Held until the process ends, however it ends: the kernel releases it."""
    lock = path.with_name(path.name + ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise JournalStop(f"journal {path} is in use: another session trades this account") from error
    return lock
