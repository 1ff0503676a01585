"""Stops, algos, good-till-cancelled, fill-or-kill and brackets, end to end: our order path at the simulator's.

What the simulator makes of an order is its own tests' business; here the books of both sides have to agree.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.order_plane.truth import check
from tests.order_plane.world import ASK, BID, Life, World, amend, bids_by_second, bracket, in_world, wish

from algo_trade.contracts import ExecutionStatus, OrderIntent, OrderType, TimeInForce, Urgency
from algo_trade.risk import Reservation

DAY, GTC, FOK = TimeInForce.DAY, TimeInForce.GTC, TimeInForce.FOK
# A dollar and a half up after 20 seconds, and back after 40.
UP = bids_by_second((0, BID), (20, BID + 1.5), (40, BID))
DOWN = bids_by_second((0, BID), (20, BID - 1.5), (40, BID))


async def start(world: World) -> Life:
    life = await world.begin()
    await life.start()
    return life


async def statuses(life: Life, *intents: OrderIntent) -> list[str]:
    last = await life.last_reports()
    return [last[intent.intent_id].status.value for intent in intents]


# -- stops -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("limit", [None, 102.0])
@pytest.mark.parametrize("tif", [DAY, GTC])
def test_a_buy_stop_waits_for_the_market_and_then_buys(
    tmp_path: Path, limit: float | None, tif: TimeInForce
) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        intent = wish(world, limit=limit, stop=101.0, tif=tif)
        report = await life.ask(intent, 10.0)
        assert (report.status, report.stop_price) == (ExecutionStatus.SUBMITTED, 101.0)
        price = 105_000_000 if limit is None else 102_000_000
        held = life.plane.ledger.reservations()
        assert [(one.symbol, one.signed_quantity) for one in held] == [("DEEP", 5)]
        assert held[0].price_micros == pytest.approx(price, rel=0.02)
        await life.settle(12.0)
        report = await life.last(intent)
        assert (report.status, report.average_fill_price) == (ExecutionStatus.FILLED, 101.52)
        await check(world, life)

    in_world(tmp_path, body, bids=UP)


def test_a_sell_stop_that_was_moved_away_is_not_triggered_and_one_that_was_moved_near_is(
    tmp_path: Path,
) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        away = wish(world, side="SELL", limit=None, stop=99.0, tif=DAY)
        near = wish(world, "FAR", side="SELL", limit=None, stop=97.0, tif=DAY)
        for intent in (away, near):
            await life.ask(intent)
        assert (await life.ask(amend(world, away, stop_price=97.0))).stop_price == 97.0
        assert (await life.ask(amend(world, near, stop_price=99.5))).stop_price == 99.5
        await life.settle(25.0)
        assert await statuses(life, away, near) == ["SUBMITTED", "FILLED"]
        report = await life.ask(amend(world, away, number=2))
        assert report.status is ExecutionStatus.CANCELED
        await check(world, life)

    in_world(tmp_path, body, bids=DOWN)


# -- at once, or for long ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("symbol", "status"), [("DEEP", ExecutionStatus.FILLED), ("THIN", ExecutionStatus.CANCELED)]
)
def test_fill_or_kill_is_all_or_nothing(tmp_path: Path, symbol: str, status: ExecutionStatus) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        report = await life.ask(wish(world, symbol, tif=FOK))
        assert (report.status, report.filled_quantity) == (status, 5 if symbol == "DEEP" else 0)
        await check(world, life)

    in_world(tmp_path, body)


@pytest.mark.parametrize(
    ("urgency", "limit", "after_s"),
    [(Urgency.URGENT, ASK, 1.0), (Urgency.NORMAL, None, 11.0), (Urgency.LOW, ASK, 31.0)],
)
def test_an_adaptive_order_fills_when_its_patience_is_over(
    tmp_path: Path, urgency: Urgency, limit: float | None, after_s: float
) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        assert life.instruments["DEEP"].offers_algos
        intent = wish(world, limit=limit, order_type=OrderType.ADAPTIVE, tif=DAY, urgency=urgency)
        report = await life.ask(intent, after_s)
        assert (report.status, report.error_message) == (ExecutionStatus.FILLED, None)
        assert world.frames[0].text("algoStrategy") == "Adaptive"
        await check(world, life)

    in_world(tmp_path, body)


def test_a_good_till_cancelled_order_of_an_earlier_session_is_withdrawn(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        old = wish(world, limit=99.0, tif=GTC)
        await life.ask(old)
        await life.die()
        world.session_id = "session-2"
        again = await start(world)
        await again.settle()
        assert again.plane.ledger.unresolved() == []
        assert (await again.ask(wish(world))).status is ExecutionStatus.FILLED
        assert again.plane.ledger.frozen == {}

    in_world(tmp_path, body)


# -- brackets --------------------------------------------------------------------------------------
async def held(world: World, life: Life, **changes: Any) -> tuple[OrderIntent, OrderIntent, OrderIntent]:
    """A bracket whose entry has filled: five shares, and two exits that work."""
    family = bracket(world, **{"limit": ASK} | changes)
    await life.publish(*family)
    await life.settle(1.0)
    assert (await statuses(life, family[0])) == ["FILLED"]
    assert life.plane.ledger.reservations() == [Reservation("DEEP", -5, 0)]
    return family


def test_a_bracket_takes_its_profit(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        family = await held(world, life)
        assert await statuses(life, *family[1:]) == ["ACKNOWLEDGED", "SUBMITTED"]
        await life.settle(25.0)
        assert await statuses(life, *family) == ["FILLED", "FILLED", "CANCELED"]
        assert life.plane.ledger.account_positions() == {}
        await check(world, life)

    in_world(tmp_path, body, bids=UP)


def test_a_bracket_is_stopped_out_where_its_stop_was_moved_to(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        *_, loss = family = await held(world, life)
        report = await life.ask(amend(world, loss, stop_price=99.0))
        assert (report.stop_price, report.error_message) == (99.0, None)
        await life.settle(25.0)
        assert await statuses(life, *family) == ["FILLED", "CANCELED", "FILLED"]
        assert world.broker_positions == {}
        await check(world, life)

    in_world(tmp_path, body, bids=DOWN)


def test_an_entry_that_does_not_fill_takes_its_exits_with_it(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        entry, *_ = family = bracket(world)
        await life.publish(*family)
        await life.settle(1.0)
        assert await statuses(life, *family) == ["ACKNOWLEDGED", "SUBMITTED", "SUBMITTED"]
        assert life.plane.ledger.reservations() == [Reservation("DEEP", 5, 99_500_000)]
        assert (await life.ask(amend(world, entry))).status is ExecutionStatus.CANCELED
        assert await statuses(life, *family) == ["CANCELED"] * 3
        await check(world, life)

    in_world(tmp_path, body)


def test_an_entry_that_fills_in_part_leaves_its_exits_that_part(tmp_path: Path) -> None:
    """THIN shows two shares: two of five, then the entry is withdrawn, and the exits take back two."""

    async def body(world: World) -> None:
        life = await start(world)
        entry, *_ = family = bracket(world, "THIN", limit=ASK)
        await life.publish(*family)
        await life.settle(1.0)
        assert (await life.last(entry)).filled_quantity == 2
        assert life.plane.ledger.reservations() == [
            Reservation("THIN", 3, 100_020_000),
            Reservation("THIN", -2, 0),
        ]
        assert (await life.ask(amend(world, entry))).status is ExecutionStatus.CANCELED
        assert life.plane.ledger.reservations() == [Reservation("THIN", -2, 0)]
        await life.settle(25.0)
        assert (await statuses(life, *family))[1:] == ["FILLED", "CANCELED"]
        assert world.broker_positions == {}
        assert world.alarms() == []
        await check(world, life)

    in_world(tmp_path, body, bids=UP)


@pytest.mark.parametrize("limit", [99.5, ASK])
@pytest.mark.parametrize("delivered", [True, False])
def test_a_bracket_sent_in_the_moment_of_a_death_is_there_or_in_doubt(
    tmp_path: Path, limit: float, delivered: bool
) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        life.graceful = delivered
        family = bracket(world, limit=limit)
        await life.publish(*family)
        while not life.plane.ledger.known(family[0].intent_id):
            await asyncio.sleep(0)
        await life.die()
        await asyncio.sleep(2.0)
        again = await start(world)
        if not delivered:
            assert await statuses(again, *family) == ["UNKNOWN"] * 3
            assert world.broker_orders == []
            return
        assert (await statuses(again, *family))[0] == ("FILLED" if limit == ASK else "ACKNOWLEDGED")
        assert world.alarms() == []
        assert (await again.plane.get_out("over")).flat
        await again.settle()
        await check(world, again)

    in_world(tmp_path, body)


def test_getting_out_of_a_bracket_cancels_it_first(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        family = await held(world, life)
        assert (await life.plane.get_out("over")).flat
        assert await statuses(life, *family) == ["FILLED", "CANCELED", "CANCELED"]
        assert world.broker_positions == {}
        await life.settle()
        await check(world, life)

    in_world(tmp_path, body)
