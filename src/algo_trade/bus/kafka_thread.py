"""The bridge between a client of librdkafka and the event loop: one thread that owns one client.

The package's only threads outside `algo_trade.clock`. librdkafka's synchronous clients block where they wait, and its
asyncio classes hop through a pool for each call; so each client has a thread that does nothing but serve it, and what
it learns crosses to the loop in batches, by `post`. A session over Kafka is repeatable from its log, not from its
seed: nothing here may be used by a session in virtual time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

_STOP_S = 5.0


class ClientThread:
    """Calls `turn` until it is stopped, then `end`, all on its own thread; `failed` hears on the loop of a bug."""

    def __init__(
        self,
        name: str,
        turn: Callable[[], None],
        end: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._turn = turn
        self._end = end
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._wake = threading.Event()
        self.stopping = False
        # A daemon: a program that ends without closing its bus shall end.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Loop's side."""
        self._thread.start()

    async def stop(self) -> None:
        """Loop's side. Returns when the client is gone, or after _STOP_S: without a broker a consumer may wait long to
        leave its group, and nothing can interrupt it. Its thread then ends by itself, later or with the program.
        """
        self.stopping = True
        self._wake.set()
        await asyncio.wait([self._ended], timeout=_STOP_S)

    def post(self, callback: Callable[..., None], *arguments: object) -> None:
        """Thread's side: have the loop call `callback`, after all it was asked to call before."""
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            # The loop was closed without closing the bus: there is nobody left to tell, or to serve.
            self.stopping = True

    def pause(self, seconds: float) -> None:
        """Thread's side: wait, but not beyond `stop`."""
        self._wake.wait(seconds)

    def _run(self) -> None:
        try:
            while not self.stopping:
                self._turn()
        except Exception as error:  # noqa: BLE001 - a thread has no caller; its end is told where it can be heard
            self.post(self._failed, error)
        try:
            self._end()
        except Exception as error:  # noqa: BLE001 - as above
            self.post(self._failed, error)
        self.post(self._set_ended)

    def _set_ended(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)
