"""Many clients at once: who gets in, who hears of whose orders, who may touch them, and a person who trades by hand."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from tests.gateway_sim.wire_client import SPY, WireClient, place, story, with_simulator

from algo_trade.gateway_sim import GatewaySimulator, Ticket

IN_USE = "Unable to connect as the client id is already in use. Retry with a unique client id."
HAND = Ticket(symbol="SPY", action="BUY", quantity=10, limit=Decimal(400))
ASK_EXECUTIONS = (7, 3, 90, "", "", "", "", "", "", "")


def order_ids(frames: list[list[str]]) -> list[tuple[str, str]]:
    """Client id and order id of every openOrder."""
    return [(fields[24], fields[1]) for fields in frames if fields[0] == "5"]


def test_thirty_two_clients_and_not_one_more() -> None:
    """The next one is refused with 326 and closed, and gets in when one has left."""

    async def body(simulator: GatewaySimulator, first: WireClient) -> None:
        others = [await WireClient.open(*simulator.address, number) for number in range(2, 33)]
        assert all(client.of(9) and not client.closed.is_set() for client in [first, *others])
        late = await WireClient.open(*simulator.address, 33)
        assert late.frames[1:] == [["4", "2", "-1", "326", IN_USE, ""]]
        assert late.closed.is_set()
        others.pop().close()
        await asyncio.sleep(0.01)
        again = await WireClient.open(*simulator.address, 33)
        assert [fields[0] for fields in again.frames[1:3]] == ["15", "9"]
        for client in [*others, again]:
            client.close()

    with_simulator(body)


def test_a_client_id_is_taken_until_the_first_sign_of_its_end() -> None:
    """326 and closed while the first lives; its own orders are still its own 0.4 s after it has gone."""

    async def body(simulator: GatewaySimulator, first: WireClient) -> None:
        await first.ask(*place(1, lmtPrice=400.0), wait=1)
        double = await WireClient.open(*simulator.address, 1)
        assert double.frames[1:] == [["4", "2", "-1", "326", IN_USE, ""]]
        assert double.closed.is_set() and not first.closed.is_set()
        first.close()
        await asyncio.sleep(0.4)
        again = await WireClient.open(*simulator.address, 1)
        assert again.of(15, 9) == [["15", "1", "DSIM001"], ["9", "1", "2"]]
        assert order_ids(await again.ask(5, 1)) == [("1", "1")]
        again.close()

    with_simulator(body)


def test_own_orders_and_everybodys() -> None:
    """Request 5 tells of one's own, 16 of all; callbacks and errors go to the owner; executions to whoever asks."""

    async def body(simulator: GatewaySimulator, first: WireClient) -> None:
        second = await WireClient.open(*simulator.address, 2)
        await first.ask(*place(1, lmtPrice=400.0), wait=1)
        await second.ask(*place(1), wait=1)
        await second.ask(*place(2, lmtPrice=400.0), wait=1)
        assert story(first.frames) == [
            "5 PreSubmitted",
            "3 PreSubmitted 0/10",
            "5 Submitted",
            "3 Submitted 0/10",
        ]
        for client, own in ((first, [("1", "1")]), (second, [("2", "2")])):
            assert order_ids(await client.ask(5, 1)) == own
            assert order_ids(await client.ask(16, 1)) == [("1", "1"), ("2", "2")]
        of_all = await first.ask(*ASK_EXECUTIONS)
        assert [(fields[1], fields[22]) for fields in of_all if fields[0] == "11"] == [("90", "2")]
        of_first = await first.ask(7, 3, 91, 1, "", "", "", "", "", "")
        assert [fields[0] for fields in of_first] == ["55"]
        # An id means an order of the client's own: another client's can neither be cancelled nor changed by it.
        assert story(await first.ask(4, 1, 2, "", wait=1)) == ["4 10147"]
        assert order_ids(await second.ask(5, 1)) == [("2", "2")]
        await first.ask(58, 1, wait=1)
        assert story(second.frames)[-3:] == ["3 PendingCancel 0/10", "3 Cancelled 0/10", "4 202"]
        second.close()

    with_simulator(body)


def test_the_master_client_hears_of_every_order() -> None:
    """Every callback of every client and of the hand, with the owner's ids; errors stay with the owner."""

    async def body(simulator: GatewaySimulator, first: WireClient) -> None:
        master = await WireClient.open(*simulator.address, 9)
        await first.ask(*place(1, "BUY", 5), wait=1)
        own = [fields for fields in first.frames if fields[0] in {"5", "3", "11", "59"}]
        assert len(own) > 4
        assert [fields for fields in master.frames if fields[0] in {"5", "3", "11", "59"}] == own
        await first.ask(*place(2, "BUY", 1_000_000), wait=1)
        assert story(first.frames)[-3:] == ["4 201", "5 Inactive", "3 Inactive 0/1000000"]
        assert story(master.frames)[-2:] == ["5 Inactive", "3 Inactive 0/1000000"]
        assert not [fields for fields in master.of(4) if fields[3] == "201"]
        simulator.place_manual_order(Ticket(symbol="SPY", action="BUY", quantity=3))
        await asyncio.sleep(1)
        last = master.of(11)[-1]
        assert (last[2], last[19], last[22]) == ("0", "3", "0")
        assert len(first.of(11)) == 1
        master.close()

    with_simulator(body, master_client_id=9)


def test_client_zero_binds_what_was_placed_by_hand() -> None:
    """By asking for its open orders; from then on it is told, may change and may cancel."""

    async def body(simulator: GatewaySimulator, first: WireClient) -> None:
        by_hand = simulator.place_manual_order(HAND)
        await asyncio.sleep(1)
        assert order_ids(await first.ask(5, 1)) == []
        assert order_ids(await first.ask(16, 1)) == [("0", "0")]
        zero = await WireClient.open(*simulator.address, 0)
        assert order_ids(zero.frames) == []
        frames = await zero.ask(5, 1)
        assert [fields[0] for fields in frames] == ["100", "5", "3", "53"]
        assert frames[0] == ["100", str(by_hand.perm_id), "0", "-2"]
        assert (order_ids(frames), frames[1][25]) == ([("0", "-2")], str(by_hand.perm_id))
        assert [fields[0] for fields in await zero.ask(5, 1)] == ["5", "3", "53"]
        changed = await zero.ask(*place(-2, lmtPrice=401.0), wait=1)
        assert [fields[16] for fields in changed if fields[0] == "5"] == ["401.0"]
        assert story(await zero.ask(4, 1, -2, "", wait=1)) == [
            "3 PendingCancel 0/10",
            "3 Cancelled 0/10",
            "4 202",
        ]
        zero.close()

    with_simulator(body)


def test_client_zero_has_orders_bound_as_they_come() -> None:
    """Asked for with 15, which nobody else may; not beyond its connection; ids go on below those used."""

    async def body(simulator: GatewaySimulator, first: WireClient) -> None:
        [refusal] = await first.ask(15, 1, 1)
        assert refusal[3:5] == [
            "327",
            "Only API connections with clientId set to 0 can set the auto bind TWS orders property.",
        ]
        zero = await WireClient.open(*simulator.address, 0)
        assert await zero.ask(15, 1, 1) == []
        orders = [simulator.place_manual_order(HAND) for _ in range(2)]
        await asyncio.sleep(1)
        assert zero.of(100) == [
            ["100", str(order.perm_id), "0", str(-n)] for n, order in enumerate(orders, 2)
        ]
        assert sorted(order_ids(zero.frames)) == [("0", "-2"), ("0", "-2"), ("0", "-3"), ("0", "-3")]
        await zero.ask(15, 1, 0)
        simulator.place_manual_order(HAND)
        await asyncio.sleep(1)
        assert len(zero.of(100)) == 2
        await first.ask(58, 1, wait=1)
        assert [fields[0] for fields in await first.ask(16, 1)] == ["53"]
        await zero.ask(15, 1, 1)
        zero.close()
        await asyncio.sleep(0.01)
        simulator.place_manual_order(HAND)
        again = await WireClient.open(*simulator.address, 0)
        await asyncio.sleep(1)
        assert again.of(100) == []
        again.close()

    with_simulator(body)


def test_what_a_person_may_cancel() -> None:
    """Anybody's order; and what is no order, or no order any more, is refused in the gateway's words."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        await client.ask(*place(1, lmtPrice=400.0), wait=1)
        [order] = simulator.orders
        assert (order.client_id, order.con_id) == (1, SPY)
        simulator.cancel_order(order.perm_id)
        await asyncio.sleep(1)
        assert story(client.frames)[-3:] == ["3 PendingCancel 0/10", "3 Cancelled 0/10", "4 202"]
        assert simulator.orders == []

    with_simulator(body)
