"""Getting out: the latch comes first, nothing is sold that is not held, and a way that is blocked is waited for."""

from __future__ import annotations

import asyncio
from math import inf
from pathlib import Path
from typing import Any

import pytest
from tests.order_plane.fuse import Fuse
from tests.order_plane.truth import check
from tests.order_plane.world import ASK, BID, Life, World, in_world, wish

from algo_trade.contracts import ExecutionStatus, SessionEventKind, TimeInForce
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.order_plane.lifecycle import OrderState
from algo_trade.order_plane.order import OrderKind
from algo_trade.portfolio import MICROS

# The commission of one order, $1, is loss enough.
AT_ONCE: dict[str, Any] = {"stop_pnl_micros": -MICROS}
# Three shares that fall by a dollar, and the commission.
BY_THE_MARKET: dict[str, Any] = {"stop_pnl_micros": -4 * MICROS}


async def start(world: World) -> Life:
    life = await world.begin()
    await life.start()
    return life


def flattens(life: Life) -> list[tuple[str, str, int, OrderState]]:
    return [
        (order.symbol, order.intent.direction.value, order.intent.quantity, order.state)
        for order in life.journal.orders()
        if order.kind is OrderKind.FLATTEN
    ]


def test_the_latch_is_durable_before_the_first_order_out(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        latched = []
        real = life._write

        def write(*args: Any, **named: Any) -> int:
            latched.append(life.journal.latched() is not None)
            return real(*args, **named)

        life._write = write
        await life.ask(wish(world, quantity=3))
        life.quotes["DEEP"] = (BID - 2, ASK - 2)
        await life.settle(5.0)
        assert latched == [False, True]
        assert [kind for kind, _ in world.events].count(SessionEventKind.KILL_LATCHED) == 1
        assert flattens(life) == [("DEEP", "SELL", 3, OrderState.FILLED)]
        assert world.broker_positions == {}
        refused = await life.ask(wish(world, "DEEPER"))
        assert "KS-01" in (refused.reject_reason or "")
        await check(world, life)

    in_world(tmp_path, body, **BY_THE_MARKET)


def test_a_death_after_the_latch_does_not_forget_the_way_out(tmp_path: Path) -> None:
    """Also twice: the second life is latched from its first moment, flattens, and latches no second time."""

    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world, quantity=3))
        life.quotes["DEEP"] = (BID - 2, ASK - 2)
        while life.plane.kill_reason is None:
            await asyncio.sleep(0.001)
        await life.die()
        again = await world.begin()
        again.quotes["DEEP"] = (BID - 2, ASK - 2)
        await again.start()
        refused = await again.ask(wish(world, "DEEPER"))
        assert "KS-01" in (refused.reject_reason or "")
        await again.settle()
        await check(world, again)
        assert world.broker_positions == {}
        assert [kind for kind, _ in world.events].count(SessionEventKind.KILL_LATCHED) == 1
        assert again.journal._db.execute("SELECT count(*) FROM kill_events").fetchone() == (1,)

    in_world(tmp_path, body, **BY_THE_MARKET)


def test_a_symbol_in_doubt_is_left_alone_and_said_so(tmp_path: Path) -> None:
    """Whatever the UNKNOWN order does would come on top of a flatten order; the other symbols are flattened."""

    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world, quantity=3))
        await life.ask(wish(world, "DEEPER", quantity=3))
        await life.publish(lost := wish(world, number=2))
        while not life.plane.ledger.known(lost.intent_id):
            await asyncio.sleep(0)
        await life.die()  # and the bytes with it
        again = await start(world)
        outcome = await again.plane.get_out("over")
        assert outcome.positions == {"DEEP": 3}
        assert world.broker_positions == {"DEEP": 3}
        assert [symbol for symbol, *_ in flattens(again)] == ["DEEPER"]
        assert world.alarms("+3 DEEP")

    in_world(tmp_path, body)


def test_the_stop_goes_on_when_the_doubt_is_gone(tmp_path: Path) -> None:
    """The order nobody knew turns up and fills: then its symbol is flattened too."""

    async def body(world: World) -> None:
        life = await start(world)
        intent = wish(world, "THIN", tif=TimeInForce.DAY)
        await life.ask(intent)
        await life.die()
        with world.amnesia():
            again = await start(world)
        assert (await again.last(intent)).status is ExecutionStatus.UNKNOWN
        leaving = asyncio.ensure_future(again.plane.get_out("the stop", patience_s=inf))
        await again.settle(200.0)
        assert leaving.done()
        assert leaving.result().flat
        assert world.broker_positions == {}
        await check(world, again)

    in_world(tmp_path, body)


def test_a_working_order_is_cancelled_before_its_position_is_sold(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world, "THIN", tif=TimeInForce.DAY))  # 2 of 5, the rest works
        outcome = await life.plane.get_out("over")
        assert outcome.flat
        assert flattens(life) == [("THIN", "SELL", 2, OrderState.FILLED)]
        await life.settle()
        last = await check(world, life)
        assert {report.status.value for report in last.values()} == {"CANCELED", "FILLED"}
        cancelled, sold = world.broker_orders
        assert cancelled.completed_ns <= sold.received_ns

    in_world(tmp_path, body)


def test_never_more_than_the_broker_holds(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world, quantity=5))
        (position,) = world._gateway.booking.account.open_positions()
        position.shares = 3  # somebody sold two by hand
        outcome = await life.plane.get_out("over", patience_s=5.0)
        assert flattens(life)[0][:3] == ("DEEP", "SELL", 3)
        assert world.broker_positions == {}
        assert outcome.positions == {"DEEP": 2}

    in_world(tmp_path, body)


def test_a_position_larger_than_one_order_goes_in_several(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        for number in range(3):
            await life.ask(wish(world, number=number, quantity=4))
        assert (await life.plane.get_out("over")).flat
        assert [quantity for _, _, quantity, _ in flattens(life)] == [5, 5, 2]

    in_world(tmp_path, body, max_order_shares=5)


@pytest.mark.parametrize("moment", ["before", "during"])
def test_a_lost_link_is_waited_for(tmp_path: Path, moment: str) -> None:
    """Without a connection the gate is shut and no order may leave: get out when it is back and reconciled."""

    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world, quantity=3))
        if moment == "before":
            world.cut()
            await asyncio.sleep(0)
        else:
            cuts = iter([world.cut])
            world.answer("positions", lambda real: next(cuts, real)())
        outcome = await life.plane.get_out("over")
        assert outcome.flat
        await life.settle()
        await check(world, life)

    in_world(tmp_path, body)


def test_the_end_of_the_session_does_not_wait_for_ever(tmp_path: Path) -> None:
    """The stop has all the time there is; the end of the session makes it hurry, and says what is left."""

    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world, quantity=3))
        stopping = asyncio.ensure_future(life.plane.get_out("the stop", patience_s=inf))
        world.say(1100, "Connectivity has been lost")
        await asyncio.sleep(0.001)
        await asyncio.sleep(120.0)
        began = asyncio.get_running_loop().time()
        outcome = await life.plane.get_out("over", patience_s=10.0)
        assert asyncio.get_running_loop().time() - began < 30.0
        assert outcome.positions == {"DEEP": 3}
        assert stopping.done()
        assert world.alarms("not out yet")

    in_world(tmp_path, body)


def test_an_order_waiting_for_its_turn_does_not_keep_a_position_open(tmp_path: Path) -> None:
    """A strategy's order in the same symbol that has not left yet is refused first; then the way is free."""

    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world, quantity=3))
        life.handler.pacer.hold(1.0)
        await life.publish(wish(world, number=2))
        await asyncio.sleep(0.1)
        outcome = await life.plane.get_out("over")
        assert outcome.flat
        await life.settle()
        await check(world, life)

    in_world(tmp_path, body)


def test_a_refused_way_out_is_tried_again_and_not_for_ever(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world, quantity=3))
        desk = world._gateway.desk
        real, refused = desk.place, []

        def place(client_id: int, request: Any, instrument: Any) -> None:
            refused.append(request)
            raise RequestError(201, "Order rejected - reason:halted")

        desk.place = place
        outcome = await life.plane.get_out("over", patience_s=60.0)
        assert outcome.positions == {"DEEP": 3}
        assert 3 <= len(refused) <= 8
        desk.place = real
        assert (await life.plane.get_out("over")).flat
        await life.settle()

    in_world(tmp_path, body)


def test_one_bad_quote_does_not_stop_a_session_however_many_reports_follow_it(tmp_path: Path) -> None:
    """Three reports about the same quote are not three quotes, nor are three good ones of another symbol."""

    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world, quantity=3))
        await life.ask(wish(world, "DEEPER", quantity=3))
        life.quotes["DEEP"] = (BID / 2, ASK / 2)
        life.tick("DEEP")
        life.quotes["DEEP"] = (BID, ASK)
        for _ in range(5):
            life.tick("DEEPER")
        for _ in range(5):
            life.plane.monitor.observe()
        await asyncio.sleep(0)
        life.tick("DEEP")
        await life.settle()
        assert life.plane.kill_reason is None

    in_world(tmp_path, body, stop_pnl_micros=-20 * MICROS)


def test_the_best_moment_survives_a_death(tmp_path: Path) -> None:
    """Drawdown is measured from it: +$30, then a crash, then -$25 from there."""

    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world, quantity=10))
        life.quotes["DEEP"] = (BID + 3, ASK + 3)
        await life.settle()
        await life.die()
        again = await world.begin()
        again.quotes["DEEP"] = (BID + 0.5, ASK + 0.5)
        await again.start()
        await again.settle()
        assert "drawdown" in str(again.plane.kill_reason)

    in_world(tmp_path, body, stop_drawdown_pct=0.25)  # of 10,000


@pytest.mark.parametrize("traded", [True, False])
def test_a_position_of_an_earlier_session_is_known_valued_and_got_out_of(
    tmp_path: Path, traded: bool
) -> None:
    """Also in a symbol this session does not trade."""

    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world, quantity=3))
        await life.end()
        world.session_id = "session-2"
        again = await world.begin()
        if not traded:
            del again.instruments["DEEP"]
        await again.start()
        assert again.plane.ledger.portfolio.positions() == {"DEEP": 3}
        pnl = again.plane.pnl()
        assert (pnl.complete, pnl.realised_micros, pnl.commission_micros) == (True, 0, 0)
        assert await again.plane.check.compare("quiet")  # type: ignore[union-attr]  # started
        assert (await again.plane.get_out("over")).flat
        assert await again.plane.check.compare("end")  # type: ignore[union-attr]
        assert again.plane.pnl().realised_micros == round(3 * (BID - ASK) * MICROS)
        assert world.broker_positions == {}

    in_world(tmp_path, body)


def test_dying_anywhere_on_the_way_out_sells_once(tmp_path: Path) -> None:
    """Every place between the order to get out and the end of it."""

    async def one(world: World, at: int | None) -> int:
        fuse = Fuse()
        life = await world.begin(fuse)
        await life.start()
        await life.ask(wish(world, quantity=3))
        before = fuse.passed
        fuse.at = None if at is None else before + at
        leaving = asyncio.ensure_future(life.plane.get_out("over"))
        burnt = asyncio.ensure_future(fuse.burnt.wait())
        await asyncio.wait(
            [leaving, burnt, asyncio.ensure_future(asyncio.sleep(5.0))], return_when="FIRST_COMPLETED"
        )
        await asyncio.sleep(0.5)
        burnt.cancel()
        places = fuse.passed - before
        if fuse.burnt.is_set():
            await life.die()
            await asyncio.gather(leaving, return_exceptions=True)
            life = await start(world)
            outcome = await life.plane.get_out("over")
            assert outcome.flat or outcome.positions == world.broker_positions
        await life.settle()
        await check(world, life)
        assert sum(order.filled for order in world.broker_orders if not order.is_buy) <= 3
        return places

    async def whole(world: World) -> int:
        return await one(world, None)

    places = in_world(tmp_path / "whole", whole)
    assert places > 15
    for at in range(places):

        async def dying(world: World, at: int = at) -> int:
            return await one(world, at)

        in_world(tmp_path / str(at), dying)
