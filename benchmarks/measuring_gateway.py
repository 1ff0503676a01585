"""A gateway in a process of its own that sends a quote, waits for the order it causes, and takes the time.

It is the gateway simulator with a market moved by hand: it speaks the whole protocol, so any client can be measured,
and what is timed is the same for all of them: from just before the quote's bytes are written until the order's bytes
have been read, not yet decoded. Prints one JSON line with its port, and one with the nanoseconds of every order.

    python -m benchmarks.measuring_gateway ORDERS PAUSE_MS CPU
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

from algo_trade.clock import SystemClock
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.gateway import Gateway
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.gateway_sim.wire.decode import Decoded

SYMBOL = "SPY"
_LATE_S = 5.0


class Stopwatch:
    """When bytes last came, and when those of an order did."""

    def __init__(self) -> None:
        self.received_ns = 0
        self.order_ns = 0
        self.ordered = asyncio.Event()

    def install(self) -> None:
        """Into the simulator's own classes: a proxy between the two would be measured as well."""
        take, handle = ClientConnection.data_received, Gateway.handle

        def data_received(connection: ClientConnection, data: bytes) -> None:
            self.received_ns = time.perf_counter_ns()
            take(connection, data)

        def handled(gateway: Gateway, connection: ClientConnection, request: Decoded) -> None:
            if request.name == "place_order":
                self.order_ns = self.received_ns
                self.ordered.set()
            handle(gateway, connection, request)

        ClientConnection.data_received = data_received  # type: ignore[method-assign,assignment]  # what is measured is inside
        Gateway.handle = handled  # type: ignore[method-assign,assignment]  # as above


async def measure(orders: int, pause_s: float) -> list[int]:
    """Nanoseconds from quote to order, for each of `orders` quotes in turn."""
    watch = Stopwatch()
    watch.install()
    config = SimulatorConfig(symbols=(SYMBOL,), ack_ms=0.0, fill_ms=0.0, lines=1_000_000)
    simulator = GatewaySimulator(config, clock=SystemClock())
    host, port = await simulator.start()
    print(json.dumps({"host": host, "port": port}), flush=True)
    markets = simulator._markets
    assert markets is not None
    market = markets.of(simulator._catalogue.by_symbol[SYMBOL])
    market.start = lambda: None  # type: ignore[method-assign]  # moved by hand
    gateway = simulator._gateway
    assert gateway is not None
    broadcast = gateway._broadcasts[market.instrument.con_id]
    while not broadcast._ticks:
        await asyncio.sleep(0.01)
    await asyncio.sleep(1.0)
    taken: list[int] = []
    for number in range(orders):
        up = number % 2
        quote = Quote(0, 5_000_000 + 100 * up, 5_000_100 + 100 * up, 1_000 + number, 1_000 + number)
        watch.ordered.clear()
        gateway._on_burst(True)
        market._show(quote)
        began_ns = time.perf_counter_ns()
        gateway._on_burst(False)
        try:
            async with asyncio.timeout(_LATE_S):
                await watch.ordered.wait()
        except TimeoutError:
            raise SystemExit(f"quote {number}: no order within {_LATE_S:g} s") from None
        taken.append(watch.order_ns - began_ns)
        await asyncio.sleep(pause_s)
    return taken


async def main() -> None:
    orders, pause_ms, cpu = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    if cpu >= 0:
        os.sched_setaffinity(0, {cpu})
    taken = await measure(orders, pause_ms / 1000)
    print(json.dumps({"ns": taken}), flush=True)
    await asyncio.sleep(3600)  # the client ends first; then we are


if __name__ == "__main__":
    asyncio.run(main())
