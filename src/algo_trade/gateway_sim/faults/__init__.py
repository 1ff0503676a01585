"""What can be made to go wrong: `table` has what there is, `wire` what happens to frames, `engine` runs it."""

from algo_trade.gateway_sim.faults.engine import FaultRefused, Faults
from algo_trade.gateway_sim.faults.table import (
    ConnectivityLost,
    CorrectExecution,
    DelayAcks,
    Drop,
    DuplicateExecution,
    FarmBroken,
    Fault,
    LoseNext,
    RefuseConnections,
    RejectNext,
    Restart,
    Silent,
)

__all__ = [
    "ConnectivityLost",
    "CorrectExecution",
    "DelayAcks",
    "Drop",
    "DuplicateExecution",
    "FarmBroken",
    "Fault",
    "FaultRefused",
    "Faults",
    "LoseNext",
    "RefuseConnections",
    "RejectNext",
    "Restart",
    "Silent",
]
