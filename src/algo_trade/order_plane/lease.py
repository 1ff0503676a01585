"""Who may trade an account: the holder of the journal's newest lease.

Opening the journal takes the lease: its epoch grows by one. Every transaction that writes the journal looks first
whether its epoch is still the newest, and the mark before the first byte of an order is such a transaction, so whoever
lost the lease cannot send: it stops. The lock beside the file keeps a second order plane out while the first one runs;
the lease holds where a lock does not: a file system that does not pass locks on, a lock file somebody removed.
"""

from __future__ import annotations

import sqlite3


def take(db: sqlite3.Connection) -> int:
    """The new epoch; whoever held the lease before holds it no more."""
    db.execute("INSERT INTO lease VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET epoch=epoch+1")
    return newest(db)


def newest(db: sqlite3.Connection) -> int:
    """The epoch that may write."""
    row = db.execute("SELECT epoch FROM lease").fetchone()
    return 0 if row is None else int(row[0])
