"""A reader of the embedded bus."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from algo_trade.bus.errors import BadRecord
from algo_trade.bus.port import Record
from algo_trade.bus.topic_log import Cursor, TopicLog


class Owner(Protocol):
    """The bus, as far as a subscription needs it."""

    def check(self) -> object:
        """Raises BusStop when the bus is not open or broken."""
        ...

    def commit_group(self, group: str, log: TopicLog, next_offset: int) -> None:
        """A group's progress. Raises BusRetry, BusStop."""
        ...

    def forget(self, subscription: EmbeddedSubscription) -> None:
        """It has been closed."""
        ...


class EmbeddedSubscription:
    """Cursors over some topics, and at most one task that waits at them."""

    def __init__(self, owner: Owner, cursors: Sequence[Cursor], group: str | None) -> None:
        self.group = group
        self.cursors = list(cursors)
        self._owner = owner
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        for cursor in self.cursors:
            cursor.log.readers.append(self)

    async def fetch(self, max_records: int = 500) -> Sequence[Record]:
        """See Subscription. One task at a time; cancelling it loses no record."""
        if max_records < 1:
            raise ValueError("max_records must be at least 1")
        woken = False
        while not self._closed:
            self._owner.check()
            if not self._behind():
                await self._wait()
                woken = True
                continue
            if not woken:
                await asyncio.sleep(0)
                woken = True
                continue
            # Nothing may be awaited from here on: a cancelled task would take the records with it.
            records = self._take(max_records)
            if records:
                return records
        return ()

    async def commit(self, record: Record) -> None:
        """See Subscription."""
        self._owner.check()
        if self.group is None:
            raise BadRecord("a reader without a group has nothing to commit")
        for cursor in self.cursors:
            if cursor.log.name == record.topic:
                if record.offset >= cursor.position or record.partition != 0:
                    raise BadRecord(f"{record.topic}: offset {record.offset} was never fetched here")
                self._owner.commit_group(self.group, cursor.log, record.offset + 1)
                return
        raise BadRecord(f"{record.topic} is not a topic of this subscription")

    def position(self) -> dict[tuple[str, int], int]:
        return {(cursor.log.name, 0): cursor.position for cursor in self.cursors}

    async def close(self) -> None:
        self.end()
        self._owner.forget(self)

    def end(self) -> None:
        """Stop reading, told by the bus or by `close`."""
        if self._closed:
            return
        self._closed = True
        for cursor in self.cursors:
            cursor.log.readers.remove(self)
        self.wake()

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def missed(self) -> int:
        """Records that retention removed before this reader came to them."""
        return sum(cursor.missed for cursor in self.cursors)

    def _behind(self) -> bool:
        return any(cursor.position < cursor.log.head for cursor in self.cursors)

    def _take(self, limit: int) -> Sequence[Record]:
        if len(self.cursors) == 1:
            return self.cursors[0].take(limit)
        taken: list[Record] = []
        for cursor in self.cursors:
            if cursor.position < cursor.log.head:
                taken.extend(cursor.take(limit - len(taken)))
                if len(taken) >= limit:
                    break
        # A busy topic must not starve the others: whoever was served first is last next time.
        self.cursors.append(self.cursors.pop(0))
        return taken

    async def _wait(self) -> None:
        if self._waiter is not None:
            raise RuntimeError("another task already waits in fetch()")
        self._waiter = asyncio.get_running_loop().create_future()
        for cursor in self.cursors:
            cursor.log.anybody_waits = True
        try:
            await self._waiter
        finally:
            self._waiter = None
