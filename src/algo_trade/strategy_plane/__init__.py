"""The strategy plane: market events in, order flow and intents out.

`strategy` is the interface of plug-ins; with `actions` (what one may do), `view` (what it sees), `feeds` (what it is
told) and `plugin` (how it is offered) it is what a plug-in imports from here. `ofi_strategy` and `bands` come with the
house, `catalogue` finds all that are installed. A `desk` lets a strategy decide without any I/O; `plane` puts it on the
bus, and `recovery` brings it back after a crash. `ledger` folds intents, amendments and reports into what the view
shows. `ofi` is the pure measure of order flow and `flow` its log.
"""

from algo_trade.strategy_plane.actions import NOTHING, Cancel, Decision, Decisions, Purpose, Replace
from algo_trade.strategy_plane.catalogue import (
    ChosenStrategy,
    Installed,
    StrategyRefused,
    choose,
    find_strategy,
    installed_strategies,
)
from algo_trade.strategy_plane.desk import Desk, Phase, SessionWindow
from algo_trade.strategy_plane.exits import exit_decision
from algo_trade.strategy_plane.feeds import Feeds, OfiBins, Quotes
from algo_trade.strategy_plane.intents import amendment_id, intent_id
from algo_trade.strategy_plane.limits import StrategyLimits
from algo_trade.strategy_plane.ofi import OfiBin, OfiState, quote_flow
from algo_trade.strategy_plane.orders import WorkingOrder
from algo_trade.strategy_plane.plane import PlaneCounts, PlaneEnded, StrategyPlane
from algo_trade.strategy_plane.plugin import StrategyParameters, StrategyPlugin
from algo_trade.strategy_plane.sizing import affordable_shares, marketable_limit, tick_above, tick_below
from algo_trade.strategy_plane.strategy import BrokenPromise, Strategy
from algo_trade.strategy_plane.view import SessionView

__all__ = [
    "NOTHING",
    "BrokenPromise",
    "Cancel",
    "ChosenStrategy",
    "Decision",
    "Decisions",
    "Desk",
    "Feeds",
    "Installed",
    "OfiBin",
    "OfiBins",
    "OfiState",
    "Phase",
    "PlaneCounts",
    "PlaneEnded",
    "Purpose",
    "Quotes",
    "Replace",
    "SessionView",
    "SessionWindow",
    "Strategy",
    "StrategyLimits",
    "StrategyParameters",
    "StrategyPlane",
    "StrategyPlugin",
    "StrategyRefused",
    "WorkingOrder",
    "affordable_shares",
    "amendment_id",
    "choose",
    "exit_decision",
    "find_strategy",
    "installed_strategies",
    "intent_id",
    "marketable_limit",
    "quote_flow",
    "tick_above",
    "tick_below",
]
