"""One SQLite file of the embedded bus: opening, transactions, and errors with names.

Both files have a name of their own (`log_id`), the consumer groups' offsets, and per topic its extent: the offset
of the oldest record kept and the one the next will get. The records would tell as much, until retention has
removed them all, or a damaged page hides some of them: SQLite has no checksums, and a log must not look shorter.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from algo_trade.bus.errors import BusBusy, BusCorrupt, BusError, BusFull, BusInUse, BusUnusable

_APPLICATION_ID = 0x414C474F  # "ALGO": what `file` and we recognise the log by
_LAYOUT = 1  # of every table below and in tables.py; another number is another version's file
_BUSY_S = 0.5  # nobody but us writes; a person with a SQL shell open may be given this long, inline
_WAL_LIMIT_BYTES = 8 * 1024 * 1024

_COMMON = """
CREATE TABLE about(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE extents(topic TEXT PRIMARY KEY, oldest INTEGER NOT NULL, head INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE group_offsets(
    group_name TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    PRIMARY KEY(group_name, topic, partition)) WITHOUT ROWID;
"""

# (group, topic): the offset the group would read next
GroupOffsets = dict[tuple[str, str], int]


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Whatever SQLite says, as a BusError that names the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise _named(error, path) from error
    except (UnicodeDecodeError, TypeError) as error:
        # SQLite checks no content: a damaged page may give text that is none, or text for a number.
        raise BusCorrupt(f"{path}: damaged ({error}); keep it and start in a new directory") from error


def _named(error: sqlite3.Error, path: Path) -> BusError:
    primary_code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary_code == sqlite3.SQLITE_FULL:
        return BusFull(f"{path}: the disk is full; free some space, nothing acknowledged is lost")
    if primary_code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusBusy(f"{path}: another program holds the file ({error})")
    if primary_code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return BusCorrupt(f"{path}: not a log, or damaged ({error}); keep it and start in a new directory")
    return BusUnusable(f"{path}: {error}")


class SqliteFile:
    """An open file. Only the bus that holds the directory's lock writes."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self.log_id = self._about("log_id")

    @classmethod
    def open_to_write(
        cls,
        path: Path,
        schema: str,
        *,
        synchronous: Literal["NORMAL", "FULL"],
        new_log_id: Callable[[], str],
    ) -> SqliteFile:
        """Open `path`, making it where it does not exist.

        NORMAL survives the death of the process, FULL the loss of power too. Raises BusStop, BusRetry.
        """
        with named_errors(path):
            connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_S)
            try:
                if _is_blank(connection):
                    _create(connection, schema, new_log_id())
                _check_layout(connection, path)
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(f"PRAGMA synchronous={synchronous}")
                connection.execute(f"PRAGMA journal_size_limit={_WAL_LIMIT_BYTES}")
                return cls(path, connection)
            except BaseException:
                connection.close()
                raise

    @classmethod
    def open_to_read(cls, path: Path) -> SqliteFile:
        """Open `path` beside its writer, or after it died. Changes nothing. Raises BusStop, BusRetry."""
        if not path.is_file():
            raise BusUnusable(f"{path}: there is no such log")
        # A closed log has no WAL and may lie where nobody can write; only then may SQLite skip its locks.
        sealed = not path.with_name(path.name + "-wal").exists()
        try:
            return cls._open_to_read(path, "mode=ro")
        except BusUnusable:
            if not sealed:
                raise
            return cls._open_to_read(path, "mode=ro&immutable=1")

    @classmethod
    def _open_to_read(cls, path: Path, mode: str) -> SqliteFile:
        with named_errors(path):
            uri = f"{path.absolute().as_uri()}?{mode}"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_S)
            try:
                _check_layout(connection, path)
                return cls(path, connection)
            except BaseException:
                connection.close()
                raise

    def close(self) -> None:
        self.connection.close()

    def _about(self, name: str) -> str:
        row = self.connection.execute("SELECT value FROM about WHERE name=?", (name,)).fetchone()
        if row is None:
            raise BusCorrupt(f"{self.path}: the file does not tell its {name}")
        return str(row[0])

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. What was written is durable (as `synchronous` says) when the block has ended.

        Raises BusRetry or BusStop, and then nothing of it was written.
        """
        connection = self.connection
        with named_errors(self.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def group_offsets(self) -> GroupOffsets:
        with named_errors(self.path):
            rows = self.connection.execute(
                "SELECT group_name, topic, next_offset FROM group_offsets ORDER BY group_name, topic"
            )
            return {(group, topic): next_offset for group, topic, next_offset in rows}

    def write_group_offsets(self, offsets: Mapping[tuple[str, str], int]) -> None:
        """Inside a transaction. An offset never goes backwards."""
        self.connection.executemany(
            "INSERT INTO group_offsets VALUES (?, ?, 0, ?) ON CONFLICT DO UPDATE"
            " SET next_offset=excluded.next_offset WHERE excluded.next_offset > next_offset",
            [(group, topic, next_offset) for (group, topic), next_offset in offsets.items()],
        )

    def extent(self, topic: str) -> tuple[int, int]:
        """The offset of the oldest record kept, and the one the next will get."""
        with named_errors(self.path):
            row = self.connection.execute(
                "SELECT oldest, head FROM extents WHERE topic=?", (topic,)
            ).fetchone()
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    def write_head(self, topic: str, head: int) -> None:
        """Inside a transaction."""
        self.connection.execute(
            "INSERT INTO extents VALUES (?, 0, ?) ON CONFLICT DO UPDATE SET head=excluded.head", (topic, head)
        )

    def write_oldest(self, topic: str, oldest: int) -> None:
        """Inside a transaction."""
        self.connection.execute("UPDATE extents SET oldest=? WHERE topic=?", (oldest, topic))


def _is_blank(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0)


def _create(connection: sqlite3.Connection, schema: str, log_id: str) -> None:
    """All in one transaction: a file that was only half made is blank at the next start."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in (*_COMMON.split(";"), *schema.split(";")):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={_LAYOUT}")
    connection.execute("INSERT INTO about VALUES ('log_id', ?)", (log_id,))
    connection.execute("COMMIT")


def _check_layout(connection: sqlite3.Connection, path: Path) -> None:
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    layout = connection.execute("PRAGMA user_version").fetchone()[0]
    if application_id != _APPLICATION_ID:
        raise BusCorrupt(f"{path}: a SQLite file, but not a log of this program")
    if layout != _LAYOUT:
        raise BusUnusable(f"{path}: written by another version (layout {layout}, this one reads {_LAYOUT})")


class WriterLock:
    """Held while a bus writes a directory; the system lets go of it when the process dies, however it dies.

    A lock of SQLite's on an empty file, because that works wherever SQLite does and needs no stale-lock rules.
    """

    def __init__(self, path: Path) -> None:
        with named_errors(path):
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=0)
            try:
                self._connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.Error as error:
                self._connection.close()
                if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                    raise BusInUse(f"{path.parent}: another process writes this log") from None
                raise

    def release(self) -> None:
        self._connection.close()
