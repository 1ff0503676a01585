"""What a client may not do too often or have too much of, on the wire: the gateway's codes and words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from tests.gateway_sim.wire_client import AAPL, IWM, QQQ, SPY, WireClient, contract, with_simulator

from algo_trade.gateway_sim import GatewaySimulator

PACED = "Historical Market Data Service error message:Historical data request pacing violation"
REAL_TIME = f"Invalid Real-time Query:{PACED}"
DUPLICATE = "Error processing request.-'bQ' : cause - Duplicate ticker id"
STOCKS = (SPY, QQQ, IWM, AAPL)


def bars(
    request_id: int, con_id: int = SPY, *, end: str = "", what: str = "TRADES", size: str = "5 secs"
) -> tuple[Any, ...]:
    return (20, request_id, *contract(con_id), 0, end, size, "60 S", 1, what, 2, 0, "")


def before(number: int) -> str:
    """An end of its own for each request of the same."""
    return f"20260227 15:{number // 60:02d}:{number % 60:02d}"


async def refused(client: WireClient, *fields: Any, wait: float = 0.01) -> list[list[str]]:
    """The errors that come of a request: id, code and text."""
    return [frame[2:5] for frame in await client.ask(*fields, wait=wait) if frame[0] == "4"]


async def refused_of(
    client: WireClient, requests: Iterable[tuple[Any, ...]], *, every_s: float
) -> list[list[str]]:
    """The errors that come of many, one every so many seconds."""
    return [error for request in requests for error in await refused(client, *request, wait=every_s)]


def test_the_third_second_with_too_many_messages_ends_the_connection() -> None:
    """100 for every message above fifty a second, to nobody in particular; the third strike closes it."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        told: list[list[str]] = []
        await asyncio.sleep(2)
        for strike in range(3):
            assert not client.closed.is_set()
            start = len(client.frames)
            for _ in range(52):
                client.send(49, 1)
            await asyncio.sleep(1.5)
            answered = client.frames[start:]
            assert len([frame for frame in answered if frame[0] == "49"]) == 50
            told += [frame[1:5] for frame in answered if frame[0] == "4"]
            assert len(told) == min(2 * (strike + 1), 5)
        assert {tuple(error) for error in told} == {
            ("2", "-1", "100", "Max rate of messages per second has been exceeded.")
        }
        assert client.closed.is_set()
        again = await WireClient.open(*simulator.address, 1)
        assert (await again.ask(49, 1))[0][0] == "49"
        again.close()

    with_simulator(body)


def test_lines_tick_streams_and_books_run_out_and_are_given_back() -> None:
    """101 for lines, whatever holds them; 10190 for tick-by-tick; 309 for depth; 322 for an id that is taken."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        def top(number: int) -> tuple[Any, ...]:
            return (1, 11, number, *contract(STOCKS[number % 4]), 0, "", 0, 0, "")

        def ticks(number: int) -> tuple[Any, ...]:
            return (97, number, *contract(STOCKS[number % 4]), "BidAsk", 0, 0)

        def depth(number: int) -> tuple[Any, ...]:
            return (10, 5, number, *contract(SPY), 5, 0, "")

        many = "Max number of tick-by-tick requests has been reached."
        assert await refused_of(client, map(ticks, range(7)), every_s=0.1) == [
            ["5", "10190", many],
            ["6", "10190", many],
        ]
        limit = "Max number (3) of market depth requests has been reached."
        assert await refused_of(client, map(depth, range(20, 24)), every_s=0.1) == [["23", "309", limit]]
        no_lines = "Max number of tickers has been reached."
        assert await refused_of(client, map(top, range(100, 196)), every_s=0.1) == [["195", "101", no_lines]]
        assert await refused(client, 50, 3, 300, *contract(SPY), 5, "TRADES", 0, "") == [
            ["300", "101", no_lines]
        ]
        for request in (top(0), depth(20), ticks(100), (50, 3, 20, *contract(SPY), 5, "TRADES", 0, "")):
            taken = await refused(client, *request)
            assert [error[1:] for error in taken] == [["322", DUPLICATE]]
        client.send(98, 0)
        client.send(11, 1, 20, 0)
        assert await refused_of(client, (ticks(8), depth(24)), every_s=0.1) == []
        assert await refused(client, *top(196)) == [["196", "101", no_lines]]
        client.send(2, 1, 100)
        assert await refused(client, *top(197)) == []

    with_simulator(body, symbols=("SPY", "QQQ", "IWM", "AAPL"))


def test_the_same_small_bars_within_fifteen_seconds() -> None:
    """162 for it; another end, another symbol and bars of a minute are no repetition."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        assert await refused(client, *bars(1, end=before(0)), wait=3) == []
        assert await refused(client, *bars(2, end=before(0)), wait=3) == [["2", "162", PACED]]
        others = [
            bars(3, end=before(1)),
            bars(4, QQQ, end=before(0)),
            *(bars(n, size="1 min") for n in (5, 6)),
        ]
        assert await refused_of(client, others, every_s=2) == []
        assert await refused(client, *bars(7, end=before(0)), wait=3.1) == [["7", "162", PACED]]
        assert await refused(client, *bars(8, end=before(0)), wait=1) == []

    with_simulator(body)


def test_the_sixth_of_one_contract_and_kind_within_two_seconds() -> None:
    """162; of another kind or contract they are counted apart, and after two seconds there is room."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        requests = [bars(number, end=before(number)) for number in range(6)]
        assert await refused_of(client, requests, every_s=0.3) == [["5", "162", PACED]]
        assert await refused(client, *bars(6, QQQ, end=before(6))) == []
        assert await refused(client, *bars(7, what="MIDPOINT", end=before(7))) == []
        await asyncio.sleep(2)
        assert await refused(client, *bars(8, end=before(8)), wait=1) == []

    with_simulator(body)


def test_sixty_in_ten_minutes_and_bid_ask_counts_twice() -> None:
    """162 until the first of them is ten minutes old; one that was refused does not count."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        single = [bars(number, STOCKS[number % 3], end=before(number)) for number in range(20)]
        double = [bars(n, STOCKS[n % 3], end=before(n), what="BID_ASK") for n in range(20, 40)]
        assert await refused_of(client, (*single, *double), every_s=3) == []
        more = [bars(40, end=before(40)), bars(41, QQQ, end=before(41), what="BID_ASK")]
        assert await refused_of(client, more, every_s=3) == [["40", "162", PACED], ["41", "162", PACED]]
        assert await refused(client, *bars(42, size="1 min"), wait=3) == []
        await asyncio.sleep(600 - 129 + 0.1)
        assert await refused_of(
            client, (bars(43, end=before(43)), bars(44, end=before(44))), every_s=0.5
        ) == [["44", "162", PACED]]

    with_simulator(body)


def test_fifty_historical_requests_are_open_at_a_time() -> None:
    """162 for the next one, those kept up to date included; a cancelled one makes room."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        def kept(number: int) -> tuple[Any, ...]:
            return (
                20,
                number,
                *contract(SPY),
                0,
                "",
                "1 min",
                f"{60 * (number + 1)} S",
                1,
                "TRADES",
                2,
                1,
                "",
            )

        open_already = [f"{PACED}: 50 are open already"]
        assert await refused_of(client, map(kept, range(51)), every_s=0.2) == [["50", "162", *open_already]]
        assert await refused(client, *bars(60, size="1 min"), wait=0.5) == [["60", "162", *open_already]]
        cancelled = "Historical Market Data Service error message:API historical data query cancelled: 7"
        assert await refused(client, 25, 1, 7) == [["7", "162", cancelled]]
        assert await refused(client, *bars(61, size="1 min"), wait=0.5) == []

    with_simulator(body)


def test_sixty_new_real_time_bars_in_ten_minutes() -> None:
    """420 for the next, and again room ten minutes after the first."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        for number in range(60):
            assert await refused(client, 50, 3, number, *contract(SPY), 5, "TRADES", 0, "", wait=1) == []
            client.send(51, 1, number)
        assert await refused(client, 50, 3, 60, *contract(SPY), 5, "TRADES", 0, "") == [
            ["60", "420", REAL_TIME]
        ]
        await asyncio.sleep(541)
        assert await refused(client, 50, 3, 61, *contract(SPY), 5, "TRADES", 0, "") == []

    with_simulator(body)
