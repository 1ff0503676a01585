"""The embedded bus's log, read from outside: by the report, beside the writer or after its death."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

from algo_trade.bus.errors import BusCorrupt, BusError, UnknownTopic
from algo_trade.bus.port import Record
from algo_trade.bus.sqlite_file import SqliteFile
from algo_trade.bus.store import MARKET_FILE, ORDERS_FILE
from algo_trade.bus.tables import BlockTable, RowTable, Table
from algo_trade.contracts import TOPICS, Topic


class EmbeddedLogReader:
    """What is durable in a bus directory. Changes nothing, and never makes the writer wait.

    Raises BusUnusable where there is no log, BusCorrupt where it is damaged.
    """

    def __init__(self, directory: Path, *, topics: Mapping[str, Topic] = TOPICS) -> None:
        self._topics = topics
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
        table = self._table(topic)
        oldest, end = table.extent(topic)
        position = max(from_offset, oldest)
        if from_time_ns is not None:
            first = table.first_at(topic, from_time_ns)
            position = end if first is None else max(position, first)
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
        return self._table(topic).extent(topic)[1]

    def count(self, topic: str) -> int:
        """How many records are kept."""
        oldest, head = self._table(topic).extent(topic)
        return head - oldest

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

    def _table(self, topic: str) -> Table:
        try:
            return self._tables[self._topics[topic].storage_class]
        except KeyError:
            raise UnknownTopic(f"topics.yaml names no topic {topic!r}") from None
