"""Mutated frames against a running simulator: `make fuzz-wire`, a million of them.

Every round is a simulator of its own in virtual time, on the in-memory network, and some strangers that send what
`frames` makes. Foreseen is that a frame is answered, or ends its connection. Anything else ends the run with 1: an
error in the log, an exception nobody caught, an honest client that is not answered as before, memory that grows.

    python -m tests.gateway_sim.fuzz_wire --frames 1000000 --seed 1
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import resource
import sys
from collections import Counter
from typing import Any

from tests.gateway_sim.frames import VERSIONS, mutated
from tests.gateway_sim.wire_client import WireClient

from algo_trade.clock import VIRTUAL_START_NS, Clock, rng, run_virtual
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig
from algo_trade.gateway_sim.wire.framing import frame, message

STRANGERS, FRAMES_A_ROUND, FRAMES_A_SESSION, FRAMES_A_SECOND = 8, 5_000, 300, 40
# The peak of the whole process: a round holds some 20 MB, and no round may leave anything behind.
MAX_GROWTH_BYTES = 200 * 1024 * 1024


logger = logging.getLogger("fuzz_wire")


class Stranger(asyncio.Protocol):
    """Reads whatever comes and counts it."""

    def __init__(self, counts: Counter[str]) -> None:
        self.counts = counts
        self.closed = False
        self._buffer = bytearray()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 4:
            end = 4 + int.from_bytes(self._buffer[:4], "big")
            if len(self._buffer) < end:
                return
            fields = bytes(self._buffer[4:end]).split(b"\0", 4)
            is_error = fields[0] == b"4" and len(fields) > 3
            self.counts[f"error {fields[3].decode()}" if is_error else "other answers"] += 1
            del self._buffer[:end]

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True


class Watch(logging.Handler):
    """Everything that was not foreseen."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))

    def uncaught(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        record = logging.LogRecord("loop", logging.ERROR, "", 0, context["message"], None, None)
        record.exc_info = (type(error), error, error.__traceback__) if error is not None else None
        self.emit(record)


async def session(
    address: tuple[str, int], generator: random.Random, frames: int, counts: Counter[str]
) -> int:
    """One stranger, from its greeting to its end; returns how many frames it sent."""
    _, stranger = await asyncio.get_running_loop().create_connection(lambda: Stranger(counts), *address)
    version = generator.choice(VERSIONS)
    hello = b"API\0" + frame(b"v100..%d" % version)
    start = message(71, 2, generator.randrange(1, 1_000_000), "")
    if not generator.randrange(50):  # now and then not even that is right
        hello = bytes(byte ^ (1 << generator.randrange(8)) for byte in hello[:12]) + hello[12:]
    stranger.transport.write(hello)
    await asyncio.sleep(0.01)
    if generator.randrange(50):
        stranger.transport.write(start)
    await asyncio.sleep(0.01)
    sent = 0
    floods = not generator.randrange(40)
    while sent < frames and not stranger.closed:
        count = min(frames - sent, 10 * FRAMES_A_SECOND if floods else FRAMES_A_SECOND)
        stranger.transport.write(b"".join(mutated(version, generator, sent + at + 1) for at in range(count)))
        sent += count
        await asyncio.sleep(1.1)
    counts["sessions ended by the simulator"] += stranger.closed
    counts["sessions ended by the stranger"] += not stranger.closed
    stranger.transport.abort()
    return sent


async def one_round(clock: Clock, seed: int, frames: int, counts: Counter[str], watch: Watch) -> int:
    """Strangers until so many frames were sent; the honest client that came first is answered to the end."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(watch.uncaught)
    config = SimulatorConfig(seed=seed, market_open_ns=VIRTUAL_START_NS)
    async with GatewaySimulator(config, clock=clock) as simulator:
        honest = await WireClient.open(*simulator.address, client_id=1_000_001)
        sent = 0

        async def stranger(name: int) -> None:
            nonlocal sent
            generator = rng(seed, "fuzz", str(name))
            while sent < frames:
                size = generator.randint(1, FRAMES_A_SESSION)
                sent_here = await session(simulator.address, generator, size, counts)
                sent += sent_here

        await asyncio.gather(*(stranger(name) for name in range(STRANGERS)))
        if [fields[0] for fields in await honest.ask(49, 1, wait=0.1)][-1:] != ["49"]:
            watch.found.append(f"round {seed}: the honest client got no answer")
        late = await WireClient.open(*simulator.address, client_id=1_000_002)
        if not late.of(9):
            watch.found.append(f"round {seed}: a new client got no greeting")
        honest.close()
        late.close()
    return sent


def fuzz(frames: int, seed: int) -> tuple[int, Counter[str], list[str]]:
    """So many frames, in rounds: how many were sent, what came of them, and what was not foreseen."""
    counts: Counter[str] = Counter()
    watch = Watch()
    logging.getLogger().addHandler(watch)
    sent, number, peak_after_first = 0, 0, 0
    try:
        while sent < frames and not watch.found:
            size = min(FRAMES_A_ROUND, frames - sent)
            round_seed = seed * 1_000_000 + number
            sent += run_virtual(lambda clock: one_round(clock, round_seed, size, counts, watch))  # noqa: B023  # run at once
            number += 1
            logger.info("%d frames sent", sent)
            peak_after_first = peak_after_first or _peak_bytes()
    finally:
        logging.getLogger().removeHandler(watch)
    growth = _peak_bytes() - peak_after_first
    if growth > MAX_GROWTH_BYTES:
        watch.found.append(f"the peak grew by {growth:,} bytes after the first round")
    counts["rounds"] = number
    return sent, counts, watch.found


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("algo_trade").setLevel(logging.ERROR)
    logger.setLevel(logging.INFO)
    sent, counts, found = fuzz(arguments.frames, arguments.seed)
    lines = [f"{sent:,} frames sent, seed {arguments.seed}, peak memory {_peak_bytes() / 1e6:,.0f} MB"]
    lines += [f"  {count:>10,}  {name}" for name, count in counts.most_common()]
    lines += [f"NOT FORESEEN: {text}" for text in found]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
