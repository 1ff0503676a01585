"""Reading a topic of Kafka from some place to where it ended when asked, in an order that is always the same.

Partitions arrive as the broker sends them, so they are merged: by time, and at one millisecond by partition. Within a
partition the offset decides alone. That needs the next record of every partition before any can be given out; one
that runs far ahead of the others is held.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from heapq import heapify, heappop, heapreplace

from algo_trade.bus.kafka_cluster import Offsets, Partition
from algo_trade.bus.kafka_consumer import ReadingThread
from algo_trade.bus.kafka_inbox import Inbox
from algo_trade.bus.port import Record

_HELD_RECORDS, _GO_ON_RECORDS = 4_000, 1_000
_TURN_RECORDS = 500


class Replay:
    """One replay; `make_reader` gives a consumer of its inbox's partitions, `check` raises when the bus is closed."""

    def __init__(
        self,
        starts: Offsets,
        ends: Offsets,
        make_reader: Callable[[Inbox], ReadingThread],
        check: Callable[[], object],
    ) -> None:
        self._ends = {place: ends[place] for place, offset in starts.items() if offset < ends[place]}
        self._check = check
        self._arrived = asyncio.Event()
        self._inbox = Inbox(self._arrived.set, {place: starts[place] for place in self._ends})
        self._make_reader = make_reader
        self._queues: dict[Partition, deque[Record]] = {place: deque() for place in self._ends}
        self._complete: set[Partition] = set()
        self._held: set[Partition] = set()

    def wake(self) -> None:
        """Look whether the bus is still open."""
        self._arrived.set()

    async def records(self) -> AsyncIterator[Record]:
        """Raises BusStop."""
        if not self._ends:
            return
        self._reader = self._make_reader(self._inbox)
        self._reader.start()
        try:
            fronts: list[tuple[int, Partition]] = []
            waiting = set(self._ends)
            given = 0
            while waiting or fronts:
                if waiting:
                    await self._next_of(waiting)
                    for place in list(waiting):
                        if self._queues[place]:
                            fronts.append((self._queues[place][0].timestamp_ns, place))
                            waiting.discard(place)
                        elif place in self._complete:
                            waiting.discard(place)
                    heapify(fronts)
                    continue
                place = fronts[0][1]
                queue = self._queues[place]
                record = queue.popleft()
                if queue:
                    heapreplace(fronts, (queue[0].timestamp_ns, place))
                else:
                    heappop(fronts)
                    if place not in self._complete:
                        waiting.add(place)
                if place in self._held and len(queue) <= _GO_ON_RECORDS:
                    self._held.discard(place)
                    self._reader.hold(place, False)
                given += 1
                if given % _TURN_RECORDS == 0:
                    await asyncio.sleep(0)
                    self._check()
                yield record
        finally:
            await self._reader.thread.stop()

    async def _next_of(self, waiting: set[Partition]) -> None:
        """Sort what has arrived; wait until something has for one of these."""
        while True:
            self._check()
            self._arrived.clear()
            while self._inbox:
                for record in self._inbox.take(_TURN_RECORDS):
                    self._sort(record)
            for place, end in self._ends.items():
                if self._inbox.position[place] >= end or self._inbox.ends.get(place, 0) >= end:
                    self._complete.add(place)
            if any(self._queues[place] or place in self._complete for place in waiting):
                return
            if self._inbox.error is not None:
                raise type(self._inbox.error)(*self._inbox.error.args)
            await self._arrived.wait()

    def _sort(self, record: Record) -> None:
        place = (record.topic, record.partition)
        if record.offset >= self._ends[place]:
            return
        queue = self._queues[place]
        queue.append(record)
        if len(queue) > _HELD_RECORDS and place not in self._held:
            self._held.add(place)
            self._reader.hold(place, True)
