"""What a simulator remembers over a restart, and what it does not, beside what test_restart has."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

from tests.gateway_sim.wire_client import WireClient, place, story

from algo_trade.clock import VIRTUAL_START_NS, Clock, run_virtual
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig, Ticket

ASK_EXECUTIONS = (7, 3, 90, "", "", "", "", "", "", "")
HAND = Ticket(symbol="SPY", action="BUY", quantity=10, limit=Decimal(400), tif="GTC")
_HOUR_S = 3600


def config(directory: Path) -> SimulatorConfig:
    return SimulatorConfig(seed=7, market_open_ns=VIRTUAL_START_NS, state_path=directory / "state.db")


def test_what_was_never_transmitted_is_lost_and_its_id_is_used_up(tmp_path: Path) -> None:
    """A whole staged bracket; its ids are not handed out again."""

    async def main(clock: Clock) -> None:
        async with GatewaySimulator(config(tmp_path), clock=clock) as simulator:
            client = await WireClient.open(*simulator.address)
            await client.ask(*place(1, lmtPrice=400.0, transmit=False))
            await client.ask(*place(2, "SELL", lmtPrice=900.0, parentId=1, transmit=False))
            assert story(client.frames) == []
        async with GatewaySimulator(config(tmp_path), clock=clock) as simulator:
            client = await WireClient.open(*simulator.address)
            assert client.of(9) == [["9", "1", "3"]]
            assert story(await client.ask(4, 1, 1, "")) == ["4 10147"]
            assert story(await client.ask(*place(3, "SELL", lmtPrice=900.0, parentId=1))) == ["4 10006"]
            assert [fields[0] for fields in await client.ask(99, 0)] == ["102"]

    run_virtual(main)


def test_orders_by_hand_keep_who_they_are_bound_to(tmp_path: Path) -> None:
    """A bound one its id, an unbound one none; the next id is below those used."""

    async def main(clock: Clock) -> None:
        async with GatewaySimulator(config(tmp_path), clock=clock) as simulator:
            simulator.place_manual_order(HAND)
            await asyncio.sleep(1)
            zero = await WireClient.open(*simulator.address, 0)
            await zero.ask(5, 1)
            simulator.place_manual_order(HAND)
            await asyncio.sleep(1)
        async with GatewaySimulator(config(tmp_path), clock=clock) as simulator:
            zero = await WireClient.open(*simulator.address, 0)
            everything = await zero.ask(16, 1)
            assert [fields[1] for fields in everything if fields[0] == "5"] == ["-2", "0"]
            bound = await zero.ask(5, 1)
            assert [(fields[0], fields[3]) for fields in bound if fields[0] == "100"] == [("100", "-3")]

    run_virtual(main)


def test_executions_are_answered_until_midnight_in_new_york(tmp_path: Path) -> None:
    """Also by a simulator that was restarted; positions and open orders stay."""

    async def main(clock: Clock) -> None:
        async with GatewaySimulator(config(tmp_path), clock=clock) as simulator:
            client = await WireClient.open(*simulator.address)
            await client.ask(*place(1), wait=1)
            await client.ask(*place(2, lmtPrice=400.0, tif="GTC"), wait=1)
            await asyncio.sleep(14.4 * _HOUR_S)
            assert [fields[0] for fields in await client.ask(*ASK_EXECUTIONS)] == ["11", "59", "55"]
        async with GatewaySimulator(config(tmp_path), clock=clock) as simulator:
            client = await WireClient.open(*simulator.address)
            assert [fields[0] for fields in await client.ask(*ASK_EXECUTIONS)] == ["11", "59", "55"]
            assert [fields[0] for fields in await client.ask(99, 0)] == ["101", "102"]
            await asyncio.sleep(0.2 * _HOUR_S)
            assert [fields[0] for fields in await client.ask(*ASK_EXECUTIONS)] == ["55"]
            assert [fields[0] for fields in await client.ask(99, 0)] == ["102"]
            assert [fields[14] for fields in (await client.ask(61, 1))[:-1]] == ["10"]
            assert [fields[1] for fields in await client.ask(5, 1) if fields[0] == "5"] == ["2"]

    run_virtual(main)
