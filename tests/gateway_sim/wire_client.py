"""A client that knows only bytes: it sends fields and keeps every frame it gets, so tests see the wire itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from ib_async import Contract, Order
from ib_async.client import Client

from algo_trade.clock import VIRTUAL_START_NS, Clock, run_virtual
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig
from algo_trade.gateway_sim.wire.framing import frame, message

T = TypeVar("T")
SPY, QQQ, IWM, AAPL = 756733, 320227571, 9579970, 265598


def contract(con_id: int = SPY, symbol: str = "") -> list[Any]:
    """The twelve fields of a stock."""
    return [con_id, symbol, "STK", "", "0.0", "", "", "SMART", "", "USD", "", ""]


def place(
    order_id: int,
    action: str = "BUY",
    quantity: float = 10,
    *,
    con_id: int = SPY,
    version: int = 178,
    **order: Any,
) -> list[str]:
    """The fields of placeOrder as ib_async's own encoder writes them for a stock. An order with `lmtPrice` is LMT."""
    kind = "LMT" if "lmtPrice" in order else "MKT"
    defaults = {"orderType": kind, "tif": "DAY", "account": "DSIM001"}
    written: list[str] = []
    client = Client(SimpleNamespace())  # type: ignore[no-untyped-call]  # its wrapper is only asked when something arrives
    client._serverVersion, client.connState = version, Client.CONNECTED
    client.sendMsg = written.append  # type: ignore[assignment]  # where it would go to the socket
    stock = Contract(conId=con_id, secType="STK", exchange="SMART", currency="USD")
    placed = Order(action=action, totalQuantity=quantity, **(defaults | order))
    client.placeOrder(order_id, stock, placed)  # type: ignore[no-untyped-call]  # ib_async leaves it untyped
    return written[0].split("\0")[:-1]


class WireClient(asyncio.Protocol):
    """`frames` are the messages received, each a list of fields, with the loop's time of arrival in `times`."""

    def __init__(self) -> None:
        self.frames: list[list[str]] = []
        self.times: list[float] = []
        self.received = bytearray()
        self.closed = asyncio.Event()
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, host: str, port: int, client_id: int = 1, versions: str = "v157..178") -> WireClient:
        """Connect, greet, start the API, and take in what follows."""
        client = await cls.connect(host, port)
        client.raw(b"API\0" + frame(versions.encode()))
        await asyncio.sleep(0.01)
        client.send(71, 2, client_id, "")
        await asyncio.sleep(0.01)
        return client

    @classmethod
    async def connect(cls, host: str, port: int) -> WireClient:
        _, client = await asyncio.get_running_loop().create_connection(cls, host, port)
        return client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        self._buffer += data
        now = asyncio.get_running_loop().time()
        while len(self._buffer) >= 4:
            end = 4 + int.from_bytes(self._buffer[:4], "big")
            if len(self._buffer) < end:
                return
            self.frames.append(bytes(self._buffer[4:end]).decode("utf-8", "surrogateescape").split("\0")[:-1])
            self.times.append(now)
            del self._buffer[:end]

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def raw(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def send(self, *fields: Any) -> None:
        self.raw(message(*fields))

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def abort(self) -> None:
        assert self._transport is not None
        self._transport.abort()

    async def ask(self, *fields: Any, wait: float = 0.01) -> list[list[str]]:
        """Send a request and return what came in the time after it."""
        start = len(self.frames)
        self.send(*fields)
        await asyncio.sleep(wait)
        return self.frames[start:]

    def of(self, *ids: int) -> list[list[str]]:
        """Frames with these message ids."""
        wanted = {str(number) for number in ids}
        return [fields for fields in self.frames if fields[0] in wanted]


def story(frames: list[list[str]]) -> list[str]:
    """What happened to orders, one word a message: `5 Filled`, `3 Filled 10/0`, `11 10`, `59`, `4 202`."""
    words = []
    for fields in frames:
        match int(fields[0]):
            case 5:
                words.append(f"5 {opened_status(fields)}")
            case 3:
                words.append(f"3 {fields[2]} {fields[3]}/{fields[4]}")
            case 11:
                words.append(f"11 {fields[19]}")
            case 59:
                words.append("59")
            case 4 if fields[2] != "-1":
                words.append(f"4 {fields[3]}")
    return words


def opened_status(fields: list[str]) -> str:
    """The status in an openOrder: an algorithm's parameters stand before it."""
    return fields[93 + (1 + 2 * int(fields[91]) if fields[90] else 0)]


def with_simulator(body: Callable[[GatewaySimulator, WireClient], Awaitable[T]], **config: Any) -> T:
    """Run `body(simulator, client)` in virtual time, client 1 connected, at 09:30 on a regular day."""

    async def main(clock: Clock) -> T:
        settings = {"seed": 7, "market_open_ns": VIRTUAL_START_NS} | config
        simulator = GatewaySimulator(SimulatorConfig(**settings), clock=clock)
        host, port = await simulator.start()
        client = await WireClient.open(host, port)
        try:
            return await body(simulator, client)
        finally:
            client.close()
            await simulator.stop()

    return run_virtual(main)
