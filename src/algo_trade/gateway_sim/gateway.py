"""The gateway: its clients, and what it tells them. Requests themselves are in `handlers`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from algo_trade.clock import Clock, new_york
from algo_trade.gateway_sim.account_feed import AccountFeed
from algo_trade.gateway_sim.bars.history import SymbolBars
from algo_trade.gateway_sim.bars.streams import BarBroadcast
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.callbacks import Callbacks
from algo_trade.gateway_sim.catalogue import Catalogue, Instrument
from algo_trade.gateway_sim.config import SimulatorConfig
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.crowd import Crowd
from algo_trade.gateway_sim.desk import OrderDesk
from algo_trade.gateway_sim.hours import ZONE, TradingHours
from algo_trade.gateway_sim.ids import Ids
from algo_trade.gateway_sim.manual import ManualOrders
from algo_trade.gateway_sim.markets import Markets
from algo_trade.gateway_sim.pacing import RateLimit
from algo_trade.gateway_sim.streams import Broadcast
from algo_trade.gateway_sim.subscriptions import Limits, Subscriptions
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


class Meddler(Protocol):
    """Whoever makes things go wrong, while anything is to go wrong."""

    def joined(self, connection: ClientConnection) -> None:
        """A client has started the API, and is told nothing yet."""

    def holds(self, connection: ClientConnection, request: Decoded) -> bool:
        """Whether a request waits; it is handed in again later."""


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
        self.meddler: Meddler | None = None
        self._limits = Limits(config.lines, config.tick_by_tick_limit, config.depth_limit)
        self.crowd = Crowd()
        self._wire_log = wire_log
        self._handlers = handlers
        self._clients: dict[int, ClientConnection] = {}
        self._subscriptions: dict[int, Subscriptions] = {}
        self.callbacks = Callbacks(
            self._clients,
            self._subscriptions,
            catalogue,
            self.account_feed,
            hours,
            clock,
            config.account_id,
            config.master_client_id,
        )
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
        self._manual: ManualOrders | None = None
        self._pnl_timer: asyncio.TimerHandle | None = None

    @property
    def desk(self) -> OrderDesk:
        assert self._desk is not None, "the desk is set before the first client comes"
        return self._desk

    @property
    def manual(self) -> ManualOrders:
        assert self._manual is not None, "the desk is set before the first client comes"
        return self._manual

    def attach(self, desk: OrderDesk) -> None:
        """The desk tells the gateway's clients, and the gateway knows the desk."""
        self._desk = desk
        self._manual = ManualOrders(self.booking, desk)

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
        self._subscriptions[client_id] = Subscriptions(self._limits)
        if self.meddler is not None:
            self.meddler.joined(connection)
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
            self.manual.ended(connection)
            logger.info("client %d disconnected", connection.client_id)

    def handle(self, connection: ClientConnection, request: Decoded) -> None:
        self._wire_log.note(request, connection.client_id, self.clock.now_ns())
        if self.meddler is None or not self.meddler.holds(connection, request):
            self.answer(connection, request)

    def answer(self, connection: ClientConnection, request: Decoded) -> None:
        """What comes of a request; raises RequestError when it is refused."""
        self._handlers[request.name](self, connection, request)

    @property
    def clients(self) -> list[ClientConnection]:
        """Those that have started the API, by client id."""
        return [self._clients[client_id] for client_id in sorted(self._clients)]

    def subscriptions(self, connection: ClientConnection) -> Subscriptions:
        return self._subscriptions[connection.client_id]

    def broadcast(self, instrument: Instrument) -> Broadcast:
        return self._broadcasts[instrument.con_id]

    def bar_broadcast(self, instrument: Instrument) -> BarBroadcast:
        return self._bars[instrument.con_id]

    def restart(self, roll_back_ids: int) -> None:
        """Every connection ends and staged orders are lost; with `roll_back_ids` so are the last order ids."""
        self.close()
        self.booking.forget_staged()
        if roll_back_ids:
            self.booking.forget_ids(self.ids.roll_back(roll_back_ids))
            self.booking.commit()

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self._connections):
            connection.close()
        if self._pnl_timer is not None:
            self._pnl_timer.cancel()
            self._pnl_timer = None

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
