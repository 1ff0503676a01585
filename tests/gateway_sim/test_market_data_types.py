"""What an account may see on the wire: live, frozen and delayed data, and the generic ticks it may name."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.gateway_sim.wire_client import QQQ, SPY, WireClient, contract, with_simulator

from algo_trade.gateway_sim import GatewaySimulator
from algo_trade.gateway_sim.faults import FarmBroken

DELAYED_TYPES = {"66", "67", "68", "69", "70", "71", "72", "73", "74", "75", "76", "88", "90"}


def top(request_id: int, con_id: int = SPY, generic: str = "", *, snapshot: int = 0) -> tuple[Any, ...]:
    return (1, 11, request_id, *contract(con_id), 0, generic, snapshot, 0, "")


def ticks(frames: list[list[str]]) -> set[str]:
    """The types of the ticks in messages 1, 2, 45 and 46."""
    return {frame[3] for frame in frames if frame[0] in {"1", "2", "45", "46"}}


def test_without_a_subscription_data_is_delayed_for_whoever_takes_it() -> None:
    """354 for who wants it live; else 10167, type 3, and tick types of their own; other symbols stay live."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        (refused,) = await client.ask(*top(1))
        assert refused[2:4] == ["1", "354"]
        assert await client.ask(59, 1, 3) == []
        frames = await client.ask(*top(2), wait=60)
        assert frames[0][2:5] == [
            "2",
            "10167",
            "Requested market data is not subscribed. Displaying delayed market data.",
        ]
        assert [frame for frame in frames if frame[0] == "58"] == [["58", "1", "2", "3"]]
        assert ticks(frames) == DELAYED_TYPES
        frames = [frame for frame in await client.ask(*top(3, QQQ)) if frame[0] == "58" or "3" in frame[1:3]]
        assert ["58", "1", "3", "1"] in frames
        assert not ticks(frames) & DELAYED_TYPES
        for request in (
            (97, 9, *contract(SPY), "BidAsk", 0, 0),
            (10, 5, 9, *contract(SPY), 5, 0, ""),
            (96, 9, *contract(SPY), 0, "", "20260302 09:30:00", 10, "MIDPOINT", 1, 0, ""),
        ):
            assert next(f for f in await client.ask(*request) if f[0] == "4")[2] == "9"

    with_simulator(body, delayed_symbols=frozenset({"SPY"}))


def test_frozen_data_is_what_stands_after_the_close() -> None:
    """Type 2 while the exchange is closed, 1 while it is open, whatever was asked for; 5 is no type."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(59, 1, 2)
        assert ["58", "1", "1", "1"] in await client.ask(*top(1, snapshot=1))
        await asyncio.sleep(7 * 3600)
        frames = await client.ask(*top(2, snapshot=1))
        assert ["58", "1", "2", "2"] in frames
        assert {"1", "2", "4"} <= ticks(frames)
        assert frames[-1] == ["57", "1", "2"]
        assert (await client.ask(59, 1, 5))[0][2:4] == ["-1", "321"]

    with_simulator(body)


def test_delayed_data_is_told_anew_as_delayed_data() -> None:
    """When ticks were lost on the way all of them come again, those that have not changed too, by the same types."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        client.send(59, 1, 3)
        await client.ask(*top(2), wait=30)
        simulator.faults.arm(FarmBroken(seconds=20))
        await asyncio.sleep(19.99)
        start = len(client.frames)
        await asyncio.sleep(0.02)
        assert client.frames[start][3] == "2104"
        assert ticks(client.frames[start:]) == DELAYED_TYPES - {"69", "70"}

    with_simulator(body, delayed_symbols=frozenset({"SPY"}))


def test_a_frozen_quote_is_told_anew() -> None:
    """Nothing has changed since the close, and the client has it again."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        client.send(59, 1, 2)
        await asyncio.sleep(7 * 3600)
        first = await client.ask(*top(2), wait=1)
        assert ["58", "1", "2", "2"] in first
        simulator.faults.arm(FarmBroken(seconds=20))
        start = len(client.frames)
        await asyncio.sleep(21)
        shown = [frame for frame in first if frame[0] in {"1", "2", "45", "46"}]
        assert shown and [frame for frame in client.frames[start:] if frame[0] != "4"] == shown

    with_simulator(body)


def test_generic_ticks_are_served_taken_or_refused() -> None:
    """Those we have come, the other legal ones are taken, one nobody knows is 321, and so is any with a snapshot."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        served = {"221": "37", "233": "48", "375": "77", "293": "54", "294": "55", "295": "56", "318": "57"}
        served |= {"236": "46", "456": "59"}
        plain = ticks(await client.ask(*top(1), wait=60))
        client.send(2, 2, 1)
        await asyncio.sleep(1)
        frames = await client.ask(*top(2, generic="100,165,mdoff,292:BRFG," + ",".join(served)), wait=60)
        assert ticks(frames) == plain | set(served.values()) | {"89"}
        refused = await client.ask(*top(3, generic="233,999"))
        error = next(frame for frame in refused if frame[0] == "4")
        assert error[2:4] == ["3", "321"]
        assert "Incorrect generic tick list of 233,999" in error[4]
        assert (
            next(f for f in await client.ask(*top(4, generic="233", snapshot=1)) if f[0] == "4")[3] == "321"
        )

    with_simulator(body)
