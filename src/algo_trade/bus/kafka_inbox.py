"""What a consumer's thread has brought to the loop and nobody has fetched yet.

Everything here runs on the loop; the thread hands over by `ClientThread.post`, in its order. It reads two numbers
without asking, `taken_records` and `taken_bytes`, to know how far ahead of its reader it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence

from algo_trade.bus.errors import BusError
from algo_trade.bus.kafka_cluster import Offsets, Partition
from algo_trade.bus.port import Record


class Inbox:
    """Batches in the order of arrival; `wake` is called whenever there is something new to know."""

    def __init__(self, wake: Callable[[], None], starts: Offsets) -> None:
        self.position: Offsets = dict(starts)  # of the next record to be fetched
        self.began: Offsets = dict(starts)
        self.fetched: Offsets = {}  # beyond the last record ever fetched
        self.committed: Offsets = {}
        self.missed = 0
        self.error: BusError | None = None
        # Partitions of which nothing is known yet: neither a record nor that there is none.
        self.unheard: set[Partition] = set(starts)
        self.ends: Offsets = {}  # where a partition ended when its reader last came to its end
        self.taken_records = self.taken_bytes = 0
        self.drops = 0
        self._batches: deque[Sequence[Record]] = deque()
        self._wake = wake

    def __bool__(self) -> bool:
        return bool(self._batches)

    # -- from the thread -----------------------------------------------------------------------------
    def accept(self, records: Sequence[Record]) -> None:
        self._batches.append(records)
        if self.unheard:
            self.unheard.difference_update({(record.topic, record.partition) for record in records})
        self._wake()

    def ended(self, partition: Partition, offset: int) -> None:
        """Its reader has come to the end of this partition."""
        self.unheard.discard(partition)
        self.ends[partition] = offset
        self._wake()

    def moved(self, missed: int) -> None:
        """Retention was there first: reading goes on at the oldest record kept."""
        self.missed += missed

    def assigned(self, starts: Offsets, committed: Offsets) -> None:
        """The group gave us these partitions."""
        self.position.update(starts)
        self.began.update(starts)
        self.committed.update(committed)

    def dropped(self, partitions: Collection[Partition]) -> None:
        """The group took these away: what is not fetched yet will be read by whoever has them next."""
        kept: deque[Sequence[Record]] = deque()
        for batch in self._batches:
            staying = [record for record in batch if (record.topic, record.partition) not in partitions]
            self.taken_records += len(batch) - len(staying)
            self.taken_bytes += sum(map(_size, batch)) - sum(map(_size, staying))
            if staying:
                kept.append(staying)
        self._batches = kept
        for partition in partitions:
            for known in (self.position, self.began, self.committed):
                known.pop(partition, None)
        self.drops += 1

    def committed_to(self, offsets: Offsets) -> None:
        self.committed.update(offsets)

    def fail(self, error: BusError) -> None:
        """Reading cannot go on."""
        if self.error is None:
            self.error = error
        self.unheard.clear()
        self._wake()

    # -- to the reader -------------------------------------------------------------------------------
    def take(self, limit: int) -> Sequence[Record]:
        """At most `limit` records, of one batch: the batches are as large as what there was to read."""
        if not self._batches:
            return ()
        records = self._batches.popleft()
        if len(records) > limit:
            self._batches.appendleft(records[limit:])
            records = records[:limit]
        size = 0
        position = self.position
        for record in records:
            position[record.topic, record.partition] = record.offset + 1
            size += len(record.value)
        for partition in {(record.topic, record.partition) for record in records}:
            self.fetched[partition] = max(position[partition], self.fetched.get(partition, 0))
        self.taken_records += len(records)
        self.taken_bytes += size
        return records


def _size(record: Record) -> int:
    return len(record.value)
