"""Making the records of the embedded bus."""

from __future__ import annotations

from algo_trade.bus.outgoing import checked_body
from algo_trade.bus.port import Headers, Record
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

    What the file would refuse is refused here, when there is still somebody to tell. Raises BadRecord, RecordTooLarge.
    """
    value = checked_body(log.name, log.accepts, message, key, headers)
    handed_over = message if hand_over and not isinstance(message, bytes) else None
    # A clock set back must not make the log's times go back: each time has to find one place.
    if now_ns < log.last_time_ns:
        now_ns = log.last_time_ns
    log.last_time_ns = now_ns
    return Record(log.name, 0, log.head, key, value, now_ns, headers, handed_over)
