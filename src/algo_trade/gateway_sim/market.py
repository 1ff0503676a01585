"""The market of one symbol while the simulator runs: it plays a source of quotes against the clock.

A market starts when somebody first needs it. A seeded one then stands where it would stand had it run since the
simulator first started, so starting late, or again after a crash, changes nothing; a recorded one starts at its
first row with its first subscription.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from algo_trade.clock import Clock
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.quotes import Quote, QuoteSource

# After a stall so many quotes at most are played in one turn, so that requests are heard in between.
_CATCH_UP_QUOTES = 1_000

QuoteListener = Callable[[Quote], None]
HaltListener = Callable[[bool], None]


class SymbolMarket:
    """`origin_ns` is when the source's time zero was, None as long as it has not begun."""

    def __init__(
        self,
        instrument: Instrument,
        source: QuoteSource,
        *,
        clock: Clock,
        speed: float,
        origin_ns: int | None,
    ) -> None:
        self.instrument = instrument
        self.origin_ns = origin_ns
        self.quote: Quote | None = None
        self.finished = False
        self.previous_close_e4 = source.previous_close_e4
        self.waits_for_subscriber = source.waits_for_subscriber
        self.has_trades = source.has_trades
        self.halted = False
        self._listeners: list[QuoteListener] = []
        self._halt_listeners: list[HaltListener] = []
        self._quotes = source.quotes()
        self._clock = clock
        self._speed = speed
        self._running = False
        self._next: Quote | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._loop_origin_s = 0.0

    @property
    def mark_e4_twice(self) -> int:
        """Bid plus ask: twice the mid, kept whole. Yesterday's close while there is no two-sided quote."""
        quote = self.quote
        if quote is None or quote.bid_e4 <= 0 or quote.ask_e4 <= 0 or not (quote.bid_size and quote.ask_size):
            return 2 * self.previous_close_e4
        return quote.bid_e4 + quote.ask_e4

    def listen(self, listener: QuoteListener) -> None:
        """Call `listener` with every quote from the next one on."""
        self._listeners.append(listener)

    def listen_halt(self, listener: HaltListener) -> None:
        """Call `listener` with True when trading is halted, with False when it goes on."""
        self._halt_listeners.append(listener)

    def _halt(self, halted: bool) -> None:
        self.halted = halted
        for listener in self._halt_listeners:
            listener(halted)

    def start(self) -> None:
        """Begin, or go on where the clock says: quotes already due are passed over but for the last."""
        if self._running:
            return
        self._running = True
        now_ns = self._clock.now_ns()
        if self.origin_ns is None:
            self.origin_ns = now_ns
        self._loop_origin_s = self._loop.time() - (now_ns - self.origin_ns) / 1e9
        due_ns = int((now_ns - self.origin_ns) * self._speed)
        last = None
        for quote in self._quotes:
            if quote.offset_ns > due_ns:
                self._next = quote
                break
            last = quote
        if last is not None:
            self._show(last)
        self._set_timer()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _show(self, quote: Quote) -> None:
        self.quote = quote
        for listener in self._listeners:
            listener(quote)

    def _due_s(self, quote: Quote) -> float:
        return self._loop_origin_s + quote.offset_ns / 1e9 / self._speed

    def _set_timer(self) -> None:
        if self._next is None:
            self.finished = True
            self._timer = None
        else:
            self._timer = self._loop.call_at(self._due_s(self._next), self._play)

    def _play(self) -> None:
        """The timer rang: the next quote is due, and after a stall perhaps more."""
        now_s = self._loop.time()
        for _ in range(_CATCH_UP_QUOTES):
            quote = self._next
            assert quote is not None
            self._next = next(self._quotes, None)
            self._show(quote)
            if self._next is None or self._due_s(self._next) > now_s:
                break
        self._set_timer()
