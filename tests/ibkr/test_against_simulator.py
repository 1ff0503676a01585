"""Client and simulator know each other only by the wire: each is the other's test, in virtual time and over TCP."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from tests.ibkr.helpers import settings
from tests.ibkr.test_exec_client import approved

from algo_trade.clock import Clock, rng, run_real, run_virtual, utc
from algo_trade.contracts import ApprovedOrder
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig
from algo_trade.ibkr import ConnectionState, IBKRHandler, Known, LockRefused, Unknown
from algo_trade.ibkr.events import (
    CommissionReport,
    Execution,
    GatewayMessage,
    OpenOrder,
    OrderEvent,
    OrderStatus,
    RealTimeBar,
    TickBidAsk,
    Undecodable,
)
from algo_trade.ibkr.market_lines import Source

T = TypeVar("T")
Body = Callable[[IBKRHandler, GatewaySimulator, Clock], Awaitable[T]]
ACCOUNT = "DSIM001"
RUNNERS = {"virtual": run_virtual, "tcp": run_real}


def trade(
    body: Body[T], config: SimulatorConfig | None = None, *, world: str = "virtual", **changes: Any
) -> T:
    """Run `body` with a simulator and a connected handler; no frame of the simulator may be undecodable."""

    async def main(clock: Clock) -> T:
        simulator = GatewaySimulator(config or SimulatorConfig(seed=7, ack_ms=5, fill_ms=10), clock=clock)
        host, port = await simulator.start()
        handler = IBKRHandler(
            settings(**{"host": host, "port": port, "account_id": ACCOUNT} | changes), clock, rng(3, "ibkr")
        )
        damaged: list[Undecodable] = []
        handler.listen(Undecodable, damaged.append)
        try:
            async with asyncio.timeout(3600):
                await handler.start()
                result = await body(handler, simulator, clock)
        finally:
            await handler.close()
            await simulator.stop()
        assert damaged == []
        return result

    run: Any = RUNNERS[world]
    done: T = run(main)
    return done


async def quote(handler: IBKRHandler, symbol: str) -> TickBidAsk:
    """The next quote of a symbol."""
    async for batch in handler.market.ticks():
        for tick in batch:
            if isinstance(tick, TickBidAsk) and tick.symbol == symbol:
                return tick
    raise AssertionError("the stream of ticks ended")


async def an_order(handler: IBKRHandler, symbol: str = "SPY", **changes: Any) -> ApprovedOrder:
    instrument = await handler.market.resolve(symbol)
    return approved(**{"account": ACCOUNT, "con_id": instrument.con_id, "symbol": symbol} | changes)


def reconciled(handler: IBKRHandler) -> None:
    assert handler.orders.gate.open(handler.orders.gate.epoch)


async def place(handler: IBKRHandler, order: ApprovedOrder) -> int:
    order_id = handler.orders.next_order_id()
    await handler.orders.place_order(order, order_id)
    return order_id


async def until_over(handler: IBKRHandler, order_id: int) -> list[OrderEvent]:
    """Reports about an order up to its terminal status, and a while longer: fills and commissions may follow."""
    about: list[OrderEvent] = []

    async def read() -> None:
        async for event in handler.orders.poll_reports():
            about.append(event)

    reading = asyncio.ensure_future(read())
    while not any(
        isinstance(event, OrderStatus)
        and event.order_id == order_id
        and event.status in ("Filled", "Cancelled", "Inactive")
        for event in about
    ):
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    reading.cancel()
    return about


def of(kind: type[T], events: list[OrderEvent]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("world", RUNNERS)
def test_connect(world: str) -> None:
    async def body(handler: IBKRHandler, _simulator: GatewaySimulator, clock: Clock) -> None:
        assert handler.state is ConnectionState.CONNECTED
        assert handler.accounts == (ACCOUNT,)
        await asyncio.sleep(0.05)
        assert any("simfarm" in notice for notice in handler.connectivity.farm_notices)
        assert handler.mode("paper", "real") == "SIM"
        instrument = await handler.market.resolve("SPY")
        assert instrument.is_open(utc(clock.now_ns()))
        assert (instrument.currency, instrument.min_tick) == ("USD", 0.01)

    trade(body, world=world)


def test_the_lock_refuses_a_simulator_with_another_account() -> None:
    async def body(_handler: IBKRHandler, _simulator: GatewaySimulator, _clock: Clock) -> None:
        raise AssertionError("connected")

    with pytest.raises(LockRefused):
        trade(body, account_id="DU1234567")


@pytest.mark.parametrize("world", RUNNERS)
def test_an_order_is_placed_filled_and_found_again_in_every_snapshot(world: str) -> None:
    async def body(handler: IBKRHandler, simulator: GatewaySimulator, _clock: Clock) -> None:
        await handler.market.subscribe_rt("SPY")
        tick = await quote(handler, "SPY")
        assert 0 < tick.bid < tick.ask
        reconciled(handler)
        order = await an_order(handler, limit_price=round(tick.ask * 1.001, 2), quantity=1)
        order_id = await place(handler, order)
        events = await until_over(handler, order_id)
        (fill,) = of(Execution, events)
        assert (fill.order_id, fill.order_ref, fill.side, fill.shares) == (
            order_id,
            order.order_ref,
            "BUY",
            1.0,
        )
        assert fill.exec_time is not None
        (commission,) = of(CommissionReport, events)
        assert (commission.exec_id, commission.commission) == (fill.exec_id, 1.0)
        assert {each.order_ref for each in of(OpenOrder, events)} == {order.order_ref}
        status = await handler.orders.get_order_status(order_id)
        assert isinstance(status, Known)
        assert [each.status for each in status.rows] == ["Filled"]
        await in_every_snapshot(handler, fill)
        assert simulator.placed_order_refs == [order.order_ref]

    trade(body, world=world)


async def in_every_snapshot(handler: IBKRHandler, fill: Execution) -> None:
    open_orders = await handler.snapshots.open_orders()
    assert isinstance(open_orders, Known)
    assert [each for each in open_orders.rows if each.status not in ("Filled", "Cancelled")] == []
    executions = await handler.snapshots.executions()
    assert isinstance(executions, Known)
    assert [(each.exec_id, each.shares, each.price) for each in executions.rows] == [
        (fill.exec_id, 1.0, fill.price)
    ]
    completed = await handler.snapshots.completed_orders()
    assert isinstance(completed, Known)
    assert [(each.order_ref, each.status, each.perm_id) for each in completed.rows] == [
        (fill.order_ref, "Filled", fill.perm_id)
    ]
    positions = await handler.get_positions()
    assert isinstance(positions, Known)
    assert [(each.symbol, each.quantity, each.account) for each in positions.rows] == [("SPY", 1.0, ACCOUNT)]
    for info in (await handler.get_account_info(), await handler.snapshots.account_values()):
        assert isinstance(info, Known)
        cash = {value.tag: value.value for value in info.rows if value.currency == "USD"}["TotalCashValue"]
        assert float(cash) == pytest.approx(1_000_000 - fill.price - 1.0, abs=0.005)


def test_a_resting_order_is_cancelled() -> None:
    async def body(handler: IBKRHandler, _simulator: GatewaySimulator, _clock: Clock) -> None:
        await handler.market.subscribe_rt("SPY")
        tick = await quote(handler, "SPY")
        reconciled(handler)
        order_id = await place(
            handler, await an_order(handler, tif="DAY", limit_price=round(tick.bid * 0.9, 2), quantity=2)
        )
        await asyncio.sleep(1)
        answer = await handler.snapshots.open_orders()
        assert isinstance(answer, Known)
        assert [(each.order_id, each.quantity, each.tif) for each in answer.rows] == [(order_id, 2.0, "DAY")]
        await handler.orders.cancel_order(order_id)
        events = await until_over(handler, order_id)
        assert of(OrderStatus, events)[-1].status == "Cancelled"
        assert 202 in [each.code for each in of(GatewayMessage, events)]
        assert of(Execution, events) == []
        await handler.orders.cancel_order(order_id + 77)
        await asyncio.sleep(0.2)
        report = await anext(
            each async for each in handler.orders.poll_reports() if isinstance(each, GatewayMessage)
        )
        assert (report.req_id, report.code) == (order_id + 77, 10147)

    trade(body)


def test_an_unmarketable_ioc_is_cancelled_by_the_broker_and_a_bad_order_rejected() -> None:
    async def body(handler: IBKRHandler, _simulator: GatewaySimulator, _clock: Clock) -> None:
        await handler.market.subscribe_rt("SPY")
        tick = await quote(handler, "SPY")
        reconciled(handler)
        order_id = await place(handler, await an_order(handler, limit_price=round(tick.bid * 0.99, 2)))
        events = await until_over(handler, order_id)
        assert of(OrderStatus, events)[-1].status == "Cancelled"
        off_grid = await place(handler, await an_order(handler, limit_price=round(tick.ask, 2) + 0.00123))
        await asyncio.sleep(1)
        codes: list[int] = []
        async for event in handler.orders.poll_reports():
            if isinstance(event, GatewayMessage) and event.req_id == off_grid:
                codes.append(event.code)
                break
        assert codes == [110]

    trade(body)


def test_a_sixth_symbol_falls_back_to_the_top_of_the_book() -> None:
    symbols = ("SPY", "QQQ", "IWM", "AAPL", "MSFT", "GOOG")

    async def body(handler: IBKRHandler, _simulator: GatewaySimulator, _clock: Clock) -> None:
        for symbol in ("SPY", "QQQ", "IWM", "AAPL", "MSFT"):
            await handler.market.subscribe_rt(symbol)
        await handler.market.subscribe_rt("GOOG")
        await asyncio.sleep(5)
        sources = {symbol: each.source for symbol, each in handler.market.subscriptions.items()}
        assert sources.pop("GOOG") is Source.TOP_OF_BOOK
        assert set(sources.values()) == {Source.TICK_BY_TICK}
        seen: dict[str, int] = dict.fromkeys(symbols, 0)
        async for batch in handler.market.ticks():
            for tick in batch:
                if isinstance(tick, TickBidAsk):
                    assert tick.bid < tick.ask
                    seen[tick.symbol] += 1
            if all(count > 10 for count in seen.values()):
                break

    trade(body, SimulatorConfig(seed=7, symbols=symbols))


@pytest.mark.parametrize("world", RUNNERS)
def test_a_snapshot_and_history(world: str) -> None:
    async def body(handler: IBKRHandler, _simulator: GatewaySimulator, _clock: Clock) -> None:
        answer = await handler.market.snapshot("SPY")
        assert isinstance(answer, Known)
        (row,) = answer.rows
        assert row.bid is not None and row.ask is not None and row.close is not None
        assert 0 < row.bid < row.ask and abs(row.close / row.bid - 1) < 0.1 and not row.halted
        assert handler.market.subscriptions == {}
        days = await handler.market.request_hist("SPY", "1 M", "1d")
        assert isinstance(days, Known)
        assert 18 <= len(days.rows) <= 24 and all(len(bar.starts) == 8 for bar in days.rows)
        nothing = await handler.market.request_hist("SPY", "1 D", "1m", end="19990101-00:00:00")
        assert isinstance(nothing, Unknown) and nothing.code == 162

    trade(body, world=world)


def test_bars_as_they_end() -> None:
    """Five seconds each, made again after the link was lost."""

    async def body(handler: IBKRHandler, _simulator: GatewaySimulator, clock: Clock) -> None:
        await handler.market.subscribe_bars("SPY")
        heard: list[RealTimeBar] = []

        async def read() -> None:
            async for batch in handler.market.bars():
                heard.extend(bar for bar in batch if isinstance(bar, RealTimeBar))

        reading = asyncio.ensure_future(read())
        await asyncio.sleep(31)
        handler.connection.drop("a test")
        await asyncio.sleep(30)
        reading.cancel()
        starts = [bar.starts_s for bar in heard]
        assert len(starts) >= 10 and all(
            bar.symbol == "SPY" and bar.low <= bar.close <= bar.high for bar in heard
        )
        assert all(
            (after - before) % 5 == 0 and after > before for before, after in itertools.pairwise(starts)
        )
        assert all(0 <= bar.arrival_ns / 1e9 - bar.starts_s - 5 < 0.1 for bar in heard)

    trade(body)


def test_a_gateway_that_goes_away_and_comes_back() -> None:
    async def body(handler: IBKRHandler, simulator: GatewaySimulator, _clock: Clock) -> None:
        await handler.market.subscribe_rt("SPY")
        await quote(handler, "SPY")
        port = int(handler.connection.address.rpartition(":")[2])
        await simulator.stop()
        await asyncio.sleep(120)
        states = [handler.state]
        await simulator.start(port=port)
        await asyncio.sleep(61)
        states.append(handler.state)
        assert states == [ConnectionState.ERROR, ConnectionState.CONNECTED]
        first = await quote(handler, "SPY")
        assert first.req_id <= (handler.market.subscriptions["SPY"].req_id or 0)

    trade(body)


def test_the_same_seed_gives_the_same_session_to_the_byte() -> None:
    async def body(
        handler: IBKRHandler, _simulator: GatewaySimulator, _clock: Clock
    ) -> list[tuple[int, bytes]]:
        for symbol in ("SPY", "QQQ", "IWM"):
            await handler.market.subscribe_rt(symbol)
        heard: list[tuple[int, bytes]] = []
        async for batch in handler.market.ticks():
            heard += [(tick.arrival_ns, tick.raw) for tick in batch if isinstance(tick, TickBidAsk)]
            if len(heard) >= 3000:
                return heard[:3000]
        raise AssertionError("the stream of ticks ended")

    assert trade(body) == trade(body)


def test_an_hour_of_heartbeats_stays_connected() -> None:
    async def body(handler: IBKRHandler, _simulator: GatewaySimulator, _clock: Clock) -> None:
        for _ in range(59):
            await asyncio.sleep(60)
            assert handler.state is ConnectionState.CONNECTED
            assert isinstance(await handler.get_positions(), Known)

    trade(body)
