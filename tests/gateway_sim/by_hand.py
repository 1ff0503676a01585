"""A market that stands still until a test moves it, so that what an order meets is written in the test."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from tests.gateway_sim.wire_client import WireClient, place, story

from algo_trade.clock import VIRTUAL_START_NS, Clock, run_virtual
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.orders import SimOrder
from algo_trade.gateway_sim.quotes import Quote

T = TypeVar("T")
# Long enough for a frame to be acknowledged, to reach the exchange, and for the commission report after a fill.
A_WHILE_S = 0.2


class NoQuotes:
    """A recorded day on which nothing happens."""

    def __init__(self, *, has_trades: bool) -> None:
        self.has_trades = has_trades

    waits_for_subscriber = True
    previous_close_e4 = 1_000_000

    def quotes(self) -> Iterator[Quote]:
        return iter(())


class Desk:
    """A simulator whose SPY is moved by hand, and a client of it. Prices in dollars."""

    simulator: GatewaySimulator
    client: WireClient

    def __init__(self, config: SimulatorConfig, clock: Clock, *, has_trades: bool) -> None:
        day: Any = NoQuotes(has_trades=has_trades)
        self.config = dataclasses.replace(config, quotes={"SPY": day})
        self.clock = clock

    async def start(self) -> None:
        """Start, connect, show the first quote."""
        self.simulator = GatewaySimulator(self.config, clock=self.clock)
        self.client = await WireClient.open(*await self.simulator.start())
        self._market.start()
        self.show()

    async def kill(self) -> None:
        """End without a word: what is on disk is all that is left."""
        self.client.abort()
        await self.simulator.stop()

    async def restart(self, down_s: float = 60.0) -> None:
        """Killed, and started again some time later."""
        await self.kill()
        await asyncio.sleep(down_s)
        await self.start()

    @property
    def booking(self) -> Booking:
        simulator: Any = self.simulator
        booking: Booking = simulator._gateway.booking
        return booking

    @property
    def _market(self) -> Any:
        simulator: Any = self.simulator
        return simulator._markets.of(simulator._catalogue.by_symbol["SPY"])

    @property
    def orders(self) -> dict[int, SimOrder]:
        """What the gateway has of client 1's orders, by order id."""
        return {order.order_id: order for order in self.booking.orders.values() if order.client_id == 1}

    def show(
        self,
        bid: float = 100.00,
        ask: float = 100.02,
        bid_size: int = 500,
        ask_size: int = 500,
        trade: tuple[float, int] = (0, 0),
    ) -> None:
        """The next quote, with the trade that led to it; in a halt nobody hears of it, as of the tape's."""
        if self._market.halted:
            return
        prices = (round(bid * 10_000), round(ask * 10_000))
        self._market._show(Quote(0, *prices, bid_size, ask_size, round(trade[0] * 10_000), trade[1]))

    def halt(self, halted: bool = True) -> None:
        self._market._halt(halted)

    async def send(self, *fields: Any) -> None:
        """Send a frame and let it arrive."""
        self.client.send(*fields)
        await asyncio.sleep(0.001)

    async def told(self, *fields: Any, wait: float = A_WHILE_S) -> list[str]:
        """Send a frame and return what its client hears of orders in the time after it."""
        return story(await self.client.ask(*fields, wait=wait))

    async def place(self, order_id: int, action: str = "BUY", quantity: int = 10, **order: Any) -> list[str]:
        """Place an order, and what is heard of it."""
        return await self.told(*place(order_id, action, quantity, **order))

    async def cancel(self, order_id: int) -> list[str]:
        return await self.told(4, 1, order_id, "")

    async def after(self, move: Callable[[], None] | None = None, wait: float = A_WHILE_S) -> list[str]:
        """What is heard in the time after something happened."""
        start = len(self.client.frames)
        if move is not None:
            move()
        await asyncio.sleep(wait)
        return story(self.client.frames[start:])

    def status(self, order_id: int) -> list[str]:
        """The last orderStatus of an order."""
        return [fields for fields in self.client.of(3) if fields[1] == str(order_id)][-1]

    def opened(self, order_id: int) -> list[str]:
        """The last openOrder of an order."""
        return [fields for fields in self.client.of(5) if fields[1] == str(order_id)][-1]


def by_hand(body: Callable[[Desk], Awaitable[T]], *, has_trades: bool = True, **config: Any) -> T:
    """Run `body(desk)` in virtual time at 09:30 of a regular day, SPY at 100.00 to 100.02, 500 shares a side."""

    async def main(clock: Clock) -> T:
        settings = {"seed": 7, "market_open_ns": VIRTUAL_START_NS, "ack_ms": 20.0, "fill_ms": 40.0} | config
        desk = Desk(SimulatorConfig(**settings), clock, has_trades=has_trades)
        await desk.start()
        try:
            return await body(desk)
        finally:
            await desk.kill()

    return run_virtual(main)
