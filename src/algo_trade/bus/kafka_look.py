"""A Kafka cluster seen from outside: how fresh our topics are, and how far consumer groups are behind in them.

Only groups that have committed something in one of our topics are told, and of those only the ones with our prefix:
on a cluster shared with others theirs are none of our business.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future  # noqa: TID251  # what the admin client answers with
from dataclasses import dataclass
from typing import Any, TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # its __init__ has no __all__

from algo_trade.bus.errors import BusRetry
from algo_trade.bus.kafka_errors import bus_error
from algo_trade.bus.kafka_topics import KafkaTopics
from algo_trade.bus.port import GroupLag
from algo_trade.clock import Clock, ns_from_seconds
from algo_trade.contracts import TOPICS, Topic
from algo_trade.settings import KafkaSettings

T = TypeVar("T")

_NS_PER_MS = 1_000_000
_LOOK_EVERY_S = 0.1
_SPECS = (
    OffsetSpec.earliest(),  # type: ignore[no-untyped-call]  # the library has no types for these
    OffsetSpec.latest(),  # type: ignore[no-untyped-call]
    OffsetSpec.max_timestamp(),  # type: ignore[no-untyped-call]
)


@dataclass(frozen=True, slots=True)
class ClusterLook:
    """By a topic's name without prefix; a topic the cluster lacks is absent. None: it holds no record."""

    newest_ns: Mapping[str, int | None]
    groups: tuple[GroupLag, ...]


def look_at_cluster(
    settings: KafkaSettings, *, clock: Clock, topics: Mapping[str, Topic] = TOPICS
) -> ClusterLook:
    """Blocks while it asks. Raises BusUnreachable, BusUnusable."""
    cluster = KafkaTopics(settings, clock=clock, topics=topics)
    ends_ns = clock.monotonic_ns() + ns_from_seconds(settings.patience_sec)
    while True:
        try:
            return _look(cluster, settings, topics)
        except BusRetry:  # a leader that moves, as in the first moments of a topic
            if clock.monotonic_ns() >= ends_ns:
                raise
            cluster.admin.poll(_LOOK_EVERY_S)


def _look(cluster: KafkaTopics, settings: KafkaSettings, topics: Mapping[str, Topic]) -> ClusterLook:
    prefix = settings.topic_prefix
    found = {
        name: list(data.partitions)
        for name, data in cluster.metadata().topics.items()
        if name.startswith(prefix) and name[len(prefix) :] in topics
    }
    asker = _Asker(cluster, settings.patience_sec)
    places = [
        TopicPartition(name, partition) for name, partitions in found.items() for partition in partitions
    ]
    # One partition cannot be asked for two offsets in one question.
    oldest, heads, newest = (asker.offsets(places, spec) for spec in _SPECS)
    newest_ns: dict[str, int | None] = {}
    for name in found:
        times = [answer.timestamp for place, answer in newest.items() if place[0] == name]
        latest_ms = max(times, default=-1)
        newest_ns[name[len(prefix) :]] = None if latest_ms < 0 else latest_ms * _NS_PER_MS
    groups: list[GroupLag] = []
    for group in asker.groups(prefix):
        for name, partition, committed in asker.commits(group, places):
            place = name, partition
            head = heads[place].offset
            lag = max(0, head - max(committed, oldest[place].offset))
            groups.append(
                GroupLag(group[len(prefix) :], name[len(prefix) :], partition, committed, head, lag)
            )
    return ClusterLook({topic: newest_ns[topic] for topic in topics if topic in newest_ns}, tuple(groups))


class _Asker:
    def __init__(self, cluster: KafkaTopics, patience_s: float) -> None:
        self._cluster = cluster
        self._patience_s = patience_s

    def offsets(self, places: list[TopicPartition], spec: OffsetSpec) -> dict[tuple[str, int], Any]:
        asked = dict.fromkeys(places, spec)
        if not asked:
            return {}
        futures = self._cluster.admin.list_offsets(asked, request_timeout=self._patience_s)
        return {(place.topic, place.partition): self._answer(future) for place, future in futures.items()}

    def groups(self, prefix: str) -> list[str]:
        listed = self._answer(self._cluster.admin.list_consumer_groups(request_timeout=self._patience_s))
        return sorted(group.group_id for group in listed.valid if group.group_id.startswith(prefix))

    def commits(self, group: str, places: list[TopicPartition]) -> list[tuple[str, int, int]]:
        if not places:
            return []
        asked = [ConsumerGroupTopicPartitions(group, list(places))]
        futures = self._cluster.admin.list_consumer_group_offsets(asked, request_timeout=self._patience_s)
        answers = [self._answer(future).topic_partitions for future in futures.values()]
        return [
            (at.topic, at.partition, at.offset) for answer in answers for at in answer or () if at.offset >= 0
        ]

    def _answer(self, future: Future[T]) -> T:
        try:
            return future.result()
        except KafkaException as error:
            raise bus_error(error.args[0], self._cluster.address) from error
