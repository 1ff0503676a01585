"""The bus inside one process: an append-only log in three files, no server.

`bus-market.db` holds market data in compressed blocks; `bus-orders.db` holds everything an order depends on, one row
a record. Both are written in groups. What is published between two groups is in `bus-ahead.log`, where a publish
costs one write and, when power-safe, one wait for the disk.

Every write is made inline, on the loop, in real and in virtual time alike. One process writes; others may read
(EmbeddedLogReader). One process also means that a consumer group has one member: a second subscription of the same
group to the same topic is refused, not shared.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from algo_trade.bus.embedded_record import make_record
from algo_trade.bus.embedded_subscription import EmbeddedSubscription
from algo_trade.bus.errors import (
    BusBacklog,
    BusClosed,
    BusError,
    BusInUse,
    BusRetry,
    BusStop,
    GroupTaken,
    UnknownTopic,
)
from algo_trade.bus.lag import group_lags
from algo_trade.bus.port import (
    BusHealth,
    Headers,
    Latest,
    Record,
    RetentionResult,
    Start,
)
from algo_trade.bus.store import Stores
from algo_trade.bus.topic_log import Cursor, TopicLog
from algo_trade.clock import Clock, IdSource
from algo_trade.contracts import TOPICS, Message, Topic

# A group commit is made no later than at this size, however young it is; `append` refuses at eight times as much.
_GROUP_RECORDS = 2_000
_GROUP_BYTES = 8 * 1024 * 1024
_BACKLOG_FACTOR = 8
_REPLAY_RECORDS = 500
_END = Latest()


class EmbeddedBus:
    """See the port for the promises.

    `group_commit_ms` bounds how long an append stays in memory only. `power_safe`: what is published survives a loss of
    power; without, the death of the process only, and a publish does not wait for the disk.
    """

    def __init__(
        self,
        directory: Path,
        *,
        clock: Clock,
        ids: IdSource,
        hand_over: bool = True,
        group_commit_ms: float = 1000,
        power_safe: bool = True,
        topics: Mapping[str, Topic] = TOPICS,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._ids = ids
        self._hand_over = hand_over
        self._group_commit_s = group_commit_ms / 1000
        self._power_safe = power_safe
        self._topics = topics
        self._stores: Stores | None = None
        self._logs: dict[str, TopicLog] = {}
        self._unstored_records = 0
        self._unstored_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._subscriptions: list[EmbeddedSubscription] = []
        self._missed = 0  # by subscriptions closed since
        self._broken: BusStop | None = None
        self._trouble: str | None = None

    # -- life ----------------------------------------------------------------------------------------
    async def open(self) -> None:
        """See Bus. Raises BusInUse when another bus, in this process or another, writes this directory."""
        if self._stores is not None:
            raise BusInUse(f"{self._directory}: this bus is already open")
        stores = Stores(
            self._directory,
            self._topics.values(),
            lambda: str(self._ids.uuid()),
            power_safe=self._power_safe,
        )
        self._logs = {log.name: log for log in (*stores.market.logs, *stores.orders.logs)}
        self._broken = self._trouble = None
        self._stores = stores

    async def close(self) -> None:
        """See Bus. Lets go also when the last commit fails, and then raises why."""
        if self._stores is None:
            return
        try:
            if self._broken is None:
                self._commit()
        finally:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            for subscription in self._subscriptions:
                subscription.end()
            self._subscriptions.clear()
            self._unstored_records = self._unstored_bytes = 0
            self._stores.close()
            self._stores = None

    def check(self) -> Stores:
        """Raises BusClosed, or what broke the bus."""
        if self._stores is None:
            raise BusClosed(f"{self._directory}: the bus is not open")
        if self._broken is not None:
            raise type(self._broken)(*self._broken.args) from self._broken
        return self._stores

    # -- writing -------------------------------------------------------------------------------------
    async def publish(
        self, topic: str, message: Message | bytes, *, key: str | None, headers: Headers = ()
    ) -> Record:
        """See Bus. A record that could not be written has no offset and was seen by no reader."""
        log = self._log(topic)
        record = make_record(
            log, message, key, headers, now_ns=self._clock.now_ns(), hand_over=self._hand_over
        )
        if self._trouble is None and not self._waits(1):
            self._write_ahead(record)
            log.add(record)
            log.mark_durable()
            self._count(record)
        else:
            self._commit(record)
            log.add(record)
            log.mark_stored()
        return record

    def append(self, topic: str, message: Message | bytes, *, key: str | None, headers: Headers = ()) -> None:
        """See Bus."""
        log = self._log(topic)
        if self._waits(_BACKLOG_FACTOR):
            raise BusBacklog(f"{self._unstored_records} records wait to be written: {self._trouble}")
        record = make_record(
            log, message, key, headers, now_ns=self._clock.now_ns(), hand_over=self._hand_over
        )
        log.add(record)
        self._count(record)
        # After a failure only the timer tries again: every append doing so would write the backlog anew each time.
        if self._trouble is None and self._waits(1):
            self._group_commit()

    async def drain(self) -> None:
        """See Bus. Appends are written as soon as enough of them wait, so there is room unless the disk fails."""
        self.check()
        if self._waits(1):
            self._commit()

    async def flush(self) -> None:
        """See Bus."""
        self.check()
        self._commit()

    def _count(self, record: Record) -> None:
        """It waits for the next group commit."""
        self._unstored_records += 1
        self._unstored_bytes += len(record.value)
        if self._timer is None:
            self._arm()

    def _waits(self, groups: int) -> bool:
        """Whether as much waits as would fill this many group commits."""
        return (
            self._unstored_records >= groups * _GROUP_RECORDS or self._unstored_bytes >= groups * _GROUP_BYTES
        )

    def _log(self, topic: str) -> TopicLog:
        self.check()
        try:
            return self._logs[topic]
        except KeyError:
            raise UnknownTopic(f"topics.yaml names no topic {topic!r}") from None

    # -- commits -------------------------------------------------------------------------------------
    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._group_commit_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._group_commit()
        if self._trouble is not None and self._broken is None:
            self._arm()

    def _group_commit(self) -> None:
        """A commit nobody waits for. What cannot be written stays, and is tried again by the timer."""
        try:
            self._commit()
        except BusError:
            # `_commit` has noted it: health tells, BusRetry keeps the records, BusStop meets the next caller.
            assert self._trouble is not None

    def _commit(self, extra: Record | None = None) -> None:
        """Move all that waits, then `extra`, into the databases. Raises BusRetry, BusStop."""
        stores = self.check()
        with self._noting_trouble():
            if extra is None:
                stores.commit()
            elif self._logs[extra.topic].is_orders:
                stores.commit(order=extra)
            else:
                stores.commit(market=extra)
        self._trouble = None
        self._unstored_records = self._unstored_bytes = 0

    def _write_ahead(self, record: Record) -> None:
        """Make a record durable, and what was appended before it. Raises BusRetry, BusStop."""
        with self._noting_trouble():
            self.check().write_ahead(record)

    @contextmanager
    def _noting_trouble(self) -> Iterator[None]:
        try:
            yield
        except BusRetry as error:
            self._trouble = str(error)
            raise
        except BusStop as error:
            self._trouble = str(error)
            self._broken = error
            for log in self._logs.values():
                log.wake()
            raise

    # -- reading -------------------------------------------------------------------------------------
    async def subscribe(
        self, topics: Sequence[str], *, group: str | None = None, start: Start = _END
    ) -> EmbeddedSubscription:
        """See Bus. Raises GroupTaken for a second subscription of one group to one topic."""
        logs = [self._log(topic) for topic in topics]
        if not logs or len(set(topics)) != len(logs):
            raise UnknownTopic(f"subscribe to one or more topics, each once, not to {list(topics)}")
        if group is not None:
            self._refuse_second_member(group, topics)
        cursors = [Cursor(log, self._first_position(log, group, start)) for log in logs]
        subscription = EmbeddedSubscription(self, cursors, group)
        self._subscriptions.append(subscription)
        return subscription

    def _first_position(self, log: TopicLog, group: str | None, start: Start) -> int:
        committed = None if group is None else self.check().of(log).committed.get((group, log.name))
        return log.position_of(start) if committed is None else log.checked(committed)

    def _refuse_second_member(self, group: str, topics: Sequence[str]) -> None:
        for other in self._subscriptions:
            shared = [topic for topic, _ in other.position() if other.group == group and topic in topics]
            if shared:
                raise GroupTaken(f"group {group!r} already reads {shared[0]}; close that subscription first")

    def commit_group(self, group: str, log: TopicLog, next_offset: int) -> None:
        """A group's progress: durable now on order topics, with the next group commit on market topics."""
        store = self.check().of(log)
        if next_offset <= store.committed.get((group, log.name), 0):
            return
        store.committed[group, log.name] = store.offsets[group, log.name] = next_offset
        if log.is_orders:
            self._commit()
        elif self._timer is None:
            self._arm()

    def forget(self, subscription: EmbeddedSubscription) -> None:
        """A subscription was closed."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            self._missed += subscription.missed()

    def replay(
        self, topic: str, *, from_offset: int | None = None, from_time_ns: int | None = None
    ) -> AsyncIterator[Record]:
        """See Bus."""
        log = self._log(topic)
        position = log.oldest if from_offset is None else log.checked(from_offset)
        if from_time_ns is not None:
            position = max(position, log.first_at(from_time_ns))
        return self._replay(Cursor(log, position), log.head)

    async def _replay(self, cursor: Cursor, end: int) -> AsyncIterator[Record]:
        while cursor.position < end:
            await asyncio.sleep(0)
            self.check()
            for record in cursor.take(min(_REPLAY_RECORDS, end - cursor.position)):
                if record.offset < end:
                    yield record

    # -- what it is ----------------------------------------------------------------------------------
    async def head(self, topic: str) -> dict[int, int]:
        """See Bus. There is one partition, 0."""
        return {0: self._log(topic).head}

    def log_id(self, topic: str) -> str:
        """See Bus. One name for all topics of a storage class: they share a file."""
        return self.check().of(self._log(topic)).log_id

    def health(self) -> BusHealth:
        """See Bus."""
        if self._stores is None:
            return BusHealth(connected=False, topics=tuple(self._topics), trouble=self._trouble)
        return BusHealth(
            connected=self._broken is None,
            topics=tuple(self._topics),
            groups=group_lags(
                {**self._stores.market.committed, **self._stores.orders.committed},
                self._subscriptions,
                self._logs,
            ),
            producer_queue=sum(log.head - log.durable for log in self._logs.values()),
            missed=self._missed + sum(subscription.missed() for subscription in self._subscriptions),
            trouble=self._trouble,
        )

    async def enforce_retention(self) -> RetentionResult:
        """See Bus. Whole blocks only, so market records may stay a group commit longer."""
        stores = self.check()
        self._commit()
        now_ns = self._clock.now_ns()
        return RetentionResult(
            {**stores.market.enforce_retention(now_ns), **stores.orders.enforce_retention(now_ns)}
        )
