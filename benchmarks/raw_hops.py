"""The other end of two raw Kafka hops: what it consumes from one topic it produces to another.

python -m benchmarks.raw_hops SERVERS FROM TO
"""

from __future__ import annotations

import sys
from typing import Any

from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition


def producer(servers: str) -> Any:
    """As the order path's: acknowledged by all, idempotent, nothing held back."""
    return Producer(
        {
            "bootstrap.servers": servers,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 0,
            "log_level": 3,
        }
    )


def consumer(servers: str, topic: str) -> Any:
    """At the end of a topic's only partition, and there already."""
    made = Consumer({"bootstrap.servers": servers, "group.id": "raw", "enable.auto.commit": False})
    made.assign([TopicPartition(topic, 0, OFFSET_END)])
    made.poll(1.0)
    return made


def main() -> None:
    servers, source, target = sys.argv[1:]
    reader, writer = consumer(servers, source), producer(servers)
    print("ready", flush=True)
    while True:
        message = reader.poll(1.0)
        if message is not None and message.error() is None:
            writer.produce(target, message.value())
            writer.poll(0)


if __name__ == "__main__":
    main()
