"""Market depth on the wire: a client that follows the operations has our book."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway_sim.wire_client import QQQ, SPY, WireClient, contract, with_simulator

from algo_trade.gateway_sim import GatewaySimulator
from algo_trade.gateway_sim.depth import Level, operations
from algo_trade.gateway_sim.faults import ConnectivityLost, FarmBroken
from algo_trade.gateway_sim.faults.table import Fault
from algo_trade.gateway_sim.halts import parse_halt

ASK, BID = "0", "1"
Book = dict[str, list[tuple[Decimal, int]]]


def follow(book: Book, frames: Iterable[list[str]], rows: int) -> None:
    """Do as ib_async does with messages 12 and 13, more strictly."""
    for frame in frames:
        position, rest = int(frame[3]), frame[4:]
        if frame[0] == "13":
            assert frame[4] == "ARCA"
            assert frame[-1] == "1"
            rest = frame[5:-1]
        operation, side, price, size = rest
        levels, level = book[side], (Decimal(price), int(size))
        if operation == "0":
            assert position <= len(levels)
            levels.insert(position, level)
        elif operation == "1":
            assert levels[position][0] == level[0]
            levels[position] = level
        else:
            del levels[position]
        assert len(levels) <= rows


def depth(request_id: int, *, rows: int = 5, smart: int = 0, con_id: int = SPY) -> tuple[object, ...]:
    return (10, 5, request_id, *contract(con_id), rows, smart, "")


def test_a_clients_book_is_the_markets() -> None:
    """Its best level is the top of book after every quote, its levels are in order, in both messages."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(97, 1, *contract(SPY), "BidAsk", 0, 0)
        client.send(*depth(2))
        client.send(*depth(3, smart=1, rows=3))
        books: dict[str, Book] = {"12": {ASK: [], BID: []}, "13": {ASK: [], BID: []}}
        seen = 0
        moved = set()
        for _step in range(600):
            await asyncio.sleep(0.5)
            frames, seen = client.frames[seen:], len(client.frames)
            for kind, rows in (("12", 5), ("13", 3)):
                follow(books[kind], [frame for frame in frames if frame[0] == kind], rows)
                moved |= {(kind, frame[4 if kind == "12" else 5]) for frame in frames if frame[0] == kind}
            top = client.of(99)[-1]
            for book in books.values():
                assert book[BID][0] == (Decimal(top[4]), int(top[6]))
                assert book[ASK][0] == (Decimal(top[5]), int(top[7]))
                assert book[BID] == sorted(book[BID], reverse=True)
                assert book[ASK] == sorted(book[ASK])
            assert books["12"][BID][:3] == books["13"][BID]
        assert len(books["12"][BID]) == 5
        assert moved == {(kind, operation) for kind in ("12", "13") for operation in "012"}

    with_simulator(body)


LEVELS = st.lists(
    st.builds(Level, st.integers(1, 8), st.integers(1, 3)), max_size=6, unique_by=lambda level: level.price_e4
).map(sorted)


@given(LEVELS, LEVELS)
def test_operations_lead_from_any_side_to_any_other(before: list[Level], after: list[Level]) -> None:
    """And never make it longer than the longer of both."""
    side = list(before)
    for operation, position, level in operations(before, after):
        if operation == 0:
            side.insert(position, level)
        elif operation == 1:
            side[position] = level
        else:
            del side[position]
        assert len(side) <= max(len(before), len(after))
    assert side == after


def test_a_halt_empties_the_book_and_its_end_fills_it() -> None:
    """Nothing is quoted meanwhile."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(*depth(2))
        book: Book = {ASK: [], BID: []}
        await asyncio.sleep(90)
        follow(book, client.of(12), 5)
        assert book == {ASK: [], BID: []}
        seen = len(client.of(12))
        await asyncio.sleep(60)
        follow(book, client.of(12)[seen:], 5)
        assert len(book[BID]) == 5 == len(book[ASK])

    with_simulator(body, halts=(parse_halt("SPY=09:31+1m"),))


@pytest.mark.parametrize(
    ("fault", "notice"), [(FarmBroken(seconds=20), "2104"), (ConnectivityLost(seconds=20), "1102")]
)
def test_books_begin_anew_when_levels_were_lost_on_the_way(fault: Fault, notice: str) -> None:
    """After the notice 317 for each book, then all of its levels, then its changes."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        client.send(97, 1, *contract(SPY), "BidAsk", 0, 0)
        client.send(*depth(2))
        client.send(*depth(3, smart=1, rows=3))
        await asyncio.sleep(5)
        simulator.faults.arm(fault)
        await asyncio.sleep(19)
        start = len(client.frames)
        await asyncio.sleep(5)
        after = client.frames[start:]
        assert after[0][3] == notice
        resets = [frame[1:] for frame in after if frame[0] == "4" and frame[3] == "317"]
        assert resets == [
            [
                "2", request_id, "317",
                "Market depth data has been RESET. Please empty deep book contents before applying any new entries.",
                "",
            ]
            for request_id in ("2", "3")
        ]  # fmt: skip
        for kind, request_id, rows in (("12", "2", 5), ("13", "3", 3)):
            told = [
                frame for frame in after if frame[:1] == [kind] or frame[:4] == ["4", "2", request_id, "317"]
            ]
            assert told[0][0] == "4"
            book: Book = {ASK: [], BID: []}
            follow(book, told[1:], rows)
            top = client.of(99)[-1]
            assert book[BID][0] == (Decimal(top[4]), int(top[6]))
            assert book[ASK][0] == (Decimal(top[5]), int(top[7]))
            assert len(book[BID]) == len(book[ASK]) == rows

    with_simulator(body)


def test_a_recorded_day_has_one_level(tmp_path: Path) -> None:
    """Nothing is known behind the best."""
    path = tmp_path / "spy.csv"
    path.write_text("ask_price,ask_volume,bid_price,bid_volume\n1000200,3,1000100,4\n1000200,3,0,0\n")

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        frames = await client.ask(*depth(2), wait=1)
        assert frames == [
            ["12", "1", "2", "0", "0", BID, "100.01", "4"],
            ["12", "1", "2", "0", "0", ASK, "100.02", "3"],
        ]
        await asyncio.sleep(23_400)
        assert client.frames[-1] == ["12", "1", "2", "0", "2", BID, "0.0", "0"]

    with_simulator(body, quotes={"SPY": path})


def test_three_books_at_a_time_and_their_end() -> None:
    """309 for the fourth, 322 for an id in use, 310 for one that is not, silence after a cancel."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        for number in range(3):
            client.send(*depth(number, con_id=QQQ))
        refused = [frame for frame in await client.ask(*depth(4)) if frame[0] == "4"]
        assert refused[0][2:] == ["4", "309", "Max number (3) of market depth requests has been reached.", ""]
        assert next(f for f in await client.ask(*depth(1)) if f[0] == "4")[2:4] == ["1", "322"]
        for number in range(3):
            client.send(11, 1, number, 0)
        assert (await client.ask(11, 1, 1, 0))[-1][2:4] == ["1", "310"]
        assert await client.ask(49, 1, wait=10) == client.frames[-1:]
        assert next(f for f in await client.ask(*depth(5, rows=0)) if f[0] == "4")[2:4] == ["5", "321"]
        assert (await client.ask(82))[0] == [
            "80", "3", *("ARCA", "STK", "ARCA", "Deep", "1"), *("NASDAQ", "STK", "NASDAQ", "Deep", "1"),
            *("NYSE", "STK", "NYSE", "Deep", "1"),
        ]  # fmt: skip

    with_simulator(body)
