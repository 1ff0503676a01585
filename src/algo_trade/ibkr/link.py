"""One TCP connection to a gateway, from `API` to its end.

The link knows frames, not messages. It answers three questions: which version was agreed, what arrived, and
why it is over. It never reconnects; a new connection is a new link.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from algo_trade.clock import Clock
from algo_trade.ibkr.encoder import hello
from algo_trade.ibkr.errors import FramingError, NotConnected
from algo_trade.ibkr.fields import FieldError, exactly, integer, split, text
from algo_trade.ibkr.framing import FrameReader
from algo_trade.ibkr.layouts import MAX_VERSION, MIN_VERSION


class Link(asyncio.Protocol):
    """A protocol instance for `loop.create_connection`."""

    def __init__(self, clock: Clock) -> None:
        loop = asyncio.get_running_loop()
        self._clock = clock
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._on_frames: Callable[[list[bytes], int], None] | None = None
        self._reason = ""
        self.handshake: asyncio.Future[tuple[int, str]] = loop.create_future()  # version, connection time
        self.closed: asyncio.Future[str] = loop.create_future()  # why

    def deliver_to(self, on_frames: Callable[[list[bytes], int], None]) -> None:
        """Where frames after the handshake go, together with their arrival in ns."""
        self._on_frames = on_frames

    def write(self, data: bytes) -> int:
        """Hand bytes to the transport; the number of them. Raises NotConnected once the link is over."""
        if self._transport is None or self._transport.is_closing():
            raise NotConnected(f"the connection is closed: {self._reason or 'not yet open'}")
        self._transport.write(data)
        return len(data)

    def drop(self, reason: str) -> None:
        """End the connection now; `closed` will say why."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """End the connection after what was written has left."""
        self._reason = self._reason or "closed by us"
        if self._transport is not None:
            self._transport.close()

    def pause_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # -- asyncio.Protocol ---------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(hello(MIN_VERSION, MAX_VERSION))

    def data_received(self, data: bytes) -> None:
        arrival_ns = self._clock.now_ns()
        try:
            frames = self._reader.feed(data)
            broken = None
        except FramingError as error:
            frames, broken = error.frames, error
        if frames and not self.handshake.done():
            self._shake_hands(frames.pop(0))
        if frames and self._on_frames is not None:
            self._on_frames(frames, arrival_ns)
        if broken is not None:
            self.drop(f"framing error: {broken}")

    def connection_lost(self, exc: Exception | None) -> None:
        lost = f"connection lost: {exc}" if exc else "the gateway closed the connection"
        self._reason = self._reason or lost
        if not self.handshake.done():
            self.handshake.set_exception(NotConnected(f"{self._reason}, before the handshake"))
            self.handshake.exception()  # whoever gave up waiting has said why already
        if not self.closed.done():
            self.closed.set_result(self._reason)

    def _shake_hands(self, payload: bytes) -> None:
        try:
            version, connection_time = exactly(split(payload), 2)
            self.handshake.set_result((integer(version), text(connection_time)))
        except (FieldError, ValueError):
            self.drop(f"not a gateway: it answered {payload[:60]!r}")
