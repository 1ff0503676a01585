"""Bytes in, frames out.

A frame is a 4-byte big-endian length and that many bytes. Nothing marks where a frame starts, so after one
wrong length every later byte is meaningless: the only safe answer is to end the connection. What arrived
before is still good and travels with the error.

The buffer is walked by offset and cut once a feed, so the work is linear in the bytes received, however they
were split; and a length is checked before a byte of its payload is kept, so memory is bounded.
"""

from __future__ import annotations

from struct import Struct

from algo_trade.ibkr.errors import FramingError

# The largest message IBKR's own clients accept.
MAX_FRAME_BYTES = 0xFFFFFF

_LENGTH = Struct(">I")
PREFIX_BYTES = 4


def frame(payload: bytes) -> bytes:
    """The payload with its length in front."""
    return _LENGTH.pack(len(payload)) + payload


class FrameReader:
    """Cuts one connection's bytes into payloads."""

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._rest = bytearray()
        self._wanted = PREFIX_BYTES  # bytes that must be there before looking again is worth it
        self._broken: str | None = None

    @property
    def pending_bytes(self) -> int:
        """Bytes held back because their frame is not complete."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that `data` completes. Raises FramingError, again on every later call."""
        if self._broken is not None:
            raise FramingError(self._broken, [])
        rest = self._rest
        if not rest:
            return self._cut(data)
        rest += data
        if len(rest) < self._wanted:
            return []
        whole = bytes(rest)
        rest.clear()
        return self._cut(whole)

    def _cut(self, data: bytes) -> list[bytes]:
        frames: list[bytes] = []
        at, end, unpack = 0, len(data), _LENGTH.unpack_from
        while end - at >= PREFIX_BYTES:
            (length,) = unpack(data, at)
            if not 0 < length <= self._max_frame_bytes:
                self._broken = f"frame length {length} (allowed: 1 to {self._max_frame_bytes})"
                raise FramingError(self._broken, frames)
            stop = at + PREFIX_BYTES + length
            if stop > end:
                self._keep(data, at, stop - at)
                return frames
            frames.append(data[at + PREFIX_BYTES : stop])
            at = stop
        self._keep(data, at, PREFIX_BYTES)
        return frames

    def _keep(self, data: bytes, at: int, wanted: int) -> None:
        self._rest += data[at:]
        self._wanted = wanted
