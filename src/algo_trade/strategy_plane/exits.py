"""Getting out of a position at once: what strategies have in common."""

from __future__ import annotations

from algo_trade.contracts import Direction, TickEvent, Urgency
from algo_trade.strategy_plane.actions import VALID_S, Decision, Purpose
from algo_trade.strategy_plane.sizing import marketable_limit
from algo_trade.strategy_plane.view import SessionView

# A first try goes out at once. One that ends without a share (a halt, a reject) is repeated after twice as long
# each time, so that a market that will not trade costs dozens of orders in six hours and not thousands; the
# shorter limit holds when the session is about to end and there is no later.
_FIRST_RETRY_S = 1.0
_RETRY_MAX_S = 60.0
_RETRY_MAX_AT_END_S = 2.0


def exit_decision(
    tick: TickEvent, view: SessionView, *, limit_offset_bps: float, ending: bool, valid_s: float = VALID_S
) -> Decision | None:
    """Sell or buy back all that is held of the tick's symbol, at its fresh price; None when it is not the time.

    It is not while an intent is unresolved, when nothing is held, and too soon after a failed try. `ending`: the
    session is about to, so tries follow each other quickly.
    """
    symbol = tick.symbol
    held = view.position(symbol)
    if held == 0 or view.unresolved(symbol):
        return None
    failed, tried_at = view.orders.failed_exits(symbol), view.orders.resolved_at(symbol)
    if failed and tried_at is not None:
        longest = _RETRY_MAX_AT_END_S if ending else _RETRY_MAX_S
        if view.since(tried_at).total_seconds() < min(longest, _FIRST_RETRY_S * 2.0 ** min(failed - 1, 10)):
            return None
    buy = held < 0
    return Decision(
        symbol=symbol,
        direction=Direction.BUY if buy else Direction.SELL,
        quantity=abs(held),
        purpose=Purpose.EXIT,
        mid=(tick.bid + tick.ask) / 2,
        limit_price=marketable_limit(tick.ask if buy else tick.bid, buy=buy, offset_bps=limit_offset_bps),
        urgency=Urgency.HIGH,
        valid_s=valid_s,
    )
