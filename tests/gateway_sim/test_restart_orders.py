"""Orders of every kind over a kill -9: what waited waits on, and nothing is filled, released or ended twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ib_async import TagValue
from tests.gateway_sim.by_hand import Desk, by_hand
from tests.gateway_sim.wire_client import opened_status, place

from algo_trade.gateway_sim.orders import ENDED, Status

ENTRY: dict[str, Any] = {"lmtPrice": 100.00, "transmit": False}
PROFIT: dict[str, Any] = {"lmtPrice": 100.10, "parentId": 1, "transmit": False}
STOP: dict[str, Any] = {"orderType": "STP", "auxPrice": 99.90, "parentId": 1}


async def bracket(desk: Desk) -> None:
    """Orders 1, 2 and 3, for 10 shares."""
    await desk.place(1, **ENTRY)
    await desk.place(2, "SELL", **PROFIT)
    await desk.place(3, "SELL", **STOP)


async def listed(desk: Desk) -> dict[str, list[str]]:
    """The open orders, by order id."""
    return {fields[1]: fields for fields in await desk.client.ask(5, 1) if fields[0] == "5"}


def test_waiting_orders_wait_on(tmp_path: Path) -> None:
    """For a trigger, for a parent, at their own side; with all their fields, and the triggered ones triggered."""

    async def body(desk: Desk) -> None:
        await desk.place(1, orderType="STP", auxPrice=105.0, triggerMethod=2)
        await desk.place(2, orderType="STP LMT", auxPrice=100.05, lmtPrice=100.20, tif="GTC")
        await desk.place(3, "SELL", lmtPrice=120.0, parentId=2, ocaGroup="g", ocaType=1)
        patient: dict[str, Any] = {
            "algoStrategy": "Adaptive",
            "algoParams": [TagValue("adaptivePriority", "Patient")],
        }
        await desk.place(4, **patient)
        before = await listed(desk)
        await desk.restart()
        assert await listed(desk) == before
        desk.show(trade=(100.05, 1))
        await asyncio.sleep(0.001)
        await desk.restart(down_s=10)
        assert opened_status((await listed(desk))["2"]) == "Submitted", "triggered"
        await desk.after()
        assert [fields[2] for fields in desk.client.of(11)] == ["2"]
        assert opened_status((await listed(desk))["3"]) == "Submitted"
        assert await desk.after(wait=28) == []
        assert (await desk.after(wait=3))[0] == "11 10"
        assert (await desk.after(lambda: desk.show(trade=(105.0, 1))))[0] == "5 Submitted"

    by_hand(body, state_path=tmp_path / "sim.db")


def test_a_bracket_goes_on_where_it_was(tmp_path: Path) -> None:
    """Half filled, half covered: what the children have sold of it is not sold again."""

    async def body(desk: Desk) -> None:
        await bracket(desk)
        await desk.after(lambda: desk.show(bid=99.99, trade=(99.99, 6)))
        await desk.after(lambda: desk.show(bid=100.10, ask=100.12, bid_size=4))
        assert {fields[19] for fields in desk.client.of(11)} == {"6", "4"}
        await desk.restart()
        assert await desk.after(lambda: desk.show(bid=100.10, ask=100.12, bid_size=50)) != []
        assert [(order.filled, order.quantity) for order in desk.orders.values()] == [
            (6, 10),
            (6, 10),
            (0, 4),
        ]
        await desk.after(lambda: desk.show(bid=99.99, trade=(99.99, 4)))
        await desk.after(lambda: desk.show(bid=99.80, ask=99.82, trade=(99.80, 5)))
        assert [order.status for order in desk.orders.values()] == [
            Status.FILLED, Status.CANCELLED, Status.FILLED,
        ]  # fmt: skip
        assert await desk.client.ask(61, 1) == [["62", "1"]]

    by_hand(body, state_path=tmp_path / "sim.db")


def test_a_place_in_the_queue_is_lost(tmp_path: Path) -> None:
    """It starts again behind everything displayed."""

    async def body(desk: Desk) -> None:
        await desk.place(1, lmtPrice=100.00)
        await desk.after(lambda: desk.show(bid_size=5, trade=(100.00, 495)))
        await desk.restart()
        assert await desk.after(lambda: desk.show(bid_size=100, trade=(100.00, 400))) == []
        assert (await desk.after(lambda: desk.show(bid_size=100, trade=(100.00, 120))))[0] == "11 10"

    by_hand(body, state_path=tmp_path / "sim.db")


def test_the_day_ends_while_it_is_down(tmp_path: Path) -> None:
    """Day orders are cancelled, their children with them; the others are there in the morning."""

    async def body(desk: Desk) -> None:
        await bracket(desk)
        await desk.place(4, lmtPrice=99.0, tif="GTC")
        await desk.place(5, orderType="STP", auxPrice=105.0, tif="GTC")
        await desk.restart(down_s=8 * 3600)
        assert {number: opened_status(fields) for number, fields in (await listed(desk)).items()} == {
            "4": "PreSubmitted", "5": "PreSubmitted",
        }  # fmt: skip
        await asyncio.sleep(16 * 3600)
        desk.show()
        await asyncio.sleep(1)
        assert {number: opened_status(fields) for number, fields in (await listed(desk)).items()} == {
            "4": "Submitted", "5": "PreSubmitted",
        }  # fmt: skip

    by_hand(body, state_path=tmp_path / "sim.db")


async def story_of_a_bracket(desk: Desk) -> None:
    """A bracket from its frames to its end, an immediate order beside it, and a change."""
    for frame in (place(1, **ENTRY), place(2, "SELL", **PROFIT), place(3, "SELL", **STOP)):
        await desk.told(*frame)
    await desk.told(*place(4, quantity=600, tif="IOC"))
    await desk.told(*place(3, "SELL", **(STOP | {"auxPrice": 99.80})))
    await the_market_moves(desk)


async def the_market_moves(desk: Desk) -> None:
    await desk.after(lambda: desk.show(bid=99.99, trade=(99.99, 6)))
    await desk.after(lambda: desk.show(bid=100.10, ask=100.12, bid_size=4))
    await desk.after(lambda: desk.show(bid=99.99, trade=(99.99, 4)))
    await desk.after(lambda: desk.show(bid=99.70, ask=99.72, trade=(99.70, 5)))


def forget_after(desk: Desk, commits: int) -> list[int]:
    """Let so many commits reach the disk and none after: killed between one and the next. Returns their count."""
    simulator: Any = desk.simulator
    real, count = simulator._store.save, [0]

    def save(**what: Any) -> None:
        count[0] += 1
        if count[0] <= commits:
            real(**what)

    simulator._store.save = save
    return count


def judge(desk: Desk) -> None:
    """What must hold whatever was lost: books that add up, and families that keep together."""
    booking, orders = desk.booking, desk.orders
    shares = {order.perm_id: 0 for order in orders.values()}
    cash = desk.config.starting_cash_micros
    for execution in booking.executions:
        signed = execution.shares if execution.is_buy else -execution.shares
        shares[execution.perm_id] += execution.shares
        cash -= signed * execution.price_e4 * 100 + execution.commission_micros
    assert {order.perm_id: order.filled for order in orders.values()} == shares
    assert booking.account.cash_micros == cash
    held = sum(order.filled if order.is_buy else -order.filled for order in orders.values())
    assert sum(position.shares for position in booking.account.open_positions()) == held
    assert len({execution.exec_id for execution in booking.executions}) == len(booking.executions)
    sold = sum(order.filled for order in orders.values() if order.parent_perm_id)
    if sold:
        assert sold == orders[1].children_filled <= orders[1].filled
    if sold == 10:
        assert all(order.status in ENDED for order in orders.values() if order.order_id <= 3)


def test_killed_after_any_commit_families_and_books_are_whole(tmp_path: Path) -> None:
    """After the restart, and after the market has moved on; nothing immediate is tried a second time."""
    total = by_hand(lambda desk: counted(desk), state_path=tmp_path / "all.db")
    assert total > 20
    ends = set()
    for commits in range(1, total + 1):

        async def body(desk: Desk, commits: int = commits) -> None:
            forget_after(desk, commits)
            await story_of_a_bracket(desk)
            await desk.restart()
            judge(desk)
            immediate = desk.orders.get(4)
            tried = immediate is not None and immediate.at_exchange
            had = immediate.filled if immediate is not None else 0
            await the_market_moves(desk)
            judge(desk)
            if tried and immediate is not None:
                assert desk.orders[4].filled == had
            ends.add(tuple(order.status for order in desk.orders.values()))

        by_hand(body, state_path=tmp_path / f"{commits}.db")
    assert len(ends) >= 3


async def counted(desk: Desk) -> int:
    """How many commits the story takes."""
    count = forget_after(desk, 1_000_000)
    await story_of_a_bracket(desk)
    judge(desk)
    return count[0]
