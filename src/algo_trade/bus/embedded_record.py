"""Making the records of the embedded bus, and refusing what could never be written."""

from __future__ import annotations

from algo_trade.bus.errors import BadRecord, RecordTooLarge
from algo_trade.bus.port import MAX_RECORD_BYTES, Headers, Record
from algo_trade.bus.topic_log import TopicLog
from algo_trade.contracts import Message


def make_record(
    log: TopicLog,
    message: Message | bytes,
    key: str | None,
    headers: Headers,
    *,
    now_ns: int,
    hand_over: bool,
) -> Record:
    """The record that would come next in `log`; `now_ns` is UTC epoch nanoseconds.

    Refused here, before it has a place in the order, is all that the file would refuse later, when there is nobody
    left to tell. Raises BadRecord, RecordTooLarge.
    """
    handed_over = None
    if isinstance(message, bytes):
        value = message
    else:
        value = _encoded(log, message)
        if hand_over:
            handed_over = message
    if len(value) > MAX_RECORD_BYTES:
        raise RecordTooLarge(f"{log.name}: {len(value)} bytes; a record has at most {MAX_RECORD_BYTES}")
    if headers or (key is not None and not key.isascii()):
        _check_text(log.name, key, headers)
    # A clock set back must not make the log's times go back: each time has to find one place.
    if now_ns < log.last_time_ns:
        now_ns = log.last_time_ns
    log.last_time_ns = now_ns
    return Record(log.name, 0, log.head, key, value, now_ns, headers, handed_over)


def _encoded(log: TopicLog, message: Message) -> bytes:
    if log.accepts and type(message) not in log.accepts:
        raise BadRecord(f"{log.name} does not carry a {type(message).__name__}")
    try:
        # On the class: a `str` has an `encode` of its own.
        return Message.encode(message)
    except (ValueError, AttributeError) as error:
        raise BadRecord(f"{log.name}: not a message that can be written as JSON: {error}") from error


def _check_text(topic: str, key: str | None, headers: Headers) -> None:
    try:
        if key is not None:
            key.encode()
        for name, value in headers:
            name.encode()
            if not isinstance(value, bytes):
                raise BadRecord(f"{topic}: header {name!r} is not bytes")
    except UnicodeEncodeError as error:
        raise BadRecord(f"{topic}: the key or a header is not text: {error}") from error
