"""What is wanted of a symbol beside its quotes: trades, five-second bars, one snapshot; made again like quotes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.ibkr import frames
from tests.ibkr.frames import payload
from tests.ibkr.helpers import Session, session
from tests.ibkr.scripted import Peer
from tests.ibkr.test_market_client import bars, collect, market

from algo_trade.ibkr.answers import Known, Unknown
from algo_trade.ibkr.errors import Refuse
from algo_trade.ibkr.events import HistoricalBars, RealTimeBar, TickBidAsk, TickLast, TickNote, Undecodable
from algo_trade.ibkr.market_lines import Feed, Source

BAR = (1772461800, 585.5, 586, 585.25, 585.75, 1200, 585.6, 17)


def bar_frame(req_id: int, starts_s: int = BAR[0]) -> bytes:
    return payload(50, 3, req_id, starts_s, *BAR[1:])


def last_frame(req_id: int, price: float = 585.51) -> bytes:
    return payload(99, req_id, 1, 1772461800, price, 40, 0, "ARCA", "")


async def read_bars(s: Session, into: list[Any]) -> None:
    async for batch in s.handler.market.bars():
        into += batch


def test_trades_and_quotes_come_in_one_stream_in_their_order() -> None:
    async def body(s: Session) -> None:
        batches: list[list[Any]] = []
        reading = asyncio.ensure_future(collect(s, batches))
        await s.handler.market.subscribe_rt("SPY")
        await s.handler.market.subscribe_trades("SPY")
        quotes, trades = (int(fields[1]) for fields in s.gateway.requests(97))
        assert [fields[-3] for fields in s.gateway.requests(97)] == ["BidAsk", "Last"]
        s.gateway.peer.send(frames.bid_ask(quotes), last_frame(trades), frames.bid_ask(quotes))
        await asyncio.sleep(0.1)
        await s.handler.market.unsubscribe_trades("SPY")
        s.gateway.peer.send(last_frame(trades), frames.bid_ask(quotes))
        await asyncio.sleep(0.1)
        await s.handler.close()
        await reading
        kinds = [type(tick) for batch in batches for tick in batch]
        assert kinds == [TickBidAsk, TickLast, TickBidAsk, TickBidAsk]

    session(body, market())


def test_where_trades_are_refused_tick_by_tick_the_last_of_each_sample_is_taken() -> None:
    def refuse_last(peer: Peer, fields: list[str]) -> None:
        if fields[-3] == "Last":
            peer.send(frames.message(int(fields[1]), 10190, "Max number of tick-by-tick requests"))

    async def body(s: Session) -> None:
        batches: list[list[Any]] = []
        reading = asyncio.ensure_future(collect(s, batches))
        await s.handler.market.subscribe_trades("SPY")
        await asyncio.sleep(0.1)
        req_id = int(s.gateway.requests(1)[0][2])
        subscription = s.handler.market.subscription("SPY", Feed.TRADES)
        assert subscription is not None and subscription.source is Source.TOP_OF_BOOK
        send = s.gateway.peer.send
        send(payload(2, 6, req_id, 5, 9))  # a size without a price is no trade
        send(payload(1, 6, req_id, 4, 585.54, 10, 0), payload(2, 6, req_id, 5, 10))  # before we came
        send(payload(1, 6, req_id, 4, 585.55, 20, 0), payload(2, 6, req_id, 5, 20))  # one trade
        send(payload(2, 6, req_id, 5, 30))  # another at the same price
        send(payload(46, 6, req_id, 45, 1772461800), payload(1, 6, req_id, 1, 585.5, 3, 0))
        await asyncio.sleep(0.1)
        await s.handler.close()
        await reading
        heard = [tick for batch in batches for tick in batch]
        assert [(t.price, t.size) for t in heard if isinstance(t, TickLast)] == [(585.55, 20), (585.55, 30)]
        assert sum(isinstance(tick, TickNote) for tick in heard) == 1 and len(heard) == 8

    session(body, market(m97=refuse_last))


def test_a_symbol_may_have_its_quotes_from_the_top_of_the_book() -> None:
    """And keeps it so over a reconnect, without a try at tick by tick."""

    async def body(s: Session) -> None:
        await s.handler.market.subscribe_rt("SPY", Source.TOP_OF_BOOK)
        assert s.handler.market.subscriptions["SPY"].source is Source.TOP_OF_BOOK
        s.gateway.peer.close()
        await asyncio.sleep(3)
        assert len(s.gateway.requests(1)) == 2 and not s.gateway.requests(97)
        await s.handler.market.subscribe_rt("SPY", Source.TICK_BY_TICK)  # changed one's mind
        assert len(s.gateway.requests(2)) == len(s.gateway.requests(97)) == 1

    session(body, market())


def test_bars_have_a_stream_of_their_own() -> None:
    """With what history answered meanwhile, whole, and with what could not be read."""

    async def body(s: Session) -> None:
        heard: list[Any] = []
        reading = asyncio.ensure_future(read_bars(s, heard))
        assert isinstance(await s.handler.market.request_hist("SPY", "2 D", "1m"), Known)
        await s.handler.market.subscribe_bars("SPY")
        ((_, _, req_id, *rest),) = s.gateway.requests(50)
        assert (rest[0], rest[-4:]) == ("756733", ["5", "TRADES", "1", ""])
        s.gateway.peer.send(bar_frame(int(req_id)), payload(50, 3, req_id, "soon", *BAR[1:]))
        await s.handler.market.request_hist("SPY", "1 D", "1m")
        await s.handler.market.unsubscribe_bars("SPY")
        s.gateway.peer.send(bar_frame(int(req_id)))
        await asyncio.sleep(0.1)
        assert [fields[2] for fields in s.gateway.requests(51)] == [req_id]
        await s.handler.close()
        await reading
        assert [type(each) for each in heard] == [RealTimeBar, Undecodable, HistoricalBars]
        assert (heard[1].symbol, heard[2].raw[:3], len(heard[2].bars)) == ("SPY", b"17\0", 1)

    session(body, market(m20=bars))


@pytest.mark.parametrize("code", [420, 101])
def test_bars_that_are_refused_say_why_and_may_be_tried_again(code: int) -> None:
    def refuse(peer: Peer, fields: list[str]) -> None:
        peer.send(frames.message(int(fields[2]), code, "no"))

    async def body(s: Session) -> None:
        await s.handler.market.subscribe_bars("SPY")
        await asyncio.sleep(60)
        subscription = s.handler.market.subscription("SPY", Feed.BARS)
        assert subscription is not None
        assert (subscription.source, subscription.reason) == (Source.NONE, f"{code} no")
        assert len(s.gateway.requests(50)) == 1
        s.handler.market.resubscribe("SPY", Feed.BARS)
        await asyncio.sleep(1)
        assert len(s.gateway.requests(50)) == 2

    session(body, market(m50=refuse))


def test_bars_ended_by_a_bust_are_made_again_at_once() -> None:
    async def body(s: Session) -> None:
        await s.handler.market.subscribe_bars("SPY")
        req_id = int(s.gateway.requests(50)[0][2])
        s.gateway.peer.send(frames.message(req_id, 10225, "Bust event occurred"))
        await asyncio.sleep(0.1)
        assert len(s.gateway.requests(50)) == 2
        assert s.gateway.requests(51) == []

    session(body, market())


@pytest.mark.parametrize("how", ["1101", "reconnect"])
def test_everything_wanted_is_made_again(how: str) -> None:
    async def body(s: Session) -> None:
        client = s.handler.market
        for want in (client.subscribe_rt, client.subscribe_trades, client.subscribe_bars):
            await want("SPY")
        if how == "1101":
            s.gateway.peer.send(frames.message(-1, 1100, "lost"), frames.message(-1, 1101, "data lost"))
        else:
            s.gateway.peer.close()
        await asyncio.sleep(3)
        kinds = [fields[-3] for fields in s.gateway.requests(97)]
        assert (kinds, len(s.gateway.requests(50))) == (["BidAsk", "Last"] * 2, 2)
        sources = [client.subscription("SPY", feed) for feed in Feed]
        assert all(each is not None and each.source is not Source.NONE for each in sources)

    session(body, market())


def test_all_kinds_share_the_lines() -> None:
    async def body(s: Session) -> None:
        await s.handler.market.subscribe_rt("SPY")
        await s.handler.market.subscribe_bars("SPY")
        with pytest.raises(Refuse, match="SUBSCRIPTIONS"):
            await s.handler.market.subscribe_trades("SPY")

    session(body, market(), market_data_subscriptions=2)


def test_a_snapshot_is_one_row_of_what_the_gateway_told() -> None:
    def show(peer: Peer, fields: list[str]) -> None:
        req_id = fields[2]
        assert fields[-3:] == ["1", "0", ""]
        peer.send(
            payload(1, 6, req_id, 9, 580, 0, 0),
            payload(45, 6, req_id, 49, 1),
            payload(1, 6, req_id, 1, 585.5, 300, 0),
            payload(1, 6, req_id, 2, -1, 0, 0),  # there is no ask
            payload(1, 6, req_id, 4, 585.51, 40, 0),
            payload(1, 6, req_id, 68, 570, 40, 0),  # delayed
            payload(2, 6, req_id, 8, 123456),
            payload(1, 6, req_id, 14, 581, 0, 0),
            payload(57, 1, req_id),
        )

    async def body(s: Session) -> None:
        answer = await s.handler.market.snapshot("SPY")
        assert isinstance(answer, Known)
        (row,) = answer.rows
        assert (row.symbol, row.bid, row.bid_size, row.ask, row.ask_size) == ("SPY", 585.5, 300, None, None)
        assert (row.last, row.last_size, row.volume, row.close) == (585.51, 40, 123456, 580)
        assert (row.open, row.high, row.low, row.halted) == (581, None, None, True)
        assert s.gateway.requests(2) == []

    session(body, market(m1=show))


def test_a_snapshot_that_never_ends_is_unknown_and_withdrawn() -> None:
    async def body(s: Session) -> None:
        answer = await s.handler.market.snapshot("SPY")
        assert isinstance(answer, Unknown) and "15 s" in answer.reason
        await asyncio.sleep(0.1)
        assert len(s.gateway.requests(2)) == 1

    session(body, market())
