"""As much of HTTP/1.1 as a control port needs: one small JSON request a connection, from this machine.

A browser on this machine runs pages of strangers. They cannot speak to this port: a name of theirs that resolves to
127.0.0.1 fails for its Host (DNS rebinding), a form or a script of theirs for its Origin or its Content-Type.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 64 * 1024
_REQUEST_WITHIN_S = 10.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class HttpError(Exception):
    """The request is answered with this status and these words."""

    def __init__(self, status: HTTPStatus, text: str, **more: Any) -> None:
        super().__init__(text)
        self.status = status
        self.body = {"error": text, **more}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`body` is empty where none was sent."""

    method: str
    path: str
    body: bytes


# Answers a request: a status, and what is sent as JSON. Raises HttpError.
Answer = Callable[[HttpRequest], tuple[HTTPStatus, Any]]


class HttpServer:
    """Serves `answer` on a loopback address."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._server: asyncio.AbstractServer | None = None
        self._port = 0

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; returns host and port as bound. ValueError for an address others can reach, OSError when taken."""
        if host not in LOOPBACK:
            raise ValueError(
                f"the control port listens on this machine only: {', '.join(LOOPBACK)}, not {host}"
            )
        server = await asyncio.start_server(self._serve, host, port, limit=MAX_HEAD_BYTES)
        self._server = server
        bound_host, self._port = server.sockets[0].getsockname()[:2]
        return bound_host, self._port

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            try:
                async with asyncio.timeout(_REQUEST_WITHIN_S):
                    request = await self._read(reader)
                status, body = self._answer(request)
            except HttpError as error:
                status, body = error.status, error.body
            writer.write(_response(status, body))
            await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # whoever asked has gone, or never finished asking
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> HttpRequest:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise HttpError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are too long") from None
        first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
            raise HttpError(HTTPStatus.BAD_REQUEST, "this is no HTTP/1.1 request")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or name.lower() in headers:
                raise HttpError(HTTPStatus.BAD_REQUEST, f"a header is malformed or there twice: {name[:40]}")
            headers[name.lower()] = value.strip()
        self._check(headers)
        body = await reader.readexactly(_length(headers))
        if body and headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/json")
        return HttpRequest(words[0], words[1].partition("?")[0], body)

    def _check(self, headers: dict[str, str]) -> None:
        """Whether this machine asks for itself, and not for a page of a stranger."""
        names = {"[::1]" if name == "::1" else name for name in LOOPBACK}
        if headers.get("host", "").lower() not in {f"{name}:{self._port}" for name in names}:
            raise HttpError(HTTPStatus.FORBIDDEN, "the Host header names another machine")
        if "origin" in headers:
            raise HttpError(HTTPStatus.FORBIDDEN, "pages in a browser are not served")


def _length(headers: dict[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise HttpError(HTTPStatus.LENGTH_REQUIRED, "send Content-Length")
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Content-Length is no number")
    if len(text) > 9 or int(text) > MAX_BODY_BYTES:
        raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {MAX_BODY_BYTES} bytes")
    return int(text)


def _response(status: HTTPStatus, body: Any) -> bytes:
    content = (json.dumps(body) + "\n").encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + content
