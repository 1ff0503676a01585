"""The strategy plane: market events in, order flow and intents out.

`ofi` is the pure measure and `flow` its log; `strategy` is the interface of plug-ins, `ofi_strategy` the one that
comes with the house. A `desk` lets a strategy decide without any I/O; `plane` puts it on the bus, and `recovery`
brings it back after a crash. `ledger` folds intents and reports into what the strategy sees through `view`.
"""

from algo_trade.strategy_plane.desk import Desk, Phase, SessionWindow
from algo_trade.strategy_plane.intents import intent_id
from algo_trade.strategy_plane.ofi import OfiBin, OfiState, quote_flow
from algo_trade.strategy_plane.ofi_strategy import OfiStrategy
from algo_trade.strategy_plane.parameters import OfiParameters
from algo_trade.strategy_plane.plane import Flattened, PlaneCounts, PlaneEnded, StrategyPlane
from algo_trade.strategy_plane.strategy import BrokenPromise, Decision, Purpose, Strategy
from algo_trade.strategy_plane.view import SessionView

__all__ = [
    "BrokenPromise",
    "Decision",
    "Desk",
    "Flattened",
    "OfiBin",
    "OfiParameters",
    "OfiState",
    "OfiStrategy",
    "Phase",
    "PlaneCounts",
    "PlaneEnded",
    "Purpose",
    "SessionView",
    "SessionWindow",
    "Strategy",
    "StrategyPlane",
    "intent_id",
    "quote_flow",
]
