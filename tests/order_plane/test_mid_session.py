"""Trouble while trading: the link, IBKR behind the gateway, messages that cannot be read or never come."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.order_plane.truth import check
from tests.order_plane.world import Life, World, in_world, wish

from algo_trade.bus.errors import BusStop
from algo_trade.contracts import ExecutionStatus, SessionEventKind, TimeInForce
from algo_trade.order_plane.lifecycle import OrderState


async def start(world: World) -> Life:
    life = await world.begin()
    await life.start()
    return life


@pytest.mark.parametrize("code", [1101, 1102])
def test_no_order_leaves_while_ibkr_is_away(tmp_path: Path, code: int) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        resting = wish(world, "FAR", limit=99.0, tif=TimeInForce.DAY)
        await life.ask(resting)
        world.say(1100, "Connectivity has been lost")
        await asyncio.sleep(30.0)
        refused = await life.ask(wish(world))
        assert "RC-02 not reconciled: 1100" in (refused.reject_reason or "")
        assert (await life.last(resting)).status is ExecutionStatus.ACKNOWLEDGED
        world.say(code, "Connectivity is back")
        await life.settle()
        assert (await life.ask(wish(world, number=2))).status is ExecutionStatus.FILLED
        assert [kind for kind, _ in world.events].count(SessionEventKind.RECONCILED) == 2
        assert world.alarms() == []

    in_world(tmp_path, body)


@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.03, 0.05, 0.1])
@pytest.mark.parametrize("symbol", ["DEEP", "THIN"])
def test_a_link_lost_with_an_order_out_loses_nothing(tmp_path: Path, after_s: float, symbol: str) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        intent = wish(world, symbol)
        await life.publish(intent)
        await asyncio.sleep(after_s)
        world.cut()
        await life.settle(30.0)
        assert life.handler.orders.gate.reason is None
        await check(world, life)

    in_world(tmp_path, body)


@pytest.mark.parametrize("fields", [("3", "not a number"), ("5",), ("11", "1"), ("59", "1", "x")])
def test_a_message_about_orders_that_cannot_be_read_halts_until_reconciled(
    tmp_path: Path, fields: tuple[str, ...]
) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        world.write(*fields)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert "could not be decoded" in str(life.handler.orders.gate.reason)
        await life.settle()
        assert world.alarms("could not be decoded")
        assert life.handler.orders.gate.reason is None
        assert (await life.ask(wish(world))).status is ExecutionStatus.FILLED

    in_world(tmp_path, body)


def test_an_end_that_is_never_told_is_asked_for(tmp_path: Path) -> None:
    """The status, execution and commission of an order vanish on a healthy stream: silence is no answer."""

    async def body(world: World) -> None:
        life = await start(world)
        callbacks = world._gateway.callbacks
        told = {
            name: getattr(callbacks, name)
            for name in ("executed", "commission", "order_status", "position_changed")
        }
        acknowledged = callbacks.order_opened

        def acknowledge_only(order: Any) -> None:
            acknowledged(order)
            callbacks.order_opened = lambda _order: None

        callbacks.order_opened = acknowledge_only
        for name in told:
            setattr(callbacks, name, lambda *_: None)
        intent = wish(world)
        assert (await life.ask(intent)).status is ExecutionStatus.SUBMITTED
        for name, real in told.items():
            setattr(callbacks, name, real)
        await life.settle(10.0)
        assert (await check(world, life))[intent.intent_id].status is ExecutionStatus.FILLED

    in_world(tmp_path, body)


def test_a_commission_that_is_never_told_is_asked_for(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        real, world._gateway.callbacks.commission = world._gateway.callbacks.commission, lambda *_: None
        report = await life.ask(wish(world))
        assert (report.status, report.commission) == (ExecutionStatus.FILLED, None)
        world._gateway.callbacks.commission = real
        await life.settle(10.0)
        await check(world, life)

    in_world(tmp_path, body)


def test_a_silent_broker_is_asked_less_and_less_often(tmp_path: Path) -> None:
    """A commission that does not come in an hour is not worth a question a second."""

    async def body(world: World) -> None:
        life = await start(world)
        world._gateway.callbacks.commission = lambda *_: None
        asked: list[float] = []

        def count(real: Any) -> None:
            asked.append(asyncio.get_running_loop().time())
            # The execution, without its commission.
            due, world.broker_executions[-1].commission_due_ns = (
                world.broker_executions[-1].commission_due_ns,
                2**62,
            )
            real()
            world.broker_executions[-1].commission_due_ns = due

        await life.ask(wish(world))
        world.answer("executions", count)
        await life.settle(3600.0)
        assert 5 <= len(asked) <= 10

    in_world(tmp_path, body)


def test_an_order_meant_to_rest_is_left_to_rest(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world, limit=99.0, tif=TimeInForce.DAY))
        asked: list[int] = []

        def count(real: Any) -> None:
            asked.append(1)
            real()

        world.answer("all_open_orders", count)
        await life.settle(600.0)
        assert asked == []
        assert life.plane.ledger.unresolved()[0].state is OrderState.WORKING

    in_world(tmp_path, body)


def test_a_start_without_an_answer_about_money_waits_without_spinning(tmp_path: Path) -> None:
    """The baseline is asked for again after a pause: a loop of questions would eat the gateway's patience."""

    async def body(world: World) -> None:
        asked: list[int] = []
        silent = True

        def answer(real: Any) -> None:
            asked.append(1)
            if not silent:
                real()
            else:
                world.cut()

        world.answer("account_summary", answer)
        life = await world.begin()
        starting = asyncio.ensure_future(life.start())
        await asyncio.sleep(30.0)
        assert not starting.done()
        assert len(asked) <= 20
        silent = False
        await starting
        assert life.plane.check is not None

    in_world(tmp_path, body)


def test_a_broken_log_ends_the_plane_and_hangs_nobody(tmp_path: Path) -> None:
    """Whoever waits for the log is let go; orders are still cancelled and positions closed: the journal is enough."""

    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world))

        async def broken(*_: Any, **__: Any) -> Any:
            raise BusStop("the disk is gone")

        life.bus.publish = broken  # type: ignore[method-assign]
        assert (await life.plane.get_out("the log broke")).flat
        assert world.broker_positions == {}
        async with asyncio.timeout(30.0):
            await life.plane.stop()
        assert await life.outbox.settled() is False
        assert isinstance(life.posting.exception(), BusStop)

    in_world(tmp_path, body)


def test_a_broken_journal_ends_the_plane_and_sends_nothing_more(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world))
        life.journal._db.execute("PRAGMA query_only=1")
        await life.publish(wish(world, "DEEPER"))
        await asyncio.sleep(0.5)
        assert life.plane.failure.done()
        life.plane.failure.exception()
        outcome = await life.plane.get_out("the journal broke", patience_s=5.0)
        assert outcome.positions == {"DEEP": 5}
        assert world.alarms("nothing more can be sent")
        assert len(world.simulator.placed_order_refs) == 1

    in_world(tmp_path, body)
