"""Ticks of the past on the wire, before a stream and for themselves, and bars of one second, which are made of them."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from tests.gateway_sim.bar_checker import from_wire
from tests.gateway_sim.measures import NS, seeded, until
from tests.gateway_sim.test_bars import START_S, answer, history
from tests.gateway_sim.wire_client import SPY, WireClient, contract, with_simulator

from algo_trade.clock import utc
from algo_trade.gateway_sim import GatewaySimulator
from algo_trade.gateway_sim.quotes import Quote

WIDTH = {"96": 4, "97": 6, "98": 6}
FRIDAY_CLOSE = "20260227 16:00:00 US/Eastern"


def ticks_request(
    request_id: int = 7,
    *,
    start: str = "",
    end: str = "",
    count: int = 10,
    what: str = "TRADES",
    ignore_size: int = 0,
    con_id: int = SPY,
) -> tuple[Any, ...]:
    """The fields of a request for historical ticks."""
    return (96, request_id, *contract(con_id), 0, start, end, count, what, 1, ignore_size, "")


async def ticks_of(client: WireClient, **changes: Any) -> list[list[str]]:
    """The rows of the answer, which is done."""
    (frame,) = await client.ask(*ticks_request(**changes), wait=0.2)
    width, rows = WIDTH[frame[0]], frame[3:-1]
    assert frame[1] == "7"
    assert frame[-1] == "1"
    assert len(rows) == int(frame[2]) * width
    return [rows[at : at + width] for at in range(0, len(rows), width)]


def lived(seconds: int) -> list[Quote]:
    return list(until(seeded(7, "SPY").quotes(), seconds * NS))


def e4(text: str) -> int:
    return int(Decimal(text) * 10_000)


def test_ticks_of_the_running_day_are_its_quotes_and_trades() -> None:
    """By start and by end, whole seconds, the one under way left out."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(400)
        quotes = lived(400)
        trades = [quote for quote in quotes if quote.trade_size]
        rows = await ticks_of(client, end="20260302 09:35:00 US/Eastern", count=100)
        wanted = [quote for quote in trades if quote.offset_ns < 300 * NS]
        cut_s = wanted[-100].offset_ns // NS
        wanted = [quote for quote in wanted if quote.offset_ns // NS >= cut_s]
        assert [(int(row[0]), e4(row[2]), int(row[3])) for row in rows] == [
            (START_S + quote.offset_ns // NS, quote.trade_e4, quote.trade_size) for quote in wanted
        ]
        assert {row[4] for row in rows} == {"ARCA"}

        rows = await ticks_of(client, start="20260302 09:31:00 US/Eastern", count=200, what="BID_ASK")
        shown = [now for before, now in pairwise(quotes) if now[1:5] != before[1:5]]
        wanted = [quote for quote in shown if quote.offset_ns >= 60 * NS]
        last_s = wanted[199].offset_ns // NS
        wanted = [quote for quote in wanted if quote.offset_ns // NS <= last_s]
        assert [(int(row[0]), e4(row[2]), e4(row[3]), int(row[4]), int(row[5])) for row in rows] == [
            (START_S + quote.offset_ns // NS, *quote[1:5]) for quote in wanted
        ]

    with_simulator(body)


def test_mid_points_and_prices_without_sizes_only_tell_of_changes() -> None:
    """ignoreSize leaves out quotes in which only a size moved."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(120)
        middles = await ticks_of(client, start="20260302 09:30:00 US/Eastern", count=100, what="MIDPOINT")
        assert all(before[2] != after[2] for before, after in pairwise(middles))
        await asyncio.sleep(15)
        prices = await ticks_of(
            client, start="20260302 09:30:00 US/Eastern", count=100, what="BID_ASK", ignore_size=1
        )
        assert all(before[2:4] != after[2:4] for before, after in pairwise(prices))
        assert len(middles) >= 100 <= len(prices)

    with_simulator(body)


def test_days_before_the_first_have_ticks_that_their_bars_are_made_of() -> None:
    """Seconds, five seconds and ticks agree in prices and volume, and nobody lived through them."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        fine = from_wire(await answer(client, *history(end=FRIDAY_CLOSE, size="5 secs", duration="1800 S")))
        seconds = from_wire(
            await answer(client, *history(end=FRIDAY_CLOSE, size="1 secs", duration="1800 S"))
        )
        assert len(seconds) == 1_800
        for number, bar in enumerate(fine):
            parts = seconds[5 * number : 5 * number + 5]
            assert (parts[0].open, parts[-1].close) == (bar.open, bar.close)
            assert max(part.high for part in parts) == bar.high
            assert min(part.low for part in parts) == bar.low
            assert sum(part.volume for part in parts) == bar.volume
        rows = await ticks_of(client, end=FRIDAY_CLOSE, count=1_000)
        assert 1_000 <= len(rows) < 1_100
        for second in seconds[-5:]:
            here = [row for row in rows if int(row[0]) == second.start_s]
            assert sum(int(row[3]) for row in here) == second.volume
        later = await ticks_of(client, start=f"20260227-{utc(int(rows[0][0]) * NS):%H:%M:%S}", count=1_000)
        assert later == rows[: len(later)]

    with_simulator(body)


def test_seconds_of_the_running_day_are_made_of_its_quotes() -> None:
    """They add up to the five-second bars the recorder made."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(600)
        end = "20260302 09:38:20 US/Eastern"
        for what in ("TRADES", "BID_ASK", "MIDPOINT"):
            fine = from_wire(
                await answer(client, *history(end=end, size="5 secs", duration="300 S", what=what))
            )
            seconds = from_wire(
                await answer(client, *history(end=end, size="1 secs", duration="300 S", what=what))
            )
            assert [bar.start_s for bar in seconds] == list(range(START_S + 200, START_S + 500))
            for number, bar in enumerate(fine):
                parts = seconds[5 * number : 5 * number + 5]
                if bar.volume:  # a second without a trade stands where the last one was, maybe outside
                    parts = [part for part in parts if part.volume]
                assert max(part.high for part in parts) == bar.high
                assert min(part.low for part in parts) == bar.low
                assert sum(part.volume for part in parts) == bar.volume
                if what != "BID_ASK":
                    assert parts[-1].close == bar.close
            await asyncio.sleep(2)

    with_simulator(body)


def test_a_stream_begins_with_the_ticks_before_it() -> None:
    """As many as asked for in one message, then those that follow; of all four kinds."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(300)
        for number, (kind, history_id, told) in enumerate(
            (("Last", "98", "1"), ("AllLast", "98", "2"), ("BidAsk", "97", "3"), ("MidPoint", "96", "4"))
        ):
            frames = await client.ask(97, number, *contract(SPY), kind, 20, 0, wait=30)
            frames = [frame for frame in frames if frame[1] == str(number)]
            assert frames[0][0] == history_id
            assert int(frames[0][2]) >= 20
            assert {frame[2] for frame in frames[1:]} == {told}
            assert {frame[0] for frame in frames[1:]} == {"99"}
            assert int(frames[0][3]) <= int(frames[1][3])

    with_simulator(body)


def test_ignoring_sizes_leaves_out_what_only_changed_a_size() -> None:
    """In a stream too."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(97, 1, *contract(SPY), "BidAsk", 0, 0)
        client.send(97, 2, *contract(SPY), "BidAsk", 0, 1)
        client.send(97, 3, *contract(SPY), "MidPoint", 0, 0)
        await asyncio.sleep(120)
        every, prices, middles = ([f for f in client.of(99) if f[1] == number] for number in "123")
        assert len(prices) < len(every)
        assert all(before[4:6] != after[4:6] for before, after in pairwise(prices))
        assert all(before[4] != after[4] for before, after in pairwise(middles))

    with_simulator(body)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "neither start nor end": ({}, "321"),
    "both": ({"start": FRIDAY_CLOSE, "end": FRIDAY_CLOSE}, "321"),
    "none of them": ({"end": FRIDAY_CLOSE, "count": 0}, "321"),
    "too many": ({"end": FRIDAY_CLOSE, "count": 1_001}, "321"),
    "a kind": ({"end": FRIDAY_CLOSE, "what": "BID"}, "321"),
    "a time": ({"end": "yesterday"}, "10314"),
    "an instrument": ({"end": FRIDAY_CLOSE, "con_id": 1}, "200"),
}


@pytest.mark.parametrize(("changes", "code"), REFUSED.values(), ids=REFUSED)
def test_ticks_that_cannot_be_asked_for_are_refused(changes: dict[str, Any], code: str) -> None:
    """Addressed to the request."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        assert (await client.ask(*ticks_request(**changes)))[0][2:4] == ["7", code]

    with_simulator(body)


def test_a_schedule_is_the_days_of_trading() -> None:
    """Message 106, oldest first, the day under way included; no bars."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(60)
        (frame,) = await client.ask(*history(size="1 day", duration="3 D", what="SCHEDULE"), wait=0.2)
        assert frame == [
            "106", "7", "20260226-09:30:00", "20260302-16:00:00", "US/Eastern", "3",
            "20260226-09:30:00", "20260226-16:00:00", "20260226",
            "20260227-09:30:00", "20260227-16:00:00", "20260227",
            "20260302-09:30:00", "20260302-16:00:00", "20260302",
        ]  # fmt: skip

    with_simulator(body)


def test_a_histogram_counts_shares_by_price() -> None:
    """All that were traded in the period."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(600)
        (frame,) = await client.ask(88, 7, *contract(SPY), 0, 1, "1 day", wait=0.1)
        assert frame[:2] == ["89", "7"]
        prices, shares = frame[3::2], [int(text) for text in frame[4::2]]
        assert len(prices) == int(frame[2])
        assert sorted(prices, key=Decimal) == prices
        (day,) = from_wire(await answer(client, *history(8, size="1 day")))
        assert sum(shares) == day.volume
        assert (await client.ask(88, 7, *contract(SPY), 0, 1, "soon"))[0][2:4] == ["7", "321"]

    with_simulator(body)
