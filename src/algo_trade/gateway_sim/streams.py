"""Market data subscriptions: tick by tick, and top of book four times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache

from algo_trade.clock import Clock
from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.framing import message
from algo_trade.gateway_sim.wire.values import money_text, price_text

BID_ASK, MID_POINT = "BidAsk", "MidPoint"
_TOP_OF_BOOK_S = 0.25
_NS = 1_000_000_000
_MICROS_PER_HALF_E4 = 50

Send = Callable[[bytes], None]
_price = lru_cache(maxsize=8192)(price_text)


class TickStream:
    """One tick-by-tick subscription: every quote is one message 99, none merged, none left out."""

    def __init__(self, request_id: int, kind: str, send: Send) -> None:
        self.send = send
        self._is_bid_ask = kind == BID_ASK
        self._prefix = f"99\x00{request_id}\x00{3 if self._is_bid_ask else 4}\x00"

    def show(self, time_s: int, quote: Quote, bid_ask: str) -> None:
        """Send one quote; `bid_ask` is its text, made once for all subscribers."""
        if self._is_bid_ask:
            payload = f"{self._prefix}{time_s}\x00{bid_ask}".encode()
        else:
            middle = money_text((quote.bid_e4 + quote.ask_e4) * _MICROS_PER_HALF_E4)
            payload = f"{self._prefix}{time_s}\x00{middle}\x00".encode()
        self.send(len(payload).to_bytes(4, "big") + payload)


def bid_ask_text(quote: Quote) -> str:
    """The part of a tick-by-tick message that is the same for everybody."""
    return (
        f"{_price(quote.bid_e4)}\x00{_price(quote.ask_e4)}\x00{quote.bid_size}\x00{quote.ask_size}\x000\x00"
    )


class TopOfBook:
    """One reqMktData subscription: what changed, at most every 250 ms, starting with everything."""

    def __init__(self, request_id: int, version: int, market: SymbolMarket, send: Send) -> None:
        self._request_id = request_id
        self._version = version
        self._market = market
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._shown: Quote | None = None
        self._next_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def show_all(self) -> None:
        """The first ticks, those that do not move included."""
        self._tick_price(9, self._market.previous_close_e4, 0)
        self.refresh()

    def quoted(self) -> None:
        """There is a new quote: show it now, or when the last one is old enough."""
        if self._timer is None:
            wait_s = self._next_s - self._loop.time()
            if wait_s <= 0:
                self.refresh()
            else:
                self._timer = self._loop.call_later(wait_s, self.refresh)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def refresh(self) -> None:
        """Send what differs from what was sent last: the ask first when prices rise, so they never look crossed."""
        self.stop()
        quote, shown = self._market.quote, self._shown
        if quote is None or quote == shown:
            return
        self._next_s = self._loop.time() + _TOP_OF_BOOK_S
        self._shown = quote
        bid = (1, 0, quote.bid_e4, quote.bid_size)
        ask = (2, 3, quote.ask_e4, quote.ask_size)
        rising = shown is not None and quote.ask_e4 > shown.ask_e4
        for price_tick, size_tick, price_e4, size in (ask, bid) if rising else (bid, ask):
            was = (0, -1)
            if shown is not None:
                was = (shown.bid_e4, shown.bid_size) if price_tick == 1 else (shown.ask_e4, shown.ask_size)
            if was[0] != price_e4 or shown is None:
                self._tick_price(price_tick, price_e4, size)
            elif was[1] != size:
                self._send(replies.TICK_SIZE.encode(
                    self._version, {"reqId": self._request_id, "tickType": size_tick, "size": size}
                ))  # fmt: skip
        if shown is None or quote.bid_e4 != shown.bid_e4:
            # No trades of others are simulated: the last price follows the bid.
            self._tick_price(4, quote.bid_e4, quote.bid_size)

    def _tick_price(self, tick_type: int, price_e4: int, size: int) -> None:
        self._send(message(1, 6, self._request_id, tick_type, price_text(price_e4), size, 0))


class Broadcast:
    """All subscriptions of one symbol; the only listener on its quotes that clients cost anything."""

    def __init__(self, market: SymbolMarket, clock: Clock) -> None:
        self.market = market
        self._now_ns = clock.now_ns
        self._ticks: list[TickStream] = []
        self._tops: list[TopOfBook] = []
        market.listen(self._on_quote)

    def _on_quote(self, quote: Quote) -> None:
        if self._ticks:
            text = bid_ask_text(quote)
            time_s = self._now_ns() // _NS
            for stream in self._ticks:
                stream.show(time_s, quote, text)
        for top in self._tops:
            top.quoted()

    def add_ticks(self, stream: TickStream) -> None:
        """Show the quote that stands now, then every one that follows."""
        quote = self.market.quote
        if quote is not None:
            stream.show(self._now_ns() // _NS, quote, bid_ask_text(quote))
        self._ticks.append(stream)

    def add_top(self, top: TopOfBook) -> None:
        top.show_all()
        self._tops.append(top)

    def remove(self, stream: TickStream | TopOfBook) -> None:
        self._ticks = [other for other in self._ticks if other is not stream]
        self._tops = [other for other in self._tops if other is not stream]
        if isinstance(stream, TopOfBook):
            stream.stop()
