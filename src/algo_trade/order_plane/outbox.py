"""Messages on their way to the bus, published one after the other in the order they were put.

What is put here is already durable in the journal (reports) or only a notice (session events), so losing the
queue in a crash loses nothing: reports are compared with the log and published again at the next start. Nor is
anything lost when the bus fails: the queue then only grows, and whoever waits for it is let go.
"""

from __future__ import annotations

import asyncio
from collections import deque

from algo_trade.bus import Bus
from algo_trade.contracts import Message


class Outbox:
    """`run` is a task of its owner; its failure (the bus is gone) is the owner's to hear."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: deque[tuple[str, Message, str | None]] = deque()
        self._something = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._over = False

    def put(self, topic: str, message: Message, key: str | None) -> None:
        self._waiting.append((topic, message, key))
        if not self._over:
            self._something.set()
            self._empty.clear()

    async def run(self) -> None:
        try:
            while True:
                await self._something.wait()
                while self._waiting:
                    topic, message, key = self._waiting[0]
                    await self._bus.publish(topic, message, key=key)
                    self._waiting.popleft()
                self._something.clear()
                self._empty.set()
        finally:
            self._over = True
            self._empty.set()

    async def settled(self) -> bool:
        """True when everything put so far is in the log; False when it will not be, since `run` is over."""
        await self._empty.wait()
        return not self._waiting
