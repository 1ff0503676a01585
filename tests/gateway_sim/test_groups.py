"""Groups whose orders differ in size, in contract or in client, and what an order would cost before it is placed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway_sim.by_hand import A_WHILE_S, Desk, by_hand
from tests.gateway_sim.wire_client import WireClient, place, story

# OCA type, and what is left of an order for 300 when 50 of one for 100 were filled.
REDUCED = {1: ("Cancelled", 300), 2: ("Submitted", 150), 3: ("Submitted", 150)}


@pytest.mark.parametrize(("kind", "left"), REDUCED.items(), ids=str)
def test_a_partial_fill_takes_as_much_of_the_others_or_all_of_them(kind: int, left: tuple[str, int]) -> None:
    """In proportion, as the types say; the rest of the first cancels what is left of the second."""

    async def body(desk: Desk) -> None:
        group: dict[str, Any] = {"ocaGroup": "exits", "ocaType": kind}
        await desk.place(1, "SELL", quantity=100, lmtPrice=100.02, **group)
        await desk.place(2, "SELL", quantity=300, lmtPrice=100.10, **group)
        await desk.after(lambda: desk.show(trade=(100.02, 550)))
        assert desk.status(1)[2:5] == ["Submitted", "50", "50"]
        assert (desk.status(2)[2], int(desk.status(2)[4])) == left
        await desk.after(lambda: desk.show(trade=(100.02, 1000)))
        assert desk.status(1)[2] == "Filled"
        assert desk.status(2)[2:4] == ["Cancelled", "0"]

    by_hand(body)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(1, 300),
    st.integers(1, 900),
    st.lists(st.integers(1, 120), min_size=1, max_size=4),
    st.sampled_from([2, 3]),
)
def test_what_is_left_of_a_reduced_order_is_its_share_rounded_down(
    quantity: int, others: int, trades: list[int], kind: int
) -> None:
    """After every fill of one, the other keeps the part of it that the one has left; with nothing left it is gone."""

    async def body(desk: Desk) -> None:
        group: dict[str, Any] = {"ocaGroup": "exits", "ocaType": kind}
        await desk.place(1, "SELL", quantity=quantity, lmtPrice=100.02, **group)
        await desk.place(2, "SELL", quantity=others, lmtPrice=100.10, **group)
        ahead = 500
        for traded in trades:
            desk.show(trade=(100.02, ahead + traded))
            await asyncio.sleep(A_WHILE_S)
            ahead = 0
        left, expected = quantity, others
        for fill in desk.client.of(11):
            shares = int(fill[19])
            expected = expected * (left - shares) // left
            left -= shares
        assert left < quantity
        assert desk.status(1)[2:5] == ["Submitted" if left else "Filled", str(quantity - left), str(left)]
        assert desk.status(2)[2] == ("Submitted" if expected else "Cancelled")
        if expected:
            assert desk.status(2)[4] == str(expected)

    by_hand(body)


def test_children_that_cancel_their_parent_are_refused() -> None:
    """Nobody who asks for it may believe that it will happen."""

    async def body(desk: Desk) -> None:
        await desk.place(1, lmtPrice=99.0, transmit=False)
        assert await desk.place(2, "SELL", lmtPrice=101.0, parentId=1, autoCancelParent=True) == ["4 321"]
        assert desk.client.of(4)[-1][4].endswith("children that cancel their parent are not simulated")

    by_hand(body)


def test_a_group_reaches_over_clients() -> None:
    """It is the account's: each client hears of its own order."""

    async def body(desk: Desk) -> None:
        other = await WireClient.open(*desk.simulator.address, client_id=2)
        other.send(*place(1, "SELL", lmtPrice=100.50, ocaGroup="both", ocaType=1))
        await asyncio.sleep(A_WHILE_S)
        start = len(other.frames)
        heard = await desk.place(1, "SELL", lmtPrice=100.00, ocaGroup="both", ocaType=1)
        assert heard[2:] == ["11 10", "5 Filled", "3 Filled 10/0", "59"]
        assert story(other.frames[start:]) == ["3 Cancelled 0/10", "4 202"]
        other.close()

    by_hand(body)


# Shares held, an order, and the margins before and after: initial and maintenance. The mark is 100.01.
WHAT_IF: dict[str, tuple[int, tuple[str, int], tuple[str, str, str, str]]] = {
    "first long": (0, ("BUY", 100), ("0.00", "0.00", "5000.50", "2500.25")),
    "first short": (0, ("SELL", 100), ("0.00", "0.00", "5000.50", "3000.30")),
    "less of it": (100, ("SELL", 40), ("5000.50", "2500.25", "3000.30", "1500.15")),
    "through flat": (100, ("SELL", 200), ("5000.50", "2500.25", "5000.50", "3000.30")),
}


@pytest.mark.parametrize(("held", "order", "margins"), WHAT_IF.values(), ids=WHAT_IF)
def test_what_if_has_the_margins_of_the_position_it_would_lead_to(
    held: int, order: tuple[str, int], margins: tuple[str, str, str, str]
) -> None:
    """Before, change and after add up, and the commission is the one that would be charged."""

    async def body(desk: Desk) -> None:
        if held:
            await desk.place(1, quantity=held)
        [answer] = await desk.client.ask(*place(2, *order, whatIf=True))
        assert (answer[92], answer[93]) == ("1", "PreSubmitted")
        assert (answer[94], answer[95], answer[100], answer[101]) == margins
        figures = [float(text) for text in answer[94:103]]
        for before, change, after in zip(figures[:3], figures[3:6], figures[6:], strict=True):
            assert after == pytest.approx(before + change)
        assert answer[103:107] == ["1.00", "1.00", "1.00", "USD"]
        assert desk.orders.keys() == ({1} if held else set())

    by_hand(body)
