"""The places where a process can die with a difference, and the parts of one that pass them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from algo_trade.bus import EmbeddedBus, Record
from algo_trade.contracts import Message
from algo_trade.order_plane.journal import Journal


class Crash(BaseException):
    """The process is dead. Not an Exception: nothing may catch it and go on."""


@dataclass
class Fuse:
    """Burns at the `at`-th place that is passed (0 is the first); None never burns."""

    at: int | None = None
    passed: int = 0
    places: list[str] = field(default_factory=list)
    on_burn: Callable[[], None] = lambda: None
    burnt: asyncio.Event = field(default_factory=asyncio.Event)

    def place(self, name: str) -> None:
        """Die here if it is time to, or if we are dead already."""
        if self.burnt.is_set():
            raise Crash(name)
        self.places.append(name)
        self.passed += 1
        if self.at == self.passed - 1:
            self.burnt.set()
            self.on_burn()
            raise Crash(name)


class FusedJournal(Journal):
    """A journal whose process may die before or after every commit."""

    fuse = Fuse()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with super().transaction():
            yield
            self.fuse.place("journal, before the commit")
        self.fuse.place("journal, after the commit")


class FusedBus(EmbeddedBus):
    """A bus whose process may die before or after every publish."""

    fuse = Fuse()

    async def publish(
        self, topic: str, message: Message | bytes, *, key: str | None, headers: Any = ()
    ) -> Record:
        self.fuse.place(f"bus, before {topic}")
        record = await super().publish(topic, message, key=key, headers=headers)
        self.fuse.place(f"bus, after {topic}")
        return record

    def abandon(self) -> None:
        """What the kernel does to a dead process: files closed, locks released, nothing flushed."""
        if self._timer is not None:
            self._timer.cancel()
        if self._stores is not None:
            self._stores.close()
