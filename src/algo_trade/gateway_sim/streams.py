"""Market data subscriptions of one symbol: who hears of its quotes, trades and levels."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from algo_trade.clock import Clock
from algo_trade.gateway_sim.bars.recorder import BarRecorder
from algo_trade.gateway_sim.depth import DepthStream, ladder
from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.gateway_sim.top_of_book import TopOfBook
from algo_trade.gateway_sim.wire.values import money_text, price_text

BID_ASK, MID_POINT = "BidAsk", "MidPoint"
LAST_KINDS = {"Last": 1, "AllLast": 2}
_NS = 1_000_000_000
_MICROS_PER_HALF_E4 = 50

Send = Callable[[bytes], None]
_price = lru_cache(maxsize=8192)(price_text)


class TickStream:
    """One tick-by-tick subscription to quotes: every one is one message 99, none merged, none left out."""

    def __init__(self, request_id: int, send: Send) -> None:
        self._send = send
        self._prefix = f"99\x00{request_id}\x003\x00"

    def show(self, time_s: int, quote: Quote, bid_ask: str) -> None:
        """Send one quote; `bid_ask` is its text, made once for all subscribers."""
        del quote
        payload = f"{self._prefix}{time_s}\x00{bid_ask}".encode()
        self._send(len(payload).to_bytes(4, "big") + payload)


class PriceStream(TickStream):
    """The same without quotes in which only a size changed."""

    def __init__(self, request_id: int, send: Send) -> None:
        super().__init__(request_id, send)
        self._shown: tuple[int, ...] = ()

    def show(self, time_s: int, quote: Quote, bid_ask: str) -> None:
        prices = (quote.bid_e4, quote.ask_e4)
        if prices != self._shown:
            self._shown = prices
            super().show(time_s, quote, bid_ask)


class MiddleStream(TickStream):
    """The mid-point, each time it moves."""

    def __init__(self, request_id: int, send: Send) -> None:
        super().__init__(request_id, send)
        self._prefix = f"99\x00{request_id}\x004\x00"
        self._shown_e4 = 0

    def show(self, time_s: int, quote: Quote, bid_ask: str) -> None:
        del bid_ask
        twice_e4 = quote.bid_e4 + quote.ask_e4
        if twice_e4 != self._shown_e4:
            self._shown_e4 = twice_e4
            payload = f"{self._prefix}{time_s}\x00{money_text(twice_e4 * _MICROS_PER_HALF_E4)}\x00".encode()
            self._send(len(payload).to_bytes(4, "big") + payload)


def bid_ask_text(quote: Quote) -> str:
    """The part of a tick-by-tick message that is the same for everybody."""
    return (
        f"{_price(quote.bid_e4)}\x00{_price(quote.ask_e4)}\x00{quote.bid_size}\x00{quote.ask_size}\x000\x00"
    )


class LastStream:
    """One tick-by-tick subscription to trades: every one is a message 99. All of them are reported ones."""

    def __init__(self, request_id: int, kind: str, venue: str, send: Send) -> None:
        self._send = send
        self._prefix = f"99\x00{request_id}\x00{LAST_KINDS[kind]}\x00"
        self._suffix = f"0\x00{venue}\x00\x00"

    def show(self, time_s: int, quote: Quote) -> None:
        """Send the trade a quote came with."""
        trade = f"{_price(quote.trade_e4)}\x00{quote.trade_size}\x00"
        payload = f"{self._prefix}{time_s}\x00{trade}{self._suffix}".encode()
        self._send(len(payload).to_bytes(4, "big") + payload)


Stream = TickStream | LastStream | TopOfBook | DepthStream


class Broadcast:
    """All subscriptions of one symbol; the only listener on its quotes that clients cost anything."""

    def __init__(self, market: SymbolMarket, recorder: BarRecorder, clock: Clock) -> None:
        self.market = market
        self.recorder = recorder
        self._now_ns = clock.now_ns
        self._ticks: list[TickStream] = []
        self._lasts: list[LastStream] = []
        self._tops: list[TopOfBook] = []
        self._depths: list[DepthStream] = []
        market.listen(self._on_quote)
        market.listen_halt(self._on_halt)

    def _on_quote(self, quote: Quote) -> None:
        if self._lasts and quote.trade_size:  # before the quote it led to
            time_s = self._now_ns() // _NS
            for last in self._lasts:
                last.show(time_s, quote)
        if self._ticks:
            text = bid_ask_text(quote)
            time_s = self._now_ns() // _NS
            for stream in self._ticks:
                stream.show(time_s, quote, text)
        for top in self._tops:
            top.quoted()
        if self._depths:
            self._show_depth(self._depths)

    def _on_halt(self, halted: bool) -> None:
        for top in self._tops:
            top.show_halt(halted)
        if halted:
            self._show_depth(self._depths)

    def _show_depth(self, streams: list[DepthStream]) -> None:
        now = ladder(self.market.quote, self.market.levels)
        for stream in streams:
            stream.show(now)

    def show_anew(self, stream: DepthStream) -> None:
        """The whole book, to a client that has emptied its own."""
        stream.forget()
        self._show_depth([stream])

    def add(self, stream: Stream) -> None:
        """Show what stands now, then everything that follows; of trades only those that follow."""
        if isinstance(stream, LastStream):
            self._lasts.append(stream)
        elif isinstance(stream, TopOfBook):
            stream.show_all()
            self._tops.append(stream)
        elif isinstance(stream, DepthStream):
            self._depths.append(stream)
            self.market.watch_levels(True)
            self._show_depth([stream])
        else:
            quote = self.market.quote
            if quote is not None:
                stream.show(self._now_ns() // _NS, quote, bid_ask_text(quote))
            self._ticks.append(stream)

    def remove(self, stream: Stream) -> None:
        self._ticks = [other for other in self._ticks if other is not stream]
        self._lasts = [other for other in self._lasts if other is not stream]
        self._tops = [other for other in self._tops if other is not stream]
        self._depths = [other for other in self._depths if other is not stream]
        if isinstance(stream, TopOfBook):
            stream.stop()
        self.market.watch_levels(bool(self._depths))
