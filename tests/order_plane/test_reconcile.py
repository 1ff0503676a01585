"""What a new process makes of what an old one left: every row of the recovery table, against the real simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.order_plane.truth import check
from tests.order_plane.world import ASK, Life, World, in_world, wish

from algo_trade.clock import rng
from algo_trade.contracts import ApprovedOrder, ExecutionStatus, OrderIntent, SessionEventKind, TimeInForce
from algo_trade.ibkr import IBKRHandler
from algo_trade.order_plane.lifecycle import OrderState
from algo_trade.settings.sections import IbkrSettings


async def start(world: World) -> Life:
    life = await world.begin()
    await life.start()
    return life


async def leave_behind(
    world: World, intent: OrderIntent, *, delivered: bool = True, down_s: float = 2.0
) -> Life:
    """Send an order and die in the same instant; begin again after a while."""
    life = await start(world)
    life.graceful = delivered
    await life.publish(intent)
    while not world.lives[-1].plane.ledger.known(intent.intent_id):
        await asyncio.sleep(0)
    await life.die()
    await asyncio.sleep(down_s)
    return await start(world)


@pytest.mark.parametrize(
    ("changes", "status", "filled"),
    [
        ({}, ExecutionStatus.FILLED, 5),  # an execution, no open order
        ({"symbol": "THIN"}, ExecutionStatus.CANCELED, 2),  # executions of a part, completed
        ({"symbol": "FAR", "limit": 99.0}, ExecutionStatus.CANCELED, 0),  # completed only
        ({"limit": None, "quantity": 30_000}, ExecutionStatus.REJECTED, 0),  # completed as refused
    ],
)
def test_sent_and_nothing_heard_what_the_broker_tells_is_adopted(
    tmp_path: Path, changes: dict[str, object], status: ExecutionStatus, filled: int
) -> None:
    async def body(world: World) -> None:
        intent = wish(world, **changes)  # type: ignore[arg-type]  # a table of keyword arguments
        life = await leave_behind(world, intent)
        report = (await check(world, life))[intent.intent_id]
        assert (report.status, report.filled_quantity) == (status, filled)
        assert life.plane.ledger.frozen == {}

    in_world(tmp_path, body)


@pytest.mark.parametrize("down_s", [0.0, 2.0])
def test_sent_and_nothing_heard_an_open_order_is_adopted(tmp_path: Path, down_s: float) -> None:
    async def body(world: World) -> None:
        intent = wish(world, limit=99.0, tif=TimeInForce.DAY)
        life = await leave_behind(world, intent, down_s=down_s)
        report = await life.last(intent)
        assert report.status is ExecutionStatus.ACKNOWLEDGED
        assert report.perm_id == world.broker_orders[0].perm_id
        assert (await life.plane.get_out("over")).flat
        assert (await check(world, life))[intent.intent_id].status is ExecutionStatus.CANCELED

    in_world(tmp_path, body)


def test_sent_and_nobody_knows_it_is_unknown_for_good(tmp_path: Path) -> None:
    """Its risk stays, its symbol is frozen, and neither it nor another order in its symbol is ever sent."""

    async def body(world: World) -> None:
        intent = wish(world)
        life = await leave_behind(world, intent, delivered=False)
        assert (await life.last(intent)).status is ExecutionStatus.UNKNOWN
        assert [one.signed_quantity for one in life.plane.ledger.reservations()] == [5]
        refused = await life.ask(wish(world, number=2))
        assert "RC-01 DEEP is frozen" in (refused.reject_reason or "")
        assert "ID-03" in (refused.reject_reason or "")
        other = await life.ask(wish(world, "DEEPER"))
        assert other.status is ExecutionStatus.FILLED
        await life.end()
        again = await start(world)
        assert "DEEP" in again.plane.ledger.frozen
        assert world.simulator.placed_order_refs == [str(other.intent_id)]
        assert len(world.alarms(str(intent.intent_id))) == 2  # once a life, however often it is asked about

    in_world(tmp_path, body)


def test_accepted_and_not_sent_goes_when_it_still_may(tmp_path: Path) -> None:
    """J and nothing more: no byte has left. It waits for the first quote of the new life."""

    async def body(world: World) -> None:
        life = await start(world)
        life.handler.pacer.hold(10.0)  # the gateway complained: nothing leaves for a while
        intent = wish(world)
        await life.publish(intent)
        await asyncio.sleep(0.1)
        assert life.journal.orders()[0].state is OrderState.ACCEPTED
        await life.die()
        again = await start(world)
        await again.settle()
        assert (await check(world, again))[intent.intent_id].status is ExecutionStatus.FILLED

    in_world(tmp_path, body)


@pytest.mark.parametrize("quoted", [True, False])
def test_accepted_and_not_sent_expires_when_it_may_not(tmp_path: Path, quoted: bool) -> None:
    """Too late, or without a quote until it is too late."""

    async def body(world: World) -> None:
        life = await start(world)
        life.handler.pacer.hold(10.0)  # the gateway complained: nothing leaves for a while
        intent = wish(world, valid_s=4.0)
        await life.publish(intent)
        await asyncio.sleep(0.1)
        await life.die()
        await asyncio.sleep(5.0 if quoted else 0.0)
        again = await world.begin()
        again.quoted = tuple(again.quoted) if quoted else ("DEEPER",)
        await again.start()
        await again.settle(5.0)
        report = (await check(world, again))[intent.intent_id]
        assert (report.status, report.order_id) == (ExecutionStatus.TIMEOUT, "")
        assert world.broker_orders == []

    in_world(tmp_path, body)


def test_acknowledged_and_then_lost_with_a_part_filled(tmp_path: Path) -> None:
    """The shares are ours, the rest may still come."""

    async def body(world: World) -> None:
        intent = wish(world, "THIN", tif=TimeInForce.DAY)
        life = await start(world)
        report = await life.ask(intent)
        assert (report.status, report.filled_quantity) == (ExecutionStatus.PARTIAL_FILL, 2)
        await life.die()
        with world.amnesia():
            again = await start(world)
        report = await again.last(intent)
        assert (report.status, report.filled_quantity) == (ExecutionStatus.UNKNOWN, 2)
        assert [one.signed_quantity for one in again.plane.ledger.reservations()] == [3]
        assert "THIN" in again.plane.ledger.frozen

    in_world(tmp_path, body)


async def a_stranger(world: World) -> IBKRHandler:
    """Another program on the same account."""
    host, port = world.address
    settings = IbkrSettings(account_id="DSIM001", host=host, port=port, client_id=9)
    stranger = IBKRHandler(settings, world.clock, rng(9, "ibkr"))
    await stranger.start()
    assert stranger.orders.gate.open(stranger.orders.gate.epoch)
    return stranger


@pytest.mark.parametrize(("limit", "what"), [(99.0, "EXTERNAL open order"), (ASK, "the broker holds 7 FAR")])
def test_somebody_elses_order_or_position_freezes_its_symbol(tmp_path: Path, limit: float, what: str) -> None:
    async def body(world: World) -> None:
        stranger = await a_stranger(world)
        con_id = (await stranger.market.resolve("FAR")).con_id
        order = ApprovedOrder(
            intent_id=wish(world).intent_id, con_id=con_id, symbol="FAR", side="BUY", quantity=7, order_type="LMT",
            tif="DAY", limit_price=limit, account="DSIM001", order_ref="by hand", reduce_only=False,
        )  # fmt: skip
        await stranger.orders.place_order(order, stranger.orders.next_order_id())
        await asyncio.sleep(1.0)
        life = await start(world)
        assert what in life.plane.ledger.frozen["FAR"]
        assert world.alarms(what)
        assert "RC-01" in str((await life.ask(wish(world, "FAR"))).reject_reason)
        assert (await life.ask(wish(world, "DEEP"))).status is ExecutionStatus.FILLED
        await stranger.close()

    in_world(tmp_path, body)


@pytest.mark.parametrize("request_name", ["all_open_orders", "executions", "completed_orders", "positions"])
def test_an_answer_that_does_not_come_keeps_ready_away(tmp_path: Path, request_name: str) -> None:
    """Unknown is not empty: an order the missing answer would have told of is not declared lost."""

    async def body(world: World) -> None:
        life = await start(world)
        life.graceful = True
        intent = wish(world)
        await life.publish(intent)
        await asyncio.sleep(0.001)
        await life.die()
        silent = True
        world.answer(request_name, lambda real: None if silent else real())
        again = await world.begin()
        starting = asyncio.ensure_future(again.start())
        await asyncio.sleep(60.0)
        assert not starting.done()
        assert again.handler.orders.gate.reason is not None
        silent = False
        await starting
        assert (await check(world, again))[intent.intent_id].status is ExecutionStatus.FILLED

    in_world(tmp_path, body)


def trouble_during(world: World, request_name: str, trouble: Callable[[], None]) -> None:
    """Once, in the middle of answering."""
    times = 0

    def answer(real: Callable[[], None]) -> None:
        nonlocal times
        times += 1
        if times == 1:
            trouble()
        real()

    world.answer(request_name, answer)


@pytest.mark.parametrize("request_name", ["all_open_orders", "executions", "completed_orders", "positions"])
def test_a_link_lost_in_the_middle_of_a_reconciliation_does_not_open_the_gate(
    tmp_path: Path, request_name: str
) -> None:
    async def body(world: World) -> None:
        intent = wish(world)
        trouble_during(world, request_name, world.cut)
        life = await leave_behind(world, intent, delivered=False, down_s=0.0)
        assert life.handler.orders.gate.reason is None
        assert len([kind for kind, _ in world.events if kind is SessionEventKind.RECONCILED]) == 2
        await life.settle()

    in_world(tmp_path, body)


@pytest.mark.parametrize("request_name", ["all_open_orders", "executions", "completed_orders", "positions"])
def test_a_gateway_that_loses_ibkr_in_a_reconciliation_is_not_believed(
    tmp_path: Path, request_name: str
) -> None:
    """Until 1102 it answers from memory: nothing is concluded, no order is called lost."""

    async def body(world: World) -> None:
        intent = wish(world, limit=99.0, tif=TimeInForce.DAY)
        life = await start(world)
        life.graceful = True
        await life.publish(intent)
        await asyncio.sleep(1.0)
        await life.die()
        with world.amnesia():
            trouble_during(world, request_name, lambda: world.say(1100, "Connectivity has been lost"))
            again = await world.begin()
            starting = asyncio.ensure_future(again.start())
            await asyncio.sleep(60.0)
            assert not starting.done()
            assert again.plane.ledger.frozen == {}
            assert again.plane.ledger.unresolved()[0].state is OrderState.WORKING
        world.say(1102, "Connectivity is back, data maintained")
        await starting
        assert (await again.last(intent)).status is ExecutionStatus.ACKNOWLEDGED

    in_world(tmp_path, body)


def test_a_position_that_differs_for_a_moment_freezes_nothing(tmp_path: Path) -> None:
    """The broker tells of a fill and of the position it made in two messages; a difference is looked at twice."""

    async def body(world: World) -> None:
        life = await start(world)
        assert (await life.ask(wish(world))).status is ExecutionStatus.FILLED
        account = world._gateway.booking.account
        held, account.positions = account.positions, {}
        world.cut()
        await asyncio.sleep(4.0)
        account.positions = held
        await life.settle(10.0)
        assert life.handler.orders.gate.reason is None
        assert world.alarms() == []

    in_world(tmp_path, body)


def test_a_difference_that_stays_freezes_and_one_that_goes_thaws(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world))
        account = world._gateway.booking.account
        held, account.positions = account.positions, {}
        world.cut()
        await life.settle(15.0)
        assert "the broker holds 0 DEEP, the journal explains 5" in life.plane.ledger.frozen["DEEP"]
        account.positions = held
        world.cut()
        await life.settle(15.0)
        assert life.plane.ledger.frozen == {}

    in_world(tmp_path, body)


def test_an_order_that_is_over_in_our_books_and_open_at_the_broker_freezes_its_symbol(tmp_path: Path) -> None:
    """Cancelled, we were told, and the broker still works it: its risk is not reserved any more."""

    async def body(world: World) -> None:
        life = await start(world)
        intent = wish(world, limit=99.0, tif=TimeInForce.DAY)
        await life.ask(intent)
        order = world.broker_orders[0]
        fields = (
            "3",
            str(order.order_id),
            "Cancelled",
            "0",
            "5",
            "0",
            str(order.perm_id),
            "0",
            "0",
            "1",
            "",
            "0",
        )
        world.write(*fields)
        await life.settle()
        assert (await life.last(intent)).status is ExecutionStatus.CANCELED
        world.cut()
        await life.settle(15.0)
        assert "open at the broker" in life.plane.ledger.frozen["DEEP"]

    in_world(tmp_path, body)
