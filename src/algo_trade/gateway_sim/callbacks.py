"""What the order desk tells, and to whom: the audience of every order, execution and commission.

An order's own client hears of it, and so does the master client, whoever placed it. An order placed by hand belongs to
client 0, which hears of it once it is bound (`manual`); until then its order id is 0 and only the master hears of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from algo_trade.clock import Clock, new_york
from algo_trade.gateway_sim.account import Position
from algo_trade.gateway_sim.account_feed import AccountFeed
from algo_trade.gateway_sim.catalogue import Catalogue
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.hours import ZONE, TradingHours
from algo_trade.gateway_sim.messages import commission_report, exec_details, open_order, order_status
from algo_trade.gateway_sim.orders import SimExecution, SimOrder
from algo_trade.gateway_sim.subscriptions import Subscriptions


class Callbacks:
    """`clients` and `subscriptions` are the gateway's own, by client id, and change under our feet."""

    def __init__(
        self,
        clients: Mapping[int, ClientConnection],
        subscriptions: Mapping[int, Subscriptions],
        catalogue: Catalogue,
        account_feed: AccountFeed,
        hours: TradingHours,
        clock: Clock,
        account_id: str,
        master_client_id: int | None,
    ) -> None:
        self._clients = clients
        self._subscriptions = subscriptions
        self._catalogue = catalogue
        self._account_feed = account_feed
        self._hours = hours
        self._clock = clock
        self._account_id = account_id
        self._master_client_id = master_client_id

    def _told_of(self, client_id: int, order_id: int) -> Iterable[ClientConnection]:
        """Who hears of an order, of those that are connected; the owner first."""
        owner = self._clients.get(client_id) if order_id else None
        if self._master_client_id is None:
            return () if owner is None else (owner,)
        master = self._clients.get(self._master_client_id)
        return [client for client in dict.fromkeys((owner, master)) if client is not None]

    def order_opened(self, order: SimOrder) -> None:
        for client in self._told_of(order.client_id, order.order_id):
            instrument = self._catalogue.by_con_id[order.con_id]
            client.send(
                open_order(order, instrument, self._account_id, client.version)
                + order_status(order, client.version)
            )

    def order_status(self, order: SimOrder) -> None:
        for client in self._told_of(order.client_id, order.order_id):
            client.send(order_status(order, client.version))

    def executed(self, execution: SimExecution) -> None:
        for client in self._told_of(execution.client_id, execution.order_id):
            instrument = self._catalogue.by_con_id[execution.con_id]
            client.send(exec_details(execution, instrument, self._account_id, client.version))

    def commission(self, execution: SimExecution) -> None:
        for client in self._told_of(execution.client_id, execution.order_id):
            client.send(commission_report(execution, client.version))

    def position_changed(self, position: Position) -> None:
        for client_id, client in list(self._clients.items()):
            self._account_feed.position_changed(client, self._subscriptions[client_id], position)

    def order_error(self, order: SimOrder, code: int, text: str) -> None:
        """Errors go to the owner alone: to any other client the order id would mean an order of its own."""
        client = self._clients.get(order.client_id)
        if client is not None and order.order_id:
            client.error(order.order_id, code, text)

    def held(self, order: SimOrder) -> None:
        opens = new_york(self._hours.next_change_ns(self._clock.now_ns()))
        instrument = self._catalogue.by_con_id[order.con_id]
        self.order_error(
            order,
            399,
            f"Order Message:\n{order.action} {order.quantity} {order.symbol} {instrument.listing}\nWarning: your "
            f"order will not be placed at the exchange until {opens:%Y-%m-%d %H:%M:%S} {ZONE}",
        )
