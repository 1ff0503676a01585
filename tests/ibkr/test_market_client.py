"""Quotes: wanted once, kept through everything; history: typed and paced."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.ibkr import frames
from tests.ibkr.frames import payload
from tests.ibkr.helpers import Session, session
from tests.ibkr.scripted import Peer, Script

from algo_trade.ibkr.answers import Known, Unknown
from algo_trade.ibkr.errors import InstrumentRefused, NotConnected, Refuse
from algo_trade.ibkr.events import TickBidAsk, Undecodable
from algo_trade.ibkr.history import HistoricalBar
from algo_trade.ibkr.instruments import Hours, parse_hours
from algo_trade.ibkr.market_lines import Source

CON_IDS = {"SPY": 756733, "QQQ": 320227571}


def describe(peer: Peer, fields: list[str]) -> None:
    """Contract details for the symbols above, 200 for others."""
    symbol, req_id = fields[4], int(fields[2])
    if symbol in CON_IDS:
        peer.send(frames.contract_details(req_id, symbol, CON_IDS[symbol]), payload(52, 1, req_id))
    else:
        peer.send(frames.message(req_id, 200, "No security definition has been found for the request"))


def market(**replies: Any) -> Script:
    return Script(replies={"9": describe} | {key.removeprefix("m"): reply for key, reply in replies.items()})


async def collect(s: Session, into: list[Any]) -> None:
    async for batch in s.handler.market.ticks():
        into.append(batch)


def test_ticks_come_in_batches_one_a_wake_up() -> None:
    async def body(s: Session) -> None:
        batches: list[list[Any]] = []
        reading = asyncio.ensure_future(collect(s, batches))
        instrument = await s.handler.market.subscribe_rt("SPY")
        assert (instrument.con_id, instrument.min_tick) == (756733, 0.01)
        ((_, req_id, *rest),) = s.gateway.requests(97)
        assert (rest[0], rest[-3:]) == ("756733", ["BidAsk", "0", "0"])
        s.gateway.peer.send(*(frames.bid_ask(int(req_id), 585.5 + n) for n in range(3)))
        await asyncio.sleep(0.1)
        s.gateway.peer.send(frames.bid_ask(int(req_id), "nan"), frames.bid_ask(int(req_id)))
        await asyncio.sleep(0.1)
        await s.handler.close()
        await reading
        assert [[type(tick) for tick in batch] for batch in batches] == [
            [TickBidAsk] * 3,
            [Undecodable, TickBidAsk],
        ]
        assert [tick.bid for tick in batches[0]] == [585.5, 586.5, 587.5]
        assert batches[1][0].symbol == "SPY"

    session(body, market())


def test_a_symbol_that_is_not_one_contract_is_refused() -> None:
    async def body(s: Session) -> None:
        with pytest.raises(InstrumentRefused, match="200"):
            await s.handler.market.subscribe_rt("NOPE")

    def two(peer: Peer, fields: list[str]) -> None:
        peer.send(
            *(frames.contract_details(int(fields[2]), "SPY", n) for n in (1, 2)), payload(52, 1, fields[2])
        )

    async def ambiguous(s: Session) -> None:
        with pytest.raises(InstrumentRefused, match="2 contracts"):
            await s.handler.market.resolve("SPY")

    async def nobody(s: Session) -> None:
        with pytest.raises(NotConnected):
            await s.handler.market.resolve("SPY")

    session(body, market())
    session(ambiguous, Script(replies={"9": two}))
    session(nobody, Script())


@pytest.mark.parametrize("code", [10189, 10190])
def test_where_tick_by_tick_is_refused_the_top_of_the_book_is_taken(code: int) -> None:
    def refuse(peer: Peer, fields: list[str]) -> None:
        peer.send(
            frames.message(int(fields[1]), code, "Max number of tick-by-tick requests has been reached.")
        )

    async def body(s: Session) -> None:
        ticks: list[Any] = []
        reading = asyncio.ensure_future(collect(s, ticks))
        await s.handler.market.subscribe_rt("SPY")
        await asyncio.sleep(0.1)
        assert s.handler.market.subscriptions["SPY"].source is Source.TOP_OF_BOOK
        req_id = int(s.gateway.requests(1)[0][2])
        send = s.gateway.peer.send
        send(payload(1, 6, req_id, 1, 585.5, 300, 0))  # one side is no quote
        send(payload(1, 6, req_id, 2, 585.62, 200, 0))
        send(payload(2, 6, req_id, 3, 200))  # says nothing new
        send(payload(2, 6, req_id, 0, 400))
        send(payload(1, 6, req_id, 4, 585.55, 1, 0))  # a trade
        send(payload(1, 6, req_id, 1, -1, 0, 0))  # no bid any more
        send(payload(1, 6, req_id, 66, 580.0, 1, 0))  # delayed data is not taken for live
        await asyncio.sleep(0.1)
        await s.handler.close()
        await reading
        heard = [tick for batch in ticks for tick in batch]
        assert len(heard) == 7  # what completes no quote comes as it is
        quotes = [
            (t.symbol, t.bid, t.ask, t.bid_size, t.ask_size) for t in heard if isinstance(t, TickBidAsk)
        ]
        assert quotes == [("SPY", 585.5, 585.62, 300, 200), ("SPY", 585.5, 585.62, 400, 200)]

    session(body, market(m97=refuse))


def test_a_subscription_that_is_refused_altogether_says_why() -> None:
    def refuse(code: int) -> Any:
        at = {10190: 1, 354: 2}[code]
        return lambda peer, fields: peer.send(frames.message(int(fields[at]), code, "no"))

    async def body(s: Session) -> None:
        await s.handler.market.subscribe_rt("SPY")
        await asyncio.sleep(1)
        subscription = s.handler.market.subscriptions["SPY"]
        assert (subscription.source, subscription.reason) == (Source.NONE, "354 no")
        await asyncio.sleep(60)
        assert len(s.gateway.requests(97)) == len(s.gateway.requests(1)) == 1

    session(body, market(m97=refuse(10190), m1=refuse(354)))


@pytest.mark.parametrize(
    "event",
    [
        [frames.message(-1, 1100, "lost"), frames.message(-1, 1101, "restored - data lost")],
        [frames.message(-1, 2103, "broken:usfarm"), frames.message(-1, 2104, "OK:usfarm")],
    ],
)
def test_subscriptions_the_gateway_forgot_are_made_again(event: list[bytes]) -> None:
    async def body(s: Session) -> None:
        for symbol in CON_IDS:
            await s.handler.market.subscribe_rt(symbol)
        first = [fields[1] for fields in s.gateway.requests(97)]
        s.gateway.peer.send(*event)
        await asyncio.sleep(1)
        again = [fields[1] for fields in s.gateway.requests(97)][2:]
        assert [fields[1] for fields in s.gateway.requests(98)] == first
        assert len(again) == 2
        assert not set(again) & set(first)
        ticks: list[Any] = []
        reading = asyncio.ensure_future(collect(s, ticks))
        s.gateway.peer.send(
            frames.bid_ask(int(first[0])), frames.bid_ask(int(again[0]))
        )  # a late one, a new one
        await asyncio.sleep(0.1)
        await s.handler.close()
        await reading
        assert [tick.req_id for batch in ticks for tick in batch] == [int(again[0])]

    session(body, market())


def test_1102_keeps_subscriptions() -> None:
    async def body(s: Session) -> None:
        await s.handler.market.subscribe_rt("SPY")
        s.gateway.peer.send(frames.message(-1, 1100, "lost"), frames.message(-1, 1102, "restored"))
        await asyncio.sleep(1)
        assert len(s.gateway.requests(97)) == 1

    session(body, market())


def test_a_reconnect_makes_subscriptions_again_without_cancelling_what_is_gone() -> None:
    async def body(s: Session) -> None:
        for symbol in CON_IDS:
            await s.handler.market.subscribe_rt(symbol)
        s.gateway.peer.close()
        await asyncio.sleep(0.1)
        assert {each.source for each in s.handler.market.subscriptions.values()} == {Source.NONE}
        await asyncio.sleep(3)
        assert len(s.gateway.requests(97)) == 4
        assert s.gateway.requests(98) == []
        assert {each.source for each in s.handler.market.subscriptions.values()} == {Source.TICK_BY_TICK}

    session(body, market())


def test_no_more_symbols_than_lines() -> None:
    async def body(s: Session) -> None:
        await s.handler.market.subscribe_rt("SPY")
        await s.handler.market.subscribe_rt("SPY")
        with pytest.raises(Refuse, match="SUBSCRIPTIONS"):
            await s.handler.market.subscribe_rt("QQQ")

    session(body, market(), market_data_subscriptions=1)


def test_unsubscribe() -> None:
    async def body(s: Session) -> None:
        await s.handler.market.subscribe_rt("SPY")
        await s.handler.market.unsubscribe_rt("SPY")
        await asyncio.sleep(0.1)
        assert len(s.gateway.requests(98)) == 1
        s.gateway.peer.close()
        await asyncio.sleep(3)
        assert len(s.gateway.requests(97)) == 1

    session(body, market())


def test_a_consumer_that_is_far_behind_slows_the_gateway_down_and_loses_nothing() -> None:
    async def body(s: Session) -> None:
        await s.handler.market.subscribe_rt("SPY")
        req_id = int(s.gateway.requests(97)[0][1])
        for n in range(60):
            s.gateway.peer.send(*(frames.bid_ask(req_id, 1 + n * 1000 + k) for k in range(1000)))
            await asyncio.sleep(0.01)
        bids: list[float] = []
        async for batch in s.handler.market.ticks():
            assert len(batch) < 52_000
            bids += [tick.bid for tick in batch if isinstance(tick, TickBidAsk)]
            if len(bids) == 60_000:
                break
        assert bids == [float(1 + n) for n in range(60_000)]

    session(body, market())


BAR = HistoricalBar("1772461800", 585.0, 586.0, 584.5, 585.5, 1000.0, 585.2, 77)


def bars(peer: Peer, fields: list[str]) -> None:
    bar = (1772461800, 585, 586, 584.5, 585.5, 1000, 585.2, 77)
    peer.send(payload(17, fields[1], "20260302  09:30:00", "20260302  16:00:00", 1, *bar))


def test_history() -> None:
    async def body(s: Session) -> None:
        answer = await s.handler.market.request_hist("SPY", "1 D", "1m")
        assert answer == Known((BAR,))
        (fields,) = s.gateway.requests(20)
        assert fields[2:4] == ["756733", "SPY"]
        assert fields[15:] == ["", "1 min", "1 D", "1", "TRADES", "2", "0", ""]
        with pytest.raises(Refuse, match="7m"):
            await s.handler.market.request_hist("SPY", "1 D", "7m")

    session(body, market(m20=bars))


def test_identical_history_waits_and_an_error_is_unknown() -> None:
    def pacing(peer: Peer, fields: list[str]) -> None:
        peer.send(
            frames.message(
                int(fields[1]), 162, "Historical Market Data Service error message: pacing violation"
            )
        )

    async def body(s: Session) -> None:
        for _ in range(2):
            answer = await s.handler.market.request_hist("SPY", "1 D", "1m")
            assert isinstance(answer, Unknown)
            assert answer.code == 162
        times = [at for at, fields in s.gateway.received if fields[0] == "20"]
        assert times[1] - times[0] >= 15

    session(body, market(m20=pacing))


def test_history_that_never_comes_is_withdrawn() -> None:
    async def body(s: Session) -> None:
        assert isinstance(await s.handler.market.request_hist("SPY", "1 D", "1m"), Unknown)
        await asyncio.sleep(0.1)
        assert [fields[2] for fields in s.gateway.requests(25)] == [s.gateway.requests(20)[0][1]]

    session(body, market())


def test_hours() -> None:
    hours = parse_hours("20260302:0930-20260302:1600;20260303:CLOSED;20261127:0930-1300", "US/Eastern")
    assert hours == (
        Hours(datetime(2026, 3, 2, 14, 30, tzinfo=UTC), datetime(2026, 3, 2, 21, 0, tzinfo=UTC)),
        Hours(datetime(2026, 11, 27, 14, 30, tzinfo=UTC), datetime(2026, 11, 27, 18, 0, tzinfo=UTC)),
    )
    assert parse_hours("", "US/Eastern") == ()
    for damaged in ("20260302:0930", "20260302:0930-20260302:99", "soon"):
        with pytest.raises(InstrumentRefused):
            parse_hours(damaged, "US/Eastern")
    with pytest.raises(InstrumentRefused, match="Mars"):
        parse_hours("", "Mars/Olympus")


def test_open_means_the_gateways_hours() -> None:
    async def body(s: Session) -> None:
        instrument = await s.handler.market.resolve("SPY")
        assert not instrument.is_open(datetime(2026, 3, 2, 14, 29, 59, tzinfo=UTC))
        assert instrument.is_open(datetime(2026, 3, 2, 14, 30, tzinfo=UTC))
        assert not instrument.is_open(datetime(2026, 3, 2, 21, 0, tzinfo=UTC))

    session(body, market())
