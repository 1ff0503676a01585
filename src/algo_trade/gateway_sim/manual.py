"""Orders a person places by hand, beside every API client.

Theory. In TWS a person may trade the same account. Such an order belongs to client 0 and has no order id until client
0 binds it: by asking for its open orders (request 5), or beforehand for all that are still to come (request 15).
Bound, it has a negative order id, told in message 100, and client 0 hears of it, may change it and may cancel it.

    unbound (order id 0) --request 5 of client 0--> bound (-2, -3, ...)
    placed while client 0 has asked with 15     --> bound at once
"""

from __future__ import annotations

from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.desk import OrderDesk
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.orders import BY_HAND, SimOrder
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded, Places


class ManualOrders:
    """`binder` is client 0 while it wants orders bound as they are placed."""

    def __init__(self, booking: Booking, desk: OrderDesk) -> None:
        self.binder: ClientConnection | None = None
        self._booking = booking
        self._desk = desk

    def place(self, fields: dict[str, str], instrument: Instrument) -> SimOrder:
        """Place an order with these fields of placeOrder; raises RequestError as the gateway would refuse it."""
        names = Places({name: place for place, name in enumerate(fields)})
        request = Decoded("place_order", 3, 0, list(fields.values()), names)
        order = self._desk.place_by_hand(request, instrument, bind=self.binder is not None)
        if self.binder is not None:
            self._tell(self.binder, order)
        return order

    def cancel(self, perm_id: int) -> SimOrder:
        """Cancel any order, whoever placed it: a person may. Raises RequestError when it cannot be."""
        order = self._booking.orders.get(perm_id)
        if order is None:
            raise RequestError(10147, f"There is no order with permId {perm_id}.")
        self._desk.cancel_order(order)
        return order

    def bind(self, client: ClientConnection) -> None:
        """Client 0 takes over every order placed by hand that still works."""
        for order in self._booking.live_orders():
            if order.client_id == BY_HAND and not order.order_id:
                self._booking.bind(order)
                self._tell(client, order)

    def ended(self, client: ClientConnection) -> None:
        if self.binder is client:
            self.binder = None

    def _tell(self, client: ClientConnection, order: SimOrder) -> None:
        client.reply(
            replies.ORDER_BOUND, permId=order.perm_id, clientId=order.client_id, orderId=order.order_id
        )
