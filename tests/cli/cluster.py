"""A prefix of topics on the shared broker that one test has to itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka.admin import AdminClient

from algo_trade.bus.kafka_topics import KafkaTopics
from algo_trade.clock import SystemClock
from algo_trade.settings import KafkaSettings


@contextmanager
def own_topics(servers: str, monkeypatch: pytest.MonkeyPatch, *, made: bool) -> Iterator[KafkaSettings]:
    """Settings of a cluster of one's own, in the environment too; its topics are removed at the end."""
    settings = KafkaSettings(bootstrap_servers=servers, topic_prefix=f"t{uuid.uuid4().hex[:10]}.")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", servers)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", settings.topic_prefix)
    if made:
        KafkaTopics(settings, clock=SystemClock()).apply()
    yield settings
    admin = AdminClient({"bootstrap.servers": servers})
    mine = [
        topic for topic in admin.list_topics(timeout=10).topics if topic.startswith(settings.topic_prefix)
    ]
    for future in admin.delete_topics(mine).values() if mine else ():
        future.result()
