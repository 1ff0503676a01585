"""The bus between processes: Apache Kafka.

What the port promises is Kafka's to keep where it can (order by key, durability, groups), and ours where it cannot:
what was appended before a publish is delivered when it returns (kafka_producer.py), positions that retention removed
are counted (kafka_consumer.py), commits never go backwards (kafka_group.py), a replay is the same each time
(kafka_replay.py). Durable means acknowledged by every replica in sync, which on one node is its page cache: the
death of any process is survived, the loss of power only with more than one broker.

Topics are made by `algotrade topics apply`, never here. Each client has a thread of its own; everything in this module
runs on the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import KafkaError

from algo_trade.bus.errors import (
    BusBacklog,
    BusClosed,
    BusError,
    BusInUse,
    GroupTaken,
    OffsetOutOfRange,
    RecordTooLarge,
    UnknownTopic,
)
from algo_trade.bus.kafka_cluster import Cluster, Offsets
from algo_trade.bus.kafka_config import client_properties, consumer_properties, producer_properties
from algo_trade.bus.kafka_consumer import ReadingThread
from algo_trade.bus.kafka_group import MemberThread
from algo_trade.bus.kafka_inbox import Inbox
from algo_trade.bus.kafka_producer import Lane, Writer
from algo_trade.bus.kafka_replay import Replay
from algo_trade.bus.kafka_subscription import KafkaSubscription, Share
from algo_trade.bus.outgoing import checked_body
from algo_trade.bus.port import MAX_LETTER_BYTES, BusHealth, Headers, Latest, Record, RetentionResult, Start
from algo_trade.clock import Clock
from algo_trade.contracts import TOPICS, Message, Topic, is_dead_letters
from algo_trade.settings.sections import KafkaSettings

_NS_PER_MS = 1_000_000
# How often the heads of what groups read are asked for, and whether the cluster is there: what health() knows.
_WATCH_S = 1.0
# Topics take records of 1.25 MiB (topics.yaml); this leaves room for Kafka's own words around key, headers and body.
_ENVELOPE_BYTES = 192 * 1024
_END = Latest()


class Entry(NamedTuple):
    """A topic, as far as writing to it goes."""

    full_name: str
    accepts: frozenset[type[Message]]
    lane: Lane


class Session(NamedTuple):
    """What there is between `open` and `close`."""

    writer: Writer
    entries: dict[str, Entry]
    watch: asyncio.Task[None]


class KafkaAdapter:
    """See the port for the promises. `role` names this process among those of one installation.

    Two buses of one client_id and role must not read one topic in one group: the second puts the first one out.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        clock: Clock,
        topics: Mapping[str, Topic] = TOPICS,
        role: str = "all",
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._topics = topics
        self._role = role
        self._names = {settings.topic_prefix + name: name for name in topics}
        self._cluster: Cluster | None = None
        self._session: Session | None = None
        self._subscriptions: list[KafkaSubscription] = []
        self._replays: set[Replay] = set()
        self._heads: Offsets = {}
        self._last_ms = 0
        self._missed = 0  # by subscriptions closed since
        self._connected = False
        self._trouble: str | None = None

    # -- life ----------------------------------------------------------------------------------------
    async def open(self) -> None:
        """See Bus. Waits `patience_sec` for the cluster. Raises BusUnreachable, BusUnusable."""
        if self._session is not None:
            raise BusInUse(f"{self._where}: this bus is already open")
        cluster = Cluster(self._settings, self._role, self._topics, self._client_error)
        await cluster.open()
        settings, role = self._settings, self._role
        writer = Writer(
            producer_properties(settings, role, orders=False),
            producer_properties(settings, role, orders=True),
            on_client_error=self._client_error,
            on_broken=self._wake_readers,
        )
        entries = {
            name: Entry(
                settings.topic_prefix + name,
                frozenset(topic.models),
                writer.orders if topic.storage_class == "orders" else writer.market,
            )
            for name, topic in self._topics.items()
        }
        self._cluster, self._connected, self._trouble = cluster, True, None
        self._session = Session(writer, entries, asyncio.create_task(self._watch()))

    async def close(self) -> None:
        """See Bus. Waits `patience_sec` for Kafka to take what was appended; lets go either way, then raises why."""
        session, self._session = self._session, None
        if session is None:
            return
        for replay in self._replays:
            replay.wake()
        session.watch.cancel()
        await asyncio.wait([session.watch])
        try:
            await session.writer.close(self._settings.patience_sec)
        finally:
            await asyncio.gather(*(subscription.close() for subscription in list(self._subscriptions)))
            self._connected, self._cluster = False, None

    @property
    def _where(self) -> str:
        return f"Kafka at {self._settings.bootstrap_servers}"

    def check(self) -> Session:
        """Raises BusClosed, or what broke the bus."""
        if self._session is None:
            raise BusClosed(f"{self._where}: the bus is not open")
        self._session.writer.check()
        return self._session

    def _entry(self, topic: str) -> Entry:
        try:
            return self.check().entries[topic]
        except KeyError:
            raise UnknownTopic(f"topics.yaml names no topic {topic!r}") from None

    # -- writing -------------------------------------------------------------------------------------
    async def publish(
        self, topic: str, message: Message | bytes, *, key: str | None, headers: Headers = ()
    ) -> Record:
        """See Bus. A broker that is away is waited for. `message` is never handed over."""
        entry = self._entry(topic)
        value = _checked(topic, entry, message, key, headers)
        writer = self.check().writer
        await writer.room(1.0)
        now_ms = self._now_ms()
        done = await writer.publish(entry.lane, entry.full_name, value, key, headers, now_ms)
        self._connected, self._trouble = True, None
        return Record(topic, done.partition, done.offset, key, value, now_ms * _NS_PER_MS, headers)

    def append(self, topic: str, message: Message | bytes, *, key: str | None, headers: Headers = ()) -> None:
        """See Bus."""
        entry = self._entry(topic)
        value = _checked(topic, entry, message, key, headers)
        assert self._session is not None
        try:
            self._session.writer.append(entry.lane, entry.full_name, value, key, headers, self._now_ms())
        except BusBacklog as error:
            self._trouble = self._trouble or str(error)
            raise

    def _now_ms(self) -> int:
        # A clock set back must not make the log's times go back: each time has to find one place.
        self._last_ms = max(self._clock.now_ns() // _NS_PER_MS, self._last_ms)
        return self._last_ms

    async def drain(self) -> None:
        """See Bus. Waits through an outage, as long as it lasts."""
        await self.check().writer.room()

    async def flush(self) -> None:
        """See Bus. Waits through an outage, as long as it lasts."""
        await self.check().writer.flush()

    # -- reading -------------------------------------------------------------------------------------
    async def subscribe(
        self, topics: Sequence[str], *, group: str | None = None, start: Start = _END
    ) -> KafkaSubscription:
        """See Bus. Raises GroupTaken for a second subscription of one group to one topic in this bus."""
        for topic in topics:
            self._entry(topic)
        if not topics or len(set(topics)) != len(topics):
            raise UnknownTopic(f"subscribe to one or more topics, each once, not to {list(topics)}")
        assert self._cluster is not None
        starts, missed = await self._cluster.starts(self._cluster.partitions_of(tuple(topics)), start)
        self.check()
        if group is not None:
            self._refuse_second_member(group, topics)
        subscription = KafkaSubscription(self, topics, group, missed)
        self._subscriptions.append(subscription)
        classes = (
            tuple(topic for topic in topics if self._topics[topic].storage_class == storage_class)
            for storage_class in ("orders", "market")
        )
        await subscription.begin([self._share(subscription, part, starts) for part in classes if part])
        return subscription

    def _refuse_second_member(self, group: str, topics: Sequence[str]) -> None:
        for other in self._subscriptions:
            shared = set(other.topics) & set(topics)
            if other.group == group and shared:
                raise GroupTaken(
                    f"group {group!r} already reads {min(shared)}; close that subscription first"
                )

    def _share(self, subscription: KafkaSubscription, topics: tuple[str, ...], starts: Offsets) -> Share:
        mine = {place: offset for place, offset in starts.items() if place[0] in topics}
        name = f"kafka-reader-{'+'.join(topics)}"
        names = {full: topic for full, topic in self._names.items() if topic in topics}
        if subscription.group is None:
            inbox = Inbox(subscription.wake, mine)
            return Share(topics, inbox, self._loner(inbox, name, names))
        inbox = Inbox(subscription.wake, {})
        group = self._settings.topic_prefix + subscription.group
        who = client_properties(self._settings, self._role)["client.id"]
        properties = consumer_properties(
            self._settings, self._role, group, f"{who}-{group}-{'+'.join(topics)}"
        )
        return Share(topics, inbox, MemberThread(name, properties, names, inbox, self._client_error, mine))

    def _loner(self, inbox: Inbox, name: str, names: Mapping[str, str]) -> ReadingThread:
        # librdkafka wants a group's name even where none is joined.
        group = f"{self._settings.topic_prefix}{self._settings.client_id}-{self._role}-no-group"
        properties = consumer_properties(self._settings, self._role, group, None)
        return ReadingThread(name, properties, names, inbox, self._client_error)

    def _wake_readers(self) -> None:
        """Whoever waits for a record shall look whether there will ever be one."""
        if self._session is None:
            return  # closing: they are ended, not told of an error
        for subscription in self._subscriptions:
            subscription.wake()
        for replay in self._replays:
            replay.wake()

    def forget(self, subscription: KafkaSubscription) -> None:
        """A subscription is being closed."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            self._missed += subscription.missed()

    async def replay(
        self, topic: str, *, from_offset: int | None = None, from_time_ns: int | None = None
    ) -> AsyncIterator[Record]:
        """See Bus. Merged by time. An offset beyond the end of every partition is refused."""
        self._entry(topic)
        assert self._cluster is not None
        cluster, places = self._cluster, self._cluster.partitions_of([topic])
        heads, starts = await asyncio.gather(cluster.heads(places), cluster.oldest(places))
        if from_offset is not None:
            if not 0 <= from_offset <= max(heads.values()):
                raise OffsetOutOfRange(
                    f"{topic} has no offset {from_offset}; it ends at {max(heads.values())}"
                )
            starts = {place: max(offset, from_offset) for place, offset in starts.items()}
        if from_time_ns is not None:
            found = await cluster.at_time(places, from_time_ns)
            starts = {place: max(starts[place], found.get(place, heads[place])) for place in places}
        names = {full: name for full, name in self._names.items() if name == topic}
        replay = Replay(
            starts, heads, lambda inbox: self._loner(inbox, f"kafka-replay-{topic}", names), self.check
        )
        self._replays.add(replay)
        try:
            async for record in replay.records():
                yield record
        finally:
            self._replays.discard(replay)

    # -- what it is ----------------------------------------------------------------------------------
    async def head(self, topic: str) -> dict[int, int]:
        """See Bus. Raises BusUnreachable after `patience_sec`."""
        self._entry(topic)
        assert self._cluster is not None
        heads = await self._cluster.heads(self._cluster.partitions_of([topic]))
        return {number: offset for (_, number), offset in sorted(heads.items())}

    def log_id(self, topic: str) -> str:
        """See Bus. Kafka's id of the topic, as it was when this bus was opened."""
        self._entry(topic)
        assert self._cluster is not None
        return self._cluster.log_ids[topic]

    def health(self) -> BusHealth:
        """See Bus. Heads are at most a second old; groups are those this bus reads in."""
        writer = None if self._session is None else self._session.writer
        trouble = self._trouble if writer is None or writer.broken is None else str(writer.broken)
        return BusHealth(
            connected=self._connected and writer is not None and writer.broken is None,
            topics=tuple(self._topics),
            groups=tuple(
                lag for subscription in self._subscriptions for lag in subscription.lags(self._heads)
            ),
            producer_queue=0 if writer is None else writer.waiting(),
            missed=self._missed + sum(subscription.missed() for subscription in self._subscriptions),
            trouble=trouble,
        )

    async def enforce_retention(self) -> RetentionResult:
        """See Bus. The brokers do it, when they see fit."""
        self.check()
        return RetentionResult()

    async def _watch(self) -> None:
        """Keep what health tells up to date."""
        assert self._cluster is not None
        any_topic = next(iter(self._topics))
        while True:
            places = [(any_topic, 0)]
            for subscription in self._subscriptions:
                if subscription.group is not None:
                    places += subscription.position()
            try:
                self._heads = await self._cluster.heads(list(dict.fromkeys(places)))
                self._connected, self._trouble = True, None
            except BusError as error:
                self._connected, self._trouble = False, str(error)
            self._cluster.poll()
            await asyncio.sleep(_WATCH_S)

    def _client_error(self, error: KafkaError) -> None:
        """Some client's connections."""
        self._trouble = error.str()
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._connected = False
        if error.fatal() and self._session is not None:
            self._session.writer.fatal(error)


def _checked(topic: str, entry: Entry, message: Message | bytes, key: str | None, headers: Headers) -> bytes:
    """Raises BadRecord, RecordTooLarge."""
    value = checked_body(topic, entry.accepts, message, key, headers)
    if headers or (key is not None and len(key) > 1_000):
        around = len((key or "").encode()) + sum(len(name.encode()) + len(body) for name, body in headers)
        # A dead letter has its original's headers, which somebody else may have filled, and six short ones of ours.
        most = MAX_LETTER_BYTES + _ENVELOPE_BYTES - len(value) if is_dead_letters(topic) else _ENVELOPE_BYTES
        if around > most:
            raise RecordTooLarge(f"{topic}: {around} bytes of key and headers; at most {most}")
    return value
