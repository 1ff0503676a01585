"""Every order type and time in force on the wire: what a client hears, written down as data."""

from __future__ import annotations

from typing import Any

import pytest
from ib_async import TagValue
from tests.gateway_sim.by_hand import Desk, by_hand
from tests.gateway_sim.wire_client import place

ACCEPTED = ["5 PreSubmitted", "3 PreSubmitted 0/10"]
RESTS = [*ACCEPTED, "5 Submitted", "3 Submitted 0/10"]
FILLED = ["11 10", "5 Filled", "3 Filled 10/0", "59"]
TRIGGERED = ["5 Submitted", "3 Submitted 0/10"]
GIVEN_UP = ["3 PendingCancel 0/10", "3 Cancelled 0/10", "4 202"]


def adaptive(priority: str | None, tag: str = "adaptivePriority") -> dict[str, Any]:
    """The fields that ask for the Adaptive algorithm."""
    params = [] if priority is None else [TagValue(tag, priority)]
    return {"algoStrategy": "Adaptive", "algoParams": params}


STP, STP_LMT = {"orderType": "STP"}, {"orderType": "STP LMT"}

# An order, what its client hears at once, a quote that follows (keywords of Desk.show), and what is heard then.
STORIES: dict[str, tuple[dict[str, Any], list[str], dict[str, Any], list[str]]] = {
    "market": ({}, [*ACCEPTED, *FILLED], {}, []),
    "limit that rests, filled by a trade": (
        {"lmtPrice": 100.01}, RESTS, {"trade": (100.00, 10)}, FILLED,
    ),
    "limit that rests, filled by the other side": ({"lmtPrice": 100.00}, RESTS, {"ask": 100.00}, FILLED),
    "limit that is marketable": ({"lmtPrice": 100.02}, [*ACCEPTED, *FILLED], {}, []),
    "good till cancelled": ({"lmtPrice": 99.0, "tif": "GTC"}, RESTS, {}, []),
    "immediate or cancel": ({"lmtPrice": 100.02, "tif": "IOC"}, [*ACCEPTED, *FILLED], {}, []),
    "immediate or cancel, out of reach": ({"lmtPrice": 99.0, "tif": "IOC"}, [*ACCEPTED, *GIVEN_UP], {}, []),
    "fill or kill": ({"lmtPrice": 100.02, "tif": "FOK"}, [*ACCEPTED, *FILLED], {}, []),
    "fill or kill, out of reach": ({"lmtPrice": 100.01, "tif": "FOK"}, [*ACCEPTED, *GIVEN_UP], {}, []),
    "stop, reached by a trade": (
        {**STP, "auxPrice": 100.05}, ACCEPTED, {"trade": (100.05, 1)}, [*TRIGGERED, *FILLED],
    ),
    "stop, not reached by quotes alone": ({**STP, "auxPrice": 100.05}, ACCEPTED, {"bid": 100.10, "ask": 100.12}, []),
    "stop limit, reached and marketable": (
        {**STP_LMT, "auxPrice": 100.05, "lmtPrice": 100.10}, ACCEPTED, {"trade": (100.05, 1)},
        [*TRIGGERED, *FILLED],
    ),
    "stop limit, reached and out of reach": (
        {**STP_LMT, "auxPrice": 100.05, "lmtPrice": 99.0}, ACCEPTED, {"trade": (100.06, 1)}, TRIGGERED,
    ),
    "urgent": (
        adaptive("Urgent"),
        [*ACCEPTED, *FILLED], {}, [],
    ),
    "patient, filled on its own side": (
        adaptive("Patient"),
        RESTS, {"bid_size": 10, "trade": (100.00, 510)}, FILLED,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("order", "at_once", "quote", "then"), STORIES.values(), ids=STORIES)
def test_callbacks_come_as_from_a_real_gateway(
    order: dict[str, Any], at_once: list[str], quote: dict[str, Any], then: list[str]
) -> None:
    """From the frame to the fill."""

    async def body(desk: Desk) -> None:
        assert await desk.place(1, **order) == at_once
        assert await desk.after(lambda: desk.show(**quote)) == then

    by_hand(body)


# A stop, the side, the trigger method, whether the feed has trades, a quote, and whether that triggers it.
TRIGGERS: dict[str, tuple[float, str, int, bool, dict[str, Any], bool]] = {
    "last, at the stop": (100.05, "BUY", 2, True, {"trade": (100.05, 1)}, True),
    "last, through the stop": (99.95, "SELL", 0, True, {"trade": (99.90, 1)}, True),
    "last, not there yet": (99.95, "SELL", 2, True, {"trade": (99.96, 1)}, False),
    "bid of a buy": (100.05, "BUY", 4, True, {"bid": 100.05, "ask": 100.07}, True),
    "ask of a buy is not looked at": (100.05, "BUY", 4, True, {"ask": 100.07}, False),
    "ask of a sell": (99.95, "SELL", 4, True, {"bid": 99.93, "ask": 99.95}, True),
    "bid of a sell is not looked at": (99.95, "SELL", 4, True, {"bid": 99.90}, False),
    "a bid of nobody": (100.05, "BUY", 4, True, {"bid": 100.05, "ask": 100.07, "bid_size": 0}, False),
    "last or bid, by the last": (100.05, "BUY", 7, True, {"trade": (100.05, 1)}, True),
    "last or bid, by the bid": (100.05, "BUY", 7, True, {"bid": 100.06, "ask": 100.07}, True),
    "mid-point": (100.05, "BUY", 8, True, {"bid": 100.00, "ask": 100.10}, True),
    "mid-point, not there yet": (99.95, "SELL", 8, True, {"bid": 99.95, "ask": 99.97}, False),
    "no trades, the bid stands in": (100.05, "BUY", 0, False, {"bid": 100.05, "ask": 100.07}, True),
    "no trades, the ask stands in": (99.95, "SELL", 2, False, {"bid": 99.90, "ask": 99.95}, True),
}


@pytest.mark.parametrize(
    ("stop", "action", "method", "has_trades", "quote", "triggers"), TRIGGERS.values(), ids=TRIGGERS
)
def test_a_stop_is_triggered_by_what_its_method_looks_at(
    stop: float, action: str, method: int, has_trades: bool, quote: dict[str, Any], triggers: bool
) -> None:
    """Until then it is PreSubmitted and held for its trigger."""

    async def body(desk: Desk) -> None:
        await desk.place(1, action, orderType="STP", auxPrice=stop, triggerMethod=method)
        assert desk.status(1)[2:5] == ["PreSubmitted", "0", "10"]
        assert desk.status(1)[10] == "trigger"
        heard = await desk.after(lambda: desk.show(**quote))
        assert heard[:2] == (TRIGGERED if triggers else [])

    by_hand(body, has_trades=has_trades)


def test_a_stop_that_is_reached_already_goes_at_once() -> None:
    """The last trade was through it before it came."""

    async def body(desk: Desk) -> None:
        desk.show(trade=(100.50, 5))
        assert await desk.place(1, orderType="STP", auxPrice=100.05) == [*ACCEPTED, *TRIGGERED, *FILLED]

    by_hand(body)


def test_a_triggered_stop_meets_the_market_a_delay_later_not_the_quote_that_triggered_it() -> None:
    """That is what a stop costs."""

    async def body(desk: Desk) -> None:
        await desk.place(1, "SELL", orderType="STP", auxPrice=99.95)
        desk.show(bid=99.94, ask=99.96, trade=(99.94, 50))
        await desk.after(lambda: desk.show(bid=99.90, ask=99.92))
        assert desk.client.of(11)[-1][20] == "99.9"

    by_hand(body)


def test_what_adds_liquidity_and_what_removes_it_is_told_apart() -> None:
    """Executions say 1 for a fill at the order's own price, 2 for one at the displayed price."""

    async def body(desk: Desk) -> None:
        await desk.place(1)
        await desk.place(2, lmtPrice=100.00)
        await desk.after(lambda: desk.show(bid=99.98, ask=100.00))
        await desk.place(3, "SELL", lmtPrice=100.05)
        await desk.after(lambda: desk.show(bid=100.05, ask=100.07))
        assert [(fields[20], fields[30]) for fields in desk.client.of(11)] == [
            ("100.02", "2"), ("100.0", "1"), ("100.05", "1"),
        ]  # fmt: skip

    by_hand(body)


def test_fill_or_kill_is_never_filled_in_part() -> None:
    """One share more than is displayed is too much, also of what is left of it."""

    async def body(desk: Desk) -> None:
        assert "11 500" not in await desk.place(1, quantity=501, tif="FOK")
        assert "3 Cancelled 0/501" in await desk.told(*place(2, quantity=501, lmtPrice=101.0, tif="FOK"))
        assert "11 200" in await desk.place(3, quantity=200)
        assert "3 Cancelled 0/301" in await desk.place(4, quantity=301, tif="FOK")
        assert "11 300" in await desk.place(5, quantity=300, tif="FOK")

    by_hand(body)


@pytest.mark.parametrize(("priority", "rests_s"), [("Normal", 10), ("Patient", 30), (None, 10)])
def test_an_adaptive_order_rests_at_its_own_side_and_takes_in_the_end(
    priority: str | None, rests_s: int
) -> None:
    """It moves with the touch, never past its limit; without a priority it is a normal one."""

    async def body(desk: Desk) -> None:
        heard = await desk.place(1, lmtPrice=100.04, **adaptive(priority))
        assert heard == RESTS
        assert await desk.after(lambda: desk.show(bid=100.03, ask=100.05), wait=rests_s - 1) == []
        desk.show(bid=100.01, ask=100.03)
        assert await desk.after(wait=2) == FILLED
        assert desk.client.of(11)[0][20] == "100.03"
        echoed = (
            ["Adaptive", "0", "0", "0"]
            if priority is None
            else ["Adaptive", "1", "adaptivePriority", priority]
        )
        assert desk.opened(1)[90:94] == echoed

    by_hand(body)


def test_an_adaptive_order_that_may_not_take_at_its_limit_rests_there() -> None:
    """Taking is within the limit like everything else."""

    async def body(desk: Desk) -> None:
        await desk.place(1, "SELL", lmtPrice=100.01, **adaptive("Normal"))
        assert await desk.after(wait=15) == []
        assert await desk.after(lambda: desk.show(bid=100.01, ask=100.03)) == FILLED
        assert desk.client.of(11)[0][20] == "100.01"

    by_hand(body)


REFUSED: dict[str, tuple[dict[str, Any], int]] = {
    "a stop without its price": ({"orderType": "STP"}, 321),
    "a stop off the tick": ({"orderType": "STP", "auxPrice": 100.001}, 110),
    "a stop limit without its limit": ({"orderType": "STP LMT", "auxPrice": 100.0}, 321),
    "a trigger method of two in a row": ({**STP, "auxPrice": 100.0, "triggerMethod": 1}, 321),
    "a group type there is not": ({"ocaGroup": "g", "ocaType": 4}, 321),
    "an algorithm we do not have": ({"algoStrategy": "Vwap"}, 439),
    "an attribute the algorithm has not": (adaptive("y", tag="x"), 443),
    "a priority there is not": (
        adaptive("Fast"), 441,
    ),
    "an algorithm on a stop": ({**STP, "auxPrice": 100.0, "algoStrategy": "Adaptive"}, 442),
    "an algorithm that is immediate": ({"tif": "IOC", "algoStrategy": "Adaptive"}, 442),
    "a trail without a distance": ({"orderType": "TRAIL"}, 321),
    "a trail with two distances": ({"orderType": "TRAIL", "auxPrice": 1.0, "trailingPercent": 1.0}, 321),
    "a trail of all the price": ({"orderType": "TRAIL", "trailingPercent": 100.0}, 321),
    "a trail off the tick": ({"orderType": "TRAIL", "auxPrice": 0.001}, 110),
    "a trailing limit without one": ({"orderType": "TRAIL LIMIT", "auxPrice": 1.0}, 321),
    "a trailing limit with two": (
        {"orderType": "TRAIL LIMIT", "auxPrice": 1.0, "lmtPriceOffset": 0.1, "lmtPrice": 99.0}, 321,
    ),
    "a trailing limit better than its stop": (
        {"orderType": "TRAIL LIMIT", "auxPrice": 1.0, "lmtPrice": 100.0, "trailStopPrice": 101.0}, 321,
    ),
    "a limit on close without its limit": ({"orderType": "LOC"}, 321),
    "at the close and good till cancelled": ({"orderType": "MOC", "tif": "GTC"}, 113),
    "at the mid-point and immediate": ({"orderType": "MIDPRICE", "tif": "IOC"}, 111),
    "a dated order without a date": ({"lmtPrice": 99.0, "tif": "GTD"}, 343),
    "a date that is none": ({"lmtPrice": 99.0, "tif": "GTD", "goodTillDate": "20270231 16:00:00"}, 343),
    "a date in another form": ({"lmtPrice": 99.0, "tif": "GTD", "goodTillDate": "2027-02-01 16:00"}, 343),
    "a zone that is none": ({"lmtPrice": 99.0, "tif": "GTD", "goodTillDate": "20270201 16:00:00 Mars/Base"}, 343),
    "a date in the past": ({"lmtPrice": 99.0, "tif": "GTD", "goodTillDate": "20250102-16:00:00"}, 321),
    "a date on a day order": ({"lmtPrice": 99.0, "goodTillDate": "20270201-16:00:00"}, 321),
    "a minimum above the quantity": ({"lmtPrice": 99.0, "minQty": 11}, 321),
    "a display size below zero": ({"lmtPrice": 99.0, "displaySize": -1}, 321),
    "a display size on all or none": ({"lmtPrice": 99.0, "displaySize": 5, "allOrNone": True}, 321),
    "an adjustable stop": ({**STP, "auxPrice": 100.0, "adjustedOrderType": "STP LMT"}, 321),
    "an amount of cash": ({"quantity": 0, "cashQty": 5000.0}, 10244),
    "a discretionary amount": ({"lmtPrice": 99.0, "discretionaryAmt": 0.05}, 321),
}  # fmt: skip


@pytest.mark.parametrize(("order", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_simulated_is_refused_not_ignored(order: dict[str, Any], code: int) -> None:
    """With an error alone."""

    async def body(desk: Desk) -> None:
        assert await desk.place(1, **order) == [f"4 {code}"]
        assert desk.orders == {}

    by_hand(body)


def test_an_instrument_without_algorithms_refuses_them_and_does_not_list_them() -> None:
    """387, and no ALGO among the order types of its contract details."""

    async def body(desk: Desk) -> None:
        simulator: Any = desk.simulator
        listed = [
            fields for fields in await desk.client.ask(9, 8, 7, 756733, *[""] * 15) if fields[0] == "10"
        ]
        assert {"ALGO", "STP", "STPLMT", "TRAIL", "MIDPX", "MOC", "GTC", "FOK"} <= set(
            listed[0][15].split(",")
        )
        catalogue = simulator._catalogue
        spy = catalogue.by_con_id[756733]
        plain = spy.model_copy(update={"algos": False})
        catalogue.by_con_id[756733] = catalogue.by_symbol["SPY"] = plain
        assert await desk.place(1, algoStrategy="Adaptive") == ["4 387"]
        listed = [
            fields for fields in await desk.client.ask(9, 8, 8, 756733, *[""] * 15) if fields[0] == "10"
        ]
        assert "ALGO" not in listed[0][15].split(",")

    by_hand(body)


def test_what_if_answers_for_every_type() -> None:
    """Margins, and the order's own fields; nothing is placed."""

    async def body(desk: Desk) -> None:
        asked: list[dict[str, Any]] = [
            {**STP, "auxPrice": 99.0}, {**STP_LMT, "auxPrice": 99.0, "lmtPrice": 98.0},
        ]  # fmt: skip
        for number, order in enumerate(asked, start=1):
            [answer] = await desk.client.ask(*place(number, "SELL", whatIf=True, **order))
            assert (answer[0], answer[15], answer[17], answer[92]) == ("5", order["orderType"], "99.0", "1")
            assert float(answer[97]) > 0
        assert desk.orders == {}

    by_hand(body)
