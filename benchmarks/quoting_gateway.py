"""A gateway simulator in a process of its own, for `bench_simulator_load`.

python -m benchmarks.quoting_gateway QUOTES PER_S CLIENTS    a market moved by hand; prints when each quote was made
python -m benchmarks.quoting_gateway --day PATH              a recorded day; current time answers its peak in KB
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from algo_trade.clock import SystemClock
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.gateway import Gateway
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded


async def move(quotes: int, per_s: float, clients: int) -> None:
    """Wait for all clients, then show the quotes at their pace."""
    simulator = GatewaySimulator(SimulatorConfig(symbols=("SPY",)), clock=SystemClock())
    host, port = await simulator.start()
    markets, gateway = simulator._markets, simulator._gateway
    assert markets is not None
    assert gateway is not None
    market = markets.of(simulator._catalogue.by_symbol["SPY"])
    market.start = lambda: None  # type: ignore[method-assign]  # moved by hand
    print(json.dumps({"host": host, "port": port}), flush=True)
    broadcast = gateway._broadcasts[market.instrument.con_id]
    while len(broadcast._ticks) < clients:
        await asyncio.sleep(0.01)
    made_ns, loop = [], asyncio.get_running_loop()
    began_s = loop.time() + 0.2
    for number in range(quotes):
        await asyncio.sleep(max(0.0, began_s + number / per_s - loop.time()))
        made_ns.append(time.monotonic_ns())
        market._show(Quote(0, 5_000_000 + number % 7, 5_000_100 + number % 7, 1 + number, 100))
    print(json.dumps({"ns": made_ns}), flush=True)
    await asyncio.sleep(3600)  # killed by whoever measures


async def play(path: Path) -> None:
    def peak(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
        client.reply(replies.CURRENT_TIME, time=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    config = SimulatorConfig(symbols=(), quotes={"SPY": path}, speed=100.0)
    simulator = GatewaySimulator(config, clock=SystemClock())
    host, port = await simulator.start()
    assert simulator._gateway is not None
    simulator._gateway._handlers = {**simulator._gateway._handlers, "current_time": peak}
    print(json.dumps({"host": host, "port": port}), flush=True)
    await asyncio.sleep(3600)


if __name__ == "__main__":
    if sys.argv[1] == "--day":
        asyncio.run(play(Path(sys.argv[2])))
    else:
        asyncio.run(move(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
