"""What request 7 is answered with: the executions its filter lets through, each with its commission, then the end."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from tests.gateway_sim.wire_client import QQQ, WireClient, place, with_simulator

from algo_trade.gateway_sim import GatewaySimulator
from algo_trade.gateway_sim.faults import CorrectExecution

# Client 1 buys SPY at 9:30 in New York, client 2 sells QQQ at 9:40, both by market orders. B and S: what is told.
FILTERS: dict[str, tuple[dict[str, str], str]] = {
    "nothing": ({}, "BS"),
    "any client": ({"clientId": "0"}, "BS"),
    "its own": ({"clientId": "1"}, "B"),
    "another client": ({"clientId": "2"}, "S"),
    "a client that is not there": ({"clientId": "3"}, ""),
    "the account": ({"acctCode": "DSIM001"}, "BS"),
    "another account": ({"acctCode": "DU123"}, ""),
    "a time": ({"time": "20260302 09:35:00"}, "S"),
    "a time before": ({"time": "20260302 09:29:00"}, "BS"),
    "a time to come": ({"time": "20260302 15:00:00"}, ""),
    "with two spaces": ({"time": "20260302  09:35:00"}, "S"),
    "with a zone": ({"time": "20260302 09:35:00 US/Eastern"}, "S"),
    "in UTC": ({"time": "20260302-14:35:00"}, "S"),
    "in UTC, by name": ({"time": "20260302 14:35:00 UTC"}, "S"),
    "a symbol": ({"symbol": "QQQ"}, "S"),
    "stocks": ({"secType": "STK"}, "BS"),
    "options": ({"secType": "OPT"}, ""),
    "smart": ({"exchange": "SMART"}, "BS"),
    "the listing exchange": ({"exchange": "ARCA"}, "B"),
    "another exchange": ({"exchange": "IBIS"}, ""),
    "buys": ({"side": "BUY"}, "B"),
    "sells": ({"side": "SELL"}, "S"),
    "sold": ({"side": "SLD"}, "S"),
    "two at once": ({"side": "SELL", "clientId": "1"}, ""),
}
FIELDS = ("clientId", "acctCode", "time", "symbol", "secType", "exchange", "side")
SIDES = {"BOT": "B", "SLD": "S"}


async def executions(client: WireClient, request_id: int, wanted: dict[str, str]) -> list[list[str]]:
    return await client.ask(7, 3, request_id, *(wanted.get(name, "") for name in FIELDS))


async def both_trade(simulator: GatewaySimulator, client: WireClient) -> None:
    other = await WireClient.open(*simulator.address, 2)
    await client.ask(*place(1), wait=600)
    await other.ask(*place(1, "SELL", con_id=QQQ), wait=2)
    other.close()


def test_a_filter_lets_through_what_it_names() -> None:
    """Every execution is followed by its commission, all of it by the end mark with the request's id."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        await both_trade(simulator, client)
        for request_id, (name, (wanted, expected)) in enumerate(FILTERS.items(), 100):
            frames = await executions(client, request_id, wanted)
            assert frames[-1] == ["55", "1", str(request_id)], name
            told, paid = frames[:-1:2], frames[1:-1:2]
            assert {fields[1] for fields in told} <= {str(request_id)}, name
            assert "".join(SIDES[fields[18]] for fields in told) == expected, name
            assert {fields[0] for fields in paid} <= {"59"}, name
            assert [fields[2] for fields in paid] == [fields[14] for fields in told], name
        (refused,) = await executions(client, 9, {"time": "yesterday"})
        assert refused[2:5] == [
            "9",
            "321",
            "Error validating request.-'bM' : cause - Invalid execution filter time",
        ]

    with_simulator(body)


def test_a_commission_that_is_not_known_yet_comes_later() -> None:
    """Then the answer is 11 and 55 alone, and 59 is told when it is due."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(*place(1))
        while not client.of(11):
            await asyncio.sleep(0.001)
        assert [fields[0] for fields in await executions(client, 9, {})][:2] == ["11", "55"]
        await asyncio.sleep(1)
        (paid,) = client.of(59)
        assert paid[2] == client.of(11)[0][14]
        assert [fields[0] for fields in await executions(client, 10, {})] == ["11", "59", "55"]

    with_simulator(body)


def test_a_corrected_fill_is_told_in_both_versions() -> None:
    """The higher last part of the id is the one that holds; each version has its commission, in the order of time."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        await both_trade(simulator, client)
        simulator.faults.arm(CorrectExecution(price=Decimal("123.45"), exec_id=client.of(11)[0][14]))
        await asyncio.sleep(1)
        frames = await executions(client, 9, {})
        assert [fields[0] for fields in frames] == ["11", "59"] * 3 + ["55"]
        told: list[Any] = [(fields[14], fields[18], fields[20]) for fields in frames[:-1:2]]
        first, sold, corrected = told
        assert first[0].endswith(".01") and corrected[0] == first[0][:-1] + "2"
        assert sold[1] == "SLD" and corrected[1:] == ("BOT", "123.45")
        assert {one.rpartition(".")[0]: price for one, _, price in told}[
            first[0].rpartition(".")[0]
        ] == "123.45"

    with_simulator(body)
