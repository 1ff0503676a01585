"""Faults at the door: connections that end without a word, and some that never begin."""

from __future__ import annotations

import asyncio
import socket
import struct

from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.faults.notices import LOST
from algo_trade.gateway_sim.faults.wire import FaultyWire
from algo_trade.gateway_sim.wire.framing import message

# Between half a frame and the reset: a reset that comes with the bytes would take them along.
_RESET_AFTER_S = 0.05


class Refused(asyncio.Protocol):
    """A connection that is accepted and closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


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
