"""Reading from Kafka: one consumer and the thread that owns it.

The thread waits in `poll` for a first message, takes what else is there with `consume(n, 0)` (with a timeout it would
wait for n), makes records of them and hands them over in one crossing. What its reader leaves lying is bounded: beyond
AHEAD_RECORDS or AHEAD_BYTES it first waits a moment and then pauses the partitions, but goes on polling, because a
consumer that does not poll is put out of its group.

A position that retention has removed goes on at the oldest record kept, counted; one that the log never reached ends
the reader.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from algo_trade.bus.errors import BusStop, BusUnusable, OffsetOutOfRange
from algo_trade.bus.kafka_cluster import Offsets, Partition
from algo_trade.bus.kafka_config import Properties
from algo_trade.bus.kafka_errors import bus_error
from algo_trade.bus.kafka_inbox import Inbox
from algo_trade.bus.kafka_record import record_of
from algo_trade.bus.kafka_thread import ClientThread

AHEAD_RECORDS = 10_000
AHEAD_BYTES = 16 * 1024 * 1024

_CROSSING_RECORDS = 1_000
_POLL_S = 0.05  # how long a poll waits for a first message; `close` and `hold` wait for it
_FULL_TURNS = 25  # a reader that catches up within this many moments spares us what a pause throws away
_FULL_TURN_S = 0.002
_ASK_S = 5.0


class ReadingThread:
    """A consumer of given partitions, without a group. `topics` gives names here by names on the cluster."""

    def __init__(
        self,
        name: str,
        properties: Properties,
        topics: Mapping[str, str],
        inbox: Inbox,
        on_client_error: Callable[[KafkaError], None],
    ) -> None:
        self.inbox = inbox
        self._topics = topics
        self._full_names = {short: full for full, short in topics.items()}
        self._on_client_error = on_client_error
        self._tasks: deque[Callable[[], None]] = deque([self._begin])
        self._owned: Offsets = dict(inbox.began)  # partition → the offset at which we began
        self._stranded: Offsets = {}
        self._handed_records = self._handed_bytes = 0
        self._paused = False
        self._full_turns = 0
        self._consumer = Consumer({**properties, **self._callbacks()})
        self.thread = ClientThread(name, self._turn, self._end, self._failed)

    def _callbacks(self) -> Properties:
        return {"error_cb": self._on_error}

    # -- loop ----------------------------------------------------------------------------------------
    def start(self) -> None:
        self.thread.start()

    def do(self, task: Callable[[], None]) -> None:
        """Have the thread do this between two polls."""
        self._tasks.append(task)

    def hold(self, partition: Partition, held: bool) -> None:
        """Read no further in a partition for now, or go on."""
        place = self.place(partition)
        if held:
            self.do(lambda: self._consumer.pause([place]))
        else:
            self.do(lambda: self._consumer.resume([place]))

    def _failed(self, error: Exception) -> None:
        self.inbox.fail(BusUnusable(f"the consumer's thread ended: {error!r}"))

    # -- thread --------------------------------------------------------------------------------------
    def place(self, partition: Partition, offset: int = -1001) -> TopicPartition:
        return TopicPartition(self._full_names[partition[0]], partition[1], offset)

    def _begin(self) -> None:
        self._consumer.assign([self.place(partition, offset) for partition, offset in self._owned.items()])

    def _turn(self) -> None:
        while self._tasks:
            self._tasks.popleft()()
        if self._stranded:
            self._rescue()
        if self._steer():
            first = self._consumer.poll(self._wait_s())
            if first is not None:
                self._hand_over([first, *self._consumer.consume(_CROSSING_RECORDS, 0)])

    def _wait_s(self) -> float:
        return _POLL_S

    def _steer(self) -> bool:
        """Pause or resume by how far ahead the reader we are; returns whether to poll now."""
        inbox = self.inbox
        records = self._handed_records - inbox.taken_records
        size = self._handed_bytes - inbox.taken_bytes
        if self._paused:
            if records <= AHEAD_RECORDS // 2 and size <= AHEAD_BYTES // 2:
                self._consumer.resume(self._consumer.assignment())
                self._paused = False
        elif records > AHEAD_RECORDS or size > AHEAD_BYTES:
            if self._full_turns < _FULL_TURNS:
                self._full_turns += 1
                self.thread.pause(_FULL_TURN_S)
                return False
            self._consumer.pause(self._consumer.assignment())
            self._paused = True
        self._full_turns = 0
        return True

    def _hand_over(self, messages: list[Message]) -> None:
        topics = self._topics
        records, events = [], []
        for message in messages:
            if message.error() is None:
                records.append(record_of(message, topics))
            else:
                events.append(message)
        if records:
            self._handed_records += len(records)
            self._handed_bytes += sum([len(record.value) for record in records])
            self.thread.post(self.inbox.accept, records)
        for message in events:
            self._on_event(message)

    def _on_event(self, message: Message) -> None:
        error = message.error()
        assert error is not None
        topic = self._topics.get(message.topic() or "")
        if topic is None:
            self._on_error(error)
            return
        partition = (topic, message.partition() or 0)
        if error.code() == KafkaError._PARTITION_EOF:
            self.thread.post(self.inbox.ended, partition, message.offset())
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._stranded[partition] = message.offset() or 0
        else:
            self._on_error(error)

    def _rescue(self) -> None:
        """Positions outside their log: below it we go on at its start, beyond it there is nothing to go on with."""
        rescued: Offsets = {}
        missed = 0
        try:
            for (topic, number), offset in self._stranded.items():
                oldest, head = self._consumer.get_watermark_offsets(self.place((topic, number)), _ASK_S)
                if not 0 <= offset <= head:
                    where = f"{topic}: partition {number}"
                    self._stop(OffsetOutOfRange(f"{where} has no offset {offset}; it ends at {head}"))
                    continue
                rescued[topic, number] = max(oldest, offset)
                missed += max(0, oldest - offset)
        except KafkaException:
            self.thread.pause(_POLL_S)  # the broker is away, or its leader moves: asked again next turn
            return
        self._stranded.clear()
        if rescued:
            self.thread.post(self.inbox.moved, missed)
            self._assign_anew(rescued)

    def _assign_anew(self, moved: Offsets) -> None:
        """A partition that was refused its position is dead for good, also to a seek: only an assignment revives it."""
        places = self._consumer.position(self._consumer.assignment())
        for place in places:
            partition = (self._topics[place.topic], place.partition)
            if partition in moved:
                place.offset = self._owned[partition] = moved[partition]
            elif place.offset < 0:
                place.offset = self._owned[partition]
        self._consumer.assign(places)
        self._paused = False

    def _on_error(self, error: KafkaError) -> None:
        """Of the client as a whole. What it overcomes by itself is only worth a word in health."""
        self.thread.post(self._on_client_error, error)
        problem = bus_error(error, "reading")
        if error.fatal() or (isinstance(problem, BusStop) and error.code() != KafkaError._AUTHENTICATION):
            self._stop(problem)

    def _stop(self, problem: Exception) -> None:
        self.thread.post(self.inbox.fail, problem)

    def _end(self) -> None:
        self._consumer.close()
