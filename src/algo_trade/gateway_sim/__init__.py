"""The gateway simulator: a server that speaks the TWS protocol, so that an unmodified client can trade against it.

It never imports the gateway client: the two meet on the wire only, which is what makes each a test of the other.
"""

from algo_trade.gateway_sim.config import SimulatorConfig
from algo_trade.gateway_sim.errors import (
    QuotesFileError,
    RequestError,
    SimulatorError,
    SimulatorStateError,
    WireError,
)
from algo_trade.gateway_sim.recorded_quotes import (
    RecordedQuotes,
    load_recorded_quotes,
    write_recorded_quotes,
)
from algo_trade.gateway_sim.serve import serve
from algo_trade.gateway_sim.simulator import GatewaySimulator

__all__ = [
    "GatewaySimulator",
    "QuotesFileError",
    "RecordedQuotes",
    "RequestError",
    "SimulatorConfig",
    "SimulatorError",
    "SimulatorStateError",
    "WireError",
    "load_recorded_quotes",
    "serve",
    "write_recorded_quotes",
]
