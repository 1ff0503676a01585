"""The gateway: its clients, and what it tells them. Requests themselves are in `handlers`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from algo_trade.clock import Clock, new_york
from algo_trade.gateway_sim.account import Position
from algo_trade.gateway_sim.account_feed import AccountFeed
from algo_trade.gateway_sim.bars.history import SymbolBars
from algo_trade.gateway_sim.bars.streams import BarBroadcast
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.catalogue import Catalogue, Instrument
from algo_trade.gateway_sim.config import SimulatorConfig
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.crowd import Crowd
from algo_trade.gateway_sim.desk import OrderDesk
from algo_trade.gateway_sim.hours import ZONE, TradingHours
from algo_trade.gateway_sim.ids import Ids
from algo_trade.gateway_sim.markets import Markets
from algo_trade.gateway_sim.messages import commission_report, exec_details, open_order, order_status
from algo_trade.gateway_sim.orders import SimExecution, SimOrder
from algo_trade.gateway_sim.pacing import RateLimit
from algo_trade.gateway_sim.streams import Broadcast
from algo_trade.gateway_sim.subscriptions import Subscriptions
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire_log import WireLog

logger = logging.getLogger(__name__)

MAX_CLIENTS = 32
_PNL_EVERY_S = 1.0
# The farms of a real gateway have other names: whoever reads these knows it is talking to a simulator.
_FARM_NOTICES = (
    (2104, "Market data farm connection is OK:simfarm"),
    (2106, "HMDS data farm connection is OK:simfarm"),
    (2158, "Sec-def data farm connection is OK:simfarm"),
)

Handler = Callable[["Gateway", ClientConnection, Decoded], None]


class Gateway:
    """Everything the handlers of requests work with."""

    def __init__(
        self,
        config: SimulatorConfig,
        clock: Clock,
        catalogue: Catalogue,
        markets: Markets,
        hours: TradingHours,
        booking: Booking,
        ids: Ids,
        wire_log: WireLog,
        handlers: dict[str, Handler],
    ) -> None:
        self.config = config
        self.clock = clock
        self.catalogue = catalogue
        self.markets = markets
        self.hours = hours
        self.booking = booking
        self.ids = ids
        self.account_id = config.account_id
        self.account_feed = AccountFeed(booking.account, catalogue, markets, clock)
        self.crowd = Crowd()
        self._wire_log = wire_log
        self._handlers = handlers
        self._clients: dict[int, ClientConnection] = {}
        self._subscriptions: dict[int, Subscriptions] = {}
        self._connections: list[ClientConnection] = []
        self._bars = {
            market.instrument.con_id: BarBroadcast(SymbolBars(market, hours, config.seed), clock)
            for market in markets
        }
        self._broadcasts = {
            con_id: Broadcast(bars.bars.market, bars.bars.recorder, clock)
            for con_id, bars in self._bars.items()
        }
        for market in markets:
            market.listen_burst(self._on_burst)
        self._desk: OrderDesk | None = None
        self._pnl_timer: asyncio.TimerHandle | None = None

    @property
    def desk(self) -> OrderDesk:
        assert self._desk is not None, "the desk is set before the first client comes"
        return self._desk

    def attach(self, desk: OrderDesk) -> None:
        """The desk and the gateway know each other."""
        self._desk = desk

    # -- connections -------------------------------------------------------------------------------
    def new_connection(self) -> ClientConnection:
        connection = ClientConnection(self, RateLimit(self.config.messages_per_s), self.crowd)
        self._connections.append(connection)
        return connection

    def connection_time(self) -> str:
        """The second field of the handshake."""
        return f"{new_york(self.clock.now_ns()):%Y%m%d %H:%M:%S} {ZONE}"

    def start_api(self, connection: ClientConnection, client_id: int) -> None:
        """Accounts and the next id come first: some clients take a farm notice for the end of the greeting."""
        if client_id in self._clients or len(self._clients) >= MAX_CLIENTS:
            logger.info("client id %d refused: it is in use", client_id)
            connection.error(
                -1,
                326,
                "Unable to connect as the client id is already in use. Retry with a unique client id.",
            )
            connection.close()
            return
        connection.client_id = client_id
        self._clients[client_id] = connection
        self._subscriptions[client_id] = Subscriptions(self.config.lines, self.config.tick_by_tick_limit)
        logger.info("client %d connected at version %d", client_id, connection.version)
        connection.reply(replies.MANAGED_ACCOUNTS, accounts=self.account_id)
        connection.reply(replies.NEXT_VALID_ID, orderId=self.ids.next_order_id(client_id))
        for code, text in _FARM_NOTICES:
            connection.error(-1, code, text)

    def ended(self, connection: ClientConnection) -> None:
        """A connection is over: its client id is free at once, its subscriptions end, its orders live on."""
        self._connections = [other for other in self._connections if other is not connection]
        if self._clients.get(connection.client_id) is connection:
            del self._clients[connection.client_id]
            self._subscriptions.pop(connection.client_id).close()
            logger.info("client %d disconnected", connection.client_id)

    def handle(self, connection: ClientConnection, request: Decoded) -> None:
        self._wire_log.note(request, connection.client_id, self.clock.now_ns())
        self._handlers[request.name](self, connection, request)

    def subscriptions(self, connection: ClientConnection) -> Subscriptions:
        return self._subscriptions[connection.client_id]

    def broadcast(self, instrument: Instrument) -> Broadcast:
        return self._broadcasts[instrument.con_id]

    def bar_broadcast(self, instrument: Instrument) -> BarBroadcast:
        return self._bars[instrument.con_id]

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self._connections):
            connection.close()
        if self._pnl_timer is not None:
            self._pnl_timer.cancel()

    def _on_burst(self, begins: bool) -> None:
        """Quotes of one turn go to each client together."""
        for connection in self._connections:
            if begins:
                connection.cork()
            else:
                connection.uncork()

    # -- profit feeds ------------------------------------------------------------------------------
    def start_pnl(self) -> None:
        """Somebody subscribed to profit and loss: tick once a second while anybody is."""
        if self._pnl_timer is None:
            self._pnl_timer = asyncio.get_running_loop().call_later(_PNL_EVERY_S, self._tick_pnl)

    def _tick_pnl(self) -> None:
        self._pnl_timer = None
        for client_id, connection in list(self._clients.items()):
            feeds = self._subscriptions[client_id]
            self.account_feed.refresh_pnl(connection, feeds)
        if any(feeds.pnl or feeds.pnl_single for feeds in self._subscriptions.values()):
            self.start_pnl()

    # -- what the order desk tells -----------------------------------------------------------------
    def order_opened(self, order: SimOrder) -> None:
        client = self._clients.get(order.client_id)
        if client is not None:
            instrument = self.catalogue.by_con_id[order.con_id]
            client.send(
                open_order(order, instrument, self.account_id, client.version)
                + order_status(order, client.version)
            )

    def order_status(self, order: SimOrder) -> None:
        client = self._clients.get(order.client_id)
        if client is not None:
            client.send(order_status(order, client.version))

    def executed(self, execution: SimExecution) -> None:
        client = self._clients.get(execution.client_id)
        if client is not None:
            instrument = self.catalogue.by_con_id[execution.con_id]
            client.send(exec_details(execution, instrument, self.account_id, client.version))

    def commission(self, execution: SimExecution) -> None:
        client = self._clients.get(execution.client_id)
        if client is not None:
            client.send(commission_report(execution, client.version))

    def position_changed(self, position: Position) -> None:
        for client_id, client in list(self._clients.items()):
            self.account_feed.position_changed(client, self._subscriptions[client_id], position)

    def order_error(self, order: SimOrder, code: int, text: str) -> None:
        client = self._clients.get(order.client_id)
        if client is not None:
            client.error(order.order_id, code, text)

    def held(self, order: SimOrder) -> None:
        opens = new_york(self.hours.next_change_ns(self.clock.now_ns()))
        instrument = self.catalogue.by_con_id[order.con_id]
        self.order_error(
            order,
            399,
            f"Order Message:\n{order.action} {order.quantity} {order.symbol} {instrument.listing}\nWarning: your "
            f"order will not be placed at the exchange until {opens:%Y-%m-%d %H:%M:%S} {ZONE}",
        )
