"""Quotes and history.

A symbol once subscribed stays wanted: after a reconnect, after 1101 ("data lost") and after a broken data farm
is back, its subscription is made again, since the gateway forgets them without a word. Quotes come tick by
tick, unless samples of the top of the book are enough; where the gateway refuses ticks (few symbols are allowed
at once), the symbol falls back to those. `subscriptions` says for each symbol which of the two it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

from ib_async import ContractDetails
from ib_async.objects import BarData

from algo_trade.ibkr.answers import Answer, Known
from algo_trade.ibkr.book import Book
from algo_trade.ibkr.connection import Connection
from algo_trade.ibkr.decode import TickRegistry
from algo_trade.ibkr.encoder import stock
from algo_trade.ibkr.errors import NotConnected, Refuse
from algo_trade.ibkr.events import (
    ConnectivityChanged,
    GatewayMessage,
    LinkChanged,
    Plane,
    TickBidAsk,
    TopOfBook,
    Undecodable,
)
from algo_trade.ibkr.history import HistoricalBar, historical_bar, ibkr_bar_size
from algo_trade.ibkr.instruments import Instrument, the_instrument
from algo_trade.ibkr.mailbox import Mailbox
from algo_trade.ibkr.pacer import HistoricalPacer, Lane, Pacer
from algo_trade.ibkr.requests import Requests
from algo_trade.settings.sections import IbkrSettings

Tick = TickBidAsk | Undecodable

_NO_TICK_BY_TICK = frozenset({10189, 10190})  # not permitted; too many at once
_SUBSCRIPTION_OVER = frozenset({101, 102, 200, 321, 322, 354, 420, 10089, 10168, 10186, 10197})
# Seconds of the fastest feed: a consumer this far behind must slow the gateway down rather than lose quotes.
_TICKS_HIGH_WATER = 50_000
_DEADLINE_HISTORY_S = 60.0


class Source(Enum):
    """How quotes of a symbol come."""

    TICK_BY_TICK = "tick_by_tick"  # every change
    TOP_OF_BOOK = "top_of_book"  # sampled a few times a second
    NONE = "none"  # refused, or not made yet


@dataclass(slots=True)
class Subscription:
    """A symbol, how its quotes are wanted, and what became of the wish. `reason` says why there is no source."""

    instrument: Instrument
    wanted: Source = Source.TICK_BY_TICK
    source: Source = Source.NONE
    req_id: int | None = None
    reason: str = "not made yet"
    book: Book = field(init=False)

    def __post_init__(self) -> None:
        self.book = Book(self.instrument)


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
        self._pacer = pacer
        self._requests = requests
        self._registry = ticks
        self._deadline_s = settings.timeout_sec
        self._lines_max = settings.market_data_subscriptions
        self._history_pacer = HistoricalPacer(settings.hist_data_rate_limit)
        self._instruments: dict[str, Instrument] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self._by_req_id: dict[int, Subscription] = {}
        self._mailbox: Mailbox[Tick] = Mailbox(
            _TICKS_HIGH_WATER, connection.pause_reading, connection.resume_reading
        )
        self._to_make: dict[str, Source] = {}  # symbol -> source to try, in order of request
        self._making: asyncio.Task[None] | None = None
        router = connection.router
        router.listen(TickBidAsk, self._mailbox.put)
        router.listen(TopOfBook, self._on_top_of_book)
        router.listen(Undecodable, self._on_undecodable)
        router.listen(GatewayMessage, self._on_message)
        router.listen(LinkChanged, self._on_link)
        router.listen(ConnectivityChanged, self._on_connectivity)

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

    async def subscribe_rt(self, symbol: str, *, source: Source = Source.TICK_BY_TICK) -> Instrument:
        """Want quotes of a symbol from now on, tick by tick where that can be had or from the top of the book.

        Raises InstrumentRefused or NotConnected (from resolving it), Refuse when all lines are taken.
        """
        instrument = await self.resolve(symbol)
        if symbol not in self.subscriptions:
            if len(self.subscriptions) >= self._lines_max:
                raise Refuse(
                    f"{symbol}: all {self._lines_max} lines are taken (IBKR_MARKET_DATA_SUBSCRIPTIONS)"
                )
            self.subscriptions[symbol] = Subscription(instrument, source)
            self.resubscribe(symbol)
        await self._settled()
        return instrument

    async def unsubscribe_rt(self, symbol: str) -> None:
        """Want no more quotes of a symbol; late ones are ignored."""
        subscription = self.subscriptions.pop(symbol, None)
        self._to_make.pop(symbol, None)
        if subscription is not None:
            await self._end(subscription)

    def resubscribe(self, symbol: str) -> None:
        """Make a wanted symbol's subscription again, e.g. because it went silent."""
        subscription = self.subscriptions.get(symbol)
        if subscription is not None:
            self._make(symbol, subscription.wanted)

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
        await self._history_pacer.acquire(key, weight=2 if what == "BID_ASK" else 1)
        contract = stock(symbol, instrument.con_id)
        answer: Answer[BarData] = await self._requests.ask(
            lambda encoder, req_id: encoder.historical_bars(
                req_id, contract, end=end, duration=duration, bar_size=size, what=what, rth=rth
            ),
            messages=frozenset({17}),
            deadline_s=_DEADLINE_HISTORY_S,
            cancel=lambda encoder, req_id: encoder.cancel_historical(req_id),
            subscription=False,
        )
        return Known(tuple(map(historical_bar, answer.rows))) if isinstance(answer, Known) else answer

    async def ticks(self) -> AsyncIterator[list[Tick]]:
        """What arrived since the last wake-up, in order, until `close`. One consumer."""
        while batch := await self._mailbox.take():
            yield batch

    def close(self) -> None:
        """End the stream of ticks, after what it still holds."""
        if self._making is not None:
            self._making.cancel()
        self._mailbox.close()

    # -- making subscriptions, one after another -----------------------------------------------------
    def _make(self, symbol: str, source: Source) -> None:
        self._to_make[symbol] = source
        if self._making is None or self._making.done():
            self._making = asyncio.get_running_loop().create_task(self._make_all())
            self._making.add_done_callback(self._made)

    def _made(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._connection.report_bug(error)

    async def _settled(self) -> None:
        """Wait until nothing is left to make; a failure shows in `subscriptions`."""
        if self._making is not None:
            await asyncio.wait([self._making])

    async def _make_all(self) -> None:
        while self._to_make:
            symbol = next(iter(self._to_make))
            source = self._to_make.pop(symbol)
            subscription = self.subscriptions.get(symbol)
            if subscription is not None:
                with suppress(NotConnected):  # LinkChanged asks for it again
                    await self._end(subscription)
                    await self._begin(subscription, source)

    async def _begin(self, subscription: Subscription, source: Source) -> None:
        await self._pacer.acquire(Lane.QUERY)
        instrument, encoder = subscription.instrument, self._connection.encoder
        req_id = self._requests.new_id()
        encode = encoder.bid_ask if source is Source.TICK_BY_TICK else encoder.top_of_book
        self._registry.add(req_id, instrument.con_id, instrument.symbol)
        self._by_req_id[req_id] = subscription
        subscription.req_id, subscription.source, subscription.reason = req_id, source, ""
        subscription.book = Book(instrument)
        try:
            self._connection.send(encode(req_id, stock(instrument.symbol, instrument.con_id)))
        except NotConnected:
            self._forget(subscription, "no connection")
            raise

    async def _end(self, subscription: Subscription) -> None:
        req_id, source = subscription.req_id, subscription.source
        if req_id is None:
            return
        self._forget(subscription, "ended")
        await self._pacer.acquire(Lane.QUERY)
        encoder = self._connection.encoder
        encode = encoder.cancel_bid_ask if source is Source.TICK_BY_TICK else encoder.cancel_top_of_book
        if self._connection.connected:
            self._connection.send(encode(req_id))

    def _forget(self, subscription: Subscription, reason: str) -> None:
        if subscription.req_id is not None:
            self._registry.end(subscription.req_id)
            self._by_req_id.pop(subscription.req_id, None)
        subscription.req_id, subscription.source, subscription.reason = None, Source.NONE, reason

    # -- what arrives -------------------------------------------------------------------------------
    def _on_top_of_book(self, event: TopOfBook) -> None:
        subscription = self._by_req_id.get(event.req_id)
        tick = subscription.book.fold(event) if subscription is not None else None
        if tick is not None:
            self._mailbox.put(tick)

    def _on_undecodable(self, event: Undecodable) -> None:
        if event.plane is not Plane.ORDERS:
            self._mailbox.put(event)

    def _on_message(self, event: GatewayMessage) -> None:
        subscription = self._by_req_id.get(event.req_id)
        if subscription is None:
            return
        if event.code in _NO_TICK_BY_TICK and subscription.source is Source.TICK_BY_TICK:
            self._forget(subscription, f"{event.code} {event.text}")
            self._make(subscription.instrument.symbol, Source.TOP_OF_BOOK)
        elif event.code in _NO_TICK_BY_TICK or event.code in _SUBSCRIPTION_OVER:
            self._forget(subscription, f"{event.code} {event.text}")

    def _on_link(self, event: LinkChanged) -> None:
        if not self._connection.connected:
            self._instruments.clear()  # trading hours may have moved on by the time it is back
            for subscription in self.subscriptions.values():
                self._forget(subscription, f"the connection is {event.state}")
        else:
            self._make_again()

    def _on_connectivity(self, event: ConnectivityChanged) -> None:
        if event.resubscribe:
            self._make_again()

    def _make_again(self) -> None:
        for symbol in self.subscriptions:
            self.resubscribe(symbol)
