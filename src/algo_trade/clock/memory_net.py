"""A TCP network inside one process: ordered byte streams between paired transports.

It keeps what programs rely on in TCP: bytes arrive in order, in the next turn of the loop at the earliest,
coalesced when several writes happen in one turn; a reader that stops reading makes the writer's buffer grow
and its protocol hear `pause_writing`; closing delivers what was written first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, cast

_HIGH_WATER_BYTES = 64 * 1024
_FIRST_EPHEMERAL_PORT = 49152


class MemoryTransport(asyncio.Transport):
    """One end of a connection. `_inbox` holds what the peer wrote and this end has not yet been handed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, extra: dict[str, Any]) -> None:
        super().__init__(extra)
        self._loop = loop
        self._protocol: asyncio.Protocol | None = None
        self._peer: MemoryTransport | None = None
        self._inbox: list[bytes] = []
        self._inbox_bytes = 0
        self._delivery_set = False
        self._paused_reading = False
        self._paused_writing = False
        self._closing = False
        self._lost = False
        self._eof_from_peer = False
        self._high = _HIGH_WATER_BYTES
        self._low = _HIGH_WATER_BYTES // 4

    def attach(self, protocol: asyncio.BaseProtocol, peer: MemoryTransport) -> None:
        self.set_protocol(protocol)
        self._peer = peer

    # -- writing -----------------------------------------------------------------------------------
    def write(self, data: bytes | bytearray | memoryview) -> None:
        peer = self._peer
        if self._closing or peer is None or not data:
            return
        peer._inbox.append(bytes(data))
        peer._inbox_bytes += len(data)
        if not peer._delivery_set:
            peer._set_delivery()
        if peer._inbox_bytes > self._high and not self._paused_writing and self._protocol is not None:
            self._paused_writing = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        return self._peer._inbox_bytes if self._peer is not None else 0

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = _HIGH_WATER_BYTES if high is None else high
        self._low = self._high // 4 if low is None else low

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if self._peer is not None:
            self._peer._eof_from_peer = True
            self._peer._set_delivery()

    # -- reading -----------------------------------------------------------------------------------
    def is_reading(self) -> bool:
        return not self._paused_reading and not self._closing

    def pause_reading(self) -> None:
        self._paused_reading = True

    def resume_reading(self) -> None:
        self._paused_reading = False
        if self._inbox or self._eof_from_peer:
            self._set_delivery()

    def _set_delivery(self) -> None:
        if not self._delivery_set:
            self._delivery_set = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._delivery_set = False
        if self._paused_reading or self._lost or self._protocol is None:
            return
        if self._inbox:
            data = self._inbox[0] if len(self._inbox) == 1 else b"".join(self._inbox)
            self._inbox.clear()
            self._inbox_bytes = 0
            if not self._closing:
                self._protocol.data_received(data)
            self._tell_writer_there_is_room()
        if self._eof_from_peer and not self._closing:
            keep_open = self._protocol.eof_received()
            if not keep_open:
                self.close()

    def _tell_writer_there_is_room(self) -> None:
        writer = self._peer
        if writer is not None and writer._paused_writing and self._inbox_bytes <= writer._low:
            writer._paused_writing = False
            if writer._protocol is not None:
                writer._protocol.resume_writing()

    # -- ending ------------------------------------------------------------------------------------
    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self.write_eof()
            self._loop.call_soon(self._lose, None)

    def abort(self) -> None:
        """Drop the connection: the peer loses what it has not read and hears a reset."""
        self._closing = True
        self._loop.call_soon(self._lose, None)
        peer = self._peer
        if peer is not None and not peer._lost:
            peer._closing = True
            peer._inbox.clear()
            peer._inbox_bytes = 0
            self._loop.call_soon(peer._lose, ConnectionResetError("connection reset by peer"))

    def _lose(self, reason: Exception | None) -> None:
        if not self._lost and self._protocol is not None:
            self._lost = True
            self._protocol.connection_lost(reason)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        if isinstance(protocol, asyncio.BufferedProtocol):
            raise TypeError("the in-memory network hands over bytes: it needs an asyncio.Protocol")
        self._protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self._protocol is not None
        return self._protocol


class _ListeningSocket:
    """What callers ask of `server.sockets`: only the address."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address

    def getsockname(self) -> tuple[str, int]:
        return self._address


class MemoryServer(asyncio.AbstractServer):
    """A listening address; closing it refuses new connections and leaves the open ones alone."""

    def __init__(
        self, network: MemoryNetwork, factory: Callable[[], asyncio.BaseProtocol], address: tuple[str, int]
    ) -> None:
        self._network = network
        self.factory = factory
        self.address = address
        self.sockets = (_ListeningSocket(address),)

    def close(self) -> None:
        self._network.servers.pop(self.address[1], None)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._network.loop

    def is_serving(self) -> bool:
        return self._network.servers.get(self.address[1]) is self

    async def start_serving(self) -> None:
        """It serves from the moment it is made."""

    async def serve_forever(self) -> None:
        await self._network.loop.create_future()

    async def wait_closed(self) -> None:
        await asyncio.sleep(0)


class MemoryNetwork:
    """Ports of one virtual loop. Hosts are not told apart: there is one machine."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.servers: dict[int, MemoryServer] = {}
        self._next_port = _FIRST_EPHEMERAL_PORT

    def listen(self, factory: Callable[[], asyncio.BaseProtocol], host: str, port: int) -> MemoryServer:
        port = port or self._take_port()
        if port in self.servers:
            raise OSError(98, f"address already in use: {host}:{port}")
        server = MemoryServer(self, factory, (host, port))
        self.servers[port] = server
        return server

    async def connect(
        self, factory: Callable[[], asyncio.BaseProtocol], host: str, port: int
    ) -> tuple[MemoryTransport, asyncio.BaseProtocol]:
        await asyncio.sleep(0)
        server = self.servers.get(port)
        if server is None:
            raise ConnectionRefusedError(111, f"nothing listens on {host}:{port}")
        near_address, far_address = (host, self._take_port()), server.address
        near = MemoryTransport(self.loop, {"peername": far_address, "sockname": near_address})
        far = MemoryTransport(self.loop, {"peername": near_address, "sockname": far_address})
        client, accepted = factory(), server.factory()
        near.attach(client, far)
        far.attach(accepted, near)
        self.loop.call_soon(accepted.connection_made, far)
        client.connection_made(near)
        return near, client

    def _take_port(self) -> int:
        self._next_port += 1
        return self._next_port - 1
