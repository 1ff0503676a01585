"""The topics of `contracts/topics.yaml`, checked.

One file says what exists; the embedded bus, Kafka's provisioning and the tests all read it through here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from algo_trade.contracts.amendment import OrderAmendment
from algo_trade.contracts.base import Message
from algo_trade.contracts.market import BarEvent, OFIEvent, TickEvent
from algo_trade.contracts.orders import ExecutionReport, OrderIntent
from algo_trade.contracts.session_event import SessionEvent
from algo_trade.resources import resource_path

MESSAGES: dict[str, type[Message]] = {
    model.__name__: model
    for model in (BarEvent, TickEvent, OFIEvent, OrderIntent, OrderAmendment, ExecutionReport, SessionEvent)
}

# Kafka drops whole segments: one that covers more than this part of the retention keeps records far beyond it.
_SEGMENTS_PER_RETENTION = 6


class TopicsError(ValueError):
    """topics.yaml cannot be used; the text lists every reason."""


def is_dead_letters(topic: str) -> bool:
    """Whether this is the name of a topic of dead letters."""
    return topic.startswith("dlq_")


class Topic(BaseModel):
    """One topic. `retention_ms` is milliseconds; `configs` are Kafka's further settings of the topic."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    storage_class: Literal["market", "orders"]
    partitions: int = Field(gt=0)
    retention_ms: int = Field(gt=0)
    cleanup_policy: Literal["delete", "compact", "compact,delete"]
    key: str
    messages: tuple[str, ...]
    dead_letters: str | None
    configs: dict[str, str | int] = Field(default_factory=dict)

    @property
    def is_dead_letters(self) -> bool:
        """Whether dead letters come here: they carry what was too large for its own topic, too."""
        return is_dead_letters(self.name)

    @property
    def models(self) -> tuple[type[Message], ...]:
        """The messages that may appear; none means any bytes."""
        return tuple(MESSAGES[name] for name in self.messages)


def load_topics(path: Path) -> dict[str, Topic]:
    """The topics a file declares, in its order.

    Raises TopicsError with all that is wrong, or OSError where it cannot be read.
    """
    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TopicsError(f"{path}: {error}") from error
    if not isinstance(declared, dict) or not all(isinstance(body, dict) for body in declared.values()):
        raise TopicsError(f"{path}: each topic is a name and a mapping")
    named = {name: {"name": name, **body} for name, body in declared.items()}
    try:
        topics = TypeAdapter(dict[str, Topic]).validate_python(named)
    except ValidationError as error:
        reasons = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise TopicsError(f"{path}: " + "; ".join(reasons)) from None
    reasons = [reason for topic in topics.values() for reason in _contradictions(topic, topics)]
    if reasons:
        raise TopicsError(f"{path}: " + "; ".join(reasons))
    return topics


def _contradictions(topic: Topic, topics: dict[str, Topic]) -> list[str]:
    reasons = [
        f"{topic.name}: no message is called {name}" for name in topic.messages if name not in MESSAGES
    ]
    if topic.dead_letters is not None and topic.dead_letters not in topics:
        reasons.append(f"{topic.name}: no topic is called {topic.dead_letters}")
    segment_ms = topic.configs.get("segment.ms")
    if not isinstance(segment_ms, int) or segment_ms * _SEGMENTS_PER_RETENTION > topic.retention_ms:
        reasons.append(f"{topic.name}: segment.ms must be at most a sixth of retention_ms")
    if "compact" in topic.cleanup_policy:
        lag_ms = topic.configs.get("min.compaction.lag.ms")
        if not isinstance(lag_ms, int) or lag_ms < topic.retention_ms:
            reasons.append(f"{topic.name}: compaction would eat what retention promises")
    return reasons


TOPICS: dict[str, Topic] = load_topics(resource_path("contracts/topics.yaml"))
