"""Run a simulator until somebody stops it: what `algotrade sim serve` does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from algo_trade.clock import Clock
from algo_trade.gateway_sim.config import SimulatorConfig
from algo_trade.gateway_sim.control import ControlPort
from algo_trade.gateway_sim.simulator import GatewaySimulator

_CONTROL_HOST = "127.0.0.1"


async def serve(
    config: SimulatorConfig,
    host: str,
    port: int,
    clock: Clock,
    ready: Callable[[str, int], None],
    *,
    control_port: int | None = None,
    control_ready: Callable[[str, int], None] = lambda _host, _port: None,
) -> None:
    """Serve until cancelled. `ready(host, port)` is called once, when clients can connect.

    With a `control_port` (0 takes a free one) there is also a control port on this machine, and `control_ready` is
    called with where it is, before `ready`. Raises QuotesFileError and SimulatorStateError before that, OSError when
    a port cannot be had.
    """
    simulator = GatewaySimulator(config, clock=clock)
    control = ControlPort(simulator)
    try:
        bound_host, bound_port = await simulator.start(host, port)
        if control_port is not None:
            control_ready(*await control.start(_CONTROL_HOST, control_port))
        ready(bound_host, bound_port)
        await asyncio.get_running_loop().create_future()
    finally:
        await control.stop()
        await simulator.stop()
