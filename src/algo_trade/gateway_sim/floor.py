"""The floor: what happens to an order between its acknowledgement and its end.

An order waits the acknowledgement delay, is taken or rejected by the broker, waits the fill delay, and meets the
quote of that moment. On the way the broker holds it for as long as the exchange is closed, its parent has not filled
or its stop price is not reached. Everything about one order happens in the order its frames came; what a fill or an
end does to other orders (`families`) happens in the same instant. Each step is saved before it is told.
"""

from __future__ import annotations

from algo_trade.clock import Clock
from algo_trade.gateway_sim import families
from algo_trade.gateway_sim.adaptive import rest_ns
from algo_trade.gateway_sim.audience import Audience
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.broker_rules import must_locate, reason_to_reject
from algo_trade.gateway_sim.changes import Terms, check_still
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.exchange import Exchange
from algo_trade.gateway_sim.expiry import Expiry
from algo_trade.gateway_sim.hours import TradingHours, Window
from algo_trade.gateway_sim.ids import Ids
from algo_trade.gateway_sim.latency import Latencies
from algo_trade.gateway_sim.markets import Markets
from algo_trade.gateway_sim.order_types import AT_CLOSE, IMMEDIATE
from algo_trade.gateway_sim.orders import ENDED, SimExecution, SimOrder, Status, not_cancellable
from algo_trade.gateway_sim.outcomes import BY_SYSTEM, BY_TRADER, Outcomes
from algo_trade.gateway_sim.steps import TURN_NS, Steps


class Floor:
    """All orders of the account on their way."""

    def __init__(
        self,
        booking: Booking,
        ids: Ids,
        markets: Markets,
        hours: TradingHours,
        latencies: Latencies,
        audience: Audience,
        clock: Clock,
    ) -> None:
        self._booking = booking
        self._ids = ids
        self._markets = markets
        self._hours = hours
        self._latencies = latencies
        self._audience = audience
        self._clock = clock
        self._steps = Steps(clock)
        self._window_known: Window | None = None
        self.refusals: list[str] = []  # why the next orders are rejected, whatever they are
        self._changing: set[int] = set()  # permIds with a change that is not acknowledged
        self._exchanges: dict[int, Exchange] = {}
        self._outcomes = Outcomes(
            booking, self._exchanges, latencies, audience, self._steps, clock, self._send_on
        )
        for market in markets:
            self._exchanges[market.instrument.con_id] = Exchange(
                market, self._outcomes.filled, self._triggered, booking.commit, clock.now_ns
            )
        self._expiry = Expiry(booking, self._outcomes, self._exchanges, hours, self._steps, clock)

    def start(self) -> None:
        """Take up orders from before a restart, and follow the exchange's hours from now on."""
        self._ring()
        for order in sorted(self._booking.live_orders(), key=lambda live: live.priority):
            self._expiry.watch(order)
            if order.status is Status.RECEIVED:
                self._steps.later(order, self._latencies.ack_ns(), self._acknowledge)
            elif not order.at_exchange:
                self._send_on(order)
            elif order.tif in IMMEDIATE:
                self._cancel_rest(order)
            else:
                self._arrive(order)
            if order.cancel_requested:
                self._steps.later(order, self._latencies.ack_ns(), self._cancel_acknowledged)

    def stop(self) -> None:
        """No timer that is still set does anything any more."""
        self._steps.stop()

    # -- to the exchange ---------------------------------------------------------------------------
    def submit(self, orders: list[SimOrder]) -> None:
        """Orders are transmitted, and acknowledged one after the other."""
        close_ns = self._window(self._clock.now_ns()).close_ns
        for order in orders:
            if order.status is Status.STAGED:
                order.step(Status.RECEIVED)
            self._expiry.begin(order, close_ns)
        self._booking.commit(*orders)
        delay_ns = self._latencies.ack_ns()
        for number, order in enumerate(orders):
            if delay_ns:
                self._steps.later(order, delay_ns + number * TURN_NS, self._acknowledge)
            else:
                self._acknowledge(order)

    def _acknowledge(self, order: SimOrder) -> None:
        if order.status is not Status.RECEIVED:
            return
        is_open = self._is_open()
        reason = self.refusals.pop(0) if self.refusals else self._reason_to_reject(order)
        if reason is not None:
            self._outcomes.reject(order, reason)
            return
        order.step(Status.PRE_SUBMITTED)
        order.awaits_parent = bool(order.parent_perm_id) and not self._workable(order)
        order.awaits_locate = must_locate(order, self._booking, self._exchanges[order.con_id].instrument)
        self._booking.commit(order)
        self._audience.order_opened(order)
        if order.awaits_locate:
            self._audience.order_error(order, 404, "Order held while securities are located.")
        if not is_open:
            self._audience.held(order)
        self._send_on(order)

    def _reason_to_reject(self, order: SimOrder) -> str | None:
        now_ns = self._clock.now_ns()
        mark = self._markets.mark_micros
        return reason_to_reject(order, self._booking, mark, now_ns, is_open=self._is_open())

    def _send_on(self, order: SimOrder) -> None:
        """An acknowledged order goes where it has to wait, or to the exchange."""
        if order.awaits_parent or order.awaits_locate:
            return
        if order.awaits_trigger:
            self._markets.look(order.con_id)
            self._exchanges[order.con_id].watch(order)
        else:
            self._steps.later(order, self._latencies.fill_ns(), self._arrive)

    def _triggered(self, order: SimOrder) -> None:
        """The market has reached the order's stop price: it is a market or limit order from now on."""
        order.triggered = True
        if order.status is Status.PRE_SUBMITTED:
            order.step(Status.SUBMITTED)
        self._booking.commit(order)
        self._audience.order_opened(order)
        self._steps.later(order, self._latencies.fill_ns(), self._arrive)

    def _arrive(self, order: SimOrder) -> None:
        """The order reaches the exchange, or is held until that opens. What it leaves then rests or is cancelled."""
        exchange = self._exchanges[order.con_id]
        shares = self._workable(order)
        if order.status in ENDED or shares <= exchange.shares_of(order):
            return
        if not self._is_open():
            if order.tif in IMMEDIATE:
                self._cancel_rest(order)
            return
        order.at_exchange = True
        order.priority = self._ids.new_priority()
        self._booking.commit(order)
        self._markets.look(order.con_id)
        is_tried = order.tif != "FOK" or exchange.can_fill(order, shares)
        if is_tried and order.order_type not in AT_CLOSE:
            exchange.enter(order, shares, pegged=rest_ns(order) > 0)
        if order.status in ENDED:
            return
        if order.tif in IMMEDIATE:
            self._cancel_rest(order)
            return
        if rest_ns(order):
            place = order.priority
            self._steps.call_in(rest_ns(order), lambda: self._take(order, place))
        if order.status is Status.PRE_SUBMITTED:
            order.step(Status.SUBMITTED)
            self._booking.commit(order)
            self._audience.order_opened(order)

    def _take(self, order: SimOrder, place: int) -> None:
        """An adaptive order has rested long enough, unless it was changed since."""
        if order.priority == place and order.status not in ENDED:
            self._exchanges[order.con_id].take(order)

    def _cancel_rest(self, order: SimOrder) -> None:
        """What an immediate order did not get is cancelled."""
        if order.status is not Status.PENDING_CANCEL:
            order.step(Status.PENDING_CANCEL)
            self._booking.commit(order)
            self._audience.order_status(order)
        self._outcomes.cancel(order, BY_SYSTEM)

    def _workable(self, order: SimOrder) -> int:
        return families.workable_shares(order, self._booking)

    # -- changing ----------------------------------------------------------------------------------
    def is_changing(self, order: SimOrder) -> bool:
        """Whether a change of the order is not acknowledged yet."""
        return order.perm_id in self._changing

    def change(self, order: SimOrder, terms: Terms) -> None:
        """New terms, to be acknowledged."""
        self._changing.add(order.perm_id)
        self._steps.later(order, self._latencies.ack_ns(), lambda changed: self._apply(changed, terms))

    def _apply(self, order: SimOrder, terms: Terms) -> None:
        """New terms hold from here on; all but a smaller size withdraw the order, and it arrives anew."""
        self._changing.discard(order.perm_id)
        before = Terms.of(order)
        try:
            check_still(order, terms)
            terms.apply(order)
            order.quantity = families.largest_quantity(order, self._booking)
            reason = self._reason_to_reject(order)
            if reason is not None:
                before.apply(order)
                raise RequestError(201, f"Order rejected - reason:{reason}")
        except RequestError as error:
            self._audience.order_error(order, error.code, error.text)
            return
        self._booking.commit(order)
        exchange = self._exchanges[order.con_id]
        keeps_place = order.at_exchange and terms.keeps_place(before)
        if keeps_place:
            exchange.shrink(order, self._workable(order))
        else:
            exchange.remove(order)
        self._audience.order_opened(order)
        if not keeps_place:
            self._send_on(order)

    # -- cancelling --------------------------------------------------------------------------------
    def cancel_staged(self, order: SimOrder) -> None:
        """An order that was never transmitted ends at once."""
        self._outcomes.cancel(order, BY_TRADER)

    def request_cancel(self, order: SimOrder) -> None:
        """The client wants it cancelled: acknowledged after one delay, done at the exchange after another."""
        order.cancel_requested = True
        self._booking.commit(order)
        self._steps.later(order, self._latencies.ack_ns(), self._cancel_acknowledged)

    def _cancel_acknowledged(self, order: SimOrder) -> None:
        if order.status in ENDED:
            self._cancel_came_late(order)
            return
        if order.status is not Status.PENDING_CANCEL:
            order.step(Status.PENDING_CANCEL)
            self._booking.commit(order)
            self._audience.order_status(order)
        self._steps.later(order, self._latencies.fill_ns(), self._cancel_arrived)

    def _cancel_arrived(self, order: SimOrder) -> None:
        if order.status in ENDED:
            self._cancel_came_late(order)
        else:
            self._outcomes.cancel(order, BY_TRADER)

    def _cancel_came_late(self, order: SimOrder) -> None:
        """Cancelled by something else meanwhile is what was wanted; anything else is told."""
        if order.status is not Status.CANCELLED:
            self._audience.order_error(order, 10148, not_cancellable(order))

    def correct(self, exec_id: str, price_e4: int) -> SimExecution:
        """Another price for an execution there was, as `Outcomes.correct` has it."""
        return self._outcomes.correct(exec_id, price_e4)

    # -- hours -------------------------------------------------------------------------------------
    def _window(self, now_ns: int) -> Window:
        """The stretch of trading there is now, or the next one."""
        window = self._window_known
        if window is None or now_ns >= window.close_ns:
            window = self._window_known = next(self._hours.windows(now_ns))
        return window

    def _is_open(self) -> bool:
        now_ns = self._clock.now_ns()
        return self._window(now_ns).open_ns <= now_ns

    def _ring(self) -> None:
        """The exchange opens or closes, or the simulator starts: day orders end, the others are held or sent."""
        now_ns = self._clock.now_ns()
        self._expiry.run_out()
        window = self._hours.current(now_ns)
        for exchange in self._exchanges.values():
            if window is None:
                exchange.close()
            else:
                exchange.open(window.open_ns)
        if window is None:
            self._hold_all()
        self._steps.call_in(self._hours.next_change_ns(now_ns) - now_ns, self._bell)

    def _bell(self) -> None:
        self._ring()
        if self._is_open():
            for order in sorted(self._booking.live_orders(), key=lambda live: live.priority):
                held = not order.at_exchange and order.status is not Status.RECEIVED
                if held and not order.why_held and not self._steps.pending(order):
                    self._arrive(order)

    def _hold_all(self) -> None:
        """The exchange has closed: what outlives the day waits at the broker for the next one."""
        for order in self._booking.live_orders():
            if order.at_exchange or order.status is Status.SUBMITTED:
                order.at_exchange = False
                self._exchanges[order.con_id].shrink(order, 0)
                if order.status is Status.SUBMITTED:
                    order.step(Status.PRE_SUBMITTED)
                self._booking.commit(order)
                self._audience.order_status(order)
