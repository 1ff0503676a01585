"""A broker that lives on, and a program that may die at any moment and begin again on the same files.

The broker is the real GatewaySimulator on the in-memory network. A `Life` is one process of ours: bus, journal,
gateway client and order plane, all real. A `Fuse` counts the places where a process can die with a difference: around
every commit of the journal, every publish of the bus and every order written. When it burns, the life is over: the
connection is cut, its tasks are cancelled, nothing of it writes another byte, and the files stay as they are.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid5

from tests.order_plane.fuse import Fuse, FusedBus, FusedJournal

from algo_trade.bus import Invalid, OrderPlaneValidator
from algo_trade.clock import Clock, SeededIds, rng, run_virtual, utc
from algo_trade.contracts import (
    AmendmentAction,
    Direction,
    ExecutionReport,
    Message,
    OrderAmendment,
    OrderIntent,
    OrderType,
    SessionEventKind,
    TickEvent,
    TimeInForce,
)
from algo_trade.gateway_sim import GatewaySimulator, RecordedQuotes, SimulatorConfig
from algo_trade.gateway_sim.orders import SimExecution, SimOrder
from algo_trade.gateway_sim.wire import replies
from algo_trade.ibkr import IBKRHandler
from algo_trade.ibkr.instruments import Instrument
from algo_trade.order_plane.outbox import Outbox
from algo_trade.order_plane.plane import OrderPlane
from algo_trade.portfolio import MICROS
from algo_trade.risk import Limits
from algo_trade.settings.sections import IbkrSettings

T = TypeVar("T")

ACCOUNT, SESSION = "DSIM001", "session-1"
BID, ASK = 100.00, 100.02
# Shares displayed on either side, by symbol.
DEPTH = {"DEEP": 500, "DEEPER": 500, "THIN": 2, "FAR": 500, "HUGE": 500}
LIMITS = Limits(
    allocated_capital_micros=10_000 * MICROS,
    max_position_shares=100_000,
    max_order_shares=100_000,
    max_gross_micros=100_000_000 * MICROS,
    max_net_micros=100_000_000 * MICROS,
    price_collar_pct=5.0,
    max_data_age_ns=2_000_000_000,
    stop_pnl_micros=-1_000_000 * MICROS,
    stop_drawdown_pct=5_000.0,
)
_NAMESPACE = UUID(int=11)
_TICK_EVERY_S = 0.5


def a_day_of(bids: Sequence[float], spread: float, depth: int) -> RecordedQuotes:
    """A day whose rows are spread evenly over it; two of one price are a market that stands still."""
    bid_e4 = array("q", [round(bid * 1e4) for bid in bids])
    ask_e4 = array("q", [round((bid + spread) * 1e4) for bid in bids])
    sizes = array("q", [depth]) * len(bid_e4)
    return RecordedQuotes(Path(), ask_e4, sizes, bid_e4, sizes)


def bids_by_second(*path: tuple[int, float]) -> list[float]:
    """From each second on, this bid: a row a second for a whole day."""
    seconds = [second for second, _ in path] + [23_400]
    return [bid for (second, bid), end in zip(path, seconds[1:], strict=True) for _ in range(second, end)]


class World:
    """The broker, the files, and the life that is being lived. Made by `in_world`."""

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        *,
        session_id: str = SESSION,
        limits: Limits = LIMITS,
        bids: Sequence[float] = (BID, BID),
    ) -> None:
        self.directory = directory
        self.clock = clock
        self.session_id = session_id
        self.limits = limits
        self.events: list[tuple[SessionEventKind, str]] = []
        self.lives: list[Life] = []
        self.simulator = GatewaySimulator(
            SimulatorConfig(
                seed=7,
                symbols=(),
                quotes={symbol: a_day_of(bids, ASK - BID, depth) for symbol, depth in DEPTH.items()},
                account_id=ACCOUNT,
                ack_ms=20,
                fill_ms=40,
            ),
            clock=clock,
        )
        self.address = ("", 0)
        self.found: list[str] = []  # by whoever watches while lives go by
        self.broker: Any = None  # who answers instead of the simulator, if anybody
        self.frames: list[Any] = []  # every placeOrder that arrived, whoever answered it

    def listen(self) -> None:
        """Note what arrives; requests can be answered by others from now on (`answer`)."""
        gateway = self._gateway
        gateway._handlers = dict(gateway._handlers)
        real = gateway.handle

        def handle(connection: Any, request: Any) -> None:
            if request.name == "place_order":
                self.frames.append(request)
            real(connection, request)

        gateway.handle = handle

    async def begin(self, fuse: Fuse | None = None, *, session_id: str | None = None) -> Life:
        """A process starts: connected, with instruments, not yet trading."""
        life = Life(self, fuse or Fuse(), session_id or self.session_id)
        self.lives.append(life)
        await life.open()
        return life

    # -- the broker's side -------------------------------------------------------------------------
    @property
    def _gateway(self) -> Any:
        gateway = self.simulator._gateway
        assert gateway is not None
        return gateway

    @property
    def broker_orders(self) -> list[SimOrder]:
        return list(self._gateway.booking.orders.values())

    @property
    def broker_executions(self) -> list[SimExecution]:
        return list(self._gateway.booking.executions)

    @property
    def broker_positions(self) -> dict[str, int]:
        catalogue = self._gateway.catalogue.by_con_id
        held = self._gateway.booking.account.open_positions()
        return {catalogue[position.con_id].symbol: position.shares for position in held}

    @property
    def peer(self) -> Any:
        """The gateway's end of our connection."""
        return self._gateway._connections[-1]

    def cut(self) -> None:
        """The connection breaks."""
        self.peer._transport.abort()

    def say(self, code: int, text: str = "") -> None:
        """A notice from the gateway to us."""
        self.peer.error(-1, code, text)

    def write(self, *fields: str) -> None:
        """A message the gateway never meant to send."""
        payload = "".join(f"{field}\0" for field in fields).encode()
        self.peer._transport.write(len(payload).to_bytes(4, "big") + payload)

    def answer(self, request: str, instead: Callable[[Callable[[], None]], object]) -> None:
        """From now on requests of this kind are given to `instead`, with what the gateway would have done."""
        handlers = self._gateway._handlers
        real = handlers.get(request)
        handlers[request] = lambda gateway, client, asked: instead(lambda: real(gateway, client, asked))

    def take_time(self, seconds: float) -> None:
        """Each question about what there is takes this long: things happen between one answer and the next."""
        loop = asyncio.get_running_loop()
        for name in ("all_open_orders", "executions", "completed_orders", "positions"):
            self.answer(name, lambda real: loop.call_later(seconds, real))

    @contextmanager
    def amnesia(self) -> Iterator[None]:
        """The gateway lists no order, neither open nor completed; executions and positions it still knows."""
        ends = {"all_open_orders": replies.OPEN_ORDER_END, "completed_orders": replies.COMPLETED_ORDERS_END}
        handlers = self._gateway._handlers
        real = {name: handlers[name] for name in ends}
        handlers.update(
            {
                name: lambda _gateway, client, _request, end=end: client.reply(end)
                for name, end in ends.items()
            }
        )
        yield
        handlers.update(real)

    def alarms(self, about: str = "") -> list[str]:
        return [text for kind, text in self.events if kind is SessionEventKind.ORDER_ALARM and about in text]


class Life:
    """One process of ours. `plane` is made by `open` and trades after `start`."""

    def __init__(self, world: World, fuse: Fuse, session_id: str) -> None:
        self.world = world
        self.fuse = fuse
        self.session_id = session_id
        self.before = asyncio.all_tasks()
        self.graceful = False  # at death: whether what was written still reaches the gateway
        fuse.on_burn = self._cut
        self.bus = FusedBus(
            world.directory / "log", clock=world.clock, ids=SeededIds(rng(len(world.lives), "ids"))
        )
        self.bus.fuse = fuse
        self.instruments: dict[str, Instrument] = {}
        self.quotes: dict[str, tuple[float, float]] = dict.fromkeys(DEPTH, (BID, ASK))
        self.quoted: tuple[str, ...] = tuple(DEPTH)

    async def open(self) -> None:
        world = self.world
        host, port = world.address
        await self.bus.open()
        settings = IbkrSettings(account_id=ACCOUNT, host=host, port=port, timeout_sec=5.0)
        self.handler = IBKRHandler(settings, world.clock, rng(3, "ibkr"))
        orders = self.handler.orders
        self._write: Callable[..., int] = orders.send_order
        orders.send_order = self._around("order", lambda *a, **k: self._write(*a, **k))  # type: ignore[method-assign]
        orders.send_bracket = self._around("bracket", orders.send_bracket)  # type: ignore[method-assign]
        orders.send_cancel = self._around("cancel", orders.send_cancel)  # type: ignore[method-assign]
        self.journal = FusedJournal(world.directory / "journal.db", ACCOUNT)
        self.journal.fuse = self.fuse
        self.outbox = Outbox(self.bus)
        self.plane = OrderPlane(
            self.bus,
            world.clock,
            self.handler,
            self.journal,
            self.outbox,
            self._notify,
            world.limits,
            account=ACCOUNT,
            client_id=settings.client_id,
            session_id=self.session_id,
            patience_s=settings.timeout_sec,
        )
        await self.handler.start()
        self.instruments = {symbol: await self.handler.market.resolve(symbol) for symbol in DEPTH}
        for symbol in DEPTH:
            await self.handler.market.subscribe_rt(symbol)
        self.posting = asyncio.ensure_future(self.outbox.run())

    async def start(self) -> None:
        """Trade: quotes run, the plane is reconciled."""
        self.ticking = asyncio.ensure_future(self._tick())
        await self.plane.start(self.instruments)
        await asyncio.sleep(2 * _TICK_EVERY_S)

    async def publish(self, *messages: OrderIntent | OrderAmendment) -> None:
        for message in messages:
            await self.bus.publish("order_intents", message, key=message.symbol)

    async def ask(self, intent: OrderIntent | OrderAmendment, seconds: float = 1.0) -> ExecutionReport:
        """Publish an intent, or an amendment of one; the newest report on it after a while."""
        await self.publish(intent)
        await self.settle(seconds)
        return await self.last(intent)

    async def last(self, intent: OrderIntent | OrderAmendment) -> ExecutionReport:
        return (await self.last_reports())[intent.intent_id]

    async def settle(self, seconds: float = 3.0) -> None:
        """Time passes, the plane alive."""
        await asyncio.sleep(seconds)
        if self.plane.failure.done():
            raise self.plane.failure.exception() or AssertionError("the plane ended")

    async def end(self) -> None:
        """An orderly end."""
        await self.plane.stop()
        await self._cancel_all()
        await self.handler.close()
        self.journal.close()
        await self.bus.close()

    async def die(self) -> None:
        """What is left of a process after it was killed: files."""
        self.fuse.burnt.set()
        self._cut()
        await self._cancel_all()
        await self.handler.close()
        self.journal.close()
        self.bus.abandon()
        await asyncio.sleep(0.01)

    async def _cancel_all(self) -> None:
        mine = [
            task
            for task in asyncio.all_tasks()
            if task not in self.before and task is not asyncio.current_task()
        ]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)
        for over in (self.plane.failure, self.posting):
            if over.done() and not over.cancelled():
                over.exception()  # seen: what killed it is known

    def _cut(self) -> None:
        link = self.handler.connection._link
        if link is None or link._transport is None:
            return
        if self.graceful:
            link._transport.close()
        else:
            link._transport.abort()

    async def _tick(self) -> None:
        while True:
            for symbol in self.quoted:
                self.tick(symbol)
            await asyncio.sleep(_TICK_EVERY_S)

    def tick(self, symbol: str) -> None:
        """One quote of a symbol, as the data plane would publish it."""
        bid, ask = self.quotes[symbol]
        depth = DEPTH[symbol]
        moment = utc(self.world.clock.now_ns())
        self.bus.append(
            "market_events",
            TickEvent(symbol=symbol, timestamp=moment, bid=bid, ask=ask, bid_size=depth, ask_size=depth),
            key=symbol,
        )

    def _around(self, what: str, write: Callable[..., int]) -> Callable[..., int]:
        """A failpoint on either side of a write."""

        def fused(*args: Any, **named: Any) -> int:
            self.fuse.place(f"{what}, before the bytes")
            written = write(*args, **named)
            self.fuse.place(f"{what}, after the bytes")
            return written

        return fused

    def _notify(self, kind: SessionEventKind, text: str, **_: Any) -> None:
        self.world.events.append((kind, text))

    # -- asking ------------------------------------------------------------------------------------
    async def log(self) -> list[ExecutionReport]:
        """Every readable report in the log, in its order, repetitions included."""
        found = []
        async for record in self.bus.replay("exec_reports"):
            with suppress(ValueError):
                found.append(ExecutionReport.decode(record.value))
        return found

    async def intents(self) -> list[OrderIntent]:
        """Every readable intent in the log."""
        return [message for message in await self._asked() if isinstance(message, OrderIntent)]

    async def amendments(self) -> list[OrderAmendment]:
        """Every readable amendment in the log."""
        return [message for message in await self._asked() if isinstance(message, OrderAmendment)]

    async def _asked(self) -> list[Message]:
        found: list[Message] = []
        async for record in self.bus.replay("order_intents"):
            with suppress(Invalid):
                found.append(OrderPlaneValidator().validate_any(record))
        return found

    async def answers(self, amendment: OrderAmendment) -> list[ExecutionReport]:
        """The reports that answer an amendment."""
        return [report for report in await self.log() if report.amendment_id == amendment.amendment_id]

    async def last_reports(self) -> dict[UUID, ExecutionReport]:
        """The newest report on each intent."""
        last: dict[UUID, ExecutionReport] = {}
        for report in await self.log():
            if report.intent_id not in last or report.sequence >= last[report.intent_id].sequence:
                last[report.intent_id] = report
        return last


def wish(
    world: World,
    symbol: str = "DEEP",
    *,
    number: int = 1,
    side: str = "BUY",
    quantity: int = 5,
    limit: float | None = ASK,
    tif: TimeInForce = TimeInForce.IOC,
    valid_s: float = 60.0,
    session_id: str | None = None,
    stop: float | None = None,
    order_type: OrderType | None = None,
    **more: Any,
) -> OrderIntent:
    """An intent of this moment; its type follows from its prices unless it is told."""
    now = utc(world.clock.now_ns())
    session = session_id or world.session_id
    return OrderIntent(
        intent_id=uuid5(_NAMESPACE, f"{session}:{symbol}:{number}"),
        session_id=session,
        symbol=symbol,
        direction=Direction(side),
        quantity=quantity,
        order_type=order_type or _TYPES[limit is not None, stop is not None],
        time_in_force=tif,
        timestamp=now,
        valid_until=now + timedelta(seconds=valid_s),
        strategy_id="OFI",
        limit_price=limit,
        stop_price=stop,
        decision_mid=(BID + ASK) / 2,
        **more,
    )


_TYPES = {
    (False, False): OrderType.MARKET,
    (True, False): OrderType.LIMIT,
    (False, True): OrderType.STOP,
    (True, True): OrderType.STOP_LIMIT,
}


def bracket(
    world: World,
    symbol: str = "DEEP",
    *,
    number: int = 1,
    quantity: int = 5,
    limit: float | None = 99.5,
    profit: float = 101.0,
    loss: float = 98.0,
    valid_s: float = 60.0,
) -> tuple[OrderIntent, OrderIntent, OrderIntent]:
    """A buy with its two exits: entry, take profit, stop loss."""
    day: dict[str, Any] = {"quantity": quantity, "tif": TimeInForce.DAY, "valid_s": valid_s}
    entry = wish(world, symbol, number=10 * number, limit=limit, attached_exits=2, **day)
    exits = [
        wish(
            world,
            symbol,
            number=10 * number + at,
            side="SELL",
            limit=profit if at == 1 else None,
            stop=loss if at == 2 else None,
            parent_intent_id=entry.intent_id,
            **day,
        )
        for at in (1, 2)
    ]
    return entry, exits[0], exits[1]


def amend(
    world: World, intent: OrderIntent, *, number: int = 1, valid_s: float = 60.0, **terms: Any
) -> OrderAmendment:
    """New terms for an order, or without any its cancel."""
    now = utc(world.clock.now_ns())
    return OrderAmendment(
        amendment_id=uuid5(_NAMESPACE, f"{intent.intent_id}:{number}"),
        intent_id=intent.intent_id,
        session_id=intent.session_id,
        symbol=intent.symbol,
        strategy_id=intent.strategy_id,
        action=AmendmentAction.REPLACE if terms else AmendmentAction.CANCEL,
        timestamp=now,
        valid_until=now + timedelta(seconds=valid_s),
        **terms,
    )


def in_world(
    directory: Path,
    body: Callable[[World], Awaitable[T]],
    *,
    bids: Sequence[float] = (BID, BID),
    **changes: Any,
) -> T:
    """Run `body` in a world of its own, in virtual time. `bids`: the simulator's market; `changes`: of the limits."""
    limits = replace(LIMITS, **changes)

    async def main(clock: Clock) -> T:
        world = World(directory, clock, limits=limits, bids=bids)
        world.address = await world.simulator.start()
        world.listen()
        try:
            async with asyncio.timeout(36_000):
                return await body(world)
        finally:
            for life in world.lives:
                with suppress(Exception):
                    await life.die()
            await world.simulator.stop()

    return run_virtual(main)
