"""What the embedded bus keeps on disk: a database for each storage class, and the file written ahead of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from algo_trade.bus.ahead_file import AheadFile, read_ahead
from algo_trade.bus.errors import BusCorrupt, BusUnusable
from algo_trade.bus.port import Record
from algo_trade.bus.sqlite_file import GroupOffsets, SqliteFile, WriterLock
from algo_trade.bus.tables import BLOCK_SCHEMA, ROW_SCHEMA, BlockTable, RowTable, Table
from algo_trade.bus.topic_log import TopicLog
from algo_trade.contracts import Topic

MARKET_FILE = "bus-market.db"
ORDERS_FILE = "bus-orders.db"
AHEAD_FILE = "bus-ahead.log"
_LOCK_FILE = "bus.lock"


class Store:
    """One database: the logs of one storage class, the groups' offsets in them, and what waits to be written to it."""

    def __init__(self, table: Table, topics: Iterable[Topic]) -> None:
        self.log_id = table.file.log_id
        self.logs = [TopicLog(topic, table) for topic in topics]
        self.committed = table.file.group_offsets()
        # What groups have committed and the file does not know yet.
        self.offsets: GroupOffsets = {}
        self._table = table

    def has_work(self) -> bool:
        return bool(self.offsets) or any(log.stored < log.head for log in self.logs)

    def commit(self, extra: Record | None = None, *, with_offsets: bool = True) -> None:
        """Write the records that wait, then `extra`, then the groups' offsets: all or nothing.

        Raises BusRetry, BusStop.
        """
        waiting = [log for log in self.logs if log.stored < log.head]
        offsets = self.offsets if with_offsets else {}
        if not waiting and extra is None and not offsets:
            return
        with self._table.file.transaction():
            for log in waiting:
                self._table.insert(log.unstored())
            if extra is not None:
                self._table.insert([extra])
            if offsets:
                self._table.file.write_group_offsets(offsets)
        for log in waiting:
            log.mark_stored()
        offsets.clear()

    def enforce_retention(self, now_ns: int) -> dict[str, int]:
        """Remove what is too old; records by topic. Everything must be durable. Raises BusRetry, BusStop."""
        removed: dict[str, int] = {}
        for log in self.logs:
            with self._table.file.transaction():
                count = self._table.remove_before(log.name, now_ns - log.retention_ns)
            if count:
                removed[log.name] = count
                log.oldest += count
        return removed

    def close(self) -> None:
        self._table.file.close()


class Stores:
    """Both databases of a directory and the file ahead of them, under the writer's lock."""

    def __init__(
        self, directory: Path, topics: Iterable[Topic], new_log_id: Callable[[], str], *, power_safe: bool
    ) -> None:
        """What a crash left in the file ahead is moved into the databases. Raises BusInUse, BusStop, BusRetry."""
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BusUnusable(f"{directory}: {error.strerror}") from error
        by_class: dict[str, list[Topic]] = {"market": [], "orders": []}
        for topic in topics:
            by_class[topic.storage_class].append(topic)
        self._lock = WriterLock(directory / _LOCK_FILE)
        opened: list[SqliteFile | AheadFile] = []
        try:
            market = SqliteFile.open_to_write(
                directory / MARKET_FILE, BLOCK_SCHEMA, synchronous="NORMAL", new_log_id=new_log_id
            )
            opened.append(market)
            orders = SqliteFile.open_to_write(
                directory / ORDERS_FILE,
                ROW_SCHEMA,
                synchronous="FULL" if power_safe else "NORMAL",
                new_log_id=new_log_id,
            )
            opened.append(orders)
            self.market = Store(BlockTable(market), by_class["market"])
            self.orders = Store(RowTable(orders), by_class["orders"])
            self._ahead = AheadFile(directory / AHEAD_FILE, power_safe=power_safe)
            opened.append(self._ahead)
            self._recover(read_ahead(directory / AHEAD_FILE))
        except BaseException:
            for file in opened:
                file.close()
            self._lock.release()
            raise

    def _recover(self, ahead: list[Record]) -> None:
        """Records the databases have are passed over; a gap before one is damage: the databases were cut."""
        logs = {log.name: log for log in (*self.market.logs, *self.orders.logs)}
        for record in ahead:
            log = logs.get(record.topic)
            if log is None or record.offset < log.head:
                continue
            if record.offset > log.head:
                raise BusCorrupt(
                    f"{self._ahead.path}: {record.topic} goes on at offset {record.offset}, "
                    f"but the log ends at {log.head}"
                )
            log.add(record)
            log.last_time_ns = record.timestamp_ns
        self.commit()

    def of(self, log: TopicLog) -> Store:
        return self.orders if log.is_orders else self.market

    def write_ahead(self, extra: Record) -> None:
        """Make `extra` durable, and before it all that was appended: one write. Raises BusRetry, BusStop."""
        waiting = [log for log in (*self.market.logs, *self.orders.logs) if log.durable < log.head]
        self._ahead.write([*(record for log in waiting for record in log.pending()), extra])
        for log in waiting:
            log.mark_durable()

    def commit(self, *, order: Record | None = None, market: Record | None = None) -> None:
        """Move all that waits into the databases, and then one record more: causes before effects.

        1. market records            an intent must not outlive the ticks that caused it
        2. order records, with the groups' offsets on order topics
        3. the groups' offsets on market topics: they may stand for effects written in 1 and 2

        1 and 3 are one commit where 2 is empty. Raises BusRetry, BusStop; steps done stay done.
        """
        if order is not None or self.orders.has_work():
            self.market.commit(with_offsets=False)
            self.orders.commit(order)
        self.market.commit(market)
        self._ahead.clear()

    def close(self) -> None:
        self.market.close()
        self.orders.close()
        self._ahead.close()
        self._lock.release()
