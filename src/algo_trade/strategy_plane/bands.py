"""A mean reversion strategy of bars and resting orders: it bids below the recent mean, or offers above it, and waits.

  measure   on each closed bar: mean and standard deviation of the last `window` closes
  enter     flat: one limit order for the day at entry_k deviations from the mean, on the side where the price is, and
            never through the market; a bracket, with a take profit at the mean and a stop at stop_k deviations
  tend      moved when it is off by more than reprice_bps, its exits with it; withdrawn when the expected gain no longer
            pays min_edge round trips of commission, when the price has gone over to the other side, when it has rested
            for max_rest_bars, and when the end of the session is near
  hold      the take profit follows the mean; the stop stays; a position that has lost its stop is closed
  leave     flat_before_end_s before the end: what works is cancelled, then a marketable limit for what is held

It paces itself as the OFI strategy does, because commission is the largest cost here as there. On a market whose past
predicts nothing it earns nothing before costs: prices do not know their mean.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from algo_trade.contracts import (
    BarDuration,
    BarEvent,
    Direction,
    ExecutionStatus,
    OrderType,
    TickEvent,
    TimeInForce,
)
from algo_trade.strategy_plane.actions import NOTHING, Action, Cancel, Decision, Decisions, Purpose, Replace
from algo_trade.strategy_plane.bands_parameters import BandsParameters
from algo_trade.strategy_plane.exits import exit_decision
from algo_trade.strategy_plane.feeds import Feeds
from algo_trade.strategy_plane.limits import StrategyLimits
from algo_trade.strategy_plane.orders import WorkingOrder
from algo_trade.strategy_plane.plugin import StrategyPlugin
from algo_trade.strategy_plane.sizing import affordable_shares, exact, tick_above, tick_below
from algo_trade.strategy_plane.strategy import Strategy
from algo_trade.strategy_plane.view import SessionView

# An entry stays on its side until the price is this many deviations beyond the mean: it would else be withdrawn and
# made anew with every crossing.
_TURN_K = 0.5


@dataclass(frozen=True, slots=True)
class Band:
    """Mean and standard deviation (divisor n) of closes, in dollars."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, closes: Sequence[float]) -> Band:
        """Of these closes and of nothing before them: a restart that sees them again measures the same."""
        mean = math.fsum(closes) / len(closes)
        return cls(mean, math.sqrt(math.fsum((close - mean) ** 2 for close in closes) / len(closes)))


@dataclass(frozen=True, slots=True)
class Terms:
    """Prices of a bracket."""

    limit: float
    profit: float
    stop: float

    @property
    def gain(self) -> float:
        """Dollars a share that the take profit makes."""
        return abs(self.profit - self.limit)


class BandsStrategy(Strategy):
    """Remembers the closes of each symbol and nothing else: orders are in the view."""

    strategy_id = "BANDS"

    def __init__(self, parameters: BandsParameters, limits: StrategyLimits) -> None:
        self.feeds = Feeds(bars=(BarDuration(parameters.bar_size),), history=parameters.history)
        self._p = parameters
        self._max_shares = limits.max_shares
        self._spacing = timedelta(seconds=parameters.entry_spacing_s)
        self._max_rest = timedelta(seconds=parameters.max_rest_bars * parameters.bar_s)
        self._closes: dict[str, deque[float]] = {}

    def on_bar(self, bar: BarEvent, view: SessionView) -> Decisions:
        symbol = bar.symbol
        closes = self._closes.setdefault(symbol, deque(maxlen=self._p.window))
        closes.append(bar.close)
        quote = view.quote(symbol)
        if quote is None:
            return NOTHING
        orders = view.working(symbol)
        if view.time_left_s <= self._p.flat_before_end_s:
            return self._get_out(quote, orders, view, ending=True)
        band = Band.of(closes) if len(closes) == self._p.window else None
        if view.position(symbol):
            return self._hold(quote, orders, band, view)
        if band is None:
            return NOTHING
        entry = next((order for order in orders if order.purpose is Purpose.ENTRY), None)
        if entry is not None:
            return self._tend(entry, orders, quote, bar, band, view)
        return self._enter(quote, bar, band, view)

    # -- flat -----------------------------------------------------------------------------------------
    def _enter(self, quote: TickEvent, bar: BarEvent, band: Band, view: SessionView) -> Decisions:
        symbol, buy = bar.symbol, bar.close <= band.mean
        terms = self._terms(band, quote, buy=buy)
        if terms is None or not self._may_enter(symbol, view):
            return NOTHING
        # A short may cost up to the ask to cover.
        dearest = terms.limit if buy else max(terms.limit, quote.ask)
        quantity = affordable_shares(view.unreserved_usd(), dearest, max_shares=self._max_shares)
        if quantity == 0 or not self._pays(terms, quantity):
            return NOTHING
        return (
            Decision(
                symbol=symbol,
                direction=Direction.BUY if buy else Direction.SELL,
                quantity=quantity,
                purpose=Purpose.ENTRY,
                mid=(quote.bid + quote.ask) / 2,
                limit_price=terms.limit,
                time_in_force=TimeInForce.DAY,
                take_profit_price=terms.profit,
                stop_loss_price=terms.stop,
            ),
        )

    def _may_enter(self, symbol: str, view: SessionView) -> bool:
        orders = view.orders
        if view.unresolved(symbol) or view.time_left_s <= self._p.last_entry_before_end_s:
            return False
        entries = orders.entries()
        if len(entries) >= self._p.max_entries or (entries and view.since(entries[-1].at) < self._spacing):
            return False
        return len(orders.exposed_symbols()) < self._p.max_positions

    def _pays(self, terms: Terms, quantity: int) -> bool:
        return terms.gain * quantity >= self._p.min_edge * self._p.round_trip_usd

    def _terms(self, band: Band, quote: TickEvent, *, buy: bool) -> Terms | None:
        """Where a bracket would be now; None when the price is at its stop already, or nothing is to be gained."""
        side = -1.0 if buy else 1.0
        wanted = band.mean + side * self._p.entry_k * band.deviation
        stop = band.mean + side * self._p.stop_k * band.deviation
        if buy:
            terms = Terms(tick_below(min(wanted, quote.bid)), tick_below(band.mean), tick_below(stop))
            return terms if 0 < terms.stop < terms.limit < terms.profit else None
        terms = Terms(tick_above(max(wanted, quote.ask)), tick_above(band.mean), tick_above(stop))
        return terms if terms.stop > terms.limit > terms.profit > 0 else None

    # -- an entry rests -------------------------------------------------------------------------------
    def _tend(
        self,
        entry: WorkingOrder,
        orders: tuple[WorkingOrder, ...],
        quote: TickEvent,
        bar: BarEvent,
        band: Band,
        view: SessionView,
    ) -> Decisions:
        if not _amendable(entry):
            return NOTHING
        terms = self._terms(band, quote, buy=entry.direction is Direction.BUY)
        if terms is None or not self._worth_resting(entry, terms, bar, band, view):
            return (Cancel(entry.intent_id),)
        if not self._is_off(entry.limit_price, terms.limit):
            return NOTHING
        dearer = (exact(terms.limit) - exact(entry.limit_price or terms.limit)) * entry.remaining
        if dearer > view.unreserved_usd():
            return (Cancel(entry.intent_id),)
        moved: list[Action] = [Replace(entry.intent_id, limit_price=terms.limit)]
        for order in orders:
            if order.parent_intent_id == entry.intent_id and _amendable(order):
                moved += _moved_exit(order, terms)
        return moved

    def _worth_resting(
        self, entry: WorkingOrder, terms: Terms, bar: BarEvent, band: Band, view: SessionView
    ) -> bool:
        side = 1.0 if entry.direction is Direction.BUY else -1.0
        gone_over = side * (bar.close - band.mean) > _TURN_K * band.deviation
        return (
            not gone_over
            and view.since(entry.decided_at) < self._max_rest
            and view.time_left_s > self._p.last_entry_before_end_s
            and self._pays(terms, entry.quantity)
        )

    def _is_off(self, price: float | None, wanted: float) -> bool:
        return price is None or abs(wanted - price) > self._p.reprice_bps / 1e4 * price

    # -- something is held ----------------------------------------------------------------------------
    def _hold(
        self, quote: TickEvent, orders: tuple[WorkingOrder, ...], band: Band | None, view: SessionView
    ) -> Decisions:
        exits = [order for order in orders if order.purpose is Purpose.EXIT]
        if not any(order.order_type is OrderType.STOP for order in exits):
            return self._get_out(quote, orders, view, ending=False)
        actions: list[Action] = []
        for order in orders:
            if not _amendable(order):
                continue
            if order.purpose is Purpose.ENTRY:  # filled in part
                if view.since(order.decided_at) >= self._max_rest:
                    actions.append(Cancel(order.intent_id))
            elif order.order_type is OrderType.LIMIT and band is not None:
                profit = (tick_below if view.position(order.symbol) > 0 else tick_above)(band.mean)
                if self._is_off(order.limit_price, profit):
                    actions.append(Replace(order.intent_id, limit_price=profit))
        return actions

    def _get_out(
        self, quote: TickEvent, orders: tuple[WorkingOrder, ...], view: SessionView, *, ending: bool
    ) -> Decisions:
        """Cancel what works, an entry without a share before its exits since it takes them along; then exit."""
        if orders:
            flat = not view.position(quote.symbol)
            waiting = any(order.purpose is Purpose.ENTRY for order in orders)
            return [
                Cancel(order.intent_id)
                for order in orders
                if _amendable(order) and not (flat and waiting and order.purpose is Purpose.EXIT)
            ]
        decision = exit_decision(quote, view, limit_offset_bps=self._p.limit_offset_bps, ending=ending)
        return NOTHING if decision is None else (decision,)


def _amendable(order: WorkingOrder) -> bool:
    return not order.amending and order.status is not ExecutionStatus.UNKNOWN


def _moved_exit(order: WorkingOrder, terms: Terms) -> list[Action]:
    """The attached exit where its entry's new terms want it."""
    if order.order_type is OrderType.STOP:
        return [] if order.stop_price == terms.stop else [Replace(order.intent_id, stop_price=terms.stop)]
    return [] if order.limit_price == terms.profit else [Replace(order.intent_id, limit_price=terms.profit)]


BANDS = StrategyPlugin(
    strategy_id=BandsStrategy.strategy_id,
    about="Bids below the recent mean or offers above it and waits: resting limit orders with exits attached, on bars.",
    parameters=BandsParameters,
    build=BandsStrategy,
)
