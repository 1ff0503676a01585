"""Quotes, trades, bars and history: the market data side of one connection.

What of which symbol is wanted is said once (`subscribe_rt`, `subscribe_trades`, `subscribe_bars`); `market_lines` keeps
it up. What comes is read as two streams: `ticks` (quotes and trades, in their order) and `bars`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from ib_async import ContractDetails

from algo_trade.ibkr.answers import Answer, Known
from algo_trade.ibkr.book import Book, LastTrade
from algo_trade.ibkr.connection import Connection
from algo_trade.ibkr.encoder import Encoder, stock
from algo_trade.ibkr.events import (
    HistoricalBars,
    LinkChanged,
    Plane,
    RealTimeBar,
    TickBidAsk,
    TickLast,
    TickNote,
    TopOfBook,
    Undecodable,
)
from algo_trade.ibkr.history import HistoricalBar, ibkr_bar_size
from algo_trade.ibkr.instruments import Instrument, the_instrument
from algo_trade.ibkr.mailbox import Mailbox
from algo_trade.ibkr.market_lines import Feed, MarketLines, Source, Subscription
from algo_trade.ibkr.market_messages import TickRegistry
from algo_trade.ibkr.pacer import HistoricalPacer, Pacer
from algo_trade.ibkr.quote_snapshot import QuoteSnapshot, quote_snapshot
from algo_trade.ibkr.requests import Requests
from algo_trade.settings.sections import IbkrSettings

Tick = TickBidAsk | TickLast | TopOfBook | TickNote | Undecodable
BarMessage = RealTimeBar | HistoricalBars | Undecodable

# Seconds of the fastest feed: a consumer this far behind must slow the gateway down rather than lose quotes.
_HIGH_WATER = 50_000
_DEADLINE_HISTORY_S = 60.0
# A real gateway gathers the fields of a snapshot for up to eleven seconds.
_DEADLINE_SNAPSHOT_S = 15.0
_BAR_MESSAGES = frozenset({17, 50})


class IBKRMarketClient:
    """The market data side of one connection."""

    def __init__(
        self,
        connection: Connection,
        pacer: Pacer,
        requests: Requests,
        ticks: TickRegistry,
        settings: IbkrSettings,
    ) -> None:
        self._connection = connection
        self._requests = requests
        self._registry = ticks
        self._deadline_s = settings.timeout_sec
        self._history_pacer = HistoricalPacer(settings.hist_data_rate_limit)
        self._instruments: dict[str, Instrument] = {}
        self._folds: dict[int, Book | LastTrade] = {}  # of sampled subscriptions, by request id
        self._lines = MarketLines(
            connection, pacer, requests, ticks, settings.market_data_subscriptions, self._on_made
        )
        pause, resume = connection.pause_reading, connection.resume_reading
        self._ticks: Mailbox[Tick] = Mailbox(_HIGH_WATER, pause, resume)
        self._bars: Mailbox[BarMessage] = Mailbox(_HIGH_WATER, pause, resume)
        router = connection.router
        router.listen(TickBidAsk, self._ticks.put)
        router.listen(TickLast, self._ticks.put)
        router.listen(TickNote, self._ticks.put)
        router.listen(TopOfBook, self._on_top_of_book)
        router.listen(RealTimeBar, self._bars.put)
        router.listen(HistoricalBars, self._on_historical_bars)
        router.listen(Undecodable, self._on_undecodable)
        router.listen(LinkChanged, self._on_link)

    @property
    def connected(self) -> bool:
        """Whether questions can be asked now."""
        return self._connection.connected

    @property
    def subscriptions(self) -> Mapping[str, Subscription]:
        """By symbol, how its quotes come."""
        return self._lines.wanted[Feed.QUOTES]

    def subscription(self, symbol: str, feed: Feed) -> Subscription | None:
        """What became of one wish."""
        return self._lines.wanted[feed].get(symbol)

    # -- what callers do ----------------------------------------------------------------------------
    async def resolve(self, symbol: str) -> Instrument:
        """The one US stock or ETF of that symbol, asked for once. Raises InstrumentRefused or NotConnected."""
        if symbol not in self._instruments:
            answer: Answer[ContractDetails] = await self._requests.ask(
                lambda encoder, req_id: encoder.contract_details(req_id, stock(symbol)),
                messages=frozenset({10, 52}),
                deadline_s=self._deadline_s,
            )
            self._instruments[symbol] = the_instrument(symbol, answer)
        return self._instruments[symbol]

    async def subscribe_rt(self, symbol: str, source: Source = Source.TICK_BY_TICK) -> Instrument:
        """Want quotes of a symbol from now on, tick by tick, or at the top of the book to spare a tick-by-tick line.

        Raises InstrumentRefused or NotConnected (from resolving it), Refuse when all lines are taken.
        """
        return await self._want(symbol, Feed.QUOTES, source)

    async def unsubscribe_rt(self, symbol: str) -> None:
        """Want no more quotes of a symbol; late ones are ignored."""
        await self._lines.forget(symbol, Feed.QUOTES)

    async def subscribe_trades(self, symbol: str) -> Instrument:
        """Want trades of a symbol, in the stream of ticks. Raises as `subscribe_rt`."""
        return await self._want(symbol, Feed.TRADES, Source.TICK_BY_TICK)

    async def unsubscribe_trades(self, symbol: str) -> None:
        await self._lines.forget(symbol, Feed.TRADES)

    async def subscribe_bars(self, symbol: str) -> Instrument:
        """Want five-second bars of a symbol, in the stream of bars. Raises as `subscribe_rt`."""
        return await self._want(symbol, Feed.BARS, Source.REAL_TIME_BARS)

    async def unsubscribe_bars(self, symbol: str) -> None:
        await self._lines.forget(symbol, Feed.BARS)

    def resubscribe(self, symbol: str, feed: Feed = Feed.QUOTES) -> None:
        """Make a wanted symbol's subscription again, e.g. because it went silent."""
        self._lines.make_again(symbol, feed)

    async def _want(self, symbol: str, feed: Feed, source: Source) -> Instrument:
        instrument = await self.resolve(symbol)
        await self._lines.want(instrument, feed, source)
        return instrument

    async def snapshot(self, symbol: str) -> Answer[QuoteSnapshot]:
        """The top of the book now, as one row. Takes no line; raises as `resolve`."""
        instrument = await self.resolve(symbol)
        contract, asked = stock(symbol, instrument.con_id), []

        def encode(encoder: Encoder, req_id: int) -> bytes:
            asked.append(req_id)
            self._registry.add(req_id, instrument.con_id, symbol)
            return encoder.snapshot(req_id, contract)

        answer: Answer[TopOfBook | TickNote] = await self._requests.ask(
            encode,
            messages=frozenset({1, 2, 45, 46, 57}),
            deadline_s=_DEADLINE_SNAPSHOT_S,
            cancel=lambda encoder, req_id: encoder.cancel_top_of_book(req_id),
            subscription=False,
        )
        for req_id in asked:
            self._registry.end(req_id)
        return Known((quote_snapshot(symbol, answer.rows),)) if isinstance(answer, Known) else answer

    async def request_hist(
        self,
        symbol: str,
        duration: str,
        bar_size: str,
        *,
        what: str = "TRADES",
        rth: bool = True,
        end: str = "",
    ) -> Answer[HistoricalBar]:
        """Bars of `duration` (an IBKR duration such as "1 D") up to `end` ("" is now).

        `bar_size` is one of history.BAR_SIZES (else Refuse). Waits for the historical pacing, which may be
        minutes; raises as `resolve` does.
        """
        size = ibkr_bar_size(bar_size)
        instrument = await self.resolve(symbol)
        key = (instrument.con_id, duration, size, what, rth, end)
        kind = (instrument.con_id, what)
        await self._history_pacer.acquire(key, kind, weight=2 if what == "BID_ASK" else 1)
        contract, asked = stock(symbol, instrument.con_id), []

        def encode(encoder: Encoder, req_id: int) -> bytes:
            asked.append(req_id)
            self._registry.add(req_id, instrument.con_id, symbol)
            return encoder.historical_bars(
                req_id, contract, end=end, duration=duration, bar_size=size, what=what, rth=rth
            )

        answer: Answer[HistoricalBar] = await self._requests.ask(
            encode,
            messages=frozenset({17}),
            deadline_s=_DEADLINE_HISTORY_S,
            cancel=lambda encoder, req_id: encoder.cancel_historical(req_id),
            subscription=False,
        )
        for req_id in asked:
            self._registry.end(req_id)
        return answer

    async def ticks(self) -> AsyncIterator[list[Tick]]:
        """What arrived since the last wake-up, in order, until `close`. One consumer.

        A message of a sampled stream comes as the quote or trade it completes, else as it is.
        """
        while batch := await self._ticks.take():
            yield batch

    async def bars(self) -> AsyncIterator[list[BarMessage]]:
        """Five-second bars and, while any are wanted, answers with historical ones; until `close`. One consumer."""
        while batch := await self._bars.take():
            yield batch

    def close(self) -> None:
        """End the streams, after what they still hold."""
        self._lines.close()
        self._ticks.close()
        self._bars.close()

    # -- what arrives -------------------------------------------------------------------------------
    def _on_made(self, subscription: Subscription) -> None:
        self._folds = {
            req_id: fold for req_id, fold in self._folds.items() if self._lines.of_request(req_id) is not None
        }
        if subscription.source is Source.TOP_OF_BOOK and subscription.req_id is not None:
            fold = Book() if subscription.feed is Feed.QUOTES else LastTrade()
            self._folds[subscription.req_id] = fold

    def _on_top_of_book(self, event: TopOfBook) -> None:
        fold = self._folds.get(event.req_id)
        self._ticks.put((fold.fold(event) if fold is not None else None) or event)

    def _on_historical_bars(self, event: HistoricalBars) -> None:
        if self._lines.wanted[Feed.BARS]:
            self._bars.put(event)

    def _on_undecodable(self, event: Undecodable) -> None:
        if event.message_id in _BAR_MESSAGES and self._lines.wanted[Feed.BARS]:
            self._bars.put(event)
        elif event.plane is not Plane.ORDERS:
            self._ticks.put(event)

    def _on_link(self, _event: LinkChanged) -> None:
        if not self._connection.connected:
            self._instruments.clear()  # trading hours may have moved on by the time it is back
