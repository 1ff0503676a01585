"""The order desk: what clients ask for. It refuses, stages, and hands to the floor what is transmitted."""

from __future__ import annotations

from algo_trade.clock import Clock
from algo_trade.gateway_sim.audience import Audience
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.changes import Terms, check_change
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.families import transmitted_with
from algo_trade.gateway_sim.floor import Floor
from algo_trade.gateway_sim.hours import TradingHours
from algo_trade.gateway_sim.ids import Ids
from algo_trade.gateway_sim.latency import Latencies
from algo_trade.gateway_sim.markets import Markets
from algo_trade.gateway_sim.messages import echo_of
from algo_trade.gateway_sim.orders import BY_HAND, ENDED, SimExecution, SimOrder, Status, not_cancellable
from algo_trade.gateway_sim.prices import refuse
from algo_trade.gateway_sim.validation import OrderRequest, read_order
from algo_trade.gateway_sim.wire.decode import Decoded


class OrderDesk:
    """All orders of the account, as clients see to them."""

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
        self._clock = clock
        self._floor = Floor(booking, ids, markets, hours, latencies, audience, clock)

    def start(self) -> None:
        """Take up orders from before a restart, and follow the exchange's hours."""
        self._floor.start()

    def stop(self) -> None:
        """No timer that is still set does anything any more."""
        self._floor.stop()

    @property
    def refusals(self) -> list[str]:
        """Why the next orders will be rejected, whatever they are: one reason an order."""
        return self._floor.refusals

    # -- placing -----------------------------------------------------------------------------------
    def place(self, client_id: int, request: Decoded, instrument: Instrument) -> None:
        """A placeOrder frame: a new order, or a change of one; raises RequestError when it is refused."""
        order_id = request.request_id
        is_transmitted = request.flag("transmit")  # what can be refused is read before anything is kept
        known = self._booking.find(client_id, order_id)
        if known is not None and known.status is not Status.STAGED:
            self._change(known, request, instrument)
            return
        if known is None and (order_id < self._ids.next_order_id(client_id) or order_id <= 0):
            raise RequestError(103, "Duplicate order id")
        asked = self._read(request, instrument)
        order = self._new_order(client_id, request, asked, instrument, known)
        self._ids.use_order_id(client_id, order_id)
        self._booking.add(order)
        if is_transmitted:
            self._floor.submit(transmitted_with(order, self._booking))
        else:
            order.status = Status.STAGED
            self._booking.commit(order)

    def place_by_hand(self, request: Decoded, instrument: Instrument, *, bind: bool) -> SimOrder:
        """An order a person placed; raises RequestError when it is refused."""
        asked = self._read(request, instrument)
        order = self._new_order(BY_HAND, request, asked, instrument, None)
        if bind:
            order.order_id = self._booking.new_bound_id()
        self._booking.add(order)
        self._floor.submit([order])
        return order

    def draft(self, client_id: int, request: Decoded, instrument: Instrument) -> SimOrder:
        """An order that is only asked about (what-if): checked like any other, kept nowhere."""
        if not request.flag("transmit"):
            raise RequestError(413, "What-if order should have the transmit flag set to true.")
        asked = self._read(request, instrument)
        return self._new_order(client_id, request, asked, instrument, None)

    def _read(self, request: Decoded, instrument: Instrument) -> OrderRequest:
        return read_order(request, self._booking.account.account_id, instrument, self._clock.now_ns())

    def _new_order(
        self,
        client_id: int,
        request: Decoded,
        asked: OrderRequest,
        instrument: Instrument,
        staged: SimOrder | None,
    ) -> SimOrder:
        parent = self._parent_of(client_id, request.request_id, asked.parent_id, instrument)
        return SimOrder(
            perm_id=staged.perm_id if staged is not None else self._ids.new_perm_id(),
            order_id=request.request_id,
            client_id=client_id,
            con_id=instrument.con_id,
            symbol=instrument.symbol,
            exchange=request.text("exchange") or "SMART",
            action="BUY" if asked.is_buy else "SELL",
            quantity=asked.quantity,
            order_type=asked.order_type,
            limit_e4=asked.limit_e4,
            tif=asked.tif,
            order_ref=asked.order_ref,
            priority=self._ids.new_priority(),
            received_ns=self._clock.now_ns(),
            stop_e4=asked.stop_e4,
            trigger_method=asked.trigger_method,
            adaptive=asked.adaptive,
            algo_params=asked.algo_params,
            parent_perm_id=0 if parent is None else parent.perm_id,
            parent_order_id=asked.parent_id,
            awaits_parent=parent is not None,
            oca_group=asked.oca_group,
            oca_type=asked.oca_type,
            expires_ns=asked.good_till_ns,
            trail=asked.trail,
            handling=asked.handling,
            echo=echo_of(request),
        )

    def _parent_of(
        self, client_id: int, order_id: int, parent_id: int, instrument: Instrument
    ) -> SimOrder | None:
        """The order this one is attached to; raises RequestError when that is not there to attach to."""
        if not parent_id:
            return None
        parent = self._booking.find(client_id, parent_id)
        if parent is None or parent.status in ENDED or self._descends_from(parent, order_id):
            raise RequestError(10006, "Missing parent order.")
        if parent.con_id != instrument.con_id:
            raise refuse("attached orders on another contract are not simulated")
        return parent

    def _descends_from(self, order: SimOrder | None, order_id: int) -> bool:
        """Whether one of its client's orders is this one or above it: a staged order can be sent again as anything."""
        while order is not None:
            if order.order_id == order_id:
                return True
            order = self._booking.orders.get(order.parent_perm_id)
        return False

    def _change(self, order: SimOrder, request: Decoded, instrument: Instrument) -> None:
        if order.status in {Status.CANCELLED, Status.INACTIVE}:
            raise RequestError(103, "Duplicate order id")
        asked = self._read(request, instrument)
        check_change(order, asked, instrument.con_id)
        if order.status is Status.RECEIVED or order.cancel_requested or self._floor.is_changing(order):
            raise RequestError(2102, "Unable to modify this order as it is still being processed.")
        if request.flag("transmit"):
            self._floor.change(order, Terms.wanted(asked, order))

    # -- cancelling --------------------------------------------------------------------------------
    def cancel(self, client_id: int, order_id: int) -> None:
        """A cancelOrder frame; raises RequestError 10147, 10148 or 161 when there is nothing to cancel."""
        order = self._booking.find(client_id, order_id)
        if order is None:
            raise RequestError(
                10147, f"OrderId {order_id} that needs to be cancelled is not found.", order_id
            )
        self.cancel_order(order)

    def cancel_order(self, order: SimOrder) -> None:
        """Cancel this order; raises RequestError 10148 or 161 when there is nothing to cancel."""
        order_id = order.order_id
        if order.status in ENDED:
            raise RequestError(10148, not_cancellable(order), order_id)
        if order.status is Status.STAGED:
            self._floor.cancel_staged(order)
            return
        if order.cancel_requested:
            text = (
                f"Cancel attempted when order is not in a cancellable state. Order permId = {order.perm_id}"
            )
            raise RequestError(161, text, order_id)
        self._floor.request_cancel(order)

    def cancel_all(self) -> None:
        """A globalCancel frame: every live order of every client."""
        for order in self._booking.live_orders():
            if not order.cancel_requested:
                self._floor.request_cancel(order)

    # -- the exchange's mistakes --------------------------------------------------------------------
    def correct_execution(self, exec_id: str, price_e4: int) -> SimExecution:
        """The exchange corrects the price of an execution; returns the execution that replaces it (`….02`).

        KeyError when there is no such execution, ValueError when it has been corrected since.
        """
        return self._floor.correct(exec_id, price_e4)
