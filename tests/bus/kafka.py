"""Kafka buses for tests: each place of the behaviour suite is a prefix of its own on a shared broker."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from tests.bus.behaviour import opened

from algo_trade.bus import Bus, KafkaAdapter
from algo_trade.clock import Clock
from algo_trade.contracts import TOPICS, Topic
from algo_trade.settings.sections import KafkaSettings

# More than one partition each, so that nothing can rest on there being one.
TOPICS_HERE: dict[str, Topic] = {
    name: TOPICS[name].model_copy(update={"partitions": 3 if name == "market_raw" else 2})
    for name in ("market_raw", "market_events", "ofi_events", "order_intents", "dlq_order_intents")
}


def prefix_of(place: Path) -> str:
    return f"t{hashlib.sha256(str(place).encode()).hexdigest()[:12]}-"


def settings_for(servers: str, place: Path, **more: Any) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=servers, topic_prefix=prefix_of(place), **more)


def make_topics(settings: KafkaSettings) -> None:
    """As `algotrade topics apply` would, but for replication. Made already is made."""
    client = AdminClient({"bootstrap.servers": settings.bootstrap_servers})
    topics = [
        NewTopic(
            settings.topic_prefix + topic.name,
            topic.partitions,
            1,
            config={"max.message.bytes": "5242880" if topic.name == "market_raw" else _most_bytes(topic)},
        )
        for topic in TOPICS_HERE.values()
    ]
    for future in client.create_topics(topics).values():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise


def _most_bytes(topic: Topic) -> str:
    return str(topic.configs["max.message.bytes"])


@asynccontextmanager
async def kafka(clock: Clock, settings: KafkaSettings, role: str = "all") -> AsyncIterator[KafkaAdapter]:
    """An open bus, on topics that are made if they are new."""
    make_topics(settings)
    bus = KafkaAdapter(settings, clock=clock, topics=TOPICS_HERE, role=role)
    async with opened(bus):
        yield bus


@asynccontextmanager
async def kafka_bus(clock: Clock, servers: str, place: Path) -> AsyncIterator[Bus]:
    async with kafka(clock, settings_for(servers, place)) as bus:
        yield bus
