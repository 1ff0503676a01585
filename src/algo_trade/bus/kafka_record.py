"""A message of librdkafka as a record.

Kafka allows what our producers never write, and a reader must get past it: a body that is null is an empty one (a
validator then says that there is none), and so is the value of a header. A key that is not UTF-8 is read with U+FFFD
in the place of what is wrong, so that its dead letter, which carries the key, can be written; no bus of ours could
have written it.
"""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import Message

from algo_trade.bus.port import Headers, Record

NS_PER_MS = 1_000_000

_new = (
    tuple.__new__
)  # what Record(...) comes to, without its argument parsing: this is the readers' hottest line


def record_of(message: Message, topics: Mapping[str, str]) -> Record:
    """`topics` gives a topic's name here by its name on the cluster."""
    key = message.key()
    headers = message.headers()
    return _new(
        Record,
        (
            topics[message.topic()],  # type: ignore[index]  # a record without error has a topic
            message.partition(),
            message.offset(),
            None if key is None else key.decode("utf-8", "replace"),
            message.value() or b"",
            message.timestamp()[1] * NS_PER_MS,
            _headers_of(headers) if headers else (),
            None,
        ),
    )


def _headers_of(headers: object) -> Headers:
    assert isinstance(headers, list)
    return tuple((name, value or b"") for name, value in headers)
