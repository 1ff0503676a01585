"""What a strategy may not decide, checked before it can reach anybody. Each breach stops the strategy."""

from __future__ import annotations

from algo_trade.contracts import Direction, ExecutionStatus
from algo_trade.strategy_plane.actions import Cancel, Decision, Purpose, Replace
from algo_trade.strategy_plane.ledger import Ledger
from algo_trade.strategy_plane.orders import IntentState
from algo_trade.strategy_plane.strategy import BrokenPromise


def check_decision(decision: Decision, ledger: Ledger, symbols: tuple[str, ...]) -> None:
    """Raises BrokenPromise for an order that may not be decided now."""
    symbol = decision.symbol
    if symbol not in symbols:
        raise BrokenPromise(f"{symbol}: not traded in this session")
    if ledger.unresolved(symbol):
        raise BrokenPromise(f"{symbol}: decided while an intent is unresolved")
    if decision.purpose is Purpose.EXIT:
        held = ledger.position(symbol)
        if decision.quantity > (held if decision.direction is Direction.SELL else -held):
            raise BrokenPromise(f"{symbol}: an exit of {decision.quantity} with {held} held")
        if decision.is_bracket:
            raise BrokenPromise(f"{symbol}: an exit has no exits attached to it")
    elif decision.is_bracket:
        _check_sides(decision)


def _check_sides(decision: Decision) -> None:
    """An attached exit on the wrong side of its entry would trade at once, for a loss nobody asked for."""
    buy = decision.direction is Direction.BUY
    price = decision.limit_price or decision.stop_price or decision.mid
    profit, loss = decision.take_profit_price, decision.stop_loss_price
    if profit is not None and (profit <= price if buy else profit >= price):
        raise BrokenPromise(f"{decision.symbol}: a take profit at {profit} of an entry at {price}")
    if loss is not None and (loss >= price if buy else loss <= price):
        raise BrokenPromise(f"{decision.symbol}: a stop loss at {loss} of an entry at {price}")


def check_amendment(action: Cancel | Replace, ledger: Ledger) -> IntentState:
    """The order to be amended. Raises BrokenPromise when it may not be, or not so."""
    state = ledger.own(action.intent_id)
    if state is None:
        raise BrokenPromise(f"intent {action.intent_id} is none of this strategy's")
    what = f"{state.symbol}: intent {action.intent_id}"
    if state.over:
        raise BrokenPromise(f"{what} is over")
    if state.status is ExecutionStatus.UNKNOWN:
        raise BrokenPromise(f"{what} is of unknown fate")
    if state.pending:
        raise BrokenPromise(f"{what} has an amendment without an answer")
    if isinstance(action, Replace):
        _check_terms(action, state, ledger.position(state.symbol), what)
    return state


def _check_terms(action: Replace, state: IntentState, held: int, what: str) -> None:
    if action.limit_price is not None and state.limit_price is None:
        raise BrokenPromise(f"{what} has no limit price to replace")
    if action.stop_price is not None and state.stop_price is None:
        raise BrokenPromise(f"{what} has no stop price to replace")
    if action.quantity is None:
        return
    if state.is_attached or state.attached_exits:
        raise BrokenPromise(f"{what} is of a bracket, whose quantity stays")
    if action.quantity <= state.filled:
        raise BrokenPromise(f"{what} has filled {state.filled}, more is needed than {action.quantity}")
    if state.is_exit and action.quantity - state.filled > -state.sign * held:
        raise BrokenPromise(f"{what}: an exit of {action.quantity - state.filled} more with {held} held")
