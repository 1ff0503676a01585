"""One plane in a process of its own: what the three have in common.

    bus → what the other planes say → the plane's own parts → … → the session's end → the plane's own end → bus closed

A plane may be killed at any moment and started again with the same command: it finds its session by the directory, and
where it was by the log (data, strategy) or the journal (orders). Stopped in order (SIGTERM, Ctrl-C), the data and the
strategy plane only stop themselves; the order plane ends the session, because nobody else could close its positions.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from typing import ClassVar

from algo_trade.bus import Bus
from algo_trade.clock import Clock, rng
from algo_trade.ibkr import IBKRHandler
from algo_trade.order_plane.outbox import Outbox
from algo_trade.session.bulletin import Bulletin, PlaneState, say
from algo_trade.session.gateway_events import note_gateway_events
from algo_trade.session.host import Host
from algo_trade.session.log import SessionLog
from algo_trade.session.plan import SessionPlan
from algo_trade.settings import IbkrSettings

# The order plane gets out of its positions after the session's time is over; it may take this long to say so.
GRACE_S = 180.0
# For the last words: a cluster that is away at the very end must not hold a process for ever.
_LAST_WORDS_S = 30.0


class PlaneProcess(ABC):
    """`run` once; it returns how the plane ended. `interrupt` asks for an orderly end."""

    name: ClassVar[str]

    def __init__(self, plan: SessionPlan, clock: Clock, bus: Bus) -> None:
        self.plan = plan
        self.clock = clock
        self.bus = bus
        self.host = Host(clock)
        self.outbox = Outbox(bus)
        self.log = SessionLog(self.outbox, clock, plan.session_id)
        self.bulletin = Bulletin(bus, plan.session_id, plan.started_ns)

    def interrupt(self) -> None:
        self.host.interrupt()

    async def run(self) -> BaseException | None:
        """What broke the plane, None when it came to its end. Raises what keeps it from starting."""
        self.host.hear_strays()
        async with AsyncExitStack() as stack:
            await self.host.unless_ended(self.bus.open())
            stack.push_async_callback(self.bus.close)
            stack.push_async_callback(self.host.end_tasks)
            publishing = self.host.spawn(self.outbox.run())
            self.host.spawn(self.bulletin.run())
            try:
                await self.begin(stack)
            except BaseException as failure:
                say(self.log, self.name, "ended", f"could not start: {failure}")
                await self._last_words(publishing)
                raise
            say(self.log, self.name, "started", f"process of the {self.name} plane")
            error = await self.until_the_end()
            try:
                await self.finish(error)
            except Exception as late:  # noqa: BLE001  # the first failure is the one to tell
                error = error or late
            say(self.log, self.name, self.last_state, f"broken: {error}" if error else "in order")
            await self._last_words(publishing)
            return error

    @property
    def last_state(self) -> PlaneState:
        """What the others are told at the end."""
        return "ended"

    @abstractmethod
    async def begin(self, stack: AsyncExitStack) -> None:
        """Make the plane's parts and start them; `stack` lets go of them in reverse order."""

    @abstractmethod
    async def until_the_end(self) -> BaseException | None:
        """Wait for what ends this plane; a failure is returned."""

    @abstractmethod
    async def finish(self, error: BaseException | None) -> None:
        """End the parts, and leave the log as it should be."""

    async def connect(self, stack: AsyncExitStack, ibkr: IbkrSettings) -> IBKRHandler:
        """A gateway that has greeted us and passed the paper lock."""
        handler = IBKRHandler(ibkr, self.clock, rng(self.plan.seed, "ibkr", self.name))
        stack.push_async_callback(handler.close)
        note_gateway_events(handler, self.log)
        await self.host.unless_ended(handler.start())
        self.host.spawn(handler.fatal())
        return handler

    async def _last_words(self, publishing: asyncio.Task[None]) -> None:
        settled = asyncio.ensure_future(self.outbox.settled())
        await asyncio.wait([settled, publishing], timeout=_LAST_WORDS_S, return_when=asyncio.FIRST_COMPLETED)
        settled.cancel()
