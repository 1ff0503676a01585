"""An asyncio loop whose time is a number.

Theory. asyncio asks its selector to wait until the next timer. Here the selector does not wait: it moves the
clock. Callbacks therefore run in exactly the order asyncio would run them with instant I/O, six hours pass as
fast as their callbacks run, and nothing outside the program (load, network, kernel) can change the order.

Three rules keep it so: the network is in memory (`memory_net`), there are no threads (`run_in_executor`
refuses), and a loop with nothing ready and nothing scheduled is a deadlock, said at once.

`speed` paces the same loop against the wall clock: the order of callbacks stays the same, each is only held
back until `speed` times real time has reached it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, NoReturn

from algo_trade.clock.memory_net import MemoryNetwork, MemoryServer, MemoryTransport

# Long sleeps of a paced loop are cut into slices so that Ctrl-C is heard within one of them.
_PACE_SLICE_S = 0.05


class NothingLeftToWaitFor(RuntimeError):
    """Every task waits and no timer is set: in real life this program would hang for ever."""


class _TimeSelector:
    """Stands where the selector stands: instead of waiting for the time to pass, it makes it pass."""

    def __init__(self, loop: VirtualLoop, speed: float | None) -> None:
        self._loop = loop
        self._speed = speed
        self._wall_start_s = time.monotonic()

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise NothingLeftToWaitFor("virtual loop: every task is waiting and no timer is set")
        if timeout > 0:
            until = self._loop.virtual_s + timeout
            if self._speed is not None and not self._pace(until):
                return []
            self._loop.virtual_s = until
        return []

    def _pace(self, until_s: float) -> bool:
        """Wait until the wall reaches `until_s`; False when a signal handler gave the loop something to do."""
        assert self._speed is not None
        due = self._wall_start_s + until_s / self._speed
        while (left := due - time.monotonic()) > 0:
            time.sleep(min(left, _PACE_SLICE_S))
            if self._loop.has_ready():
                return False
        return True

    def close(self) -> None:
        """Nothing is held."""


class VirtualLoop(asyncio.BaseEventLoop):
    """`speed` None runs as fast as the callbacks do; a number holds it to that many times real time."""

    def __init__(self, *, speed: float | None = None) -> None:
        super().__init__()
        if speed is not None and not speed > 0:
            raise ValueError("speed must be positive")
        self.virtual_s = 0.0
        self._clock_resolution = 1e-9
        self._selector = _TimeSelector(self, speed)
        self.network = MemoryNetwork(self)

    def time(self) -> float:
        return self.virtual_s

    def has_ready(self) -> bool:
        return bool(self._ready)  # type: ignore[attr-defined]  # asyncio's own queue, not in its stubs

    async def create_connection(  # type: ignore[override]  # the in-memory network takes only what it can honour
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], host: str, port: int, **_: Any
    ) -> tuple[MemoryTransport, asyncio.BaseProtocol]:
        return await self.network.connect(protocol_factory, host, port)

    async def create_server(  # type: ignore[override]  # as above
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], host: str, port: int, **_: Any
    ) -> MemoryServer:
        return self.network.listen(protocol_factory, host, port)

    def run_in_executor(  # type: ignore[override]  # nothing is ever run, so nothing is returned
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> NoReturn:
        raise RuntimeError("a virtual loop has no threads: their timing would decide what happens")

    # The hooks BaseEventLoop leaves to its subclasses.
    def _process_events(self, event_list: list[Any]) -> None:
        assert not event_list

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector here, so nobody has to be woken."""
