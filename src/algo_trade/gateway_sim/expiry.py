"""Orders whose time is up: day orders at the close, dated ones at their date, and those meant for the closing auction.

The bell of the exchange ends what the close ends (`run_out`); dates, and auctions of an exchange that never closes,
have timers of their own.
"""

from __future__ import annotations

from collections.abc import Mapping

from algo_trade.clock import Clock
from algo_trade.gateway_sim import families
from algo_trade.gateway_sim.auctions import next_close_ns
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.exchange import Exchange
from algo_trade.gateway_sim.good_till import GTD
from algo_trade.gateway_sim.hours import TradingHours
from algo_trade.gateway_sim.matching import Liquidity
from algo_trade.gateway_sim.order_types import AT_CLOSE
from algo_trade.gateway_sim.orders import ENDED, SimOrder
from algo_trade.gateway_sim.outcomes import BY_SYSTEM, Outcomes
from algo_trade.gateway_sim.steps import Steps


class Expiry:
    """Ends orders when their time is up."""

    def __init__(
        self,
        booking: Booking,
        outcomes: Outcomes,
        exchanges: Mapping[int, Exchange],
        hours: TradingHours,
        steps: Steps,
        clock: Clock,
    ) -> None:
        self._booking = booking
        self._outcomes = outcomes
        self._exchanges = exchanges
        self._hours = hours
        self._steps = steps
        self._clock = clock

    def begin(self, order: SimOrder, close_ns: int) -> None:
        """An order is transmitted, in a session that ends at `close_ns`; not saved."""
        if order.order_type in AT_CLOSE:
            order.expires_ns = next_close_ns(self._hours, self._clock.now_ns())
        elif order.tif == "DAY":
            order.expires_ns = close_ns
        self.watch(order)

    def watch(self, order: SimOrder) -> None:
        """Set the timer of an order that does not, or not only, end with a session."""
        if order.tif == GTD or order.order_type in AT_CLOSE:
            self._steps.call_in(order.expires_ns - self._clock.now_ns(), lambda: self._end(order))

    def run_out(self) -> None:
        """End every order whose time is up."""
        now_ns = self._clock.now_ns()
        for order in self._booking.live_orders():
            if 0 < order.expires_ns <= now_ns:
                self._end(order)

    def _end(self, order: SimOrder) -> None:
        if order.status in ENDED:
            return
        if order.order_type in AT_CLOSE and order.at_exchange:
            self._auction(order)
        if order.status not in ENDED:
            self._outcomes.cancel(order, BY_SYSTEM)

    def _auction(self, order: SimOrder) -> None:
        """The closing auction, as far as this order is in it: all of it trades, if the price is within its limit."""
        price_e4 = self._exchanges[order.con_id].closing_price_e4()
        limit_e4 = order.limit_e4
        if limit_e4 is not None and (price_e4 > limit_e4 if order.is_buy else price_e4 < limit_e4):
            return
        shares = families.workable_shares(order, self._booking)
        if price_e4 and shares:
            self._outcomes.filled(order, shares, price_e4, Liquidity.NEITHER)
