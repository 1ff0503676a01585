"""How far the consumer groups of the embedded bus are behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from algo_trade.bus.embedded_subscription import EmbeddedSubscription
from algo_trade.bus.port import GroupLag
from algo_trade.bus.sqlite_file import GroupOffsets
from algo_trade.bus.topic_log import TopicLog


def group_lags(
    committed: GroupOffsets, subscriptions: Iterable[EmbeddedSubscription], logs: Mapping[str, TopicLog]
) -> tuple[GroupLag, ...]:
    """Of every group that ever committed or reads now, by name. Who has not committed lags since its start."""
    started: GroupOffsets = {}
    for subscription in subscriptions:
        if subscription.group is not None:
            for cursor in subscription.cursors:
                started[subscription.group, cursor.log.name] = cursor.started_at
    lags = []
    for group, topic in sorted(committed.keys() | started.keys()):
        if topic in logs:
            log = logs[topic]
            offset = committed.get((group, topic))
            done = started[group, topic] if offset is None else offset
            lags.append(GroupLag(group, topic, 0, offset, log.head, log.head - max(done, log.oldest)))
    return tuple(lags)
