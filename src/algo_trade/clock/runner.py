"""Start a program on a loop: the machine's, or a virtual one."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from algo_trade.clock.time import VIRTUAL_START_NS, Clock, LoopClock, SystemClock
from algo_trade.clock.virtual_loop import VirtualLoop

T = TypeVar("T")


class Interrupts:
    """Ctrl-C and SIGTERM, handed to the loop as ordinary callbacks: `on_signal(count)` with 1 for the first."""

    def __init__(self, on_signal: Callable[[int], None]) -> None:
        self._on_signal = on_signal
        self._count = 0

    @contextmanager
    def installed(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        def handler(_number: int, _frame: FrameType | None) -> None:
            self._count += 1
            loop.call_soon_threadsafe(self._on_signal, self._count)

        before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, previous in before.items():
                signal.signal(number, previous)


def run_virtual(
    main: Callable[[Clock], Awaitable[T]],
    *,
    start_ns: int = VIRTUAL_START_NS,
    speed: float | None = None,
    interrupts: Interrupts | None = None,
) -> T:
    """Run `main(clock)` on a new virtual loop that shows `start_ns` (UTC epoch ns) at its start."""
    loop = VirtualLoop(speed=speed)
    return _run(loop, main, LoopClock(loop, start_ns), interrupts)


def run_real(main: Callable[[Clock], Awaitable[T]], *, interrupts: Interrupts | None = None) -> T:
    """Run `main(clock)` on the machine's loop and clock."""
    return _run(asyncio.new_event_loop(), main, SystemClock(), interrupts)


def _run(
    loop: asyncio.AbstractEventLoop,
    main: Callable[[Clock], Awaitable[T]],
    clock: Clock,
    interrupts: Interrupts | None,
) -> T:
    async def body() -> T:
        return await main(clock)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        if interrupts is None:
            return runner.run(body())
        with interrupts.installed(loop):
            return runner.run(body())
