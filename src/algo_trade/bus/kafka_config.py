"""What librdkafka is told: settings as client properties, for producers, consumers and the admin client.

`client_properties` is what every client of a cluster needs: where it is, who we are, how patient a connection is. The
other functions add what makes a client keep the port's promises; the reason stands beside each value. Nothing here
may be printed: the properties hold the passwords.
"""

from __future__ import annotations

import logging
from typing import Any

from algo_trade.settings.sections import KafkaSettings

# librdkafka's own lines go here. They name brokers and reasons, never a credential.
LOGGER = logging.getLogger("algo_trade.bus.kafka")


class _SaidAlready(logging.Filter):
    """During an outage every client says twice a second that it cannot connect: once in a while is enough."""

    _QUIET_S = 30.0

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        # librdkafka's lines begin with what they are about: FAIL, REQTMOUT, BROKERFAIL.
        kind = record.getMessage().partition(" ")[0]
        if record.created - self._said.get(kind, 0.0) < self._QUIET_S:
            return False
        self._said[kind] = record.created
        return True


LOGGER.addFilter(_SaidAlready())

Properties = dict[str, Any]

# The most a market record waits for company before it is sent, whatever the settings say: beyond this the wait is
# most of the way from a tick to the strategy.
LINGER_MS_MAX = 5.0

# What one producer holds at most, for records and bytes. The bus refuses earlier (kafka_producer.py); these stop what
# it has not counted, keys and headers.
QUEUE_RECORDS = 200_000
QUEUE_KBYTES = 256 * 1024

# Four times a record of ours, so that one from a foreign producer is read, judged and put aside rather than a wall.
_RECORD_BYTES_MAX = 4 * 1024 * 1024

SESSION_TIMEOUT_MS = 10_000
_HEARTBEAT_MS = 1_000
# A plane may take this long over what it fetched before its partitions go to somebody else. Our thread polls all the
# time, so this only ends the membership of a process whose threads stand still.
_POLL_INTERVAL_MS = 300_000


def client_properties(settings: KafkaSettings, role: str = "") -> Properties:
    """What every client needs; `role` tells the processes of one installation apart in the broker's logs."""
    properties: Properties = {
        "bootstrap.servers": settings.bootstrap_servers,
        "client.id": f"{settings.client_id}-{role}" if role else settings.client_id,
        "security.protocol": settings.security_protocol,
        # A broker that comes back is noticed within half a second; the default would let ten go by.
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 500,
        "socket.connection.setup.timeout.ms": 5_000,
        "socket.nagle.disable": True,
        # Idle connections are closed by brokers, which is no event.
        "log.connection.close": False,
        "logger": LOGGER,
    }
    if settings.security_protocol.startswith("SASL_"):
        properties |= {
            "sasl.mechanism": settings.sasl_mechanism,
            "sasl.username": settings.sasl_username,
            "sasl.password": _revealed(settings.sasl_password),
        }
    if settings.security_protocol.endswith("SSL"):
        properties |= {
            "ssl.ca.location": settings.ssl_ca_location,
            "ssl.certificate.location": settings.ssl_certificate_location,
            "ssl.key.location": settings.ssl_key_location,
            "ssl.key.password": _revealed(settings.ssl_key_password),
        }
    return {name: value for name, value in properties.items() if value is not None}


def producer_properties(settings: KafkaSettings, role: str, *, orders: bool) -> Properties:
    """A producer for topics of class "orders", which never waits for company, or of class "market"."""
    return client_properties(settings, role) | {
        # No record twice and none out of order, over every retry.
        "enable.idempotence": True,
        "acks": settings.acks,
        # An append that was given up would be a gap, so none ever is. What is bounded is how many may wait.
        "message.timeout.ms": 0,
        "retry.backoff.ms": 100,
        "retry.backoff.max.ms": 1_000,
        # Java's and aiokafka's: a key has one partition, whoever writes it.
        "partitioner": "murmur2_random",
        "linger.ms": 0 if orders else min(settings.linger_ms, LINGER_MS_MAX),
        "batch.size": settings.batch_size,
        "compression.type": "none" if orders else settings.compression_type,
        "message.max.bytes": _RECORD_BYTES_MAX,
        "queue.buffering.max.messages": QUEUE_RECORDS,
        "queue.buffering.max.kbytes": QUEUE_KBYTES,
        # A topic that was deleted under us is reported within seconds, not after half a minute.
        "topic.metadata.propagation.max.ms": 5_000,
    }


def consumer_properties(settings: KafkaSettings, role: str, group: str, instance: str | None) -> Properties:
    """A consumer of `group`, a static member if it has an `instance` name; without, it only reads and never joins."""
    properties = client_properties(settings, role) | {
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # A position that is gone is our business: it is counted, or refused.
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
        "fetch.message.max.bytes": 1024
        * 1024,  # of each partition a request; a larger record comes all the same
        # What librdkafka reads ahead. Beyond it the fetch of a partition pauses for the backoff, by default a second.
        "queued.min.messages": 10_000,
        "queued.max.messages.kbytes": 16 * 1024,
        "fetch.queue.backoff.ms": 5,
        "fetch.error.backoff.ms": 100,
    }
    if instance is not None:
        properties |= {
            "group.instance.id": instance,
            "group.protocol": "classic",
            "partition.assignment.strategy": "range",  # one step; the cooperative one needs two heartbeats more
            "session.timeout.ms": SESSION_TIMEOUT_MS,
            "heartbeat.interval.ms": _HEARTBEAT_MS,
            "max.poll.interval.ms": _POLL_INTERVAL_MS,
        }
    return properties


def _revealed(secret: Any) -> str | None:
    return None if secret is None else str(secret.get_secret_value())
