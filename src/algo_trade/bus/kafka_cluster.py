"""What the bus asks a cluster: which topics it has, and where their logs begin and end.

The admin client answers through futures of its own thread, so nothing here blocks the loop. A broker that is away, and
a partition whose leader is not known yet (as in the first moments of a topic), are asked again until the patience is
over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future  # noqa: TID251 - the admin client answers with these
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin import OffsetSpec as _Spec  # type: ignore[attr-defined]  # its __init__ has no __all__

from algo_trade.bus.errors import BusError, BusStop, BusUnreachable, BusUnusable, OffsetOutOfRange
from algo_trade.bus.kafka_config import client_properties
from algo_trade.bus.kafka_errors import bus_error
from algo_trade.bus.port import AtOffsets, AtTime, Earliest, Latest, Start
from algo_trade.contracts import Topic
from algo_trade.settings.sections import KafkaSettings

Partition = tuple[str, int]  # a topic's name here, without the prefix, and a partition
Offsets = dict[Partition, int]

_K = TypeVar("_K")
# Untyped in the library: where in a partition to look.
_LATEST: Any = _Spec.latest()  # type: ignore[no-untyped-call]  # as above
_EARLIEST: Any = _Spec.earliest()  # type: ignore[no-untyped-call]  # as above
_RETRY_S = 0.1
# A broker came back as leader of a new epoch. The admin client asks with the old one and would for minutes.
_STALE = (
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.NOT_LEADER_FOR_PARTITION,
)
# How long the metadata of a topic that was just made may take to get round.
_ROUND_S = 2.0
_NS_PER_MS = 1_000_000
_FIRST_ANSWER_S = 5.0  # of one attempt; a broker that answers at all takes milliseconds


class Cluster:
    """Asked from the loop. `on_client_error` hears, on the loop, why connections fail."""

    def __init__(
        self,
        settings: KafkaSettings,
        role: str,
        topics: Mapping[str, Topic],
        on_client_error: Callable[[KafkaError], None],
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._prefix = settings.topic_prefix
        self._last_error: KafkaError | None = None
        self._told = on_client_error
        self._role = role
        self._client = self._new_client()
        self.log_ids: dict[str, str] = {}
        self.partitions: dict[str, int] = {}

    def _new_client(self) -> AdminClient:
        return AdminClient(client_properties(self._settings, self._role) | {"error_cb": self._on_error})

    def _on_error(self, error: KafkaError) -> None:
        self._last_error = error
        self._told(error)

    def poll(self) -> None:
        """Have the client hand over its log lines and errors."""
        self._client.poll(0)

    async def open(self) -> None:
        """Learn the topics. Raises BusUnreachable, BusUnusable."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.patience_sec
        round_s: float | None = None
        while True:
            missing = await self._learn(deadline)
            if not missing:
                return
            # An answer, and not the one we want: a topic that was just made may still be on its way to this broker.
            round_s = loop.time() + _ROUND_S if round_s is None else round_s
            if loop.time() >= round_s:
                raise BusUnusable(
                    f"Kafka at {self._settings.bootstrap_servers}: {'; '.join(missing)}; "
                    "`algotrade topics apply` puts that right"
                )
            await asyncio.sleep(_RETRY_S)

    async def _learn(self, deadline: float) -> list[str]:
        """Ask once for all topics; returns what is missing."""
        names = {self._prefix + name: name for name in self._topics}
        answers = await self._asked(
            lambda client, timeout_s: client.describe_topics(
                TopicCollection(list(names)), request_timeout=timeout_s
            ),
            deadline,
            settled=(KafkaError.UNKNOWN_TOPIC_OR_PART,),
        )
        missing = []
        for full, answer in answers.items():
            name = names[full]
            if isinstance(answer, KafkaException):
                missing.append(f"topic {full} does not exist")
            elif len(answer.partitions) < self._topics[name].partitions:
                missing.append(
                    f"topic {full} has {len(answer.partitions)} of {self._topics[name].partitions} partitions"
                )
            else:
                self.log_ids[name] = str(answer.topic_id)
                self.partitions[name] = len(answer.partitions)
        return missing

    def partitions_of(self, topics: Mapping[str, object] | list[str] | tuple[str, ...]) -> list[Partition]:
        return [(topic, number) for topic in topics for number in range(self.partitions[topic])]

    # -- where logs begin and end --------------------------------------------------------------------
    async def heads(self, partitions: list[Partition]) -> Offsets:
        """The offset the next record will get. Raises BusUnreachable, BusStop."""
        return await self._offsets(dict.fromkeys(partitions, _LATEST))

    async def oldest(self, partitions: list[Partition]) -> Offsets:
        """The offset of the first record kept. Raises BusUnreachable, BusStop."""
        return await self._offsets(dict.fromkeys(partitions, _EARLIEST))

    async def at_time(self, partitions: list[Partition], ns: int) -> Offsets:
        """The first record at or after a time; a partition that has none is absent. Raises as `heads`."""
        time_ms = max(0, -(-ns // _NS_PER_MS))
        found = await self._offsets(dict.fromkeys(partitions, _Spec.for_timestamp(time_ms)))
        return {partition: offset for partition, offset in found.items() if offset >= 0}

    async def starts(self, partitions: list[Partition], start: Start) -> tuple[Offsets, int]:
        """Where a reader begins, and how many records it wanted are gone. Raises OffsetOutOfRange, as `heads`."""
        match start:
            case Latest():
                return await self.heads(partitions), 0
            case Earliest():
                return await self.oldest(partitions), 0
            case AtTime(ns):
                heads, found = await asyncio.gather(self.heads(partitions), self.at_time(partitions, ns))
                return heads | found, 0
            case AtOffsets(wanted):
                oldest, heads = await asyncio.gather(self.oldest(partitions), self.heads(partitions))
                return _between(wanted, oldest, heads)

    async def _offsets(self, wanted: Mapping[Partition, Any]) -> Offsets:
        deadline = asyncio.get_running_loop().time() + self._settings.patience_sec
        if not wanted:
            return {}
        request = {TopicPartition(self._prefix + topic, n): spec for (topic, n), spec in wanted.items()}
        answers = await self._asked(
            lambda client, timeout_s: client.list_offsets(request, request_timeout=timeout_s), deadline
        )
        cut = len(self._prefix)
        return {(place.topic[cut:], place.partition): answer.offset for place, answer in answers.items()}

    # -- asking --------------------------------------------------------------------------------------
    async def _asked(
        self,
        ask: Callable[[AdminClient, float], Mapping[_K, Future[Any]]],
        deadline: float,
        settled: tuple[int, ...] = (),
    ) -> dict[_K, Any]:
        """The answers, or for `settled` errors the error. Raises BusUnreachable after the deadline, BusStop at once."""
        loop = asyncio.get_running_loop()
        while True:
            timeout_s = max(0.05, min(_FIRST_ANSWER_S, deadline - loop.time()))
            # Held until it has answered: another caller may replace it, and one that is destroyed never answers.
            client = self._client
            answers = await gathered(ask(client, timeout_s))
            errors = [
                answer.args[0]
                for answer in answers.values()
                if isinstance(answer, KafkaException) and answer.args[0].code() not in settled
            ]
            if not errors:
                return answers
            self.poll()
            problem = self._problem(errors[0])
            if isinstance(problem, BusStop) or loop.time() >= deadline:
                raise problem
            if errors[0].code() in _STALE and client is self._client:
                self._client = self._new_client()
            await asyncio.sleep(_RETRY_S)

    def _problem(self, error: KafkaError) -> BusError:
        """An attempt's failure. The client's own last error says more than that time ran out."""
        about = f"Kafka at {self._settings.bootstrap_servers}"
        last = self._last_error
        if last is not None and last.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL):
            return BusUnusable(f"{about} lets us not in: {last.str()}")
        if last is not None and error.code() in (KafkaError._TIMED_OUT, KafkaError._TRANSPORT):
            return BusUnreachable(f"{about} does not answer: {last.str()}")
        # A topic that was just made has partitions without a leader, or none that every broker knows of.
        return (
            bus_error(error, about)
            if error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART
            else BusUnreachable(f"{about}: {error.str()}")
        )


def _between(wanted: Mapping[Partition, int], oldest: Offsets, heads: Offsets) -> tuple[Offsets, int]:
    starts, missed = dict(oldest), 0
    for partition, offset in wanted.items():
        if partition not in starts:
            continue
        if not 0 <= offset <= heads[partition]:
            raise OffsetOutOfRange(
                f"{partition[0]}: partition {partition[1]} has no offset {offset}; it ends at {heads[partition]}"
            )
        missed += max(0, oldest[partition] - offset)
        starts[partition] = max(offset, oldest[partition])
    return starts, missed


async def gathered(futures: Mapping[_K, Future[Any]]) -> dict[_K, Any]:
    """The results of the admin client's futures, a KafkaException where one failed.

    They are never cancelled, unlike under `asyncio.wrap_future`: the client's thread would fail to set their result.
    """
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    left = len(futures)

    def one_less(_: Future[Any]) -> None:
        loop.call_soon_threadsafe(count)

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0 and not done.done():
            done.set_result(None)

    for future in futures.values():
        future.add_done_callback(one_less)
    await done
    answers: dict[_K, Any] = {}
    for key, future in futures.items():
        error = future.exception()
        if error is not None and not isinstance(error, KafkaException):
            raise error
        answers[key] = error if error is not None else future.result()
    return answers
