"""The bus: the log between the planes, and what it promises.

Two implementations keep these promises, and one behaviour suite (`tests/bus/behaviour.py`) holds both to them.

**Order.** Records of one topic and key are read in the order in which they were written, by every reader, every
time. Offsets within a partition only grow, and none is ever given twice. Between keys, partitions and topics there
is no promise; neither is there one about which partition a key goes to, only that it stays there.

**Durability.** `publish` returns when the record will survive the death of the process, and not before: if it
raises, nothing was acknowledged (the record may exist all the same, as after a crash between commit and answer;
readers de-duplicate by what the message says). `append` returns at once: the record has its place in the order and
readers see it, but it is durable only after the next group commit, `flush`, `publish` or `close`, whichever comes
first. A kill in between loses a tail of appended records and nothing else: what is left has no gap.

**Cause before effect.** When `publish` returns, everything this bus appended before it is durable, too; and what was
read is durable before what is published on account of it: an intent can never outlive the ticks that caused it.
Between two appends on different topics there is no such promise.

**Delivery is at least once.** A reader without a group keeps its own offset, best in one transaction with the
effect. A reader in a group commits, explicitly and *after* the effect; after a crash it resumes at the last
commit that became durable, so it may see records again and never misses one. A commit never goes backwards. It is
durable when `commit` returns on topics of class "orders", at the next group commit on those of class "market"
(and, for either, not before everything this bus appended before it).

**Start.** A group that has committed resumes there, whatever `start` says. Anybody else begins at `start`: at the
oldest kept record, at the end, at offsets, or at the first record at or after a time. `Latest` is the end at the
moment of `subscribe`: every record written after that call is seen.

**Replay.** `replay` reads what was in the log when its first record was asked for, and ends. The same log gives the
same bytes.

**Which log.** `log_id` names the log behind a topic; it is made with the log and lost with it. Who keeps offsets of
its own keeps them per log_id: an offset means nothing in another log.

**Retention.** Records older than the topic's retention may be gone after `enforce_retention`; offsets are never
given again. A reader whose position is gone goes on at the oldest kept record, and `health` counts what it missed. A
position beyond the end is refused with OffsetOutOfRange, by `subscribe` or by the first `fetch`.

**Bounds.** A record is at most MAX_RECORD_BYTES, a dead letter at most MAX_LETTER_BYTES. What waits to become durable
is bounded: `append` raises BusBacklog rather than drop or grow without end; a producer that may outrun the disk awaits
`drain`.

**One loop.** All calls come from the event loop the bus was opened on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from algo_trade.contracts import Message

MAX_RECORD_BYTES = 1024 * 1024
# What a broker lets into any topic of ours (max.message.bytes) may come from others, and its dead letter must hold it.
MAX_LETTER_BYTES = 1_310_720

Headers = tuple[tuple[str, bytes], ...]


class Record(NamedTuple):
    """One record of the log, immutable.

    `timestamp_ns` is UTC epoch nanoseconds of the append. `value` is the stored bytes, exactly. `message` is the
    producer's own validated object where both ends share a process and the bus hands objects over, else None: what
    a reader concludes must not depend on it.
    """

    topic: str
    partition: int
    offset: int
    key: str | None
    value: bytes
    timestamp_ns: int
    headers: Headers = ()
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class Earliest:
    """Start at the oldest record kept."""


@dataclass(frozen=True, slots=True)
class Latest:
    """Start with the first record written after `subscribe`."""


@dataclass(frozen=True, slots=True)
class AtOffsets:
    """Start at these offsets, by (topic, partition); a partition not named starts at its oldest record."""

    offsets: Mapping[tuple[str, int], int]


@dataclass(frozen=True, slots=True)
class AtTime:
    """Start at the first record of each partition written at or after `ns` (UTC epoch nanoseconds)."""

    ns: int


Start = Earliest | Latest | AtOffsets | AtTime


@dataclass(frozen=True, slots=True)
class GroupLag:
    """How far a consumer group is behind: `lag` records between `committed` (None: nothing yet) and the head."""

    group: str
    topic: str
    partition: int
    committed: int | None
    head: int
    lag: int


@dataclass(frozen=True, slots=True)
class BusHealth:
    """The state of a bus. `producer_queue` is records appended and not durable yet."""

    connected: bool
    topics: tuple[str, ...]
    groups: tuple[GroupLag, ...] = ()
    producer_queue: int = 0
    # Records that retention removed before a reader of this bus came to them.
    missed: int = 0
    # Why the last attempt to make records durable failed; None since the last success.
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class RetentionResult:
    """What `enforce_retention` did: records removed, by topic; topics that lost none are absent."""

    removed: Mapping[str, int] = field(default_factory=dict)


class Subscription(Protocol):
    """One reader of one or more topics."""

    async def fetch(self, max_records: int = 500) -> Sequence[Record]:
        """The next records, at least one; waits for it. Empty only after `close`.

        Each call gives other tasks a turn. Raises BusStop.
        """
        ...

    async def commit(self, record: Record) -> None:
        """Everything up to and including `record` is done: the group resumes after it.

        Raises BadRecord for a reader without a group or a record it did not subscribe to; BusBusy where the group has
        given the partition to another member, who will see the record again; BusRetry, BusStop.
        """
        ...

    def position(self) -> dict[tuple[str, int], int]:
        """The offset of the next record to be fetched, by (topic, partition)."""
        ...

    async def close(self) -> None:
        """Stop reading; a waiting `fetch` returns empty. The group's commits stay."""
        ...


class Bus(Protocol):
    """The log between the planes. Every method raises BusClosed outside `open` and `close`."""

    async def open(self) -> None:
        """Raises BusStop or BusRetry."""
        ...

    async def close(self) -> None:
        """Make everything durable and let go; subscriptions end. Closing twice is closing once."""
        ...

    async def publish(
        self, topic: str, message: Message | bytes, *, key: str | None, headers: Headers = ()
    ) -> Record:
        """Write a record; it is durable when this returns, and so is all that was appended before.

        Raises BusRefuse (never going to work), BusRetry (may go through later) or BusStop.
        """
        ...

    def append(self, topic: str, message: Message | bytes, *, key: str | None, headers: Headers = ()) -> None:
        """Write a record: ordered and visible now, durable with the next group commit. Raises as `publish`."""
        ...

    async def drain(self) -> None:
        """Wait until there is room for more appends. Raises BusRetry when there is none to be had, BusStop."""
        ...

    async def flush(self) -> None:
        """Everything appended is durable when this returns. Raises BusRetry, BusStop."""
        ...

    async def subscribe(
        self, topics: Sequence[str], *, group: str | None = None, start: Start = Latest()
    ) -> Subscription:
        """Read `topics` from `start`, or from where `group` committed. Raises BusRefuse, OffsetOutOfRange."""
        ...

    def replay(
        self, topic: str, *, from_offset: int | None = None, from_time_ns: int | None = None
    ) -> AsyncIterator[Record]:
        """What is in the log now, from an offset or a time (of each partition; both given: the later one), and end.

        A partition that ends before the offset has nothing to give; an offset that no partition reached is refused.
        Partitions are merged by time. Raises OffsetOutOfRange, UnknownTopic, BusRetry, BusStop.
        """
        ...

    async def head(self, topic: str) -> dict[int, int]:
        """The offset the next record will get, by partition. Raises UnknownTopic, BusRetry, BusStop."""
        ...

    def log_id(self, topic: str) -> str:
        """The name of the log behind `topic`."""
        ...

    def health(self) -> BusHealth:
        """How the bus is, without asking anybody."""
        ...

    async def enforce_retention(self) -> RetentionResult:
        """Remove what is older than its topic's retention. Raises BusRetry, BusStop."""
        ...
