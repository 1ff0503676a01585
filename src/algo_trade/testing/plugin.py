"""The pytest plug-in: a simulated gateway for each test that asks for one. It comes with the package, unasked, so it
imports nothing until a fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from algo_trade.testing.running import RunningSimulator


@pytest.fixture
def make_gateway_simulator() -> Iterator[Callable[..., RunningSimulator]]:
    """Makes gateways: `make_gateway_simulator(seed=7, symbols=("SPY",))` takes what SimulatorConfig takes.

    All of them are stopped when the test is over.
    """
    from algo_trade.gateway_sim import SimulatorConfig
    from algo_trade.testing.running import RunningSimulator

    made: list[RunningSimulator] = []

    def make(**settings: Any) -> RunningSimulator:
        simulator = RunningSimulator(SimulatorConfig(**{"ack_ms": 1.0, "fill_ms": 1.0, **settings}))
        made.append(simulator)
        return simulator

    yield make
    for simulator in made:
        simulator.stop()


@pytest.fixture
def gateway_simulator(make_gateway_simulator: Callable[..., RunningSimulator]) -> RunningSimulator:
    """A simulated gateway with the default market, on `host` and `port`, until the test is over."""
    return make_gateway_simulator()
