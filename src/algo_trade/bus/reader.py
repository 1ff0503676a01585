"""The embedded bus's log, read from outside: by the report, beside the writer or after its death.

What was published since the writer's last group commit is in the file ahead of the databases. It is read before them:
a record that is moved between the two looks is then seen twice, and counted once by its offset; the other way round it
would be missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

from algo_trade.bus.ahead_file import read_ahead
from algo_trade.bus.errors import BusCorrupt, BusError, UnknownTopic
from algo_trade.bus.port import GroupLag, Record
from algo_trade.bus.sqlite_file import SqliteFile
from algo_trade.bus.store import AHEAD_FILE, MARKET_FILE, ORDERS_FILE
from algo_trade.bus.tables import BlockTable, RowTable, Table
from algo_trade.contracts import TOPICS, Topic


class EmbeddedLogReader:
    """What is durable in a bus directory. Changes nothing, and never makes the writer wait.

    Raises BusUnusable where there is no log, BusCorrupt where it is damaged.
    """

    def __init__(self, directory: Path, *, topics: Mapping[str, Topic] = TOPICS) -> None:
        self._topics = topics
        self._ahead = directory / AHEAD_FILE
        market = SqliteFile.open_to_read(directory / MARKET_FILE)
        try:
            orders = SqliteFile.open_to_read(directory / ORDERS_FILE)
        except BusError:
            market.close()
            raise
        self._tables: dict[str, Table] = {"market": BlockTable(market), "orders": RowTable(orders)}

    def replay(
        self, topic: str, *, from_offset: int = 0, from_time_ns: int | None = None
    ) -> Iterator[Record]:
        """The records from an offset or the oldest kept, or a time, up to the head at the first step."""
        ahead = self._written_ahead(topic)
        table = self._table(topic)
        oldest, end = table.extent(topic)
        position = max(from_offset, oldest)
        if from_time_ns is not None:
            first = table.first_at(topic, from_time_ns)
            position = end if first is None else max(position, first)
        yield from self._stored(topic, position, end)
        for record in ahead:
            wanted = from_time_ns is None or record.timestamp_ns >= from_time_ns
            if record.offset >= max(end, from_offset) and wanted:
                yield record

    def _stored(self, topic: str, position: int, end: int) -> Iterator[Record]:
        """From the database, up to an offset it has."""
        table = self._table(topic)
        while position < end:
            records = table.read(topic, position)
            if not records or records[0].offset != position:
                oldest = table.extent(topic)[0]
                if position < oldest:  # the writer has removed it meanwhile
                    position = oldest
                    continue
                raise BusCorrupt(f"{table.file.path}: {topic}: offset {position} is missing")
            if records[-1].offset >= end:
                yield from records[: end - position]
                return
            yield from records
            position = records[-1].offset + 1

    def head(self, topic: str) -> int:
        """The offset after the last durable record."""
        return self._extent(topic)[1]

    def count(self, topic: str) -> int:
        """How many records are kept."""
        oldest, head = self._extent(topic)
        return head - oldest

    def group_lags(self) -> Iterator[GroupLag]:
        """How far every group that ever committed is behind, by name."""
        committed = {
            key: offset
            for table in self._tables.values()
            for key, offset in table.file.group_offsets().items()
        }
        for (group, topic), offset in sorted(committed.items()):
            if topic in self._topics:
                oldest, head = self._extent(topic)
                yield GroupLag(group, topic, 0, offset, head, head - max(offset, oldest))

    def log_id(self, topic: str) -> str:
        """The name of the log behind `topic`."""
        return self._table(topic).file.log_id

    def close(self) -> None:
        for table in self._tables.values():
            table.file.close()

    def __enter__(self) -> EmbeddedLogReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _extent(self, topic: str) -> tuple[int, int]:
        ahead = self._written_ahead(topic)
        oldest, head = self._table(topic).extent(topic)
        return oldest, max([head, *(record.offset + 1 for record in ahead)])

    def _written_ahead(self, topic: str) -> list[Record]:
        return [record for record in read_ahead(self._ahead) if record.topic == topic]

    def _table(self, topic: str) -> Table:
        try:
            return self._tables[self._topics[topic].storage_class]
        except KeyError:
            raise UnknownTopic(f"topics.yaml names no topic {topic!r}") from None
