"""The gateway simulator under load: 32 clients that each get 100 quotes a second, and a recorded day of 500,000 quotes.

Delivery is from the moment a quote is made in the gateway's process until its bytes are read in this one, on the same
host clock; the quote's number is its bid size. Memory is the peak of a whole process that has loaded the day and
serves it, the loading included.
"""

from __future__ import annotations

import json
import re
import selectors
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measuring import Wire, contract, frame, percentiles, serving, spread, verdict

CLIENTS, QUOTES, PER_S = 32, 1_000, 100
ROUNDS, ROWS = 3, 500_000
DELIVERY_GOAL_MS, MEMORY_GOAL_MB = 20.0, 300.0
_QUOTE = re.compile(rb"99\x007\x003\x00\d+\x00[\d.]+\x00[\d.]+\x00(\d+)\x00")


def deliveries_ms() -> list[float]:
    """One round: every quote at every client."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.quoting_gateway", str(QUOTES), str(PER_S), str(CLIENTS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())
        wires = [Wire(address["host"], address["port"], number) for number in range(1, CLIENTS + 1)]
        selector = selectors.DefaultSelector()
        for wire in wires:
            selector.register(wire.socket, selectors.EVENT_READ)
            wire.socket.sendall(frame(97, 7, *contract("SPY"), "BidAsk", 0, 0))
        received: list[tuple[int, int]] = []
        while len(received) < CLIENTS * QUOTES:
            ready = selector.select(timeout=10)
            assert ready, f"silence after {len(received)} quotes"
            for key, _ in ready:
                data = key.fileobj.recv(65_536)  # type: ignore[union-attr]  # it is a socket
                now_ns = time.monotonic_ns()
                received += [(int(number), now_ns) for number in _QUOTE.findall(data)]
        made_ns = json.loads(process.stdout.readline())["ns"]
        for wire in wires:
            wire.socket.close()
        process.kill()
    return [(now_ns - made_ns[number - 1]) / 1e6 for number, now_ns in received]


def day_of_quotes(path: Path) -> None:
    rows = (
        f"{5_000_100 + at % 700},{100 + at % 900},{5_000_000 + at % 700},{100 + at % 800},{at * 46_800_000}"
        for at in range(ROWS)
    )
    path.write_text("\n".join(["ask_price,ask_volume,bid_price,bid_volume,time_ns", *rows]) + "\n")


def peak_mb(path: Path) -> float:
    """Of a process that loads the day and plays it to a subscriber."""
    arguments = (
        "-m",
        "benchmarks.quoting_gateway",
        "--day",
        str(path),
    )
    with serving(*arguments) as (host, port):
        wire = Wire(host, port)
        wire.send(97, 7, *contract("SPY"), "BidAsk", 0, 0)
        for _ in range(100):
            wire.frame_starting(b"99\0")
        wire.send(49, 1)
        return int(wire.frame_starting(b"49\0").split(b"\0")[2]) / 1024


def main() -> None:
    delays = [delay for _ in range(ROUNDS) for delay in deliveries_ms()]
    p99 = sorted(delays)[int(len(delays) * 0.99)]
    print(f"{CLIENTS} clients, {PER_S} quotes/s each, made → bytes received, n = {len(delays):,}")
    print(f"  delivery   {percentiles(delays, 'ms')}; p99 {verdict(p99, DELIVERY_GOAL_MS, at_most=True)}")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "day.csv"
        day_of_quotes(path)
        peaks = [peak_mb(path) for _ in range(ROUNDS)]
    print(f"a recorded day of {ROWS:,} quotes, peak of the whole process that loads and serves it")
    print(f"  memory     {spread(peaks, 'MB')}; {verdict(max(peaks), MEMORY_GOAL_MB, at_most=True)}")


if __name__ == "__main__":
    main()
