"""Faults at the door: connections that end without a word, and some that never begin."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.faults.notices import LOST
from algo_trade.gateway_sim.faults.wire import FaultyWire
from algo_trade.gateway_sim.limits import MAX_WAITING
from algo_trade.gateway_sim.wire.framing import message

# Between half a frame and the reset: a reset that comes with the bytes would take them along.
_RESET_AFTER_S = 0.05


class Refused(asyncio.Protocol):
    """A connection that is accepted and closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Unanswered:
    """Connections to a gateway that hangs: the kernel accepts them, nobody reads or writes, until `answer`."""

    def __init__(self) -> None:
        self._transports: list[asyncio.Transport] = []

    def connection(self) -> asyncio.Protocol:
        return _NotRead(self._transports)

    def answer(self, new_connection: Callable[[], asyncio.Protocol]) -> None:
        """Hand those that are still there to the gateway, with all they have said."""
        transports = self._transports[:]
        self._transports.clear()
        for transport in transports:
            if not transport.is_closing():
                protocol = new_connection()
                transport.set_protocol(protocol)
                protocol.connection_made(transport)
                transport.resume_reading()

    def close(self) -> None:
        for transport in self._transports:
            transport.abort()
        self._transports.clear()


class _NotRead(asyncio.Protocol):
    """Puts its connection among the unanswered ones; of too many the one that waited longest makes room."""

    def __init__(self, transports: list[asyncio.Transport]) -> None:
        self._transports = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = cast(asyncio.Transport, transport)
        connection.pause_reading()
        self._transports.append(connection)
        if len(self._transports) > MAX_WAITING:
            self._transports.pop(0).abort()


def cut(connection: ClientConnection, loop: asyncio.AbstractEventLoop) -> None:
    """End a connection with half a frame, then a reset."""
    wire: object = connection.transport
    transport = wire.transport if isinstance(wire, FaultyWire) else connection.transport
    if transport is None:
        return
    notice = message(4, 2, -1, *LOST, "")
    transport.write(notice[: len(notice) // 2])
    connection.end()
    loop.call_later(_RESET_AFTER_S, _reset, transport)


def _reset(transport: asyncio.Transport) -> None:
    """RST instead of FIN: what is still to be sent is thrown away."""
    peer = transport.get_extra_info("socket")
    if peer is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
