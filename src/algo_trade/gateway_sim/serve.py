"""Run a simulator until somebody stops it: what `algotrade sim serve` does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from algo_trade.clock import Clock
from algo_trade.gateway_sim.config import SimulatorConfig
from algo_trade.gateway_sim.simulator import GatewaySimulator


async def serve(
    config: SimulatorConfig, host: str, port: int, clock: Clock, ready: Callable[[str, int], None]
) -> None:
    """Serve until cancelled. `ready(host, port)` is called once, when clients can connect.

    Raises QuotesFileError and SimulatorStateError before that, OSError when the port cannot be had.
    """
    simulator = GatewaySimulator(config, clock=clock)
    try:
        bound_host, bound_port = await simulator.start(host, port)
        ready(bound_host, bound_port)
        await asyncio.get_running_loop().create_future()
    finally:
        await simulator.stop()
