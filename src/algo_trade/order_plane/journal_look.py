"""A look at an account's journal from outside, also while a session writes it. Changes nothing."""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from algo_trade.order_plane.journal import JournalStop, KillEvent
from algo_trade.order_plane.journal_tables import SCHEMA_VERSION, UPGRADES
from algo_trade.order_plane.lifecycle import OrderState


@dataclass(frozen=True, slots=True)
class JournalLook:
    """What is there. `latched` is what stopped trading, None when it may go on; `unresolved` counts open orders."""

    latched: KillEvent | None
    unresolved: int


def look_at_journal(path: Path, account: str) -> JournalLook | None:
    """None where there is no journal yet. Raises JournalStop for one that no session could use."""
    if not path.exists():
        return None
    try:
        with closing(_open(path)) as db:
            about = dict(db.execute("SELECT name, value FROM meta").fetchall())
            if about.get("account") != account:
                raise JournalStop(f"journal {path} belongs to another account")
            if about.get("schema") not in (SCHEMA_VERSION, *UPGRADES):
                raise JournalStop(
                    f"journal {path} has schema {about.get('schema')}, expected {SCHEMA_VERSION}"
                )
            row = db.execute(
                "SELECT at_ns, latched, who, text FROM kill_events ORDER BY number DESC LIMIT 1"
            ).fetchone()
            states = [state for (state,) in db.execute("SELECT state FROM orders")]
    except (sqlite3.Error, ValueError) as error:
        raise JournalStop(f"journal {path} cannot be read: {error}") from error
    latched = None if row is None or not row[1] else KillEvent(row[0], True, row[2], row[3])
    return JournalLook(latched, sum(not OrderState(state).terminal for state in states))


def _open(path: Path) -> sqlite3.Connection:
    """To be read; also from a directory that may not be written, where the file is all there is."""
    sealed = not path.with_name(path.name + "-wal").exists()
    db = _connection(path, "mode=ro")
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        db.close()
        if not sealed:
            raise
        return _connection(path, "mode=ro&immutable=1")
    return db


def _connection(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)


def journal_in_use(path: Path) -> bool:
    """Whether a session holds it now. Takes its lock for an instant, so not for a probe that runs all the time."""
    try:
        with path.with_name(path.name + ".lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
