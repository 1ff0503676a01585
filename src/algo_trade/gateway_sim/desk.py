"""The order desk: what happens to an order between its frame and its end.

An order waits the acknowledgement delay, is taken or rejected by the broker, waits the fill delay, and meets the
quote of that moment. Cancels and changes go the same two ways after it, never overtaking it: everything about one
order happens in the order its frames came. Each step is saved before it is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from algo_trade.clock import Clock
from algo_trade.gateway_sim.account import Position
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.broker_rules import reason_to_reject
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.exchange import Exchange
from algo_trade.gateway_sim.hours import TradingHours
from algo_trade.gateway_sim.ids import Ids
from algo_trade.gateway_sim.latency import Latencies
from algo_trade.gateway_sim.markets import Markets
from algo_trade.gateway_sim.orders import ENDED, SimExecution, SimOrder, Status
from algo_trade.gateway_sim.validation import check_change, check_order, limit_of, quantity_of
from algo_trade.gateway_sim.wire.decode import Decoded

_TURN_NS = 1_000
_CANCELED = "Order Canceled - reason:"


class Audience(Protocol):
    """Who is told. Order messages go to the client that placed the order, if it is connected."""

    def order_opened(self, order: SimOrder) -> None:
        """openOrder, then orderStatus."""

    def order_status(self, order: SimOrder) -> None:
        """orderStatus alone."""

    def executed(self, execution: SimExecution) -> None: ...

    def commission(self, execution: SimExecution) -> None: ...

    def position_changed(self, position: Position) -> None: ...

    def order_error(self, order: SimOrder, code: int, text: str) -> None: ...

    def held(self, order: SimOrder) -> None:
        """The order waits for the exchange to open (399)."""


class OrderDesk:
    """All orders of the account."""

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
        self._loop = asyncio.get_running_loop()
        self._exchanges = {market.instrument.con_id: Exchange(market, self._filled) for market in markets}
        self._last_step_ns: dict[int, int] = {}
        self._stopped = False

    def start(self) -> None:
        """Take up orders from before a restart, and follow the exchange's hours."""
        now_ns = self._clock.now_ns()
        for order in self._booking.live_orders():
            if next(self._hours.windows(order.received_ns)).close_ns <= now_ns:
                self._cancel_now(order, "Cancelled by System")
        self._follow_hours()
        for order in self._booking.live_orders():
            if order.status is Status.RECEIVED:
                self._later(order, self._latencies.ack_ns(), self._acknowledge)
            elif order.at_exchange:
                self._exchanges[order.con_id].enter(order)
                self._markets.look(order.con_id)
            else:
                self._later(order, self._latencies.fill_ns(), self._arrive)
            if order.cancel_requested:
                self._later(order, self._latencies.ack_ns(), self._cancel_acknowledged)

    def stop(self) -> None:
        """No timer that is still set does anything any more."""
        self._stopped = True

    # -- placing -----------------------------------------------------------------------------------
    def place(self, client_id: int, request: Decoded, instrument: Instrument) -> None:
        """A placeOrder frame: a new order, or a change of one; raises RequestError when it is refused."""
        order_id = request.request_id
        known = self._booking.find(client_id, order_id)
        if known is not None and known.status not in {Status.STAGED}:
            self._change(known, request, instrument)
            return
        if known is None and (order_id < self._ids.next_order_id(client_id) or order_id <= 0):
            raise RequestError(103, "Duplicate order id")
        check_order(request, self._booking.account.account_id)
        order = self._new_order(client_id, request, instrument, known)
        self._ids.use_order_id(client_id, order_id)
        transmit = request.flag("transmit")
        if not transmit:
            order.status = Status.STAGED
        self._booking.add(order)
        if transmit:
            self._later(order, self._latencies.ack_ns(), self._acknowledge)

    def draft(self, client_id: int, request: Decoded, instrument: Instrument) -> SimOrder:
        """An order that is only asked about (what-if): checked like any other, kept nowhere."""
        if not request.flag("transmit"):
            raise RequestError(413, "What-if order should have the transmit flag set to true.")
        check_order(request, self._booking.account.account_id)
        return self._new_order(client_id, request, instrument, None)

    def _new_order(
        self, client_id: int, request: Decoded, instrument: Instrument, staged: SimOrder | None
    ) -> SimOrder:
        return SimOrder(
            perm_id=staged.perm_id if staged is not None else self._ids.new_perm_id(),
            order_id=request.request_id,
            client_id=client_id,
            con_id=instrument.con_id,
            symbol=instrument.symbol,
            exchange=request.text("exchange") or "SMART",
            action="BUY" if request.text("action") == "BUY" else "SELL",
            quantity=quantity_of(request),
            order_type=request.text("orderType"),
            limit_e4=limit_of(request),
            tif=request.text("tif") or "DAY",
            order_ref=request.text("orderRef"),
            priority=self._ids.new_priority(),
            received_ns=self._clock.now_ns(),
            sent=dict(request.values),
        )

    def _acknowledge(self, order: SimOrder) -> None:
        if order.status is not Status.RECEIVED:
            return
        is_open = self._hours.current(self._clock.now_ns()) is not None
        reason = reason_to_reject(order, self._booking, self._markets.mark_micros, is_open=is_open)
        if reason is not None:
            self._booking.end(order, Status.INACTIVE, self._clock.now_ns(), "Rejected")
            self._audience.order_error(order, 201, f"Order rejected - reason:{reason}")
            self._audience.order_opened(order)
            return
        order.step(Status.PRE_SUBMITTED)
        self._booking.save(order)
        self._audience.order_opened(order)
        if not is_open:
            self._audience.held(order)
        self._later(order, self._latencies.fill_ns(), self._arrive)

    def _arrive(self, order: SimOrder) -> None:
        """The order reaches the exchange, or is held until that opens. What it leaves then rests or is cancelled."""
        if order.status in ENDED or order.at_exchange:
            return
        now_ns = self._clock.now_ns()
        if self._hours.current(now_ns) is None:
            # Not a step in the order's own sequence: a cancel need not wait for the bell.
            self._call_in(self._hours.next_change_ns(now_ns) - now_ns, lambda: self._arrive(order))
            return
        order.at_exchange = True
        self._booking.save(order)
        self._markets.look(order.con_id)
        self._exchanges[order.con_id].enter(order)
        if order.status in ENDED:
            return
        if order.tif == "IOC":
            if order.status is not Status.PENDING_CANCEL:
                order.step(Status.PENDING_CANCEL)
                self._booking.save(order)
                self._audience.order_status(order)
            self._cancel_now(order, "Cancelled by System")
        elif order.status is Status.PRE_SUBMITTED:
            order.step(Status.SUBMITTED)
            self._booking.save(order)
            self._audience.order_opened(order)

    # -- changing ----------------------------------------------------------------------------------
    def _change(self, order: SimOrder, request: Decoded, instrument: Instrument) -> None:
        if order.status in {Status.CANCELLED, Status.INACTIVE}:
            raise RequestError(103, "Duplicate order id")
        check_order(request, self._booking.account.account_id)
        check_change(order, request, instrument.con_id)
        if order.status is Status.RECEIVED or order.cancel_requested:
            raise RequestError(2102, "Unable to modify this order as it is still being processed.")
        terms = (quantity_of(request), limit_of(request), request.text("orderType"))
        self._later(order, self._latencies.ack_ns(), lambda changed: self._apply_change(changed, *terms))

    def _apply_change(self, order: SimOrder, quantity: int, limit_e4: int | None, order_type: str) -> None:
        if order.status in ENDED or quantity <= order.filled:
            self._audience.order_error(order, 104, "Cannot modify a filled order.")
            return
        order.quantity, order.limit_e4, order.order_type = quantity, limit_e4, order_type
        order.priority = self._ids.new_priority()
        self._booking.save(order)
        self._audience.order_opened(order)
        self._later(order, self._latencies.fill_ns(), lambda changed: self._exchanges[changed.con_id].match())

    # -- cancelling --------------------------------------------------------------------------------
    def cancel(self, client_id: int, order_id: int) -> None:
        """A cancelOrder frame; raises RequestError 10147 or 10148 when there is nothing to cancel."""
        order = self._booking.find(client_id, order_id)
        if order is None:
            raise RequestError(
                10147, f"OrderId {order_id} that needs to be cancelled is not found.", order_id
            )
        if order.status in ENDED:
            raise RequestError(10148, _not_cancellable(order), order_id)
        if order.status is Status.STAGED:
            self._cancel_now(order, "Cancelled by Trader")
            return
        if order.cancel_requested:
            text = (
                f"Cancel attempted when order is not in a cancellable state. Order permId = {order.perm_id}"
            )
            raise RequestError(161, text, order_id)
        self._request_cancel(order)

    def cancel_all(self) -> None:
        """A globalCancel frame: every live order of every client."""
        for order in self._booking.live_orders():
            if not order.cancel_requested:
                self._request_cancel(order)

    def _request_cancel(self, order: SimOrder) -> None:
        order.cancel_requested = True
        self._booking.save(order)
        self._later(order, self._latencies.ack_ns(), self._cancel_acknowledged)

    def _cancel_acknowledged(self, order: SimOrder) -> None:
        if order.status in ENDED:
            self._audience.order_error(order, 10148, _not_cancellable(order))
            return
        if order.status is not Status.PENDING_CANCEL:
            order.step(Status.PENDING_CANCEL)
            self._booking.save(order)
            self._audience.order_status(order)
        self._later(order, self._latencies.fill_ns(), self._cancel_arrived)

    def _cancel_arrived(self, order: SimOrder) -> None:
        if order.status in ENDED:
            self._audience.order_error(order, 10148, _not_cancellable(order))
        else:
            self._cancel_now(order, "Cancelled by Trader")

    def _cancel_now(self, order: SimOrder, why: str) -> None:
        self._exchanges[order.con_id].remove(order)
        self._booking.end(order, Status.CANCELLED, self._clock.now_ns(), why)
        self._audience.order_status(order)
        self._audience.order_error(order, 202, _CANCELED)

    # -- fills and hours ---------------------------------------------------------------------------
    def _filled(self, order: SimOrder, shares: int, price_e4: int) -> None:
        was = order.status
        now_ns = self._clock.now_ns()
        delay_ns = self._latencies.commission_ns()
        execution = self._booking.fill(order, shares, price_e4, now_ns, now_ns + delay_ns)
        self._audience.executed(execution)
        if order.status is was:
            self._audience.order_status(order)
        else:
            self._audience.order_opened(order)
        self._audience.position_changed(self._booking.account.positions[order.con_id])
        self._call_in(delay_ns, lambda: self._audience.commission(execution))

    def _follow_hours(self) -> None:
        """At the close, cancel what rests: there are only day orders. Then wait for the next bell."""
        now_ns = self._clock.now_ns()
        if self._hours.current(now_ns) is None:
            for order in self._booking.live_orders():
                if order.at_exchange:
                    self._cancel_now(order, "Cancelled by System")
        self._call_in(self._hours.next_change_ns(now_ns) - now_ns, self._follow_hours)

    # -- timers ------------------------------------------------------------------------------------
    def _later(self, order: SimOrder, delay_ns: int, step: Callable[[SimOrder], None]) -> None:
        """Do the next step of an order after a delay, but never before the step asked for last."""
        now_ns = self._clock.now_ns()
        due_ns = max(now_ns + delay_ns, self._last_step_ns.get(order.perm_id, 0) + _TURN_NS)
        self._last_step_ns[order.perm_id] = due_ns
        self._call_in(due_ns - now_ns, lambda: step(order))

    def _call_in(self, delay_ns: int, action: Callable[[], None]) -> None:
        def unless_stopped() -> None:
            if not self._stopped:
                action()

        self._loop.call_later(delay_ns / 1e9, unless_stopped)


def _not_cancellable(order: SimOrder) -> str:
    return f"OrderId {order.order_id} that needs to be cancelled can not be cancelled, state: {order.status.value}."
