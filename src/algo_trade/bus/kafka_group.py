"""A member of a consumer group: which partitions it has, and what it has committed.

Everything here but `request` runs on the consumer's thread, the rebalance callbacks from inside its `poll`. Membership
is static: the member's name comes from its configuration, so a process that restarts within the session timeout gets
its partitions back without a rebalance, and a second process of the same name puts the first one out.

**Commits** that wait are sent together, one request at a time and the highest offset of each partition; the answer
comes from the broker before anybody's `commit` returns. A broker that is away is waited for.

**Taking partitions away.** What its reader has fetched but not committed yet is given a moment (`_DRAIN_TURNS`, well
below the session timeout) to be committed, and these commits are made on the spot: they wait in the queue that
this very thread serves. Where the group has no commit at all, the place where it began is committed, so that the next
owner begins there and not at an end of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from algo_trade.bus.errors import BusBusy, BusClosed, BusError, BusStop
from algo_trade.bus.kafka_cluster import Offsets, Partition
from algo_trade.bus.kafka_config import Properties
from algo_trade.bus.kafka_consumer import ReadingThread
from algo_trade.bus.kafka_errors import bus_error
from algo_trade.bus.kafka_inbox import Inbox

_DRAIN_TURNS, _DRAIN_TURN_S = 400, 0.005  # 2 s
_ASK_S = 5.0
_RETRY_S = 0.05
# After records were handed over a commit is likely to come: poll in short turns, so that it does not wait for one.
_BUSY_TURNS, _BUSY_S, _IDLE_S = 100, 0.001, 0.01


class Request(NamedTuple):
    """Somebody waits for this commit."""

    partition: Partition
    offset: int
    waiter: asyncio.Future[None]


class MemberThread(ReadingThread):
    """`starts`: where the group begins in a partition it never committed."""

    def __init__(
        self,
        name: str,
        properties: Properties,
        topics: Mapping[str, str],
        inbox: Inbox,
        on_client_error: Callable[[KafkaError], None],
        starts: Offsets,
    ) -> None:
        self._starts = starts
        self._requests: deque[Request] = deque()
        self._sent: list[Request] | None = None
        self._committed: Offsets = {}
        self._drops = 0
        self._idle_turns = 0
        super().__init__(name, properties, topics, inbox, on_client_error)

    def _callbacks(self) -> Properties:
        return {**super()._callbacks(), "on_commit": self._on_commit}

    def request(self, partition: Partition, offset: int) -> asyncio.Future[None]:
        """Loop's side: the group goes on at `offset`. Fails with BusBusy, BusStop."""
        waiter = asyncio.get_running_loop().create_future()
        self._requests.append(Request(partition, offset, waiter))
        return waiter

    # -- thread --------------------------------------------------------------------------------------
    def _begin(self) -> None:
        self._consumer.subscribe(
            list(self._topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def _turn(self) -> None:
        if self._requests and self._sent is None:
            self._send()
        handed = self._handed_records
        super()._turn()
        self._idle_turns = 0 if self._handed_records > handed else self._idle_turns + 1

    def _wait_s(self) -> float:
        return _BUSY_S if self._idle_turns < _BUSY_TURNS else _IDLE_S

    # -- commits -------------------------------------------------------------------------------------
    def _due(self) -> tuple[list[Request], list[TopicPartition]]:
        """Everything asked for, as one commit; answers at once what needs none."""
        wanted: Offsets = {}
        due: list[Request] = []
        while self._requests:
            request = self._requests.popleft()
            if request.partition not in self._owned:
                self._answer(
                    [request], BusBusy(f"{request.partition} has gone to another member of the group")
                )
            elif request.offset <= self._committed.get(request.partition, -1):
                self._answer([request])
            else:
                due.append(request)
                wanted[request.partition] = max(request.offset, wanted.get(request.partition, 0))
        return due, [self.place(partition, offset) for partition, offset in wanted.items()]

    def _send(self) -> None:
        due, offsets = self._due()
        if due:
            self._sent = due
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def _on_commit(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        """From inside `poll`: the answer to what `_send` sent."""
        sent, self._sent = self._sent or [], None
        if error is None:
            error = next((place.error for place in offsets if place.error is not None), None)
        if error is None:
            self._note_committed(sent)
            return
        problem = bus_error(error, "committing")
        if isinstance(problem, BusStop):
            self._answer(sent, problem)
        else:
            # The coordinator is away, or the group is being shared out anew: whose partition it is decides next time.
            self._requests.extendleft(reversed(sent))
            self.thread.pause(_RETRY_S)

    def _commit_now(self) -> None:
        """All that waits, on the spot: there is no `poll` to bring an answer here."""
        due, offsets = self._due()
        if not due:
            return
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            self._answer(due, bus_error(error.args[0], "committing"))
        else:
            self._note_committed(due)

    def _note_committed(self, requests: list[Request]) -> None:
        reached: Offsets = {}
        for request in requests:
            reached[request.partition] = max(request.offset, reached.get(request.partition, 0))
        for partition, offset in reached.items():
            self._committed[partition] = max(offset, self._committed.get(partition, 0))
        self.thread.post(self.inbox.committed_to, {p: self._committed[p] for p in reached})
        self._answer(requests)

    def _answer(self, requests: list[Request], error: BusError | None = None) -> None:
        self.thread.post(_answer, requests, error)

    # -- rebalances ----------------------------------------------------------------------------------
    def _partitions(self, places: list[TopicPartition]) -> list[Partition]:
        return [(self._topics[place.topic], place.partition) for place in places]

    def _on_assign(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        while True:
            try:
                known = consumer.committed(places, timeout=_ASK_S) if places else []
                break
            except KafkaException:
                if self.thread.stopping:
                    return
                self.thread.pause(_RETRY_S)
        committed = {
            (self._topics[place.topic], place.partition): place.offset for place in known if place.offset >= 0
        }
        starts = {p: committed.get(p, self._starts.get(p, 0)) for p in self._partitions(places)}
        consumer.assign([self.place(partition, offset) for partition, offset in starts.items()])
        self._owned, self._paused = starts, False
        self._committed = committed
        self.thread.post(self.inbox.assigned, starts, dict(committed))

    def _on_revoke(self, _: Consumer, places: list[TopicPartition]) -> None:
        partitions = self._partitions(places)
        if not self.thread.stopping:
            self._drain(partitions)
        self._let_go(partitions)

    def _on_lost(self, _: Consumer, places: list[TopicPartition]) -> None:
        """They are somebody else's already: nothing may be committed."""
        self._let_go(self._partitions(places))

    def _drain(self, partitions: list[Partition]) -> None:
        self._drops += 1
        fetched: Offsets = {}
        self.thread.post(self._freeze, frozenset(partitions), fetched)
        for _ in range(_DRAIN_TURNS):
            self._commit_now()
            if self.inbox.drops >= self._drops and not any(
                offset > self._committed.get(partition, self._owned.get(partition, 0))
                for partition, offset in fetched.items()
            ):
                break
            self.thread.pause(_DRAIN_TURN_S)
        nothing_yet = [
            self.place(p, self._owned[p]) for p in partitions if p in self._owned and p not in self._committed
        ]
        if nothing_yet:
            try:
                self._consumer.commit(offsets=nothing_yet, asynchronous=False)
            except KafkaException as error:
                self.thread.post(self._on_client_error, error.args[0])

    def _freeze(self, partitions: frozenset[Partition], fetched: Offsets) -> None:
        """Loop's side: hand out nothing more of these; what was handed out is in `fetched`."""
        fetched.update({p: offset for p, offset in self.inbox.position.items() if p in partitions})
        self.inbox.dropped(partitions)

    def _let_go(self, partitions: list[Partition]) -> None:
        for partition in partitions:
            self._owned.pop(partition, None)
            self._committed.pop(partition, None)
        self._drops += 1
        self.thread.post(self.inbox.dropped, frozenset(partitions))

    def _end(self) -> None:
        for _ in range(_DRAIN_TURNS):
            if self._sent is None:
                self._send()
            if self._sent is None:
                break
            self._consumer.poll(
                _DRAIN_TURN_S
            )  # what it may bring has not been fetched and will be read again
        left = [*(self._sent or ()), *self._requests]
        self._sent, self._requests = None, deque()
        self._answer(left, BusClosed("the reader was closed before the broker had its commit"))
        super()._end()


def _answer(requests: list[Request], error: BusError | None) -> None:
    """Loop's side."""
    for request in requests:
        if not request.waiter.done():
            if error is None:
                request.waiter.set_result(None)
            else:
                request.waiter.set_exception(type(error)(*error.args))
