"""For the tests of programs that trade through a TWS client: a simulated gateway that synchronous code can use.

    with RunningSimulator(SimulatorConfig(seed=7)) as gateway:
        ib.connect(gateway.host, gateway.port, clientId=1)

With pytest the fixtures `gateway_simulator` and `make_gateway_simulator` do this (`plugin`). Asynchronous code may use
`algo_trade.gateway_sim.GatewaySimulator` on its own loop instead. Everything is loaded when it is first used, so that
a test run that uses nothing of this pays nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from algo_trade.testing.running import RunningSimulator as RunningSimulator

__all__ = ["RunningSimulator"]


def __getattr__(name: str) -> object:
    if name == "RunningSimulator":
        from algo_trade.testing.running import RunningSimulator

        return RunningSimulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
