"""From the bytes of a quote to the bytes of the order it causes, over TCP, in one process.

Ours has everything on: logs, validation, strategy, risk, journal. It is held against ib_async's own `IB` doing the
same with nothing on (a handler that places a limit order), and against a bare socket that answers each quote with
bytes made beforehand. Two rows of ours: kill-safe (the disk is written but not waited for) and power-safe (waited
for). The gateway is another process on the same core, moved by hand; the rounds of all four are interleaved.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import ib_async
from benchmarks.bench_simulator import order_frame
from benchmarks.measuring import Wire, contract, frame, percentiles, pin, spread, verdict
from benchmarks.pinging_session import pinging_session

from algo_trade.ibkr.encoder import Encoder

ROUNDS, ORDERS, WARM, PAUSE_MS = 5, 100, 30, 25.0
CPU = min(os.sched_getaffinity(0))
KILL_SAFE_GOAL = 0.5
COMMITS = 50
_IB_ASYNC_SETTLES_S = 0.3

Client = Callable[[str, int, Awaitable[None]], Awaitable[None]]


async def with_gateway(client: Client) -> list[float]:
    """Microseconds of each order, the first ones left out. `client(host, port, until)` trades until `until`."""
    gateway = ("-m", "benchmarks.measuring_gateway", str(ORDERS + WARM), str(PAUSE_MS), str(CPU))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *gateway, stdout=asyncio.subprocess.PIPE, limit=2**22
    )
    assert process.stdout is not None
    try:
        address = json.loads(await process.stdout.readline())
        result = asyncio.ensure_future(process.stdout.readline())
        await client(address["host"], address["port"], _done(result))
        line = await result
        if not line:
            raise RuntimeError("the gateway gave up: an order did not come")
        taken = json.loads(line)["ns"]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    return [ns / 1000 for ns in taken[WARM:]]


async def _done(result: asyncio.Future[bytes]) -> None:
    await asyncio.wait([result])


async def ib_async_client(host: str, port: int, until: Awaitable[None]) -> None:
    ib_async.client.Client.MaxRequests = 0
    ib = ib_async.IB()
    await ib.connectAsync(host, port, clientId=7)
    stock = ib_async.Stock("SPY", "SMART", "USD")
    await ib.qualifyContractsAsync(stock)
    ticker = ib.reqTickByTickData(stock, "BidAsk")
    side = ["BUY"]

    def on_tick(ticker: Any) -> None:
        for tick in ticker.tickByTicks:
            price = tick.askPrice if side[0] == "BUY" else tick.bidPrice
            order = ib_async.LimitOrder(side[0], 1, price, tif="IOC", account="DSIM001", orderRef="bench")
            ib.placeOrder(stock, order)
            side[0] = "SELL" if side[0] == "BUY" else "BUY"

    # The quote that stands when we subscribe is not one of those that are timed.
    await asyncio.sleep(_IB_ASYNC_SETTLES_S)
    ticker.updateEvent += on_tick
    await until
    ib.disconnect()


async def bare_client(host: str, port: int, until: Awaitable[None]) -> None:
    """Nothing is read of a quote but that it is one."""
    loop = asyncio.get_running_loop()
    wire = await loop.run_in_executor(None, Wire, host, port)
    wire.socket.sendall(frame(97, 7, *contract("SPY"), "BidAsk", 0, 0))
    wire.socket.settimeout(None)
    encoder = Encoder(1, 178)
    orders = [order_frame(encoder, order_id) for order_id in range(1, ORDERS + WARM + 2)]

    def trade() -> None:
        for order in orders:
            try:
                wire.frame_starting(b"99\0")
            except OSError:
                return
            wire.socket.sendall(order)

    trading = loop.run_in_executor(None, trade)
    await until
    wire.socket.shutdown(2)
    await trading


def commits_us() -> tuple[list[float], list[float]]:
    """What the disk takes here for one appended intent, and for one journal mark: microseconds each."""
    row = b"x" * 700
    appends, marks = [], []
    with tempfile.TemporaryDirectory() as place:
        database = sqlite3.connect(Path(place) / "marks.db", isolation_level=None)
        database.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE marks(row BLOB)"
        )
        with (Path(place) / "ahead").open("ab", buffering=0) as ahead:
            for _ in range(COMMITS):
                began = time.perf_counter_ns()
                ahead.write(row)
                os.fdatasync(ahead.fileno())
                middle = time.perf_counter_ns()
                database.execute("INSERT INTO marks VALUES (?)", (row,))
                appends.append((middle - began) / 1000)
                marks.append((time.perf_counter_ns() - middle) / 1000)
                time.sleep(PAUSE_MS / 1000)
        database.close()
    return appends, marks


def main() -> None:
    pin(CPU)
    clients: dict[str, Client] = {
        "kill-safe": partial(pinging_session, synchronous="normal"),
        "power-safe": partial(pinging_session, synchronous="full"),
        "ib_async": ib_async_client,
        "bare socket": bare_client,
    }
    taken: dict[str, list[float]] = {name: [] for name in clients}
    ratios: dict[str, list[float]] = {"kill-safe": [], "power-safe": []}
    for _ in range(ROUNDS):
        p50 = {}
        for name, client in clients.items():
            us = asyncio.run(with_gateway(client))
            taken[name] += us
            p50[name] = statistics.median(us)
        appends, marks = commits_us()
        budget = p50["ib_async"] + statistics.median(appends) + statistics.median(marks)
        ratios["kill-safe"].append(p50["kill-safe"] / p50["ib_async"])
        ratios["power-safe"].append(p50["power-safe"] / budget)
    print(f"quote bytes in → order bytes out, {ROUNDS} rounds of {ORDERS}, a quote every {PAUSE_MS:g} ms")
    for name, us in taken.items():
        print(f"  {name:<11} {percentiles(us, 'us')}, n = {len(us)}")
    print(f"  commits     append {percentiles(appends, 'us')}; mark {percentiles(marks, 'us')}, last round")
    kill, power = ratios["kill-safe"], ratios["power-safe"]
    print(
        f"  kill-safe / ib_async              {spread(kill, 'x')}; "
        f"{verdict(statistics.median(kill), KILL_SAFE_GOAL, at_most=True)}"
    )
    print(
        f"  power-safe / (ib_async + commits) {spread(power, 'x')}; "
        f"{verdict(statistics.median(power), 1.0, at_most=True)}"
    )


if __name__ == "__main__":
    main()
