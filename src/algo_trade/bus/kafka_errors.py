"""Kafka's errors as the bus's, sorted by what the caller does next.

What librdkafka overcomes by itself (a leader that moves, a broker that is away) it does not report as the end of
anything, so what arrives here is either for a person, or about one record, or may be tried again.
"""

from __future__ import annotations

from confluent_kafka import KafkaError

from algo_trade.bus.errors import (
    BadRecord,
    BusBacklog,
    BusBusy,
    BusError,
    BusInUse,
    BusUnreachable,
    BusUnusable,
    OffsetOutOfRange,
    RecordTooLarge,
)

_KINDS: dict[type[BusError], tuple[int, ...]] = {
    RecordTooLarge: (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE),
    BadRecord: (
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.POLICY_VIOLATION,
    ),
    BusInUse: (KafkaError.FENCED_INSTANCE_ID, KafkaError.UNRELEASED_INSTANCE_ID),
    # The group has moved on: these partitions are somebody else's now, or about to be.
    BusBusy: (
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError._ASSIGNMENT_LOST,
    ),
    BusBacklog: (KafkaError._QUEUE_FULL,),
    OffsetOutOfRange: (KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET),
    BusUnusable: (
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_TOPIC_ID,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.UNSUPPORTED_COMPRESSION_TYPE,
        KafkaError._AUTHENTICATION,
        KafkaError._FATAL,
    ),
}
_KIND_OF = {code: kind for kind, codes in _KINDS.items() for code in codes}


def bus_error(error: KafkaError, about: str, *, otherwise: type[BusError] = BusUnreachable) -> BusError:
    """The bus's word for `error`; `about` says what failed, `otherwise` is for errors of no particular kind."""
    kind = _KIND_OF.get(error.code())
    if error.code() == KafkaError._FATAL and "group.instance.id" in error.str():
        kind = BusInUse  # a fatal error keeps its own code to itself
    if kind is None:
        kind = BusUnusable if error.fatal() else otherwise
    return kind(f"{about}: {error.str()} ({error.name()})")
