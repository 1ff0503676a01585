"""Brackets and groups: orders that wait for one another, and end one another."""

from __future__ import annotations

from typing import Any

import pytest
from tests.gateway_sim.by_hand import A_WHILE_S, Desk, by_hand
from tests.gateway_sim.wire_client import place, story

ENTRY: dict[str, Any] = {"lmtPrice": 100.00, "transmit": False}
PROFIT: dict[str, Any] = {"lmtPrice": 100.10, "parentId": 1, "transmit": False}
STOP: dict[str, Any] = {"orderType": "STP", "auxPrice": 99.90, "parentId": 1}
SENT = [
    "5 PreSubmitted", "3 PreSubmitted 0/10",
    "5 PreSubmitted", "3 PreSubmitted 0/10",
    "5 PreSubmitted", "3 PreSubmitted 0/10",
    "5 Submitted", "3 Submitted 0/10",
]  # fmt: skip


async def bracket(desk: Desk, quantity: int = 10, **entry: Any) -> list[str]:
    """Buy at 100.00, take profit at 100.10, stop at 99.90: orders 1, 2 and 3."""
    assert await desk.place(1, quantity=quantity, **(ENTRY | entry)) == []
    assert await desk.place(2, "SELL", quantity, **PROFIT) == []
    return await desk.place(3, "SELL", quantity, **STOP)


def about(desk: Desk, order_id: int, start: int = 0) -> list[str]:
    """What was heard of one order."""
    number = str(order_id)
    ours = [
        fields
        for fields in desk.client.frames[start:]
        if (fields[0] in {"3", "5"} and fields[1] == number)
        or (fields[0] in {"4", "11"} and fields[2] == number)
    ]
    return story(ours)


def held(desk: Desk) -> dict[int, tuple[str, str]]:
    """Status and whyHeld of each order, as last told."""
    last = {int(fields[1]): (fields[2], fields[10]) for fields in desk.client.of(3)}
    return dict(sorted(last.items()))


def fill_parent(desk: Desk, shares: int = 10) -> None:
    """Somebody sells so many shares to our entry."""
    desk.show(bid=99.99, trade=(99.99, shares))


def test_a_bracket_is_silent_until_its_last_order_transmits_all_of_it() -> None:
    """Parent first; the children are held for it, and belong to a group named after its permId."""

    async def body(desk: Desk) -> None:
        assert await bracket(desk) == SENT
        assert held(desk) == {
            1: ("Submitted", ""), 2: ("PreSubmitted", "child"), 3: ("PreSubmitted", "child,trigger"),
        }  # fmt: skip
        parent, profit, stop = (desk.opened(number) for number in (1, 2, 3))
        assert (parent[19], parent[57]) == ("", "0")
        for child in (profit, stop):
            assert (child[19], child[53], child[57]) == (parent[25], "3", "1")
        assert desk.status(2)[7] == "1"
        assert len({parent[25], profit[25], stop[25]}) == 3

    by_hand(body)


def test_children_do_not_work_before_their_parent_has_filled() -> None:
    """However far the market goes through them."""

    async def body(desk: Desk) -> None:
        await bracket(desk)
        heard = await desk.after(lambda: desk.show(bid=100.20, ask=100.22, trade=(100.22, 500)))
        heard += await desk.after(lambda: desk.show(bid=100.20, ask=100.22, trade=(100.20, 500)))
        assert heard == []

    by_hand(body)


def test_a_filled_parent_releases_its_children_and_the_first_to_fill_ends_the_other() -> None:
    """202 for the one that is cancelled."""

    async def body(desk: Desk) -> None:
        await bracket(desk)
        heard = await desk.after(lambda: fill_parent(desk))
        assert heard[:3] == ["11 10", "5 Filled", "3 Filled 10/0"]
        assert held(desk) == {1: ("Filled", ""), 2: ("Submitted", ""), 3: ("PreSubmitted", "trigger")}
        heard = await desk.after(lambda: desk.show(bid=100.10, ask=100.12))
        assert heard == ["11 10", "5 Filled", "3 Filled 10/0", "3 Cancelled 0/10", "4 202", "59"]
        assert held(desk) == {1: ("Filled", ""), 2: ("Filled", ""), 3: ("Cancelled", "")}
        assert await desk.client.ask(61, 1) == [["62", "1"]], "flat"

    by_hand(body)


def test_a_stop_that_is_triggered_and_filled_ends_the_profit_taker() -> None:
    """The other way round."""

    async def body(desk: Desk) -> None:
        await bracket(desk)
        await desk.after(lambda: fill_parent(desk))
        heard = await desk.after(lambda: desk.show(bid=99.88, ask=99.90, trade=(99.90, 5)))
        assert heard == [
            "5 Submitted", "3 Submitted 0/10",
            "11 10", "5 Filled", "3 Filled 10/0", "3 Cancelled 0/10", "4 202", "59",
        ]  # fmt: skip
        assert held(desk) == {1: ("Filled", ""), 2: ("Cancelled", ""), 3: ("Filled", "")}

    by_hand(body)


def test_children_work_for_what_their_parent_has_filled_and_reduce_each_other() -> None:
    """4 of 10 bought: 4 to sell. 3 of those sold: both have 7 left of their 10, of which 1 can work now."""

    async def body(desk: Desk) -> None:
        await bracket(desk)
        await desk.after(lambda: fill_parent(desk, 4))
        assert held(desk)[2] == ("Submitted", "")
        start = len(desk.client.frames)
        await desk.after(lambda: desk.show(bid=100.10, ask=100.12, bid_size=3))
        assert about(desk, 2, start) == ["11 3", "3 Submitted 3/7"]
        assert about(desk, 3, start) == ["5 PreSubmitted", "3 PreSubmitted 0/7"]
        assert about(desk, 1, start) == []
        start = len(desk.client.frames)
        await desk.after(lambda: desk.show(bid=100.10, ask=100.12, bid_size=30))
        assert about(desk, 2, start) == ["11 1", "3 Submitted 4/6"]
        assert (await desk.client.ask(61, 1))[-1] == ["62", "1"]
        desk.show()
        await desk.after(lambda: fill_parent(desk, 6))
        start = len(desk.client.frames)
        await desk.after(lambda: desk.show(bid=100.10, ask=100.12, bid_size=31))
        assert about(desk, 2, start) == ["11 6", "5 Filled", "3 Filled 10/0"]
        assert about(desk, 3, start) == ["3 Cancelled 0/6", "4 202"]
        assert await desk.client.ask(61, 1) == [["62", "1"]]

    by_hand(body)


def test_a_parent_cancelled_before_it_filled_takes_its_children_with_it() -> None:
    """Each with its own 202."""

    async def body(desk: Desk) -> None:
        await bracket(desk)
        assert await desk.cancel(1) == [
            "3 PendingCancel 0/10",
            "3 Cancelled 0/10", "4 202", "3 Cancelled 0/10", "4 202", "3 Cancelled 0/10", "4 202",
        ]  # fmt: skip
        assert await desk.client.ask(5, 1) == [["53", "1"]]

    by_hand(body)


def test_a_parent_cancelled_after_part_of_it_filled_leaves_children_of_that_size() -> None:
    """They go on to protect what was bought."""

    async def body(desk: Desk) -> None:
        await bracket(desk)
        await desk.after(lambda: fill_parent(desk, 4))
        start = len(desk.client.frames)
        await desk.cancel(1)
        assert about(desk, 2, start) == ["5 Submitted", "3 Submitted 0/4"]
        assert about(desk, 3, start) == ["5 PreSubmitted", "3 PreSubmitted 0/4"]
        await desk.after(lambda: desk.show(bid=100.10, ask=100.12))
        assert [fields[:5] for fields in (desk.status(2), desk.status(3))] == [
            ["3", "2", "Filled", "4", "0"], ["3", "3", "Cancelled", "0", "4"],
        ]  # fmt: skip

    by_hand(body)


def test_children_that_sold_all_their_parent_bought_are_over_when_it_is_cancelled() -> None:
    """The one that sold is filled with a smaller size, the other cancelled."""

    async def body(desk: Desk) -> None:
        await bracket(desk)
        await desk.after(lambda: fill_parent(desk, 4))
        await desk.after(lambda: desk.show(bid=100.10, ask=100.12))
        desk.show()
        start = len(desk.client.frames)
        await desk.cancel(1)
        assert about(desk, 2, start) == ["5 Filled", "3 Filled 4/0"]
        assert about(desk, 3, start) == ["3 Cancelled 0/6", "4 202"]

    by_hand(body)


def test_cancelling_a_child_leaves_the_others() -> None:
    """So does cancelling it while it waits."""

    async def body(desk: Desk) -> None:
        await bracket(desk)
        assert await desk.cancel(2) == ["3 PendingCancel 0/10", "3 Cancelled 0/10", "4 202"]
        await desk.after(lambda: fill_parent(desk))
        assert held(desk) == {1: ("Filled", ""), 2: ("Cancelled", ""), 3: ("PreSubmitted", "trigger")}

    by_hand(body)


def test_a_rejected_parent_takes_its_children_with_it() -> None:
    """201 for it, 202 for them."""

    async def body(desk: Desk) -> None:
        heard = await bracket(desk, quantity=100_000)
        assert heard[:3] == ["4 201", "5 Inactive", "3 Inactive 0/100000"]
        assert heard[3:] == ["3 Cancelled 0/100000", "4 202"] * 2

    by_hand(body)


def test_a_child_without_its_parent_is_refused() -> None:
    """10006 before it came, and after it ended."""

    async def body(desk: Desk) -> None:
        assert await desk.place(2, "SELL", lmtPrice=100.10, parentId=1) == ["4 10006"]
        await desk.place(2)
        assert await desk.place(3, "SELL", lmtPrice=100.10, parentId=2) == ["4 10006"]
        assert await desk.place(4, "SELL", lmtPrice=100.10, parentId=4) == ["4 10006"]

    by_hand(body)


def test_a_child_of_a_working_parent_can_be_added_later() -> None:
    """It waits for what the parent fills, what that has filled already included."""

    async def body(desk: Desk) -> None:
        await desk.place(1, lmtPrice=100.00)
        await desk.place(2, "SELL", lmtPrice=100.10, parentId=1)
        assert held(desk)[2] == ("PreSubmitted", "child")
        await desk.after(lambda: fill_parent(desk, 4))
        assert held(desk)[2] == ("Submitted", "")
        await desk.place(3, "SELL", orderType="STP", auxPrice=99.5, parentId=1)
        assert held(desk)[3] == ("PreSubmitted", "trigger")

    by_hand(body)


def test_children_and_parent_can_be_modified_while_they_wait() -> None:
    """Moving the stop of a bracket is what brackets are for."""

    async def body(desk: Desk) -> None:
        await bracket(desk)
        assert await desk.place(3, "SELL", **(STOP | {"auxPrice": 99.80})) == [
            "5 PreSubmitted",
            "3 PreSubmitted 0/10",
        ]
        assert desk.opened(3)[17] == "99.8"
        assert (await desk.place(1, lmtPrice=100.01))[:2] == ["5 Submitted", "3 Submitted 0/10"]
        await desk.after(lambda: desk.show(ask=100.01))
        assert held(desk)[3] == ("PreSubmitted", "trigger")
        assert await desk.after(lambda: desk.show(bid=99.83, ask=99.85, trade=(99.85, 5))) == []
        start = len(desk.client.frames)
        await desk.after(lambda: desk.show(bid=99.78, ask=99.80, trade=(99.80, 5)))
        assert about(desk, 3, start)[-1] == "3 Filled 10/0"

    by_hand(body)


def test_a_child_cannot_be_made_larger_than_what_its_ended_parent_filled() -> None:
    """It is given back in the size it can have."""

    async def body(desk: Desk) -> None:
        await bracket(desk)
        await desk.after(lambda: fill_parent(desk))
        assert (await desk.place(2, "SELL", 25, **(PROFIT | {"transmit": True})))[:2] == [
            "5 Submitted", "3 Submitted 0/10",
        ]  # fmt: skip

    by_hand(body)


def test_a_grandchild_waits_for_the_child() -> None:
    """Families may have more than two generations; one frame transmits them all."""

    async def body(desk: Desk) -> None:
        await desk.place(1, **ENTRY)
        await desk.place(2, "SELL", lmtPrice=100.10, parentId=1, transmit=False)
        await desk.place(3, lmtPrice=99.50, parentId=2)
        assert [status for status, _ in held(desk).values()] == ["Submitted", "PreSubmitted", "PreSubmitted"]
        await desk.after(lambda: fill_parent(desk))
        assert held(desk)[3] == ("PreSubmitted", "child")
        await desk.after(lambda: desk.show(bid=100.10, ask=100.12))
        assert held(desk)[3] == ("Submitted", "")
        assert await desk.cancel(3) == ["3 PendingCancel 0/10", "3 Cancelled 0/10", "4 202"]

    by_hand(body)


# OCA type, shares the market gives the first of two orders for 10, and what becomes of the second.
GROUPS = {
    "cancel, filled": (1, 10, ["3 Cancelled 0/10", "4 202"]),
    "cancel, filled in part": (1, 4, ["3 Cancelled 0/10", "4 202"]),
    "reduce, filled": (2, 10, ["3 Cancelled 0/10", "4 202"]),
    "reduce, filled in part": (2, 4, ["5 Submitted", "3 Submitted 0/6"]),
    "reduce without block, filled in part": (3, 4, ["5 Submitted", "3 Submitted 0/6"]),
}


@pytest.mark.parametrize(("kind", "shares", "other"), GROUPS.values(), ids=GROUPS)
def test_one_order_of_a_group_cancels_or_reduces_the_others(kind: int, shares: int, other: list[str]) -> None:
    """Named by the client; the messages give group and type back."""

    async def body(desk: Desk) -> None:
        group: dict[str, Any] = {"ocaGroup": "either", "ocaType": kind}
        await desk.place(1, lmtPrice=100.01, **group)
        await desk.place(2, lmtPrice=99.0, **group)
        await desk.place(3, lmtPrice=99.0)
        assert (desk.opened(1)[19], desk.opened(1)[53]) == ("either", str(kind))
        start = len(desk.client.frames)
        await desk.after(lambda: desk.show(trade=(100.00, shares)))
        assert about(desk, 1, start)[0] == f"11 {shares}"
        assert about(desk, 2, start) == other
        assert about(desk, 3, start) == []

    by_hand(body)


def test_two_orders_of_a_group_cannot_both_fill_on_one_quote() -> None:
    """What a fill does to its group is done before the next order is served."""

    async def body(desk: Desk) -> None:
        for number, price in ((1, 100.01), (2, 100.00)):
            await desk.place(number, lmtPrice=price, ocaGroup="either", ocaType=2)
        await desk.after(lambda: desk.show(bid=99.90, ask=99.92))
        assert [fields[2:4] for fields in desk.client.of(11)] == [["1", "756733"]]
        assert held(desk) == {1: ("Filled", ""), 2: ("Cancelled", "")}

    by_hand(body)


def test_children_of_different_groups_still_share_what_their_parent_filled() -> None:
    """4 bought, two exits within reach of the same quote: 4 sold."""

    async def body(desk: Desk) -> None:
        await desk.place(1, **ENTRY)
        await desk.place(2, "SELL", lmtPrice=100.10, parentId=1, ocaGroup="a", transmit=False)
        await desk.place(3, "SELL", lmtPrice=100.12, parentId=1, ocaGroup="b")
        await desk.after(lambda: fill_parent(desk, 4))
        await desk.after(lambda: desk.show(bid=100.20, ask=100.22))
        assert [(fields[2], fields[19]) for fields in desk.client.of(11)] == [("1", "4"), ("2", "4")]
        await desk.after(lambda: fill_parent(desk, 6))
        await desk.after(lambda: desk.show(bid=100.20, ask=100.22, bid_size=499))
        assert sorted((fields[2], fields[19]) for fields in desk.client.of(11))[2:] == [
            ("2", "4"),
            ("2", "6"),
        ]
        assert desk.orders[3].status == "Cancelled", "nothing is left for it"

    by_hand(body)


def test_a_staged_child_that_shrinks_with_its_parent_stays_unheard() -> None:
    """Not even its new size is told before it is transmitted."""

    async def body(desk: Desk) -> None:
        await desk.place(1, lmtPrice=100.00)
        assert await desk.place(2, "SELL", lmtPrice=100.10, parentId=1, transmit=False) == []
        await desk.after(lambda: fill_parent(desk, 4))
        assert await desk.cancel(1) == ["3 PendingCancel 4/6", "3 Cancelled 4/6", "4 202"]
        assert (desk.orders[2].quantity, desk.orders[2].status) == (4, "ApiPending")

    by_hand(body)


def test_the_margin_of_a_bracket_is_its_parents() -> None:
    """Its exits cannot both be filled, and neither before the entry: they need none of their own."""

    async def body(desk: Desk) -> None:
        assert await bracket(desk, quantity=19_000) == [word.replace("10", "19000") for word in SENT]
        assert await desk.place(4, quantity=2_000, lmtPrice=99.0) == [
            "4 201", "5 Inactive", "3 Inactive 0/2000",
        ]  # fmt: skip

    by_hand(body)


def test_a_bracket_that_is_acknowledged_at_once_is_told_in_order() -> None:
    """Without a delay as with one."""

    async def body(desk: Desk) -> None:
        assert await bracket(desk) == SENT

    by_hand(body, ack_ms=0.0, fill_ms=1.0)


def test_a_parent_sent_again_with_transmit_goes_alone() -> None:
    """Its staged children follow when one of them is transmitted."""

    async def body(desk: Desk) -> None:
        await desk.place(1, **ENTRY)
        await desk.place(2, "SELL", **PROFIT)
        assert await desk.place(1, lmtPrice=100.00) == SENT[:2] + SENT[-2:]
        heard = await desk.place(3, "SELL", **STOP)
        assert heard == SENT[:4]
        assert held(desk)[2] == ("PreSubmitted", "child")
        frames = await desk.client.ask(*place(2, "SELL", **(PROFIT | {"lmtPrice": 100.20})), wait=A_WHILE_S)
        assert frames == [], "a change with transmit=false is not transmitted"

    by_hand(body)
