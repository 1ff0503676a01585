"""What runs a process's parts: its tasks, and the first thing that ends them.

The end comes by time, by Ctrl-C or SIGTERM, or by the first failure of any part; what happens then is its owner's to
decide. Made on a running loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar

from algo_trade.clock import Clock
from algo_trade.exit_codes import ExitCode


class Interrupted(Exception):
    """The user stopped the process before it had begun its work."""

    exit_code: ClassVar[ExitCode] = ExitCode.INTERRUPTED


class Host:
    """Tasks of one process. `interrupt` asks for an orderly end from outside, at any time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        loop = asyncio.get_running_loop()
        self._interrupted: asyncio.Future[None] = loop.create_future()
        self._failed: asyncio.Future[None] = loop.create_future()
        self._tasks: list[asyncio.Task[Any]] = []

    def interrupt(self) -> None:
        if not self._interrupted.done():
            self._interrupted.set_result(None)

    @property
    def interrupted(self) -> bool:
        return self._interrupted.done()

    @property
    def failure(self) -> BaseException | None:
        """The first one."""
        return self._failed.exception() if self._failed.done() else None

    def hear_strays(self) -> None:
        """What a callback raises reaches the loop only; without this the rest would go on without that part."""
        asyncio.get_running_loop().set_exception_handler(self._on_stray_error)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task whose failure ends the process, and which ends with it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.append(task)
        self.watch(task)
        return task

    def watch(self, future: asyncio.Future[Any]) -> None:
        """Its failure ends the process."""
        future.add_done_callback(self._part_ended)

    def fail(self, error: BaseException) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)
            self._failed.exception()  # looked at where the owner waits; not a second time by the loop

    async def unless_ended(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for a step of the start, or for what makes it pointless: a failure, or the user."""
        step = asyncio.ensure_future(work)
        waiting: list[asyncio.Future[Any]] = [step, self._failed, self._interrupted]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not step.done():
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)
            raise self.failure or Interrupted("interrupted before the session traded")
        await step

    async def until_the_end(self, end_ns: int, *others: asyncio.Future[Any]) -> BaseException | None:
        """By time (UTC epoch ns), by interrupt, by one of `others`, or by the first failure, which is returned."""
        timer = asyncio.ensure_future(asyncio.sleep(max(0.0, (end_ns - self._clock.now_ns()) / 1e9)))
        waiting: list[asyncio.Future[Any]] = [timer, self._interrupted, self._failed, *others]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        return self.failure

    async def end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _part_ended(self, future: asyncio.Future[Any]) -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self.fail(error)

    def _on_stray_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception):
            self.fail(error)
        else:
            loop.default_exception_handler(context)
