"""A queue between callbacks and one consumer: filled synchronously, emptied once a wake-up.

A burst of a thousand events wakes its consumer once. `high_water` is where the owner is told to slow the
source down; nothing is ever dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """One producer side, one consumer. `on_full` is called once when `high_water` items wait, `on_empty` after."""

    def __init__(
        self,
        high_water: int,
        on_full: Callable[[], None],
        on_empty: Callable[[], None] = lambda: None,
    ) -> None:
        self._items: deque[T] = deque()
        self._high_water = high_water
        self._on_full = on_full
        self._on_empty = on_empty
        self._full = False
        self._closed = False
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        items = self._items
        items.append(item)
        if self._waiter is not None:
            self._wake()
        if len(items) >= self._high_water and not self._full:
            self._full = True
            self._on_full()

    async def take(self) -> list[T]:
        """Everything that waits, at least one item; an empty list once closed and emptied."""
        await self._something()
        items = list(self._items)
        self._items.clear()
        self._relieve()
        return items

    async def take_one(self) -> T | None:
        """The oldest item; None once closed and emptied. A consumer that stops loses nothing."""
        await self._something()
        if not self._items:
            return None
        item = self._items.popleft()
        self._relieve()
        return item

    async def _something(self) -> None:
        while not self._items and not self._closed:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _relieve(self) -> None:
        if self._full and not self._items:
            self._full = False
            self._on_empty()

    def close(self) -> None:
        """What is there can still be taken; then the consumer hears the end."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
