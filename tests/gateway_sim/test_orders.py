"""The life of an order on the wire, against sequences captured from a real gateway, written here as data."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.gateway_sim.wire_client import AAPL, SPY, WireClient, place, story, with_simulator

from algo_trade.gateway_sim import GatewaySimulator

# What a real gateway sends, message id first. Commissions (59) come when they come: they are checked apart.
SEQUENCES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "market order": (
        {},
        ["5 PreSubmitted", "3 PreSubmitted 0/10", "11 10", "5 Filled", "3 Filled 10/0", "59"],
    ),
    "resting limit order": (
        {"lmtPrice": 500.0},
        ["5 PreSubmitted", "3 PreSubmitted 0/10", "5 Submitted", "3 Submitted 0/10"],
    ),
    "marketable limit order, immediate or cancel": (
        {"lmtPrice": 620.0, "tif": "IOC"},
        ["5 PreSubmitted", "3 PreSubmitted 0/10", "11 10", "5 Filled", "3 Filled 10/0", "59"],
    ),
    "unmarketable limit order, immediate or cancel": (
        {"lmtPrice": 500.0, "tif": "IOC"},
        ["5 PreSubmitted", "3 PreSubmitted 0/10", "3 PendingCancel 0/10", "3 Cancelled 0/10", "4 202"],
    ),
    "not transmitted": ({"transmit": False}, []),
    "what if": ({"whatIf": True}, ["5 PreSubmitted"]),
}


@pytest.mark.parametrize(("order", "expected"), SEQUENCES.values(), ids=SEQUENCES)
def test_callbacks_come_in_the_order_of_a_real_gateway(order: dict[str, Any], expected: list[str]) -> None:
    """From the frame to the end."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        assert story(await client.ask(*place(1, **order), wait=0.5)) == expected

    with_simulator(body)


def test_nothing_is_heard_before_the_delays_have_passed() -> None:
    """Acknowledged after ack_ms, filled after fill_ms more, in virtual time too."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        start = asyncio.get_running_loop().time()
        await client.ask(*place(1), wait=2)
        events = {
            word: time - start for word, time in zip(map(str, client.frames), client.times, strict=True)
        }
        first = min(time for word, time in events.items() if word.startswith("['5'"))
        filled = min(time for word, time in events.items() if word.startswith("['11'"))
        assert 0.06 <= first <= 0.14
        assert 0.24 <= filled - first <= 0.56

    with_simulator(body, ack_ms=100, fill_ms=400)


def test_a_resting_order_is_cancelled_by_its_owner() -> None:
    """PendingCancel, Cancelled, and the notice 202; a second cancel is too late, an unknown one finds nothing."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await client.ask(*place(5, lmtPrice=500.0), wait=0.5)
        cancelled = await client.ask(4, 1, 5, "", wait=0.5)
        assert story(cancelled) == ["3 PendingCancel 0/10", "3 Cancelled 0/10", "4 202"]
        assert story(await client.ask(4, 1, 5, "")) == ["4 10148"]
        assert story(await client.ask(4, 1, 6, "")) == ["4 10147"]
        notice = cancelled[-1]
        assert notice[2] == "5"
        assert notice[4] == "Order Canceled - reason:"

    with_simulator(body)


def test_a_cancel_that_comes_while_the_order_fills_is_refused_and_the_fill_stands() -> None:
    """Fills after a cancel happen."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(*place(5))
        heard = await client.ask(4, 1, 5, "", wait=1)
        assert story(heard)[-3:].count("59") == 1
        words = story(heard)
        assert "3 Filled 10/0" in words
        assert "4 10148" in words
        assert not any(word.startswith("3 Cancelled") for word in words)

    with_simulator(body, ack_ms=20, fill_ms=100)


def test_a_large_order_fills_in_parts_each_with_its_own_execution_and_commission() -> None:
    """One 11 and one Submitted a part, cumulative; the last one is Filled."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        heard = await client.ask(*place(1, quantity=5000, lmtPrice=620.0), wait=60)
        executions = [fields for fields in heard if fields[0] == "11"]
        assert len(executions) > 1
        shares = [int(fields[19]) for fields in executions]
        assert sum(shares) == 5000
        assert [int(fields[24]) for fields in executions] == [
            sum(shares[: n + 1]) for n in range(len(shares))
        ]
        assert len({fields[14] for fields in executions}) == len(executions)
        words = story(heard)
        assert words.count("59") == len(executions)
        done = [word for word in words if word.startswith("3 Sub")]
        assert done == [
            f"3 Submitted {sum(shares[:n])}/{5000 - sum(shares[:n])}" for n in range(1, len(shares))
        ]
        assert "3 Filled 5000/0" in words
        commissions = [float(fields[3]) for fields in heard if fields[0] == "59"]
        assert sum(commissions) == pytest.approx(25.0, abs=1e-9)

    with_simulator(body, starting_cash=10_000_000)


def test_an_ioc_order_takes_what_is_displayed_and_gives_up_the_rest() -> None:
    """Cancelled with what it filled."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        words = story(await client.ask(*place(1, quantity=9000, lmtPrice=620.0, tif="IOC"), wait=1))
        filled = int(next(word for word in words if word.startswith("11")).split()[1])
        assert 0 < filled < 9000
        assert f"3 Cancelled {filled}/{9000 - filled}" in words
        assert words[-1] in {"4 202", "59"}

    with_simulator(body, starting_cash=10_000_000)


REFUSED: dict[str, tuple[dict[str, Any], int]] = {
    "zero": ({"quantity": 0}, 434),
    "a fraction": ({"quantity": 1.5}, 10243),
    "less than one": ({"quantity": 0.5}, 388),
    "off the tick": ({"lmtPrice": 580.001}, 110),
    "no limit": ({"orderType": "LMT"}, 321),
    "a type we do not have": ({"orderType": "REL", "auxPrice": 1.0}, 387),
    "no type at all": ({"orderType": "WHAT"}, 321),
    "at the opening only": ({"lmtPrice": 500.0, "tif": "OPG"}, 321),
    "another account": ({"account": "DU12345"}, 321),
    "no such instrument": ({"con_id": 12345}, 200),
    "what-if without transmit": ({"whatIf": True, "transmit": False}, 413),
}


@pytest.mark.parametrize(("order", "code"), REFUSED.values(), ids=REFUSED)
def test_the_gateway_refuses_with_an_error_alone(order: dict[str, Any], code: int) -> None:
    """No openOrder, no orderStatus: it never was an order, and its id is free."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        assert story(await client.ask(*place(1, **order), wait=0.5)) == [f"4 {code}"]
        assert story(await client.ask(*place(1, lmtPrice=500.0), wait=0.5))[0] == "5 PreSubmitted"

    with_simulator(body)


def test_the_broker_rejects_what_the_account_cannot_carry() -> None:
    """201, then Inactive: after the acknowledgement, not before."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        heard = await client.ask(*place(1, quantity=10_000), wait=0.5)
        assert story(heard) == ["4 201", "5 Inactive", "3 Inactive 0/10000"]
        assert "EQUITY WITH LOAN VALUE" in heard[0][4]

    with_simulator(body)


def test_an_order_id_is_used_once() -> None:
    """103 for it and for every lower one; the next valid id follows the highest used."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await client.ask(*place(7, lmtPrice=500.0, tif="IOC"), wait=0.5)
        assert story(await client.ask(*place(7), wait=0.5)) == ["4 103"]
        assert story(await client.ask(*place(6), wait=0.5)) == ["4 103"]
        assert (await client.ask(8, 1, 1))[0] == ["9", "1", "8"]

    with_simulator(body)


def test_price_and_quantity_can_be_changed_and_nothing_else() -> None:
    """The reply to a change is an echo; 105 and 104 leave the order as it was."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await client.ask(*place(1, lmtPrice=500.0), wait=0.5)
        changed = await client.ask(*place(1, lmtPrice=501.25, quantity=20), wait=0.5)
        assert story(changed) == ["5 Submitted", "3 Submitted 0/20"]
        assert changed[0][16] == "501.25"
        assert story(await client.ask(*place(1, "SELL", lmtPrice=501.25), wait=0.5)) == ["4 105"]
        assert story(await client.ask(*place(1, con_id=AAPL, lmtPrice=501.25), wait=0.5)) == ["4 105"]
        assert story(await client.ask(*place(1, lmtPrice=501.251), wait=0.5)) == ["4 110"]
        filled = story(await client.ask(*place(1, lmtPrice=620.0, quantity=20), wait=0.5))
        assert filled[:2] == ["5 Submitted", "3 Submitted 0/20"]
        assert filled[-2:] == ["3 Filled 20/0", "59"]
        assert story(await client.ask(*place(1, lmtPrice=630.0), wait=0.5)) == ["4 104"]

    with_simulator(body)


def test_an_untransmitted_order_goes_when_it_is_sent_again() -> None:
    """Silence until then, and not among the open orders."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        assert story(await client.ask(*place(1, transmit=False, lmtPrice=500.0), wait=0.5)) == []
        assert await client.ask(5, 1) == [["53", "1"]]
        assert story(await client.ask(*place(1, lmtPrice=500.0), wait=0.5))[-1] == "3 Submitted 0/10"

    with_simulator(body)


def test_orders_outside_liquid_hours_are_held_and_immediate_ones_refused() -> None:
    """399 names the opening; at the bell the order goes; at the close day orders end."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(7 * 3600)
        held = await client.ask(*place(1), wait=1)
        assert story(held) == ["5 PreSubmitted", "3 PreSubmitted 0/10", "4 399"]
        assert "2026-03-03 09:30:00 US/Eastern" in held[-1][4]
        assert story(await client.ask(*place(2, tif="IOC"), wait=1))[0] == "4 201"
        await client.ask(*place(3, lmtPrice=400.0), wait=1)
        start = len(client.frames)
        await asyncio.sleep(17 * 3600)
        assert "3 Filled 10/0" in story(client.frames[start:])
        start = len(client.frames)
        await asyncio.sleep(8 * 3600)
        assert story(client.frames[start:]) == ["3 Cancelled 0/10", "4 202"]

    with_simulator(body)


def test_global_cancel_ends_every_order() -> None:
    """Of every client."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        other = await WireClient.open(*simulator.address, client_id=2)
        await client.ask(*place(1, lmtPrice=500.0), wait=0.5)
        await other.ask(*place(1, lmtPrice=501.0), wait=0.5)
        assert len([fields for fields in await client.ask(16, 1) if fields[0] == "5"]) == 2
        assert len([fields for fields in await client.ask(5, 1) if fields[0] == "5"]) == 1
        await client.ask(58, 1, wait=0.5)
        assert story(other.frames)[-2:] == ["3 Cancelled 0/10", "4 202"]
        assert await client.ask(16, 1) == [["53", "1"]]

    with_simulator(body)


def test_executions_and_completed_orders_are_found_again() -> None:
    """Each 11 with the id that asked, its 59 after it, all before 55; filters apply; completed orders carry the ref."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        await client.ask(*place(1, orderRef="x:1\\y"), wait=0.5)
        await client.ask(*place(2, "SELL", orderRef="x:2"), wait=0.5)
        other = await WireClient.open(*simulator.address, client_id=2)
        everything = await other.ask(7, 3, 900, "", "", "", "", "", "", "")
        assert [fields[0] for fields in everything] == ["11", "59", "11", "59", "55"]
        assert {fields[1] for fields in everything if fields[0] == "11"} == {"900"}
        assert everything[0][26] == "x:1\\y"
        assert everything[1][5] == "1.7976931348623157E308"
        assert everything[3][5] != "1.7976931348623157E308"
        for filter_fields, count in (
            ((2, "", "", "", "", "", ""), 0),
            ((1, "", "", "", "", "", ""), 2),
            ((0, "DSIM001", "", "SPY", "STK", "", "SELL"), 1),
            ((0, "", "20260302 09:30:02", "", "", "", ""), 0),
            ((0, "", "20260302-14:30:00", "", "", "", ""), 2),
        ):
            replies = await other.ask(7, 3, 901, *filter_fields)
            assert [fields[0] for fields in replies].count("11") == count, filter_fields
        completed = await other.ask(99, 0)
        assert [fields[22] for fields in completed[:-1]] == ["x:1\\y", "x:2"]
        assert completed[-1] == ["102"]

    with_simulator(body)


def test_every_order_frame_is_counted_as_it_came() -> None:
    """Refused ones and changes too."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        await client.ask(*place(1, lmtPrice=500.0, orderRef="a"), wait=0.1)
        await client.ask(*place(1, lmtPrice=501.0, orderRef="a"), wait=0.1)
        await client.ask(*place(2, quantity=0, orderRef="b"), wait=0.1)
        assert simulator.placed_order_refs == ["a", "a", "b"]

    with_simulator(body)


def test_client_zero_alone_may_bind_manual_orders() -> None:
    """327 for everybody else."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        assert (await client.ask(15, 1, 1))[0][3] == "327"
        zero = await WireClient.open(*simulator.address, client_id=0)
        assert await zero.ask(15, 1, 1) == []

    with_simulator(body)


def test_an_orders_messages_carry_its_contract_account_and_ref() -> None:
    """And a permanent id below 2**31."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        heard = await client.ask(*place(1, orderRef="r"), wait=0.5)
        order = next(fields for fields in heard if fields[0] == "5")
        assert order[2:13] == [str(SPY), "SPY", "STK", "", "0", "?", "", "SMART", "USD", "SPY", "SPY"]
        assert order[20] == "DSIM001"
        assert order[23] == "r"
        assert 0 < int(order[25]) < 2**31

    with_simulator(body)
