"""One client's connection: greeting, start of the API, then one request after the other.

    NEW --API, version--> GREETED --startApi--> STARTED --> CLOSED

A stranger's bytes can end their own connection, never more. Nothing but the two-field reply is sent before
startApi: some clients read a single message there and drop the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from enum import Enum
from typing import Protocol, cast

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

# A client that lets this much pile up does not read; what it is owed must not eat the machine.
MAX_UNREAD_BYTES = 16 * 1024 * 1024
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

    def __init__(self, host: Host, limit: RateLimit) -> None:
        self.version = OLDEST
        self.client_id = -1
        self.stage = Stage.NEW
        self._host = host
        self._limit = limit
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._peer: object = None
        self._corked = False
        self._unsent: list[bytes] = []

    # -- what asyncio tells ------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=MAX_UNREAD_BYTES)
        self._peer = transport.get_extra_info("peername")
        logger.debug("client connected from %s", self._peer)

    def data_received(self, data: bytes) -> None:
        try:
            for payload in self._reader.feed(data):
                if self.stage is Stage.CLOSED:
                    return
                self._take(payload)
        except WireError as error:
            logger.warning("closing client %s at %s: %s", self.client_id, self._peer, error)
            self.close()

    def eof_received(self) -> bool:
        self.end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        logger.debug("client %s at %s is gone: %s", self.client_id, self._peer, exc)
        self.end()

    def pause_writing(self) -> None:
        logger.warning(
            "closing client %s at %s: it left %d bytes unread", self.client_id, self._peer, MAX_UNREAD_BYTES
        )
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
        fields = split_fields(payload)
        if not self._limit.allows(self._loop.time()):
            self.error(-1, 100, "Max rate of messages per second has been exceeded.")
            if self._limit.is_exhausted:
                raise WireError("message rate exceeded three times")
            return
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
        if self._corked:
            self._unsent.append(data)
        else:
            self._write(data)

    def cork(self) -> None:
        """Hold what is sent until `uncork`, in the same turn of the loop: a write costs 10 us and more at any size."""
        self._corked = True

    def uncork(self) -> None:
        """Write what was held."""
        self._corked = False
        if self._unsent:
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
        """Message 4. Clients read backslashes in it as escapes, so there are none."""
        self.reply(replies.ERROR, reqId=request_id, code=code, text=text.replace("\\", "/"))

    def close(self) -> None:
        """Send what is owed, then close."""
        self.uncork()
        if self._transport is not None:
            self._transport.close()
        self.end()

    def end(self) -> None:
        """Over, without a word: no byte goes out and none is taken in any more."""
        if self.stage is not Stage.CLOSED:
            self.stage = Stage.CLOSED
            self._host.ended(self)
