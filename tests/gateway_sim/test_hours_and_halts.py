"""When nothing trades: before the open, after the close, in a halt; and what happens to orders meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.gateway_sim.by_hand import Desk, by_hand
from tests.gateway_sim.wire_client import place, story

from algo_trade.clock import VIRTUAL_START_NS

HOUR_S = 3600.0
TO_THE_CLOSE_S = 6.5 * HOUR_S
TO_THE_NEXT_OPEN_S = 17.5 * HOUR_S
HELD = ["5 PreSubmitted", "3 PreSubmitted 0/10", "4 399"]


async def after_the_close(desk: Desk) -> None:
    await asyncio.sleep(TO_THE_CLOSE_S + 60)
    desk.client.frames.clear()


async def open_again(desk: Desk, **quote: Any) -> list[str]:
    """Wait for the next morning and show its first quote; what is heard from the bell on."""
    clock: Any = desk.clock
    day_ns = round((TO_THE_CLOSE_S + TO_THE_NEXT_OPEN_S) * 1e9)
    left_s = (VIRTUAL_START_NS + day_ns - clock.now_ns()) / 1e9
    await asyncio.sleep(left_s + 0.1)
    start = len(desk.client.frames)
    desk.show(**quote)
    await asyncio.sleep(1)
    return story(desk.client.frames[start:])


ORDERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "market": ({}, HELD),
    "limit": ({"lmtPrice": 99.0}, HELD),
    "good till cancelled": ({"lmtPrice": 99.0, "tif": "GTC"}, HELD),
    "stop": ({"orderType": "STP", "auxPrice": 105.0}, HELD),
    "stop limit": ({"orderType": "STP LMT", "auxPrice": 105.0, "lmtPrice": 106.0, "tif": "GTC"}, HELD),
    "adaptive": ({"algoStrategy": "Adaptive"}, HELD),
    "outside regular hours": ({"lmtPrice": 99.0, "outsideRth": True}, HELD),
    "stop outside regular hours": ({"orderType": "STP", "auxPrice": 105.0, "outsideRth": True}, HELD),
    "market outside regular hours": ({"outsideRth": True}, ["4 2109", *HELD]),
    "immediate or cancel": ({"tif": "IOC"}, ["4 201", "5 Inactive", "3 Inactive 0/10"]),
    "fill or kill": ({"tif": "FOK"}, ["4 201", "5 Inactive", "3 Inactive 0/10"]),
    "stop, immediate": (
        {"orderType": "STP", "auxPrice": 105.0, "tif": "IOC"}, ["4 201", "5 Inactive", "3 Inactive 0/10"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("order", "expected"), ORDERS.values(), ids=ORDERS)
def test_orders_placed_while_the_exchange_is_closed_are_held_or_refused(
    order: dict[str, Any], expected: list[str]
) -> None:
    """399 names the opening; immediate ones cannot be held."""

    async def body(desk: Desk) -> None:
        await after_the_close(desk)
        assert await desk.place(1, **order) == expected
        if "4 399" in expected:
            assert "2026-03-03 09:30:00 US/Eastern" in desk.client.of(4)[-1][4]

    by_hand(body)


def test_held_orders_meet_the_opening_quote_not_the_one_that_closed_the_day_before() -> None:
    """At the bell they are at the exchange; they trade with the first quote after it."""

    async def body(desk: Desk) -> None:
        await after_the_close(desk)
        await desk.place(1)
        await desk.place(2, "SELL", lmtPrice=101.0)
        heard = await open_again(desk, bid=101.20, ask=101.22)
        assert [word for word in heard if word.startswith("11")] == ["11 10", "11 10"]
        prices = {fields[2]: fields[20] for fields in desk.client.of(11)}
        assert prices == {"1": "101.22", "2": "101.2"}

    by_hand(body)


def test_held_orders_can_be_changed_and_cancelled() -> None:
    """They are at the broker, and answer."""

    async def body(desk: Desk) -> None:
        await after_the_close(desk)
        await desk.place(1, lmtPrice=99.0)
        await desk.place(2, lmtPrice=99.0)
        assert await desk.place(1, lmtPrice=101.0) == ["5 PreSubmitted", "3 PreSubmitted 0/10"]
        assert await desk.cancel(2) == ["3 PendingCancel 0/10", "3 Cancelled 0/10", "4 202"]
        await open_again(desk)
        assert desk.client.of(11)[-1][2] == "1"

    by_hand(body)


def test_at_the_close_day_orders_end_and_others_are_held_for_the_next_day() -> None:
    """Working, waiting for a trigger or for a parent: a day is a day. GTC goes back to PreSubmitted and returns."""

    async def body(desk: Desk) -> None:
        await desk.place(1, lmtPrice=99.0)
        await desk.place(2, orderType="STP", auxPrice=105.0)
        await desk.place(3, lmtPrice=99.0, transmit=False, tif="GTC")
        await desk.place(4, "SELL", lmtPrice=105.0, parentId=3)
        await desk.place(5, lmtPrice=99.5, tif="GTC")
        await desk.place(6, orderType="STP", auxPrice=105.0, tif="GTC")
        start = len(desk.client.frames)
        await asyncio.sleep(TO_THE_CLOSE_S)
        told = {fields[1]: fields[2] for fields in desk.client.frames[start:] if fields[0] == "3"}
        assert told == {
            "1": "Cancelled", "2": "Cancelled", "4": "Cancelled", "3": "PreSubmitted", "5": "PreSubmitted",
        }  # fmt: skip
        completed = [fields for fields in await desk.client.ask(99, 0) if fields[0] == "101"]
        assert {fields[94] for fields in completed} == {"Cancelled by System"}
        assert await desk.after(lambda: desk.show(bid=98.0, ask=98.02)) == []
        await open_again(desk, bid=99.48, ask=99.50)
        assert [fields[2] for fields in desk.client.of(11)] == ["5"]
        assert (desk.status(3)[2], desk.status(6)[10]) == ("Submitted", "trigger")
        assert await desk.after(lambda: desk.show(bid=105.0, ask=105.02, trade=(105.02, 5))) != []
        assert desk.status(6)[2] == "Filled"

    by_hand(body)


def test_an_order_under_way_when_the_bell_rings_does_not_trade_after_it() -> None:
    """A day order ends, an immediate one is given up, a good-till-cancelled one is held."""

    async def body(desk: Desk) -> None:
        await asyncio.sleep(TO_THE_CLOSE_S - 0.12)
        for number, tif in enumerate(("DAY", "IOC", "GTC"), start=1):
            await desk.send(*place(number, tif=tif))
        await asyncio.sleep(5)
        assert [desk.status(number)[2] for number in (1, 2, 3)] == ["Cancelled", "Cancelled", "PreSubmitted"]
        assert desk.client.of(11) == []
        await open_again(desk)
        assert [fields[2] for fields in desk.client.of(11)] == ["3"]

    by_hand(body, ack_ms=50.0, fill_ms=200.0)


def test_an_order_on_its_way_when_the_exchange_opens_arrives_when_it_would_have() -> None:
    """The bell sends what was held, not what is still travelling, and not what is being cancelled."""

    async def body(desk: Desk) -> None:
        await after_the_close(desk)
        await desk.place(1)
        await asyncio.sleep(TO_THE_NEXT_OPEN_S - 60.3 - 0.2)
        await desk.send(*place(2))
        await desk.send(4, 1, 1, "")
        await asyncio.sleep(0.4)
        desk.show()
        await asyncio.sleep(2)
        opened_s = TO_THE_CLOSE_S + TO_THE_NEXT_OPEN_S
        [(at_s, fill)] = [
            (at_s, fields)
            for at_s, fields in zip(desk.client.times[-9:], desk.client.frames[-9:], strict=True)
            if fields[0] == "11"
        ]
        assert fill[2] == "2"
        assert at_s > opened_s + 0.3
        assert desk.status(1)[2] == "Cancelled"

    by_hand(body, ack_ms=100.0, fill_ms=1_000.0)


def test_a_day_order_ends_with_its_24_hours_where_the_exchange_never_closes() -> None:
    """Its liquid hours are its day; what is good till cancelled works on."""

    async def body(desk: Desk) -> None:
        await desk.place(1, lmtPrice=99.0)
        await desk.place(2, lmtPrice=99.0, tif="GTC")
        start = len(desk.client.frames)
        await asyncio.sleep(24 * HOUR_S)
        assert story(desk.client.frames[start:]) == ["3 Cancelled 0/10", "4 202"]
        assert (await desk.after(lambda: desk.show(bid=98.97, ask=98.99)))[0] == "11 10"

    by_hand(body, market_open_ns=None)


def test_in_a_halt_orders_are_accepted_and_work_but_nothing_fills() -> None:
    """At the reopening everything is tried against the reopening quote; an immediate order does not wait for it."""

    async def body(desk: Desk) -> None:
        await desk.place(1, lmtPrice=100.00)
        await desk.place(2, "SELL", orderType="STP", auxPrice=99.50)
        desk.halt()
        assert await desk.place(3) == [
            "5 PreSubmitted", "3 PreSubmitted 0/10", "5 Submitted", "3 Submitted 0/10",
        ]  # fmt: skip
        assert (await desk.place(4, tif="IOC"))[-1] == "4 202"
        assert (await desk.place(5, tif="FOK"))[-1] == "4 202"
        assert await desk.cancel(3) == ["3 PendingCancel 0/10", "3 Cancelled 0/10", "4 202"]
        await desk.place(6, "SELL", lmtPrice=98.0)
        assert await desk.after(lambda: desk.show(bid=99.0, ask=99.02, trade=(99.0, 900))) == []
        desk.halt(False)
        assert await desk.after() == [], "no quote since"
        await desk.after(lambda: desk.show(bid=99.40, ask=99.42, trade=(99.40, 5)))
        given = [(fields[2], fields[20], fields[30]) for fields in desk.client.of(11)]
        assert given == [("1", "100.0", "1"), ("6", "99.4", "2"), ("2", "99.4", "2")]

    by_hand(body)


def test_a_symbol_that_is_halted_at_the_open_trades_when_it_reopens() -> None:
    """Both must be over: the night and the halt."""

    async def body(desk: Desk) -> None:
        await after_the_close(desk)
        desk.halt()
        await desk.place(1)
        assert not [word for word in await open_again(desk) if word.startswith("11")]
        desk.halt(False)
        assert [word for word in await desk.after(desk.show) if word.startswith("11")] == ["11 10"]

    by_hand(body)
