"""Everything we do not decode ourselves, through ib_async's decoder.

Its `interpret` and its `wrap` log exceptions and go on, so a damaged message would simply not have been. Here
the handlers run bare: what they cannot decode becomes `Undecodable`, what they can becomes `BreadthCall`s.
The wrapper they call records and does nothing, so an error of ours can never pass for one of the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

from ib_async.decoder import Decoder

from algo_trade.ibkr.events import BreadthCall, Undecodable
from algo_trade.ibkr.fields import split, text


class _Recorder:
    """Takes any callback and remembers it."""

    defaultTimezone = UTC

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[object, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        def record(*args: object) -> None:
            self.calls.append((name, args))

        return record


class _BareDecoder(Decoder):
    """ib_async's handlers, with their exceptions let out."""

    def wrap(self, methodName: str, types: list[type], skip: int = 2) -> Callable[[list[str]], None]:
        def handler(fields: list[str]) -> None:
            values = fields[skip:]
            if len(values) < len(types):
                raise ValueError(f"{len(fields)} fields instead of {len(types) + skip}")
            getattr(self.wrapper, methodName)(*map(_convert, types, values))

        return handler


def _convert(kind: type, field: str) -> object:
    if kind is str:
        return field
    return bool(int(field or 0)) if kind is bool else kind(field or 0)


class Breadth:
    """Decodes one connection's other messages."""

    def __init__(self, version: int) -> None:
        self._recorder = _Recorder()
        decoder: Any = _BareDecoder(self._recorder, version)  # type: ignore[arg-type]  # a recorder is no Wrapper
        self._handlers: dict[int, Callable[[list[str]], None]] = decoder.handlers

    def decode(self, payload: bytes, arrival_ns: int) -> list[BreadthCall | Undecodable]:
        """The callbacks ib_async would have made; one Undecodable, and none of them, when it fails. Never raises."""
        recorder = self._recorder
        recorder.calls = []
        message_id = int(payload[: payload.find(b"\0")])
        try:
            handler = self._handlers.get(message_id)
            if handler is None:
                raise ValueError("unknown message")
            handler([text(field) for field in split(payload)])
        except Exception as error:  # noqa: BLE001  # the wire can provoke any of them; the frame must not vanish
            return [Undecodable(message_id, payload, f"{type(error).__name__}: {error}", arrival_ns)]
        return [BreadthCall(name, args, arrival_ns) for name, args in recorder.calls]
