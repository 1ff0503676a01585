"""Trades of others on the wire: tick by tick, and as last price and volume of the top of the book."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tests.gateway_sim.bar_checker import write_quotes
from tests.gateway_sim.wire_client import AAPL, WireClient, contract, with_simulator

from algo_trade.clock import VIRTUAL_START_NS, Clock, run_virtual
from algo_trade.gateway_sim import GatewaySimulator
from algo_trade.gateway_sim.bars.recorder import BarRecorder, DayTrades
from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.gateway_sim.streams import Broadcast
from algo_trade.gateway_sim.top_of_book import TopOfBook, Wanted
from algo_trade.gateway_sim.wire.framing import split_fields

START_S = VIRTUAL_START_NS // 10**9
MS = 1_000_000
QUOTES = [
    Quote(0, 5_000_000, 5_000_100, 300, 200),
    Quote(1_000 * MS, 5_000_000, 5_000_100, 300, 150, 5_000_100, 50),
    Quote(1_010 * MS, 5_000_000, 5_000_200, 300, 90, 5_000_100, 150),
    Quote(1_020 * MS, 5_000_000, 5_000_200, 200, 90, 5_000_000, 100),
    Quote(2_000 * MS, 5_000_000, 5_000_200, 250, 90),
    Quote(3_000 * MS, 5_000_000, 5_000_200, 240, 90, 5_000_000, 10),
]


def with_trades(tmp_path: Path, body: Any, **config: Any) -> None:
    """Run with a recorded AAPL of these quotes."""
    with_simulator(body, quotes={"AAPL": write_quotes(tmp_path / "q.csv", QUOTES)}, **config)


def top(generic: str = "", snapshot: int = 0, request_id: int = 8) -> tuple[Any, ...]:
    """The fields of reqMktData."""
    return (1, 11, request_id, *contract(AAPL), 0, generic, snapshot, 0, "")


def test_every_trade_is_one_tick_before_the_quote_it_led_to(tmp_path: Path) -> None:
    """Last and AllLast alike, with the venue."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(97, 5, *contract(AAPL), "Last", 0, 0)
        client.send(97, 6, *contract(AAPL), "BidAsk", 0, 0)
        client.send(97, 7, *contract(AAPL), "AllLast", 0, 0)
        await asyncio.sleep(5)
        kinds = [fields[2] for fields in client.of(99)]
        assert kinds == ["3", "1", "2", "3", "1", "2", "3", "1", "2", "3", "3", "1", "2", "3"]
        last = [fields[3:] for fields in client.of(99) if fields[1] == "5"]
        assert last[0] == [str(START_S + 1), "500.01", "50", "0", "NASDAQ", ""]
        assert [tick[1:3] for tick in last] == [
            ["500.01", "50"],
            ["500.01", "150"],
            ["500.0", "100"],
            ["500.0", "10"],
        ]
        assert [fields[3:] for fields in client.of(99) if fields[1] == "7"] == last
        client.send(98, 5)
        assert (await client.ask(98, 99))[0][2:4] == ["99", "300"]

    with_trades(tmp_path, body)


def test_where_trades_were_not_recorded_there_are_none(tmp_path: Path) -> None:
    """10189 that says so, and no last price."""
    path = tmp_path / "q.csv"
    path.write_text("ask_price,ask_volume,bid_price,bid_volume\n5000100,1,5000000,1\n")

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        (refused,) = await client.ask(97, 5, *contract(AAPL), "Last", 0, 0)
        assert refused[2:4] == ["5", "10189"] and "without its trades" in refused[4]
        ticks = await client.ask(*top(), wait=5)
        assert {fields[3] for fields in ticks if fields[0] == "1"} == {"1", "2", "9"}

    with_simulator(body, quotes={"AAPL": path})


def test_the_top_of_the_book_tells_the_last_trade_and_the_day(tmp_path: Path) -> None:
    """Last, its size and time, volume, high, low and open: what changed, four times a second at most."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        first = await client.ask(*top(), wait=0.5)
        assert {fields[3] for fields in first if fields[0] in {"1", "2"}} == {"1", "2", "9"}
        await asyncio.sleep(1)
        told = client.frames[client.frames.index(first[-1]) + 1 :]
        by_type = [(fields[3], fields[4]) for fields in told if fields[0] in {"1", "2", "46"}]
        # The first trade at once, the other two together when 250 ms are over.
        assert by_type[:7] == [
            ("4", "500.01"),
            ("5", "50"),
            ("45", str(START_S + 1)),
            ("8", "50"),
            ("6", "500.01"),
            ("7", "500.01"),
            ("14", "500.01"),
        ]
        assert [each for each in by_type[7:] if each[0] in {"4", "5", "8", "7", "6", "14"}] == [
            ("4", "500.0"),
            ("5", "100"),
            ("8", "300"),
            ("7", "500.0"),
        ]
        snapshot = await client.ask(*top(snapshot=1, request_id=9))
        values = {fields[3]: fields[4] for fields in snapshot if fields[0] in {"1", "2"}}
        assert (values["4"], values["5"], values["8"]) == ("500.0", "100", "300")
        assert (values["6"], values["7"], values["14"]) == ("500.01", "500.0", "500.01")
        assert snapshot[-1] == ["57", "1", "9"]

    with_trades(tmp_path, body)


def test_generic_ticks_are_taken_and_rt_volume_is_given(tmp_path: Path) -> None:
    """233 adds message 46 of type 48: price, size, time, volume, average price, whether it is one trade."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(*top("100,233, 236"))
        client.send(*top("100,236", request_id=9))
        await asyncio.sleep(5)
        volume = [fields for fields in client.of(46) if fields[3] == "48"]
        assert {fields[2] for fields in volume} == {"8"}
        told = [fields[4].split(";") for fields in volume]
        assert [[*each[:2], *each[3:]] for each in told] == [
            ["500.01", "50", "50", "500.01", "false"],
            ["500.0", "100", "300", "500.00666667", "false"],
            ["500.0", "10", "310", "500.00645161", "true"],
        ]
        assert [int(each[2]) // 1000 - START_S for each in told] == [1, 1, 3]

    with_trades(tmp_path, body)


def test_trades_passed_over_count_for_the_day(tmp_path: Path) -> None:
    """A market that was stalled, or is looked at late, has traded all the same."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(50, 3, 5, *contract(AAPL), 5, "TRADES", 1, "")  # somebody starts the day
        await asyncio.sleep(10)
        snapshot = await client.ask(*top(snapshot=1))
        values = {fields[3]: fields[4] for fields in snapshot if fields[0] in {"1", "2"}}
        assert values["8"] == "310"

    with_trades(tmp_path, body)


def test_a_halt_is_told_to_whoever_watches() -> None:
    """Generic tick 49: one while halted, zero when it is over."""
    told: list[bytes] = []
    halting: list[Callable[[bool], None]] = []
    market = SimpleNamespace(
        listen=lambda _listener: None,
        listen_halt=halting.append,
        halted=True,
        quote=None,
        previous_close_e4=5_000_000,
    )
    recorder = SimpleNamespace(day=DayTrades())

    async def main(clock: Clock) -> None:
        broadcast = Broadcast(cast(SymbolMarket, market), cast(BarRecorder, recorder), clock)
        top_of_book = TopOfBook(8, 178, broadcast.market, broadcast.recorder, told.append, Wanted())
        broadcast.add(top_of_book)
        halting[0](False)

    run_virtual(main)
    halts = [split_fields(frame[4:]) for frame in told if frame[4:].startswith(b"45\0")]
    assert halts == [["45", "6", "8", "49", "1"], ["45", "6", "8", "49", "0"]]
