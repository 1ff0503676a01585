"""Whether an order may leave, and whether trading must stop. Decisions only: nothing here sends anything."""

from algo_trade.risk.exposure import Exposure, Reservation, exits_reservation
from algo_trade.risk.kill_switch import KillSwitch, Trip
from algo_trade.risk.kinds import at_once
from algo_trade.risk.limits import Limits
from algo_trade.risk.marks import Mark, Marks
from algo_trade.risk.pretrade import Approved, PreTradeCheck, Refused, Working
from algo_trade.risk.terms import Terms, sign_of

__all__ = [
    "Approved",
    "Exposure",
    "KillSwitch",
    "Limits",
    "Mark",
    "Marks",
    "PreTradeCheck",
    "Refused",
    "Reservation",
    "Terms",
    "Trip",
    "Working",
    "at_once",
    "exits_reservation",
    "sign_of",
]
