"""Length-prefixed frames: bytes in, payloads out.

A frame is a four-byte big-endian length and that many bytes. The length comes from a stranger, so it is judged
before anything is set aside for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from algo_trade.gateway_sim.errors import WireError
from algo_trade.gateway_sim.limits import MAX_FRAME_BYTES

API_PREFIX = b"API\0"


def frame(payload: bytes) -> bytes:
    """The payload with its length in front."""
    return len(payload).to_bytes(4, "big") + payload


def message(*fields: object) -> bytes:
    """A frame of NUL-terminated fields. Text keeps bytes that are not UTF-8 as they came in."""
    text = "\0".join(map(str, fields)) + "\0"
    return frame(text.encode("utf-8", "surrogateescape"))


def split_fields(payload: bytes) -> list[str]:
    """The fields of a payload; a last field without its NUL counts (the handshake sends one)."""
    fields = payload.decode("utf-8", "surrogateescape").split("\0")
    if fields[-1] == "":
        fields.pop()
    return fields


class FrameReader:
    """Cuts a byte stream into payloads.

    `feed` raises WireError at the first bad length or missing greeting; the connection is beyond repair then.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._greeted = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Payloads completed by `data`, in order."""
        self._buffer += data
        if not self._greeted and not self._take_greeting():
            return
        start = 0
        try:
            while len(self._buffer) - start >= 4:
                length = int.from_bytes(self._buffer[start : start + 4], "big")
                if not 0 < length <= MAX_FRAME_BYTES:
                    raise WireError(f"frame length {length} is not between 1 and {MAX_FRAME_BYTES}")
                end = start + 4 + length
                if len(self._buffer) < end:
                    return
                payload = bytes(self._buffer[start + 4 : end])
                start = end
                yield payload
        finally:
            del self._buffer[:start]

    def _take_greeting(self) -> bool:
        seen = bytes(self._buffer[: len(API_PREFIX)])
        if not API_PREFIX.startswith(seen):
            raise WireError(f"connection does not start with API\\0 but with {seen!r}")
        if len(seen) < len(API_PREFIX):
            return False
        del self._buffer[: len(API_PREFIX)]
        self._greeted = True
        return True
