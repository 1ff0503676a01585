"""The topics on a Kafka cluster: whether they are what topics.yaml declares, and how they are made so.

Only what is declared is compared, and only that is ever changed. How many replicas a topic has follows from how many
brokers there are: one on a single broker, two on two, three on three or more. With three, a write is acknowledged by
two; with fewer, by one, since a cluster that stops at the loss of its only spare would be no safer, only more often
down. `retention.bytes` is always "no bound": a topic promises a time, and a bound in bytes would break it silently.

What is repaired is what can be repaired without a reader noticing: a missing topic is created, a setting is set. The
number of partitions is told and left, since a key's records would go on in another partition than they began in, and
their order is what everything rests on. So is the number of replicas, which moves data between brokers.

Several processes may do this at once: a topic another has made meanwhile is as good as one's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from logging import NullHandler, getLogger
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its __init__ has no __all__
    AdminClient,
    AlterConfigOpType,
    ClusterMetadata,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
    TopicMetadata,
)

from algo_trade.bus.errors import BusUnreachable, BusUnusable
from algo_trade.bus.kafka_config import client_properties
from algo_trade.bus.kafka_errors import bus_error
from algo_trade.clock import Clock, ns_from_seconds
from algo_trade.contracts import TOPICS, Topic
from algo_trade.settings import KafkaSettings

# Who asks is told once what went wrong; librdkafka would tell it at every try, on stderr.
_SILENT = getLogger("algo_trade.bus.kafka_admin")
_SILENT.addHandler(NullHandler())
_SILENT.propagate = False

_REPLICAS_MAX = 3
_ASK_S = 5.0  # one question, within the patience
_LOOK_EVERY_S = 0.1
# Settings whose value is a list in no particular order.
_LISTS = frozenset({"cleanup.policy"})
# What a drift may be about beside a setting.
_NO_SETTINGS = frozenset({"topic", "leader"})
_APPLY = "algotrade topics apply sets it"


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is not as declared. `repairable`: whether `apply` mends it."""

    topic: str
    setting: str
    found: str
    wanted: str
    remedy: str
    repairable: bool = True

    def __str__(self) -> str:
        return f"{self.topic}: {self.setting} is {self.found}, declared is {self.wanted}: {self.remedy}"


@dataclass(frozen=True, slots=True)
class TopicsState:
    """What was found. `replicas` is what a topic has on a cluster of this size."""

    cluster_id: str
    brokers: int
    replicas: int
    topics: tuple[str, ...]
    drifts: tuple[Drift, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` did, a line each, and what it found afterwards."""

    done: tuple[str, ...]
    state: TopicsState


def replicas_of(brokers: int) -> int:
    """How many copies of a partition a cluster of so many brokers keeps."""
    return max(1, min(_REPLICAS_MAX, brokers))


def declared_configs(topic: Topic, brokers: int) -> dict[str, str]:
    """Every setting of a topic that its declaration decides, as Kafka writes it."""
    return {
        "cleanup.policy": topic.cleanup_policy,
        "retention.ms": str(topic.retention_ms),
        "retention.bytes": "-1",
        "min.insync.replicas": "2" if replicas_of(brokers) == _REPLICAS_MAX else "1",
        **{name: str(value) for name, value in topic.configs.items()},
    }


class KafkaTopics:
    """The declared topics on one cluster. Blocks while it asks: for commands, not for the loop of a session."""

    def __init__(
        self, settings: KafkaSettings, *, clock: Clock, topics: Mapping[str, Topic] = TOPICS
    ) -> None:
        self.address = settings.bootstrap_servers
        self._patience_s = settings.patience_sec
        self._clock = clock
        self._declared = {settings.topic_prefix + name: topic for name, topic in topics.items()}
        self.admin = quiet_admin(settings, "topics")

    def check(self) -> TopicsState:
        """Compare. Raises BusUnreachable, or BusUnusable where the cluster will not tell."""
        cluster = self.metadata()
        found = {
            name: data for name, data in cluster.topics.items() if name in self._declared and not data.error
        }
        configs = self._describe(found)
        drifts: list[Drift] = []
        brokers = len(cluster.brokers)
        for name, topic in self._declared.items():
            if name not in configs:  # of which not every broker knows yet, too
                drifts.append(Drift(name, "topic", "missing", "there", "algotrade topics apply creates it"))
                continue
            sizes = [len(partition.replicas) for partition in found[name].partitions.values()]
            if not _has_leaders(found[name]):
                remedy = "wait, then look at the brokers: nothing can be written there"
                drifts.append(Drift(name, "leader", "missing", "one for each partition", remedy))
            drifts += _shape_drifts(name, topic, sizes, replicas_of(brokers))
            drifts += _config_drifts(name, declared_configs(topic, brokers), configs[name])
        return TopicsState(
            cluster_id=str(cluster.cluster_id),
            brokers=brokers,
            replicas=replicas_of(brokers),
            topics=tuple(self._declared),
            drifts=tuple(drifts),
        )

    def apply(self) -> Applied:
        """Create and repair until all that can be is as declared, or the patience is over; each thing is asked once.

        A broker hears a little late of what was done, by us or by others: a topic may look missing that is there, and
        then has settings of its own. Raises BusUnreachable, BusUnusable.
        """
        ends_ns = self._clock.monotonic_ns() + ns_from_seconds(self._patience_s)
        asked: set[tuple[str, str]] = set()
        done: list[str] = []
        while True:
            state = self.check()
            mendable = [drift for drift in state.drifts if drift.repairable]
            if not mendable or self._clock.monotonic_ns() >= ends_ns:
                return Applied(tuple(done), state)
            new = [drift for drift in mendable if (drift.topic, drift.setting) not in asked]
            asked.update((drift.topic, drift.setting) for drift in new)
            done += self._create([drift.topic for drift in new if drift.setting == "topic"], state.brokers)
            done += self._repair([drift for drift in new if drift.setting not in _NO_SETTINGS])
            self.admin.poll(_LOOK_EVERY_S)

    def metadata(self) -> ClusterMetadata:
        """What the cluster tells of itself; waits for it as long as the patience lasts."""
        ends_ns = self._clock.monotonic_ns() + ns_from_seconds(self._patience_s)
        while True:
            left_s = max(0.1, (ends_ns - self._clock.monotonic_ns()) / 1e9)
            try:
                return self.admin.list_topics(timeout=min(_ASK_S, left_s))
            except KafkaException as error:
                if self._clock.monotonic_ns() >= ends_ns:
                    raise BusUnreachable(
                        f"no Kafka broker answers at {self.address} within {self._patience_s:g} s "
                        f"({error.args[0].str()}): start it, or check KAFKA_BOOTSTRAP_SERVERS and "
                        "KAFKA_SECURITY_PROTOCOL"
                    ) from error

    # -- asking and changing ---------------------------------------------------------------------------
    def _describe(self, names: Iterable[str]) -> dict[str, dict[str, ConfigEntry]]:
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        if not resources:
            return {}
        futures = self.admin.describe_configs(resources, request_timeout=self._patience_s)
        answers = {
            resource.name: self._answer(resource.name, future, fine=KafkaError.UNKNOWN_TOPIC_OR_PART)
            for resource, future in futures.items()
        }
        return {name: answer for name, answer in answers.items() if answer is not _FINE}

    def _create(self, names: list[str], brokers: int) -> list[str]:
        wanted = [
            NewTopic(
                name,
                num_partitions=self._declared[name].partitions,
                replication_factor=replicas_of(brokers),
                config=declared_configs(self._declared[name], brokers),
            )
            for name in names
        ]
        if not wanted:
            return []
        done = []
        for name, future in self.admin.create_topics(wanted, request_timeout=self._patience_s).items():
            made = self._answer(name, future, fine=KafkaError.TOPIC_ALREADY_EXISTS) is not _FINE
            how = "created" if made else "was created by another process meanwhile"
            done.append(
                f"{name}: {how}, {self._declared[name].partitions} partitions, {replicas_of(brokers)} replicas"
            )
        return done

    def _repair(self, drifts: list[Drift]) -> list[str]:
        by_topic: dict[str, list[Drift]] = {}
        for drift in drifts:
            by_topic.setdefault(drift.topic, []).append(drift)
        resources = [
            ConfigResource(
                ResourceType.TOPIC,
                name,
                incremental_configs=[
                    ConfigEntry(drift.setting, drift.wanted, incremental_operation=AlterConfigOpType.SET)
                    for drift in of_topic
                ],
            )
            for name, of_topic in by_topic.items()
        ]
        if not resources:
            return []
        futures = self.admin.incremental_alter_configs(resources, request_timeout=self._patience_s)
        for resource, future in futures.items():
            self._answer(resource.name, future)
        return [
            f"{drift.topic}: {drift.setting} set to {drift.wanted}, was {drift.found}" for drift in drifts
        ]

    def _answer(self, name: str, future: Any, *, fine: int | None = None) -> Any:
        """What the cluster answered; _FINE for the error that is none."""
        try:
            return future.result()
        except KafkaException as exception:
            error: KafkaError = exception.args[0]
            if error.code() == fine:
                return _FINE
            raise bus_error(error, f"{self.address}: {name}", otherwise=BusUnusable) from exception


_FINE = object()


def quiet_admin(settings: KafkaSettings, role: str) -> AdminClient:
    """An admin client whose troubles are told by who asked, once, and not by the library on stderr."""
    properties: dict[str, Any] = client_properties(settings, role) | {"logger": _SILENT}
    return AdminClient(properties)


def _has_leaders(topic: TopicMetadata) -> bool:
    return all(partition.leader >= 0 for partition in topic.partitions.values())


def _shape_drifts(name: str, topic: Topic, sizes: list[int], replicas: int) -> Iterable[Drift]:
    if len(sizes) != topic.partitions:
        remedy = (
            "left as it is: with another number of partitions a key's records go on in another partition than they "
            "began in; let readers catch up, then delete the topic and apply, or declare what is there"
        )
        yield Drift(name, "partitions", str(len(sizes)), str(topic.partitions), remedy, repairable=False)
    if sizes and min(sizes) < replicas:
        remedy = "left as it is: it moves data between brokers; kafka-reassign-partitions does it"
        yield Drift(name, "replicas", str(min(sizes)), str(replicas), remedy, repairable=False)


def _config_drifts(name: str, wanted: dict[str, str], found: Mapping[str, ConfigEntry]) -> Iterable[Drift]:
    for setting, value in wanted.items():
        entry = found.get(setting)
        there = "not known to this broker" if entry is None else str(entry.value)
        if not _same(setting, there, value):
            yield Drift(name, setting, there, value, _APPLY)


def _same(setting: str, found: str, wanted: str) -> bool:
    if setting in _LISTS:
        return set(found.split(",")) == set(wanted.split(","))
    return found == wanted
