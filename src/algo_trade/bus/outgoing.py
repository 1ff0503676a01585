"""What may become a record: refused here, before it has a place in the order, is all that no bus could write."""

from __future__ import annotations

from collections.abc import Collection

from algo_trade.bus.errors import BadRecord, RecordTooLarge
from algo_trade.bus.port import MAX_LETTER_BYTES, MAX_RECORD_BYTES, Headers
from algo_trade.contracts import Message, is_dead_letters


def checked_body(
    topic: str,
    accepts: Collection[type[Message]],
    message: Message | bytes,
    key: str | None,
    headers: Headers,
) -> bytes:
    """The bytes of `message`, with a key and headers that can be written. `accepts`: none means any message.

    Raises BadRecord, RecordTooLarge.
    """
    value = message if isinstance(message, bytes) else _encoded(topic, accepts, message)
    most = MAX_LETTER_BYTES if is_dead_letters(topic) else MAX_RECORD_BYTES
    if len(value) > most:
        raise RecordTooLarge(f"{topic}: {len(value)} bytes; a record has at most {most}")
    if headers or (key is not None and not key.isascii()):
        _check_text(topic, key, headers)
    return value


def _encoded(topic: str, accepts: Collection[type[Message]], message: Message) -> bytes:
    if accepts and type(message) not in accepts:
        raise BadRecord(f"{topic} does not carry a {type(message).__name__}")
    try:
        # On the class: a `str` has an `encode` of its own.
        return Message.encode(message)
    except (ValueError, AttributeError) as error:
        raise BadRecord(f"{topic}: not a message that can be written as JSON: {error}") from error


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
