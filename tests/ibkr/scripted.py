"""A gateway of a few lines: greets, answers by script, remembers every frame and when it came.

It is not the simulator: it exists to misbehave, one way at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.ibkr.frames import fields_of, message, payload

from algo_trade.ibkr.framing import FrameReader, frame

HOST, PORT = "127.0.0.1", 4002
ACCOUNT = "DU1234567"
Reply = Callable[["Peer", list[str]], None]


@dataclass
class Script:
    """What the gateway does. The defaults are a well-behaved one without orders, positions and money."""

    version: int = 178
    connection_time: str = "20260302 09:30:00 US/Eastern"
    accounts: str = ACCOUNT
    next_id: int = 100
    busy_for: int = 0  # connections refused with 326
    greet: bool = True
    answers_time: bool = True
    replies: dict[str, Reply] = field(default_factory=dict)  # by message id, instead of the default


class Peer(asyncio.Protocol):
    """One connection, seen from the gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.transport: asyncio.Transport | None = None
        self._reader: FrameReader | None = None
        self._greeted = b""
        self._started = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.gateway.peers.append(self)

    def send(self, *payloads: bytes) -> None:
        self.raw(b"".join(frame(each) for each in payloads))

    def raw(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    def close(self) -> None:
        assert self.transport is not None
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._reader is None:
            self._greeted += data
            assert b"API\0".startswith(self._greeted[:4])
            data, self._reader = self._greeted[4:], FrameReader()
        script = self.gateway.script
        for received in self._reader.feed(data):
            if not self._started:
                self._started = True
                self.gateway.hellos.append(received)
                if script.greet:
                    self.send(payload(script.version, script.connection_time))
                continue
            fields = fields_of(received)
            self.gateway.received.append((asyncio.get_running_loop().time(), fields))
            self._answer(fields)

    def _answer(self, fields: list[str]) -> None:
        script = self.gateway.script
        reply = script.replies.get(fields[0])
        if reply is not None:
            reply(self, fields)
        elif fields[0] == "71":
            self._start_api()
        elif fields[0] == "49" and script.answers_time:
            self.send(payload(49, 1, 1772461800))

    def _start_api(self) -> None:
        script = self.gateway.script
        if script.busy_for > 0:
            script.busy_for -= 1
            self.send(message(-1, 326, "Unable to connect as the client id is already in use."))
            self.close()
            return
        self.send(payload(15, 1, script.accounts), payload(9, 1, script.next_id))
        self.send(message(-1, 2104, "Market data farm connection is OK:usfarm"))


class Gateway:
    """Listens on HOST:PORT of the running loop."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or Script()
        self.peers: list[Peer] = []
        self.hellos: list[bytes] = []
        self.received: list[tuple[float, list[str]]] = []
        self._server: Any = None

    @property
    def peer(self) -> Peer:
        return self.peers[-1]

    async def start(self, port: int = PORT) -> int:
        """Listen; the port, which is another one when 0 was asked for."""
        self._server = await asyncio.get_running_loop().create_server(lambda: Peer(self), HOST, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    def stop_listening(self) -> None:
        self._server.close()

    def requests(self, message_id: int) -> list[list[str]]:
        """The frames of one kind that came so far."""
        return [fields for _, fields in self.received if fields[0] == str(message_id)]
