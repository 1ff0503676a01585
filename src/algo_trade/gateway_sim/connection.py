"""One client's connection: greeting, start of the API, then one request after the other.

    NEW --API, version--> GREETED --startApi--> STARTED --> CLOSED

A stranger's bytes can end their own connection, never more. Nothing but the two-field reply is sent before
startApi: some clients read a single message there and drop the rest. How much one connection may hold, cost and keep
waiting stands in `limits`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import Protocol, cast

from algo_trade.gateway_sim import limits
from algo_trade.gateway_sim.crowd import Crowd
from algo_trade.gateway_sim.errors import RequestError, WireError
from algo_trade.gateway_sim.pacing import RateLimit
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded, decode
from algo_trade.gateway_sim.wire.framing import FrameReader, message, split_fields
from algo_trade.gateway_sim.wire.layout import Layout, Value
from algo_trade.gateway_sim.wire.request_tables import START_API
from algo_trade.gateway_sim.wire.values import to_id
from algo_trade.gateway_sim.wire.versions import OLDEST, negotiate

logger = logging.getLogger(__name__)

# One family of clients drops a chunk that is a whole multiple of its buffer (facts of the protocol, not of ours).
_LOSSY_MULTIPLE = 4096


class Stage(Enum):
    NEW = "new"
    GREETED = "greeted"
    STARTED = "started"
    CLOSED = "closed"


class Host(Protocol):
    """What a connection needs from the gateway behind it."""

    def connection_time(self) -> str: ...

    def start_api(self, connection: ClientConnection, client_id: int) -> None: ...

    def handle(self, connection: ClientConnection, request: Decoded) -> None: ...

    def ended(self, connection: ClientConnection) -> None: ...


class ClientConnection(asyncio.Protocol):
    """`version` and `client_id` hold from their stage on."""

    def __init__(self, host: Host, limit: RateLimit, crowd: Crowd) -> None:
        self.version = OLDEST
        self.client_id = -1
        self.stage = Stage.NEW
        self._host = host
        self._limit = limit
        self._crowd = crowd
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._peer: object = None
        self._corked = False
        self._is_behind = False  # the transport has enough: what follows waits in `_unsent`, in whole frames
        self._unsent: deque[bytes] = deque()
        self._has_more = False  # of what was read, for the next turn
        self._timer: asyncio.TimerHandle | None = None  # the next moment at which waiting for the client ends

    # -- what asyncio tells ------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=limits.SOCKET_BACKLOG_BYTES)
        _watch(transport.get_extra_info("socket"))
        self._peer = transport.get_extra_info("peername")
        self._timer = self._loop.call_later(
            limits.START_API_WITHIN_S, self.cut_off, "it has not started the API in time"
        )
        self._crowd.wait(self)
        logger.debug("client connected from %s", self._peer)

    def data_received(self, data: bytes) -> None:
        """Handle what came, a turn's worth; the rest has the next turn, and nothing more is read until then."""
        try:
            for count, payload in enumerate(self._reader.feed(data), start=1):
                self._take(payload)
                if self.stage is Stage.CLOSED:
                    return
                if count == limits.MAX_FRAMES_A_TURN:
                    self._go_on_later()
                    return
        except WireError as error:
            logger.warning("closing client %s at %s: %s", self.client_id, self._peer, error)
            self.close()

    def _go_on_later(self) -> None:
        if self._transport is not None and not self._has_more:
            self._has_more = True
            self._transport.pause_reading()
        self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if self.stage is Stage.CLOSED or self._transport is None:
            return
        self._has_more = False
        self._transport.resume_reading()
        try:
            self.data_received(b"")
        except Exception:
            self.cut_off("of a mistake of ours")  # as asyncio does where it calls data_received itself
            raise

    def eof_received(self) -> bool:
        self.end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        logger.debug("client %s at %s is gone: %s", self.client_id, self._peer, exc)
        self.end()
        self._set_timer(None)

    def pause_writing(self) -> None:
        self._is_behind = True

    def resume_writing(self) -> None:
        """The client reads again: hand on what waited, as much as the transport takes."""
        self._is_behind = False
        while self._unsent and not self._is_behind:
            portion, size = [], 0
            while self._unsent and size < limits.SOCKET_BACKLOG_BYTES:
                portion.append(self._unsent.popleft())
                size += len(portion[-1])
            self._crowd.paid(self, size)
            self._write(b"".join(portion))

    def cut_off(self, why: str) -> None:
        """End at once; what the client is owed is lost."""
        logger.warning("closing client %s at %s: %s", self.client_id, self._peer, why)
        if self._transport is not None:
            self._transport.abort()
        self.end()

    @property
    def transport(self) -> asyncio.Transport | None:
        """Where it writes. Faults put a wire of their own before the real one."""
        return self._transport

    @transport.setter
    def transport(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    # -- requests ----------------------------------------------------------------------------------
    def _take(self, payload: bytes) -> None:
        if self.stage is Stage.NEW:
            self._greet(payload)
            return
        if not self._limit.allows(self._loop.time()):
            self.error(-1, 100, "Max rate of messages per second has been exceeded.")
            if self._limit.is_exhausted:
                raise WireError("message rate exceeded three times")
            return
        if len(payload) > limits.MAX_REQUEST_BYTES:
            if self.stage is Stage.GREETED:
                raise WireError(f"startApi of {len(payload)} bytes")
            self.error(-1, 320, f"Error reading request. Message of {len(payload)} bytes is too long.")
            return
        fields = split_fields(payload)
        if self.stage is Stage.GREETED:
            self._start(fields)
        else:
            self._request(fields)

    def _greet(self, payload: bytes) -> None:
        try:
            self.version = negotiate(payload)
        except RequestError as error:
            self.error(-1, error.code, error.text)
            raise WireError(error.text) from None
        self.stage = Stage.GREETED
        self.send(message(self.version, self._host.connection_time()))

    def _start(self, fields: Sequence[str]) -> None:
        if len(fields) < 3 or fields[0] != str(START_API):
            raise WireError(f"expected startApi, got message {fields[:1]}")
        try:
            client_id = to_id(fields[2])
        except RequestError as error:
            raise WireError(f"startApi without a client id: {error}") from None
        self.stage = Stage.STARTED
        self._set_timer(None)
        self._crowd.started(self)
        self._host.start_api(self, client_id)

    def _request(self, fields: Sequence[str]) -> None:
        try:
            request = decode(fields, self.version)
        except RequestError as error:
            self.error(error.request_id, error.code, error.text)
            return
        try:
            self._host.handle(self, request)
        except RequestError as error:
            # A field that is read late: the request it belongs to is known here.
            request_id = request.request_id if error.request_id == -1 else error.request_id
            self.error(request_id, error.code, error.text)

    # -- replies -----------------------------------------------------------------------------------
    def send(self, data: bytes) -> None:
        """Send whole frames; nothing happens on a connection that has ended."""
        if self._transport is None or self.stage is Stage.CLOSED:
            return
        if self._is_behind:
            self._unsent.append(data)
            self._crowd.owe(self, len(data))
        elif self._corked:
            self._unsent.append(data)
        else:
            self._write(data)

    def cork(self) -> None:
        """Hold what is sent until `uncork`, in the same turn of the loop: a write costs 10 us and more at any size."""
        self._corked = True

    def uncork(self) -> None:
        """Write what was held."""
        self._corked = False
        if self._unsent and not self._is_behind:
            data = b"".join(self._unsent)
            self._unsent.clear()
            self._write(data)

    def _write(self, data: bytes) -> None:
        if self._transport is None:
            return
        if len(data) % _LOSSY_MULTIPLE == 0 and data:
            self._transport.write(data[:-1])
            data = data[-1:]
        self._transport.write(data)

    def reply(self, layout: Layout, **values: Value) -> None:
        """Encode a message for this client's version and send it."""
        self.send(layout.encode(self.version, values))

    def error(self, request_id: int, code: int, text: str) -> None:
        """Message 4. One family of clients reads backslashes in it as escapes, the other does not: there are none."""
        self.reply(replies.ERROR, reqId=request_id, code=code, text=text.replace("\\", "/"))

    def close(self) -> None:
        """Send what is owed, then close. A client that is behind gets what the transport has, no more."""
        self.uncork()
        if self._transport is not None:
            self._transport.close()
        self.end()

    def end(self) -> None:
        """Over, without a word: no byte is taken in any more, and what is owed has a last moment to be read."""
        if self.stage is not Stage.CLOSED:
            self.stage = Stage.CLOSED
            self._unsent.clear()
            self._crowd.leave(self)
            if self._transport is not None:
                self._set_timer(self._loop.call_later(limits.LINGER_S, self._transport.abort))
            self._host.ended(self)

    def _set_timer(self, timer: asyncio.TimerHandle | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = timer


def _watch(peer: socket.socket | None) -> None:
    """Have the kernel find out when the other side is gone without a word: in our time where it takes one."""
    if peer is None:
        return
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", limits.KEEPALIVE_IDLE_S),
        ("TCP_KEEPINTVL", limits.KEEPALIVE_EVERY_S),
        ("TCP_KEEPCNT", limits.KEEPALIVE_PROBES),
        ("TCP_USER_TIMEOUT", limits.UNACKNOWLEDGED_MS),
    ):
        if hasattr(socket, name):
            peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
