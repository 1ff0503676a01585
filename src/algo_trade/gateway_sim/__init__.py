"""The gateway simulator: a server that speaks the TWS protocol, so that an unmodified client can trade against it.

It never imports the gateway client: the two meet on the wire only, which is what makes each a test of the other.
"""

from algo_trade.gateway_sim.catalogue_file import Listing, load_listing
from algo_trade.gateway_sim.config import SimulatorConfig
from algo_trade.gateway_sim.errors import (
    CatalogueError,
    HaltError,
    QuotesFileError,
    RequestError,
    SimulatorError,
    SimulatorStateError,
    WireError,
)
from algo_trade.gateway_sim.halts import ScheduledHalt, check_halts, parse_halt
from algo_trade.gateway_sim.recorded_quotes import (
    RecordedQuotes,
    load_recorded_quotes,
    write_recorded_quotes,
)
from algo_trade.gateway_sim.recording import Recording, load_recording
from algo_trade.gateway_sim.serve import serve
from algo_trade.gateway_sim.simulator import GatewaySimulator
from algo_trade.gateway_sim.ticket import Ticket

__all__ = [
    "CatalogueError",
    "GatewaySimulator",
    "HaltError",
    "Listing",
    "QuotesFileError",
    "RecordedQuotes",
    "Recording",
    "RequestError",
    "ScheduledHalt",
    "SimulatorConfig",
    "SimulatorError",
    "SimulatorStateError",
    "Ticket",
    "WireError",
    "check_halts",
    "load_listing",
    "load_recorded_quotes",
    "load_recording",
    "parse_halt",
    "serve",
    "write_recorded_quotes",
]
