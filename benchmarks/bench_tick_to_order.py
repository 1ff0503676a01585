"""From the bytes of a quote to the bytes of the order it causes, over TCP, in one process.

Ours has everything on: both logs, validation, strategy, risk, journal. It is held against ib_async's own `IB` doing
the same with nothing on (a handler that places a limit order), and against a bare socket that answers each quote with
bytes made before. Two rows of ours: kill-safe (the disk is written but not waited for) and power-safe (waited for).
The gateway is another process on the same core, moved by hand; rounds of all are interleaved.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import ib_async

ROUNDS, ORDERS, WARM, PAUSE_MS = 5, 150, 30, 40.0
CPU = 0
_GATEWAY = Path(__file__).with_name("measuring_gateway.py")


async def with_gateway(client: Callable[[str, int, Awaitable[None]], Awaitable[None]]) -> list[float]:
    """Microseconds of each order, the first ones left out. `client(host, port, until)` trades until `until`."""
    command = [sys.executable, str(_GATEWAY), str(ORDERS + WARM), str(PAUSE_MS), str(CPU)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, limit=2**22)
    assert process.stdout is not None
    try:
        address = json.loads(await process.stdout.readline())
        result = asyncio.ensure_future(process.stdout.readline())
        ended = asyncio.ensure_future(asyncio.wait([result]))
        await client(address["host"], address["port"], ended)  # type: ignore[arg-type]
        taken = json.loads(await result)["ns"]
    finally:
        process.kill()
        await process.wait()
    return [ns / 1000 for ns in taken[WARM:]]


async def ib_async_client(host: str, port: int, until: Awaitable[None]) -> None:
    ib_async.client.Client.MaxRequests = 0
    ib = ib_async.IB()
    await ib.connectAsync(host, port, clientId=7)
    contract = ib_async.Stock("SPY", "SMART", "USD")
    await ib.qualifyContractsAsync(contract)
    ticker = ib.reqTickByTickData(contract, "BidAsk")
    side = ["BUY"]

    def on_tick(ticker: Any) -> None:
        for tick in ticker.tickByTicks:
            price = tick.askPrice if side[0] == "BUY" else tick.bidPrice
            order = ib_async.LimitOrder(side[0], 1, price, tif="IOC", account="DSIM001", orderRef="bench")
            ib.placeOrder(contract, order)
            side[0] = "SELL" if side[0] == "BUY" else "BUY"

    # The quote that stands when we subscribe is not one of those that are timed.
    await asyncio.sleep(0.3)
    ticker.updateEvent += on_tick
    await until
    ib.disconnect()


if __name__ == "__main__":
    os.sched_setaffinity(0, {CPU})
    us = asyncio.run(with_gateway(ib_async_client))
    print(statistics.median(us), min(us), sorted(us)[int(len(us) * 0.99)])
