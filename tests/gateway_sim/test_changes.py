"""Changing a live order: what may change, what it costs, and what every refusal leaves as it was."""

from __future__ import annotations

from typing import Any

import pytest
from tests.gateway_sim.by_hand import Desk, by_hand
from tests.gateway_sim.wire_client import AAPL, place, story

RESTING: dict[str, Any] = {"lmtPrice": 100.00, "orderRef": "r"}
STOP: dict[str, Any] = {"orderType": "STP", "auxPrice": 101.0}
STOP_LIMIT: dict[str, Any] = {"orderType": "STP LMT", "auxPrice": 101.0, "lmtPrice": 101.5}

# An order, what it is changed to, and what is heard.
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "price": (RESTING, {"lmtPrice": 100.01}, ["5 Submitted", "3 Submitted 0/10"]),
    "size up": (RESTING, {"quantity": 20}, ["5 Submitted", "3 Submitted 0/20"]),
    "size down": (RESTING, {"quantity": 5}, ["5 Submitted", "3 Submitted 0/5"]),
    "the same again": (RESTING, {}, ["5 Submitted", "3 Submitted 0/10"]),
    "limit to market": (
        RESTING, {"orderType": "MKT", "lmtPrice": 0.0},
        ["5 Submitted", "3 Submitted 0/10", "11 10", "5 Filled", "3 Filled 10/0", "59"],
    ),
    "to a marketable price": (
        RESTING, {"lmtPrice": 100.02},
        ["5 Submitted", "3 Submitted 0/10", "11 10", "5 Filled", "3 Filled 10/0", "59"],
    ),
    "stop price": (STOP, {"auxPrice": 102.0}, ["5 PreSubmitted", "3 PreSubmitted 0/10"]),
    "stop and limit price": (
        STOP_LIMIT, {"auxPrice": 102.0, "lmtPrice": 102.5}, ["5 PreSubmitted", "3 PreSubmitted 0/10"],
    ),
    "size of a stop": (STOP, {"quantity": 5}, ["5 PreSubmitted", "3 PreSubmitted 0/5"]),
    "off the tick": (RESTING, {"lmtPrice": 100.001}, ["4 110"]),
    "a stop off the tick": (STOP, {"auxPrice": 100.001}, ["4 110"]),
    "no size": (RESTING, {"quantity": 0}, ["4 434"]),
    "limit to stop": (RESTING, {"orderType": "STP", "auxPrice": 101.0}, ["4 329"]),
    "stop to limit": (STOP, {"orderType": "LMT", "lmtPrice": 100.0}, ["4 329"]),
    "stop to stop limit": (STOP, {"orderType": "STP LMT", "lmtPrice": 100.0}, ["4 329"]),
    "side": (RESTING, {"action": "SELL"}, ["4 105"]),
    "contract": (RESTING, {"con_id": AAPL}, ["4 105"]),
    "time in force": (RESTING, {"tif": "GTC"}, ["4 105"]),
    "reference": (RESTING, {"orderRef": "other"}, ["4 105"]),
    "group": (RESTING, {"ocaGroup": "g"}, ["4 105"]),
    "trigger method": (STOP, {"triggerMethod": 4}, ["4 105"]),
    "algorithm": (RESTING, {"algoStrategy": "Adaptive"}, ["4 105"]),
    "more than the account can carry": (RESTING, {"quantity": 100_000}, ["4 201"]),
}  # fmt: skip


@pytest.mark.parametrize(("order", "change", "expected"), CHANGES.values(), ids=CHANGES)
def test_the_order_is_sent_again_in_full_and_answered(
    order: dict[str, Any], change: dict[str, Any], expected: list[str]
) -> None:
    """With an echo of its new terms, or with an error that leaves it as it was."""

    async def body(desk: Desk) -> None:
        await desk.told(*place(1, **order))
        before = desk.opened(1)
        assert await desk.told(*place(1, **(order | change))) == expected
        if expected[0].startswith("4"):
            desk.client.frames.clear()
            await desk.client.ask(5, 1)
            assert desk.opened(1) == before

    by_hand(body)


def test_terms_are_given_back_as_changed() -> None:
    """Price, stop price and type."""

    async def body(desk: Desk) -> None:
        await desk.place(1, **STOP_LIMIT)
        await desk.place(1, quantity=7, **(STOP_LIMIT | {"auxPrice": 102.0, "lmtPrice": 103.0}))
        assert desk.opened(1)[14:18] == ["7", "STP LMT", "103.0", "102.0"]
        await desk.place(2, "SELL", lmtPrice=105.0)
        desk.show(bid_size=0)
        await desk.place(2, "SELL", orderType="MKT")
        assert desk.opened(2)[15:17] == ["MKT", "0.0"]

    by_hand(body)


def test_what_is_over_or_under_way_cannot_be_changed() -> None:
    """104 filled, 103 otherwise ended, 2102 not acknowledged, changing or being cancelled."""

    async def body(desk: Desk) -> None:
        await desk.place(1)
        assert await desk.place(1, quantity=20) == ["4 104"]
        await desk.place(2, lmtPrice=99.0, tif="IOC")
        assert await desk.place(2, lmtPrice=98.0, tif="IOC") == ["4 103"]
        await desk.send(*place(3, **RESTING))
        heard = await desk.told(*place(3, **(RESTING | {"lmtPrice": 99.0})))
        assert heard[0] == "4 2102"
        await desk.send(*place(3, **(RESTING | {"lmtPrice": 99.0})))
        assert (await desk.told(*place(3, **(RESTING | {"lmtPrice": 98.0}))))[0] == "4 2102"
        assert desk.opened(3)[16] == "99.0"
        await desk.send(4, 1, 3, "")
        heard = await desk.told(*place(3, **(RESTING | {"lmtPrice": 98.0})))
        assert heard == ["4 2102", "3 PendingCancel 0/10", "3 Cancelled 0/10", "4 202"]

    by_hand(body)


def test_a_change_that_comes_while_the_order_ends_is_too_late() -> None:
    """Accepted by the gateway, refused by the broker: 104 or 201, and the end stands."""

    async def body(desk: Desk) -> None:
        await desk.place(1, **RESTING)
        await desk.send(*place(1, **(RESTING | {"lmtPrice": 99.0})))
        heard = await desk.after(lambda: desk.show(bid=99.9, ask=100.00))
        assert [word for word in heard if word != "59"] == ["11 10", "5 Filled", "3 Filled 10/0", "4 104"]
        desk.show()
        await desk.place(2, lmtPrice=99.0, ocaGroup="g")
        await desk.place(3, lmtPrice=100.00, ocaGroup="g")
        await desk.send(*place(2, lmtPrice=98.0, ocaGroup="g"))
        await desk.after(lambda: desk.show(bid=99.9, ask=100.00))
        assert story(desk.client.of(4))[-2:] == ["4 202", "4 201"]

    by_hand(body, ack_ms=60.0)


def test_a_size_below_what_has_filled_is_refused() -> None:
    """105, before and after the acknowledgement."""

    async def body(desk: Desk) -> None:
        await desk.place(1, lmtPrice=100.02, quantity=600)
        assert desk.status(1)[3] == "500"
        assert await desk.place(1, lmtPrice=100.02, quantity=500) == ["4 105"]
        await desk.send(*place(1, lmtPrice=100.02, quantity=550))
        await desk.after(lambda: desk.show(ask_size=70))
        assert story(desk.client.of(4))[-1] == "4 105"
        assert desk.status(1)[3:5] == ["570", "30"]

    by_hand(body, ack_ms=60.0)


def test_only_a_smaller_size_keeps_the_place_in_the_queue() -> None:
    """Two orders behind 500 shares. The first is made smaller and keeps its place; then larger, and it is last."""

    async def body(desk: Desk) -> None:
        await desk.place(1, quantity=50, lmtPrice=100.00)
        await desk.place(2, quantity=50, lmtPrice=100.00)
        await desk.place(1, quantity=40, lmtPrice=100.00)
        await desk.after(lambda: desk.show(bid_size=20, trade=(100.00, 510)))
        assert [(fields[2], fields[19]) for fields in desk.client.of(11)] == [("1", "10")]
        await desk.place(1, quantity=60, lmtPrice=100.00)
        await desk.after(lambda: desk.show(bid_size=20, trade=(100.00, 60)))
        await desk.after(lambda: desk.show(bid_size=20, trade=(100.00, 25)))
        assert [(fields[2], fields[19]) for fields in desk.client.of(11)] == [
            ("1", "10"), ("2", "50"), ("1", "15"),
        ]  # fmt: skip

    by_hand(body)


def test_a_changed_order_is_out_of_the_market_until_it_arrives_again() -> None:
    """What it asked before cannot be filled once the change is told."""

    async def body(desk: Desk) -> None:
        await desk.place(1, lmtPrice=100.01)
        heard = await desk.told(*place(1, lmtPrice=99.0), wait=0.03)
        assert heard == ["5 Submitted", "3 Submitted 0/10"]
        assert await desk.after(lambda: desk.show(bid=99.99, ask=100.01, trade=(99.99, 100))) == []

    by_hand(body)


def test_a_triggered_stop_can_have_its_limit_moved_but_not_its_stop() -> None:
    """It is a limit order by then."""

    async def body(desk: Desk) -> None:
        order = STOP_LIMIT | {"auxPrice": 100.05, "lmtPrice": 99.0}
        await desk.place(1, **order)
        assert await desk.after(lambda: desk.show(trade=(100.05, 1))) == ["5 Submitted", "3 Submitted 0/10"]
        assert await desk.place(1, **(order | {"auxPrice": 100.50})) == ["4 105"]
        assert (await desk.place(1, **(order | {"lmtPrice": 100.02})))[2:] == [
            "11 10", "5 Filled", "3 Filled 10/0", "59",
        ]  # fmt: skip

    by_hand(body)


def test_a_stop_moved_into_the_market_goes_at_once() -> None:
    """The echo first."""

    async def body(desk: Desk) -> None:
        await desk.place(1, **STOP)
        desk.show(trade=(100.50, 1))
        assert await desk.place(1, **(STOP | {"auxPrice": 100.40})) == [
            "5 PreSubmitted", "3 PreSubmitted 0/10", "5 Submitted", "3 Submitted 0/10",
            "11 10", "5 Filled", "3 Filled 10/0", "59",
        ]  # fmt: skip

    by_hand(body)
