"""The gateway simulator: a TCP server that any TWS client takes for a paper-trading gateway."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType

from algo_trade.clock import Clock, SystemClock, rng
from algo_trade.gateway_sim.account import Account
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.catalogue import Catalogue
from algo_trade.gateway_sim.catalogue_file import load_listing
from algo_trade.gateway_sim.config import SimulatorConfig
from algo_trade.gateway_sim.desk import OrderDesk
from algo_trade.gateway_sim.errors import RequestError, SimulatorStateError
from algo_trade.gateway_sim.faults import FaultRefused, Faults
from algo_trade.gateway_sim.gateway import Gateway
from algo_trade.gateway_sim.halts import check_halts
from algo_trade.gateway_sim.handlers import HANDLERS
from algo_trade.gateway_sim.hours import TradingHours
from algo_trade.gateway_sim.ids import Ids
from algo_trade.gateway_sim.latency import Latencies
from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.markets import Markets, load_recorded
from algo_trade.gateway_sim.orders import SimOrder
from algo_trade.gateway_sim.recording import Recorder
from algo_trade.gateway_sim.state import StateStore
from algo_trade.gateway_sim.ticket import Ticket
from algo_trade.gateway_sim.wire_log import WireLog

logger = logging.getLogger(__name__)


class GatewaySimulator:
    """One simulated gateway with one paper account. Use it as `async with GatewaySimulator(config) as simulator`.

    Clients connect to `host` and `port`. `faults` makes things go wrong, `place_manual_order` is the person who trades
    the account by hand. Without a clock it keeps the machine's time.

    Making it reads and checks its files (CatalogueError, QuotesFileError) and halts (HaltError); starting it reads
    the saved state (SimulatorStateError) and listens.
    """

    def __init__(self, config: SimulatorConfig | None = None, *, clock: Clock | None = None) -> None:
        config = SimulatorConfig() if config is None else config
        self.config = self._config = config
        self.clock = self._clock = SystemClock() if clock is None else clock
        listing = load_listing(config.catalogue)
        self._catalogue = Catalogue(config.all_symbols(), listing.instruments, listing.patterns)
        self._recorded = load_recorded(config)
        check_halts(config.halts, self._catalogue.by_symbol, self._recorded, regular=config.closes)
        self._wire_log = WireLog(None)
        self._store = StateStore(None)
        self._recorder: Recorder | None = None
        self._server: asyncio.Server | None = None
        self._reopening: asyncio.Task[None] | None = None
        self._bound = ("", 0)
        self._gateway: Gateway | None = None
        self._faults: Faults | None = None
        self._markets: Markets | None = None

    @property
    def placed_order_refs(self) -> list[str]:
        """The orderRef of every placeOrder frame as received, in order of arrival."""
        return self._wire_log.placed_order_refs

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens. Only while it runs."""
        assert self._gateway is not None, "not started"
        return self._bound

    @property
    def host(self) -> str:
        return self.address[0]

    @property
    def port(self) -> int:
        return self.address[1]

    @property
    def gateway(self) -> Gateway:
        """What it is made of, for those who look on. Only while it runs."""
        assert self._gateway is not None, "not started"
        return self._gateway

    @property
    def faults(self) -> Faults:
        """What can be made to go wrong. Only while it runs."""
        assert self._faults is not None, "not started"
        return self._faults

    @property
    def orders(self) -> list[SimOrder]:
        """Orders that can still fill, oldest first, whoever placed them."""
        return self.gateway.booking.live_orders()

    def place_manual_order(self, ticket: Ticket) -> SimOrder:
        """Place an order as a person at the screen does. RequestError when the gateway refuses it."""
        instrument = self._catalogue.by_symbol.get(ticket.symbol)
        if instrument is None:
            raise RequestError(200, "No security definition has been found for the request")
        return self.gateway.manual.place(ticket.fields(), instrument)

    def cancel_order(self, perm_id: int) -> SimOrder:
        """Cancel any order as a person at the screen does. RequestError when it cannot be cancelled."""
        return self.gateway.manual.cancel(perm_id)

    def quotes_finished(self, symbol: str) -> bool:
        """Whether a recorded symbol has played its last row; never true of a seeded one."""
        assert self._markets is not None, "not started"
        return self._markets.of(self._catalogue.by_symbol[symbol]).finished

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> tuple[str, int]:
        """Listen; returns host and port as bound (`port` 0 takes a free one). OSError when it cannot be bound."""
        assert self._server is None, "already started"
        self._wire_log = WireLog(self._config.wire_log)
        self._store = StateStore(self._config.state_path)
        if self._config.record is not None:
            self._recorder = Recorder(self._config.record, self._config.recorded_settings)
        try:
            gateway = self._build()
        except BaseException:
            self._store.close()  # whoever comes next may have it
            raise
        self._gateway = gateway
        if self._recorder is not None:
            self._recorder.start()
        gateway.desk.start()
        await self._open(host, port)
        logger.info("gateway simulator listens on %s, account %s", self.address, gateway.account_id)
        return self.address

    async def _open(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, port)
        self._bound = self._server.sockets[0].getsockname()[:2]

    def _accept(self) -> asyncio.Protocol:
        return self.faults.new_connection()

    def _restart(self, seconds: float, roll_back_ids: int) -> None:
        """The gateway goes away and comes back at the same address; its broker goes on."""
        if self._reopening is not None and not self._reopening.done():
            raise FaultRefused("it is restarting already")
        if self._server is not None:
            self._server.close()
            self._server = None
        self.gateway.restart(roll_back_ids)

        async def reopen() -> None:
            await asyncio.sleep(seconds)
            await self._open(*self._bound)

        self._reopening = asyncio.get_running_loop().create_task(reopen())

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
            recorder=self._recorder,
        )
        self._markets = markets
        gateway = Gateway(
            config, clock, self._catalogue, markets, hours, booking, ids, self._wire_log, HANDLERS
        )
        latencies = Latencies(config, rng(config.seed, "latency"))
        gateway.attach(OrderDesk(booking, ids, markets, hours, latencies, gateway.callbacks, clock))
        self._faults = Faults(gateway, latencies, clock, self._restart)
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
        if self._reopening is not None:
            self._reopening.cancel()
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._faults is not None:
            self._faults.stop()
        if self._gateway is not None:
            self._gateway.desk.stop()
            self._gateway.close()
            self._gateway = None
        if self._markets is not None:
            self._markets.stop()
        self._store.close()
        self._wire_log.close()
        if self._recorder is not None:
            self._recorder.close()
        await asyncio.sleep(0)

    async def __aenter__(self) -> GatewaySimulator:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
