"""Quotes on the wire: tick by tick, top of book, their limits, and the seeded market behind them."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tests.gateway_sim.measures import NS, seeded, until
from tests.gateway_sim.wire_client import IWM, QQQ, SPY, WireClient, contract, place, with_simulator

from algo_trade.gateway_sim import GatewaySimulator


def test_a_subscription_gets_the_quote_that_stands_and_then_every_one() -> None:
    """In the order of the market, without a gap, whenever it comes."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(3600)
        client.send(97, 5, *contract(SPY), "BidAsk", 0, 0)
        await asyncio.sleep(600)
        ticks = client.of(99)
        expected = list(until(seeded(7, "SPY").quotes(), 4200 * NS + 10**7))
        seen = [
            (*(round(float(text) * 10_000) for text in tick[4:6]), *map(int, tick[6:8])) for tick in ticks
        ]
        tail: list[tuple[int, ...]] = [quote[1:5] for quote in expected]
        at = next(n for n, quote in enumerate(expected) if quote.offset_ns > 3600 * NS) - 1
        assert seen == tail[at : at + len(seen)]
        assert all(len(tick) == 9 and tick[2] == "3" and tick[8] == "0" for tick in ticks)
        assert len(seen) > 4000

    with_simulator(body)


def test_cancelling_ends_it_and_unknown_ids_are_told() -> None:
    """300 for what is not there."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(97, 5, *contract(SPY), "BidAsk", 0, 0)
        await asyncio.sleep(5)
        assert await client.ask(98, 5) == []
        assert await client.ask(49, 1, wait=10) == client.frames[-1:]
        assert (await client.ask(98, 5))[0][2:4] == ["5", "300"]
        assert (await client.ask(2, 2, 6))[0][2:4] == ["6", "300"]

    with_simulator(body)


def test_top_of_book_shows_all_at_first_and_then_four_times_a_second_at_most() -> None:
    """The ask first when prices rise, so that they never look crossed."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        first = await client.ask(1, 11, 8, *contract(SPY), 0, "", 0, 0, "")
        assert [fields[0] for fields in first[:2]] == ["81", "58"]
        assert {fields[3] for fields in first if fields[0] == "1"} >= {"1", "2", "9"}
        assert ["45", "6", "8", "49", "0"] in first  # not halted
        start = len(client.frames)
        await asyncio.sleep(60)
        ticks = client.frames[start:]
        times = sorted(set(client.times[start:]))
        assert min(after - before for before, after in itertools.pairwise(times)) > 0.249
        assert len(times) > 180
        prices = {fields[3]: float(fields[4]) for fields in first if fields[0] == "1"}
        bid, ask = prices["1"], prices["2"]
        for fields in ticks:
            if fields[0] == "1" and fields[3] == "1":
                bid = float(fields[4])
            elif fields[0] == "1" and fields[3] == "2":
                ask = float(fields[4])
            assert bid < ask

    with_simulator(body)


def test_a_snapshot_ends_and_holds_no_line() -> None:
    """57 after the ticks."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        for number in range(3):
            replies = await client.ask(1, 11, 20 + number, *contract(SPY), 0, "", 1, 0, "")
            assert replies[-1] == ["57", "1", str(20 + number)]
        assert await client.ask(49, 1, wait=5) == client.frames[-1:]

    with_simulator(body, lines=2)


def test_limits_on_subscriptions_follow_from_the_lines() -> None:
    """5 tick-by-tick streams with 100 lines, 101 when lines run out, 322 for an id in use."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        for number in range(6):
            client.send(97, number, *contract((SPY, QQQ, IWM)[number % 3]), "BidAsk", 0, 0)
        await asyncio.sleep(0.01)
        assert client.of(4)[-1][2:4] == ["5", "10190"]
        assert (await client.ask(97, 0, *contract(SPY), "BidAsk", 0, 0))[0][2:4] == ["0", "322"]
        assert (await client.ask(97, 90, *contract(SPY), "Bid", 0, 0))[0][2:4] == ["90", "10189"]
        assert (await client.ask(97, 91, *contract(12345), "BidAsk", 0, 0))[0][2:4] == ["91", "200"]

    with_simulator(body)

    async def few(_: GatewaySimulator, client: WireClient) -> None:
        for number in range(2):
            client.send(1, 11, number, *contract(SPY), 0, "", 0, 0, "")
        await asyncio.sleep(0.01)
        assert (await client.ask(1, 11, 2, *contract(QQQ), 0, "", 0, 0, ""))[-1][2:4] == ["2", "101"]

    with_simulator(few, lines=2)


def test_mid_points_are_exact() -> None:
    """Half a cent is written as half a cent."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        ticks = await client.ask(97, 5, *contract(SPY), "MidPoint", 0, 0, wait=1)
        assert ticks[0][2] == "4"
        assert ticks[0][4].endswith("5")
        assert len(ticks[0]) == 5

    with_simulator(body)


ABSENT = {
    "scanner": ((22, 7, 10), ["7", "162"]),
    "fundamentals": ((52, 2, 7), ["7", "430"]),
    "news": ((86, 7), ["7", "10276"]),
    "corporate events": ((100, 7), ["7", "10276"]),
    "option value": ((54, 3, 7), ["7", "321"]),
    "nobody knows": ((150, 1), ["-1", "505"]),
}


@pytest.mark.parametrize(("request_fields", "expected"), ABSENT.values(), ids=ABSENT)
def test_what_it_does_not_have_is_refused_never_met_with_silence(
    request_fields: tuple[object, ...], expected: list[str]
) -> None:
    """An error with the request's own id."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        assert (await client.ask(*request_fields))[0][2:4] == expected

    with_simulator(body)


EMPTY = {
    24: "19",
    67: "67",
    79: "77",
    85: "85",
    78: "76",
    104: "107",
    80: "78",
    17: "15",
}


@pytest.mark.parametrize(("message_id", "reply"), EMPTY.items())
def test_what_a_bare_account_has_none_of_is_answered_empty(message_id: int, reply: str) -> None:
    """With the message that would carry it."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        version = (1,) if message_id in {24, 67, 17} else ()
        replies = await client.ask(message_id, *version, 7, "", "", "", "")
        assert [fields[0] for fields in replies] == [reply]

    with_simulator(body)


def test_the_exchange_is_open_round_the_clock_when_no_opening_is_given() -> None:
    """Liquid hours contain now, and tell the truth."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(13 * 3600 + 17)
        details = (await client.ask(9, 8, 3, *contract(), 0, "", "", ""))[0]
        opened, closed = details[27].split(";")[0].split("-")
        assert (opened, closed) == ("20260302:0930", "20260303:0930")
        assert (await client.ask(*place(1), wait=1))[0][0] == "5"
        assert client.of(11)

    with_simulator(body, market_open_ns=None)


def test_regular_hours_skip_the_weekend() -> None:
    """Six days from today on, the closed ones named."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        hours = (await client.ask(9, 8, 3, *contract(), 0, "", "", ""))[0][27].split(";")
        assert hours[0] == "20260302:0930-20260302:1600"
        assert hours[4:] == ["20260306:0930-20260306:1600", "20260307:CLOSED"]

    with_simulator(body)
