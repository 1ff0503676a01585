"""Faults between the gateway and a client: rules for whole frames, in a transport that stands before the real one.

It is put there when the first rule is armed and taken away with the last, so that frames nobody meddles with are
written straight to the socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

# What a client is owed while nothing is sent must not eat the machine.
MAX_HELD_BYTES = 16 * 1024 * 1024
_LOSSY_MULTIPLE = 4096

# Market data nobody asks for anew: ticks of all kinds, depth, five-second bars, and bars kept up to date.
MARKET_DATA = frozenset(map(str, (1, 2, 12, 13, 21, 45, 46, 50, 90, 99)))
# Answers of the historical data farm (history, schedules, head timestamps, histograms, ticks), and its streams.
HISTORY = frozenset(map(str, (17, 88, 89, 96, 97, 98, 106, 108)))
_HISTORY_STREAMS = frozenset(map(str, (50, 90)))
_EXECUTION, _STATUS, _OPEN_ORDER, _COMMISSION, _ERROR = "11", "3", "5", "59", "4"
CALLBACKS = {"execution": _EXECUTION, "status": _STATUS, "commission": _COMMISSION}
_UNASKED = "-1"


Judge = Callable[[Sequence[str]], int]


class Hold(Exception):
    """Raised by a rule: this frame and those after it that the rule holds are kept until the rule ends."""


@dataclass(slots=True, eq=False)
class Rule:
    """What happens to some frames. `judge(fields)` is how often a frame is written, or raises Hold.

    `client` None means every client; `left` counts down with each frame taken, None means until it is ended.
    """

    judge: Judge
    client: int | None = None
    left: int | None = None

    def applies_to(self, client_id: int) -> bool:
        return self.client is None or self.client == client_id


def fields_of(frame: bytes) -> list[str]:
    return frame[4:].decode("utf-8", "surrogateescape").split("\0")


def is_callback(fields: Sequence[str], what: str) -> bool:
    """Whether this is a callback of the kind that nobody asked for."""
    return fields[0] == CALLBACKS[what] and (what != "execution" or fields[1] == _UNASKED)


def hold_all(_fields: Sequence[str]) -> int:
    raise Hold


def _says_ok(fields: Sequence[str], *codes: str) -> bool:
    return fields[0] == _ERROR and fields[3] in codes


def without_broker(fields: Sequence[str]) -> int:
    """1100: no market data, no farm that is OK, and what is told about orders waits."""
    if fields[0] in MARKET_DATA or _says_ok(fields, "2104", "2106", "2158"):
        return 0
    is_order = fields[0] in {_STATUS, _OPEN_ORDER, _COMMISSION} or is_callback(fields, "execution")
    if is_order or (fields[0] == _ERROR and fields[2] != _UNASKED):
        raise Hold
    return 1


def without_market_data(fields: Sequence[str]) -> int:
    return 0 if fields[0] in MARKET_DATA or _says_ok(fields, "2104") else 1


def without_history(fields: Sequence[str]) -> int:
    if fields[0] in HISTORY:
        raise Hold
    return 0 if fields[0] in _HISTORY_STREAMS or _says_ok(fields, "2106") else 1


class FaultyWire:
    """Takes the place of a transport; whatever it does not meddle with is the transport's own."""

    def __init__(self, transport: asyncio.Transport, used_up: Callable[[Rule], None]) -> None:
        self.transport = transport
        self.rules: list[Rule] = []
        self._used_up = used_up
        self._unfinished = bytearray()
        self._held: list[tuple[Rule, bytes]] = []
        self._held_bytes = 0
        self._hears = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def hear(self, hears: bool) -> None:
        """Whether anything is read."""
        if hears != self._hears:
            self._hears = hears
            (self.transport.resume_reading if hears else self.transport.pause_reading)()

    def resume_reading(self) -> None:
        """The connection has handled what it had: that does not end a silence."""
        if self._hears:
            self.transport.resume_reading()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._unfinished += data
        out = b"".join(part for frame in self._frames() for part in self._passed(frame))
        self._send(out)

    def writelines(self, parts: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(parts))

    def release(self, rule: Rule) -> None:
        """The rule has ended: what it held is written, in its order, unless another rule holds it."""
        held, self._held, self._held_bytes = self._held, [], 0
        out = []
        for holder, frame in held:
            out += self._passed(frame) if holder is rule else self._keep(holder, frame)
        self._send(b"".join(out))

    def _frames(self) -> Iterable[bytes]:
        """Whole frames: the connection may write one in two parts."""
        while len(self._unfinished) >= 4:
            end = 4 + int.from_bytes(self._unfinished[:4], "big")
            if len(self._unfinished) < end:
                return
            frame = bytes(self._unfinished[:end])
            del self._unfinished[:end]
            yield frame

    def _passed(self, frame: bytes) -> list[bytes]:
        fields = fields_of(frame)
        copies = 1
        for rule in self.rules:
            if rule.left == 0:
                continue
            try:
                times = rule.judge(fields)
            except Hold:
                return self._keep(rule, frame)
            if times != 1 and rule.left is not None:
                rule.left -= 1
                if not rule.left:
                    self._used_up(rule)
            copies *= times
        return [frame] * copies

    def _keep(self, rule: Rule, frame: bytes) -> list[bytes]:
        self._held.append((rule, frame))
        self._held_bytes += len(frame)
        if self._held_bytes > MAX_HELD_BYTES:
            self._held.clear()
            self.transport.abort()
        return []

    def _send(self, data: bytes) -> None:
        if data and len(data) % _LOSSY_MULTIPLE == 0:
            self.transport.write(data[:-1])
            data = data[-1:]
        if data:
            self.transport.write(data)
