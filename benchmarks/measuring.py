"""What the benchmarks share: spreads, goals, a blocking TWS client, and a process that serves until it is stopped."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def spread(values: Sequence[float], unit: str) -> str:
    """Median, extremes and n of rounds."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"median {middle:,.2f} {unit} (min {low:,.2f}, max {high:,.2f}, n = {len(values)})"


def percentiles(values: Sequence[float], unit: str) -> str:
    """p50 and p99 of single observations."""
    ordered = sorted(values)
    return (
        f"p50 {ordered[len(ordered) // 2]:,.1f} {unit}, p99 {ordered[int(len(ordered) * 0.99)]:,.1f} {unit}"
    )


def verdict(value: float, goal: float, *, at_most: bool) -> str:
    """Whether a median meets its goal, as words."""
    met = value <= goal if at_most else value >= goal
    return f"goal {'<=' if at_most else '>='} {goal:g}: {'met' if met else 'MISSED'}"


def pin(cpu: int) -> None:
    """Both ends of a loopback on one core, or placement alone moves a round trip fourfold."""
    os.sched_setaffinity(0, {cpu})


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, int]]:
    """A Python process that prints {"host": ..., "port": ...} and serves; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        address = json.loads(process.stdout.readline())
        yield address["host"], address["port"]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# A benchmark that hears nothing for so long has failed.
_SILENCE_S = 10.0


class Wire:
    """A TWS client as bare as can be: a blocking socket, frames in, frames out."""

    def __init__(self, host: str, port: int, client_id: int = 1) -> None:
        self.socket = socket.create_connection((host, port), timeout=_SILENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        hello = b"v157..178"
        self.socket.sendall(b"API\0" + len(hello).to_bytes(4, "big") + hello)
        self.frame()
        self.send(71, 2, client_id, "")
        while not self.frame().startswith(b"9\0"):
            pass

    def send(self, *fields: object) -> None:
        self.socket.sendall(frame(*fields))

    def frame(self) -> bytes:
        """The next message's payload."""
        while True:
            if len(self._buffer) >= 4:
                end = 4 + int.from_bytes(self._buffer[:4], "big")
                if len(self._buffer) >= end:
                    payload, self._buffer = self._buffer[4:end], self._buffer[end:]
                    return payload
            data = self.socket.recv(65_536)
            if not data:
                raise ConnectionError("the gateway hung up")
            self._buffer += data

    def frame_starting(self, start: bytes) -> bytes:
        while not (payload := self.frame()).startswith(start):
            pass
        return payload


def frame(*fields: object) -> bytes:
    payload = "".join(f"{field}\0" for field in fields).encode()
    return len(payload).to_bytes(4, "big") + payload


def contract(symbol: str) -> tuple[object, ...]:
    """The twelve fields of a US stock."""
    return (0, symbol, "STK", "", 0.0, "", "", "SMART", "", "USD", "", "")
