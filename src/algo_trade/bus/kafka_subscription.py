"""A reader of the Kafka bus: one consumer for its order topics, one for its market topics.

Two, because a consumer hands out what it has read ahead in the order in which it came: an intent would wait behind
every tick that was there before it. Fetches take from both in turn. Everything here runs on the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from algo_trade.bus.errors import BadRecord, BusClosed
from algo_trade.bus.kafka_cluster import Offsets
from algo_trade.bus.kafka_consumer import ReadingThread
from algo_trade.bus.kafka_group import MemberThread
from algo_trade.bus.kafka_inbox import Inbox
from algo_trade.bus.port import GroupLag, Record

# A reader of both classes hears of both before its first fetch, unless one of them has nothing to say for so long.
_HEAR_S = 1.0


class Owner(Protocol):
    """The bus, as far as a subscription needs it."""

    def check(self) -> object:
        """Raises BusStop when the bus is not open or broken."""
        ...

    async def flush(self) -> None:
        """Everything appended is durable. Raises BusStop."""
        ...

    def forget(self, subscription: KafkaSubscription) -> None:
        """It is being closed."""
        ...


@dataclass(frozen=True, slots=True)
class Share:
    """The topics of one storage class, and who reads them."""

    topics: tuple[str, ...]
    inbox: Inbox
    reader: ReadingThread


class KafkaSubscription:
    """See Subscription. `missed` counts records that retention removed before they were read."""

    def __init__(self, owner: Owner, topics: Sequence[str], group: str | None, missed: int) -> None:
        self.topics = tuple(topics)
        self.group = group
        self.shares: list[Share] = []
        self._owner = owner
        self._missed = missed
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    async def begin(self, shares: Sequence[Share]) -> None:
        """Start to read."""
        self.shares = list(shares)
        for share in self.shares:
            share.reader.start()
        if len(self.shares) > 1 and self.group is None:
            try:
                async with asyncio.timeout(_HEAR_S):
                    while any(share.inbox.unheard for share in self.shares) and not self._closed:
                        await self._wait()
            except TimeoutError:
                return
            except asyncio.CancelledError:
                await self.close()
                raise

    async def fetch(self, max_records: int = 500) -> Sequence[Record]:
        """See Subscription. One task at a time; cancelling it loses no record."""
        if max_records < 1:
            raise ValueError("max_records must be at least 1")
        woken = False
        while not self._closed:
            self._owner.check()
            if any(share.inbox for share in self.shares):
                if woken:
                    # Nothing may be awaited from here on: a cancelled task would take the records with it.
                    return self._take(max_records)
                await asyncio.sleep(0)
            else:
                self._raise_failure()
                await self._wait()
            woken = True
        return ()

    def _raise_failure(self) -> None:
        for share in self.shares:
            if share.inbox.error is not None:
                raise type(share.inbox.error)(*share.inbox.error.args) from share.inbox.error

    def _take(self, limit: int) -> Sequence[Record]:
        for share in self.shares:
            records = share.inbox.take(limit)
            if records:
                # Whoever was served first is last next time.
                self.shares.remove(share)
                self.shares.append(share)
                return records
        return ()

    async def commit(self, record: Record) -> None:
        """See Subscription. Raises BusBusy where the group has given the partition to another member."""
        self._owner.check()
        if self.group is None:
            raise BadRecord("a reader without a group has nothing to commit")
        share = next((share for share in self.shares if record.topic in share.topics), None)
        if share is None:
            raise BadRecord(f"{record.topic} is not a topic of this subscription")
        partition = (record.topic, record.partition)
        if record.offset >= share.inbox.fetched.get(partition, 0):
            raise BadRecord(f"{record.topic}: offset {record.offset} was never fetched here")
        if share.inbox.committed.get(partition, 0) > record.offset:
            return
        await self._owner.flush()
        if self._closed:
            raise BusClosed("the reader is closed")
        assert isinstance(share.reader, MemberThread)
        await share.reader.request(partition, record.offset + 1)

    def position(self) -> dict[tuple[str, int], int]:
        return {place: offset for share in self.shares for place, offset in share.inbox.position.items()}

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._owner.forget(self)
        self.wake()
        await asyncio.gather(*(share.reader.thread.stop() for share in self.shares))

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self) -> None:
        if self._waiter is not None:
            raise RuntimeError("another task already waits in fetch()")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    # -- health --------------------------------------------------------------------------------------
    def missed(self) -> int:
        return self._missed + sum(share.inbox.missed for share in self.shares)

    def lags(self, heads: Offsets) -> list[GroupLag]:
        """Of the partitions the group gave us; who has not committed lags since its start."""
        lags = []
        for share in self.shares if self.group is not None else ():
            assert self.group is not None
            inbox = share.inbox
            for (topic, number), position in inbox.position.items():
                place = (topic, number)
                head = max(position, heads.get(place, 0))
                committed = inbox.committed.get(place)
                done = inbox.began[place] if committed is None else committed
                lags.append(GroupLag(self.group, topic, number, committed, head, head - done))
        return sorted(lags, key=lambda lag: (lag.group, lag.topic, lag.partition))
