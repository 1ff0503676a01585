"""The conservative OFI strategy: it goes with an unusual order flow, little and seldom, and is flat at the end.

  enter   when the bin that just closed has |z| >= entry_z: long for buying pressure, short for selling
  leave   when z has come back to exit_z, or went over to the other side; or after max_hold_s; or when the end
          of the session is flat_before_end_s away
  orders  marketable limits, immediate or cancel: the opposite touch and limit_offset_bps more. An exit that did
          not fill is tried again at a fresh price until nothing is left

It paces itself, because $1 an order is the largest cost here and the stop is near: entries are entry_spacing_s
apart, a symbol rests for cooldown_s after each of its orders, and the session has max_entries of them. Only an
entry that got shares counts there. Orders have a budget of their own: two for each entry and one to spare in
every twenty-four; an entry is made only if its own exit and those still due fit into it.

OFI explains the price change of the same interval and predicts nothing by itself (Cont et al.): what this
strategy earns is not the point of it, how its orders fare is.
"""

from __future__ import annotations

from datetime import timedelta

from algo_trade.contracts import Direction, TickEvent
from algo_trade.strategy_plane.actions import NOTHING, Decision, Decisions, Purpose
from algo_trade.strategy_plane.exits import exit_decision
from algo_trade.strategy_plane.feeds import Feeds, OfiBins, Quotes
from algo_trade.strategy_plane.limits import StrategyLimits
from algo_trade.strategy_plane.ofi import OfiBin
from algo_trade.strategy_plane.ofi_parameters import OfiParameters, ofi_notes
from algo_trade.strategy_plane.plugin import StrategyPlugin
from algo_trade.strategy_plane.sizing import affordable_shares, marketable_limit
from algo_trade.strategy_plane.strategy import Strategy
from algo_trade.strategy_plane.view import SessionView

_FULL_STRENGTH_Z = 4.0  # signal_strength is |z| on a scale that ends here


class OfiStrategy(Strategy):
    """Keeps no memory at all: bins and quotes come with the event, orders are in the view."""

    strategy_id = "OFI"

    def __init__(self, parameters: OfiParameters, limits: StrategyLimits) -> None:
        self.feeds = Feeds(
            quotes=Quotes.TICK_BY_TICK,
            ticks=True,
            ofi=OfiBins(parameters.interval_s, parameters.window),
        )
        self._p = parameters
        self._max_shares = limits.max_shares
        self._spacing = timedelta(seconds=parameters.entry_spacing_s)
        self._cooldown = timedelta(seconds=parameters.cooldown_s)
        self._max_hold = timedelta(seconds=parameters.max_hold_s)
        self._order_budget = 2 * parameters.max_entries + parameters.max_entries // 12

    def on_ofi(self, closed: OfiBin, view: SessionView) -> Decisions:
        tick = view.quote(closed.symbol)
        if closed.z is None or tick is None:
            return NOTHING
        held = view.position(closed.symbol)
        if held:
            with_us = closed.z if held > 0 else -closed.z
            return self._exit(tick, view) if with_us <= self._p.exit_z else NOTHING
        if abs(closed.z) < self._p.entry_z or not self._may_enter(closed.symbol, view):
            return NOTHING
        return self._enter(closed.z, tick, view)

    def on_tick(self, tick: TickEvent, view: SessionView) -> Decisions:
        if not view.position(tick.symbol):
            return NOTHING
        held_since = view.orders.held_since(tick.symbol)
        if (
            view.orders.exiting(tick.symbol)
            or (held_since is not None and view.since(held_since) >= self._max_hold)
            or self._ending(view)
        ):
            return self._exit(tick, view)
        return NOTHING

    def _ending(self, view: SessionView) -> bool:
        return view.time_left_s <= self._p.flat_before_end_s

    def _may_enter(self, symbol: str, view: SessionView) -> bool:
        orders = view.orders
        if view.unresolved(symbol):
            return False
        if view.time_left_s <= self._p.flat_before_end_s + self._p.max_hold_s:
            return False
        rested_since = orders.resolved_at(symbol)
        if rested_since is not None and view.since(rested_since) < self._cooldown:
            return False
        entries = orders.entries()
        if len(entries) >= self._p.max_entries or (entries and view.since(entries[-1].at) < self._spacing):
            return False
        exposed = len(orders.exposed_symbols())
        # The orders sent, an exit for each symbol in play, and this entry with its own exit.
        return exposed < self._p.max_positions and orders.orders + exposed + 2 <= self._order_budget

    def _enter(self, z: float, tick: TickEvent, view: SessionView) -> Decisions:
        buy = z > 0
        limit = marketable_limit(tick.ask if buy else tick.bid, buy=buy, offset_bps=self._p.limit_offset_bps)
        # A short is worth at least what its limit asks for, and up to the ask it may cost to cover.
        dearest = limit if buy else tick.ask
        quantity = affordable_shares(view.unreserved_usd(), dearest, max_shares=self._max_shares)
        if quantity == 0:
            return NOTHING
        return (
            Decision(
                symbol=tick.symbol,
                direction=Direction.BUY if buy else Direction.SELL,
                quantity=quantity,
                purpose=Purpose.ENTRY,
                mid=(tick.bid + tick.ask) / 2,
                limit_price=limit,
                signal_strength=min(1.0, abs(z) / _FULL_STRENGTH_Z),
                valid_s=self._p.order_valid_s,
            ),
        )

    def _exit(self, tick: TickEvent, view: SessionView) -> Decisions:
        decision = exit_decision(
            tick,
            view,
            limit_offset_bps=self._p.limit_offset_bps,
            ending=self._ending(view),
            valid_s=self._p.order_valid_s,
        )
        return NOTHING if decision is None else (decision,)


OFI = StrategyPlugin(
    strategy_id=OfiStrategy.strategy_id,
    about="Goes with an unusual order flow, little and seldom: marketable limit orders on every tick.",
    parameters=OfiParameters,
    build=OfiStrategy,
    notes=ofi_notes,
)
