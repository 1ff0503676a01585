"""Market data lines: what is wanted, and the subscriptions that were made for it.

What is once wanted stays wanted: after a reconnect, after 1101 ("data lost") and after a broken data farm is back, its
subscription is made again, since the gateway forgets them without a word. Where the gateway refuses tick by tick
(few are allowed at once), quotes and trades fall back to the top of the book, which is sampled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from ib_async import Contract

from algo_trade.ibkr.connection import Connection
from algo_trade.ibkr.encoder import Encoder, stock
from algo_trade.ibkr.errors import NotConnected, Refuse
from algo_trade.ibkr.events import ConnectivityChanged, GatewayMessage, LinkChanged
from algo_trade.ibkr.instruments import Instrument
from algo_trade.ibkr.market_messages import TickRegistry
from algo_trade.ibkr.pacer import Lane, Pacer
from algo_trade.ibkr.requests import Requests

_NO_TICK_BY_TICK = frozenset({10189, 10190})  # not permitted; too many at once
_OVER = frozenset({101, 102, 200, 321, 322, 354, 420, 10089, 10168, 10186, 10197})
_BUST = 10225  # real-time bars ended because of a bust: "please resubscribe immediately"


class Feed(Enum):
    """What of a symbol is wanted."""

    QUOTES = "quotes"
    TRADES = "trades"
    BARS = "bars"  # five seconds each


class Source(Enum):
    """How it comes."""

    TICK_BY_TICK = "tick_by_tick"  # every change
    TOP_OF_BOOK = "top_of_book"  # sampled a few times a second
    REAL_TIME_BARS = "real_time_bars"
    NONE = "none"  # refused, or not made yet


@dataclass(slots=True)
class Subscription:
    """What is wanted of a symbol, and what became of the wish. `reason` says why there is no source."""

    instrument: Instrument
    feed: Feed
    wanted: Source
    source: Source = Source.NONE
    req_id: int | None = None
    reason: str = "not made yet"


_Encode = Callable[[Encoder, int, Contract], bytes]
_Cancel = Callable[[Encoder, int], bytes]
_REQUESTS: dict[tuple[Feed, Source], tuple[_Encode, _Cancel]] = {
    (Feed.QUOTES, Source.TICK_BY_TICK): (Encoder.bid_ask, Encoder.cancel_tick_by_tick),
    (Feed.QUOTES, Source.TOP_OF_BOOK): (Encoder.top_of_book, Encoder.cancel_top_of_book),
    (Feed.TRADES, Source.TICK_BY_TICK): (Encoder.last_trades, Encoder.cancel_tick_by_tick),
    (Feed.TRADES, Source.TOP_OF_BOOK): (Encoder.top_of_book, Encoder.cancel_top_of_book),
    (Feed.BARS, Source.REAL_TIME_BARS): (Encoder.realtime_bars, Encoder.cancel_realtime_bars),
}


class MarketLines:
    """The subscriptions of one connection, made one after another. `on_made` hears of each before its first message."""

    def __init__(
        self,
        connection: Connection,
        pacer: Pacer,
        requests: Requests,
        registry: TickRegistry,
        lines_max: int,
        on_made: Callable[[Subscription], None],
    ) -> None:
        self._connection = connection
        self._pacer = pacer
        self._requests = requests
        self._registry = registry
        self._lines_max = lines_max
        self._on_made = on_made
        self.wanted: dict[Feed, dict[str, Subscription]] = {feed: {} for feed in Feed}
        self._by_req_id: dict[int, Subscription] = {}
        self._to_make: dict[tuple[Feed, str], Source] = {}  # the source to try, in order of request
        self._making: asyncio.Task[None] | None = None
        router = connection.router
        router.listen(GatewayMessage, self._on_message)
        router.listen(LinkChanged, self._on_link)
        router.listen(ConnectivityChanged, self._on_connectivity)

    async def want(self, instrument: Instrument, feed: Feed, source: Source) -> None:
        """From now on; returns when what could be asked for was. Raises Refuse when all lines are taken."""
        symbol, wanted = instrument.symbol, self.wanted[feed]
        known = wanted.get(symbol)
        if known is None:
            if sum(map(len, self.wanted.values())) >= self._lines_max:
                raise Refuse(
                    f"{symbol}: all {self._lines_max} lines are taken (IBKR_MARKET_DATA_SUBSCRIPTIONS)"
                )
            wanted[symbol] = Subscription(instrument, feed, source)
            self.make_again(symbol, feed)
        elif known.wanted is not source:
            known.wanted = source
            self.make_again(symbol, feed)
        await self._settled()

    async def forget(self, symbol: str, feed: Feed) -> None:
        """Wanted no more; late messages are ignored."""
        subscription = self.wanted[feed].pop(symbol, None)
        self._to_make.pop((feed, symbol), None)
        if subscription is not None:
            await self._end(subscription)

    def make_again(self, symbol: str, feed: Feed) -> None:
        """Make a wanted subscription anew, e.g. because it went silent."""
        subscription = self.wanted[feed].get(symbol)
        if subscription is not None:
            self._make(subscription, subscription.wanted)

    def of_request(self, req_id: int) -> Subscription | None:
        """The subscription behind a request id, while it lives."""
        return self._by_req_id.get(req_id)

    def close(self) -> None:
        if self._making is not None:
            self._making.cancel()

    # -- making them, one after another --------------------------------------------------------------
    def _make(self, subscription: Subscription, source: Source) -> None:
        self._to_make[subscription.feed, subscription.instrument.symbol] = source
        if self._making is None or self._making.done():
            self._making = asyncio.get_running_loop().create_task(self._make_all())
            self._making.add_done_callback(self._made)

    def _made(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._connection.report_bug(error)

    async def _settled(self) -> None:
        """Wait until nothing is left to make; a failure shows in the subscription."""
        if self._making is not None:
            await asyncio.wait([self._making])

    async def _make_all(self) -> None:
        while self._to_make:
            feed, symbol = next(iter(self._to_make))
            source = self._to_make.pop((feed, symbol))
            subscription = self.wanted[feed].get(symbol)
            if subscription is not None:
                with suppress(NotConnected):  # LinkChanged asks for it again
                    await self._end(subscription)
                    await self._begin(subscription, source)

    async def _begin(self, subscription: Subscription, source: Source) -> None:
        await self._pacer.acquire(Lane.QUERY)
        instrument, encoder = subscription.instrument, self._connection.encoder
        req_id = self._requests.new_id()
        encode, _ = _REQUESTS[subscription.feed, source]
        self._registry.add(req_id, instrument.con_id, instrument.symbol)
        self._by_req_id[req_id] = subscription
        subscription.req_id, subscription.source, subscription.reason = req_id, source, ""
        self._on_made(subscription)
        try:
            self._connection.send(encode(encoder, req_id, stock(instrument.symbol, instrument.con_id)))
        except NotConnected:
            self._drop(subscription, "no connection")
            raise

    async def _end(self, subscription: Subscription) -> None:
        req_id, source = subscription.req_id, subscription.source
        if req_id is None:
            return
        _, cancel = _REQUESTS[subscription.feed, source]
        self._drop(subscription, "ended")
        await self._pacer.acquire(Lane.QUERY)
        if self._connection.connected:
            self._connection.send(cancel(self._connection.encoder, req_id))

    def _drop(self, subscription: Subscription, reason: str) -> None:
        if subscription.req_id is not None:
            self._registry.end(subscription.req_id)
            self._by_req_id.pop(subscription.req_id, None)
        subscription.req_id, subscription.source, subscription.reason = None, Source.NONE, reason

    # -- what arrives --------------------------------------------------------------------------------
    def _on_message(self, event: GatewayMessage) -> None:
        subscription = self._by_req_id.get(event.req_id)
        if subscription is None:
            return
        refused = event.code in _NO_TICK_BY_TICK
        if refused and subscription.source is Source.TICK_BY_TICK:
            self._drop(subscription, f"{event.code} {event.text}")
            self._make(subscription, Source.TOP_OF_BOOK)
        elif event.code == _BUST:
            self._drop(subscription, f"{event.code} {event.text}")
            self._make(subscription, subscription.wanted)
        elif refused or event.code in _OVER:
            self._drop(subscription, f"{event.code} {event.text}")

    def _on_link(self, event: LinkChanged) -> None:
        if self._connection.connected:
            self._make_all_again()
            return
        for subscription in self._all():
            self._drop(subscription, f"the connection is {event.state}")

    def _on_connectivity(self, event: ConnectivityChanged) -> None:
        if event.resubscribe:
            self._make_all_again()

    def _make_all_again(self) -> None:
        for subscription in self._all():
            self._make(subscription, subscription.wanted)

    def _all(self) -> list[Subscription]:
        return [subscription for wanted in self.wanted.values() for subscription in wanted.values()]
