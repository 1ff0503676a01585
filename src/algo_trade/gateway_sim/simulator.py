"""The gateway simulator: a TCP server that any TWS client takes for a paper-trading gateway."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType

from algo_trade.clock import Clock, rng
from algo_trade.gateway_sim.account import Account
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.catalogue import Catalogue
from algo_trade.gateway_sim.catalogue_file import load_listing
from algo_trade.gateway_sim.config import SimulatorConfig
from algo_trade.gateway_sim.desk import OrderDesk
from algo_trade.gateway_sim.errors import SimulatorStateError
from algo_trade.gateway_sim.gateway import Gateway
from algo_trade.gateway_sim.halts import check_halts
from algo_trade.gateway_sim.handlers import HANDLERS
from algo_trade.gateway_sim.hours import TradingHours
from algo_trade.gateway_sim.ids import Ids
from algo_trade.gateway_sim.latency import Latencies
from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.markets import Markets, load_recorded
from algo_trade.gateway_sim.state import StateStore
from algo_trade.gateway_sim.wire_log import WireLog

logger = logging.getLogger(__name__)


class GatewaySimulator:
    """One simulated gateway with one paper account. Use it as `async with GatewaySimulator(config, clock=clock)`.

    Making it reads and checks its files (CatalogueError, QuotesFileError) and halts (HaltError); starting it reads
    the saved state (SimulatorStateError) and listens.
    """

    def __init__(self, config: SimulatorConfig, *, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        listing = load_listing(config.catalogue)
        self._catalogue = Catalogue(config.all_symbols(), listing.instruments, listing.patterns)
        self._recorded = load_recorded(config)
        check_halts(config.halts, self._catalogue.by_symbol, self._recorded, regular=config.closes)
        self._wire_log = WireLog(None)
        self._store = StateStore(None)
        self._server: asyncio.Server | None = None
        self._gateway: Gateway | None = None
        self._markets: Markets | None = None

    @property
    def placed_order_refs(self) -> list[str]:
        """The orderRef of every placeOrder frame as received, in order of arrival."""
        return self._wire_log.placed_order_refs

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens. Only while it runs."""
        assert self._server is not None, "not started"
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    def quotes_finished(self, symbol: str) -> bool:
        """Whether a recorded symbol has played its last row; never true of a seeded one."""
        assert self._markets is not None, "not started"
        return self._markets.of(self._catalogue.by_symbol[symbol]).finished

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> tuple[str, int]:
        """Listen; returns host and port as bound (`port` 0 takes a free one). OSError when it cannot be bound."""
        assert self._server is None, "already started"
        self._wire_log = WireLog(self._config.wire_log)
        self._store = StateStore(self._config.state_path)
        gateway = self._build()
        self._gateway = gateway
        gateway.desk.start()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(gateway.new_connection, host, port)
        logger.info("gateway simulator listens on %s, account %s", self.address, gateway.account_id)
        return self.address

    def _build(self) -> Gateway:
        config, clock, store = self._config, self._clock, self._store
        facts = store.facts()
        identity = {"seed": config.seed, "account_id": config.account_id}
        if facts and any(facts.get(name) != value for name, value in identity.items()):
            raise SimulatorStateError(
                f"{config.state_path}: the state belongs to account {facts.get('account_id')} with seed "
                f"{facts.get('seed')}, not to {config.account_id} with {config.seed}"
            )
        origin_ns = facts.get("origin_ns", clock.now_ns())
        account = Account(
            config.account_id,
            facts.get("cash_micros", config.starting_cash_micros),
            commission_micros=facts.get("commission_micros", 0),
        )
        ids = Ids(config.seed, origin_ns)
        ids.restore(facts)
        booking = Booking(account, ids, store)
        booking.restore()
        self._check_known(booking)
        if not facts:
            store.save(facts={**identity, "origin_ns": origin_ns}, account=account)
        recorded = {
            name.removeprefix("recorded:"): value
            for name, value in facts.items()
            if name.startswith("recorded:")
        }
        hours = TradingHours(origin_ns, config.market_open_ns, regular=config.regular_hours)
        markets = Markets(
            config,
            self._catalogue,
            self._recorded,
            clock=clock,
            hours=hours,
            origin_ns=origin_ns,
            recorded_origins_ns=recorded,
            on_started=self._remember_start,
        )
        self._markets = markets
        gateway = Gateway(
            config, clock, self._catalogue, markets, hours, booking, ids, self._wire_log, HANDLERS
        )
        latencies = Latencies(config, rng(config.seed, "latency"))
        gateway.attach(OrderDesk(booking, ids, markets, hours, latencies, gateway, clock))
        return gateway

    def _check_known(self, booking: Booking) -> None:
        """Everything the state speaks of must be an instrument of this configuration."""
        con_ids = (*booking.account.positions, *(order.con_id for order in booking.orders.values()))
        unknown = next((con_id for con_id in con_ids if con_id not in self._catalogue.by_con_id), None)
        if unknown is not None:
            raise SimulatorStateError(
                f"{self._config.state_path}: the state has contract {unknown}, which this configuration has not: "
                "give the same symbols and quotes as before"
            )

    def _remember_start(self, market: SymbolMarket) -> None:
        self._store.save(facts={f"recorded:{market.instrument.symbol}": market.origin_ns})

    async def stop(self) -> None:
        """Close every connection and stop listening. Stopping twice is once."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._gateway is not None:
            self._gateway.desk.stop()
            self._gateway.close()
            self._gateway = None
        if self._markets is not None:
            self._markets.stop()
        self._store.close()
        self._wire_log.close()
        await asyncio.sleep(0)

    async def __aenter__(self) -> GatewaySimulator:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
