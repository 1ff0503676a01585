"""The market of one symbol while the simulator runs: it plays what happens there against the clock.

A market starts when somebody first needs it. A seeded one then stands where it would stand had it run since the
simulator first started, so starting late, or again after a crash, changes nothing; a recorded one starts at its
first row with its first subscription. What was due before the start is passed over: `listen` does not hear of it,
`listen_all` does.

While the symbol is halted there is no quote; it keeps its mark. After the close the last quote stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from algo_trade.clock import Clock
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.depth import Ladder
from algo_trade.gateway_sim.quotes import Quote, QuoteSource
from algo_trade.gateway_sim.tape import Halting, Happening, Opening

# After a stall so many quotes at most are played in one turn, so that requests are heard in between.
_CATCH_UP_QUOTES = 1_000

QuoteListener = Callable[[Quote], None]
HaltListener = Callable[[bool], None]
BurstListener = Callable[[bool], None]


class SymbolMarket:
    """`origin_ns` is when the source's time zero was, None as long as it has not begun.

    `happenings` is the source's tape, `levels` reads the book behind the happening it gave last. A quote's time on the
    clock is `origin_ns + quote.offset_ns / speed`.
    """

    def __init__(
        self,
        instrument: Instrument,
        source: QuoteSource,
        happenings: Iterator[Happening],
        *,
        clock: Clock,
        speed: float,
        origin_ns: int | None,
        levels: Callable[[], Ladder] = Ladder,
    ) -> None:
        self.instrument = instrument
        self.levels = Ladder()
        self._read_levels = levels
        self._levels_watched = False
        self.origin_ns = origin_ns
        self.speed = speed
        self.quote: Quote | None = None
        self.halted = False
        self.finished = False
        self.has_trades = source.has_trades
        self.previous_close_e4 = source.previous_close_e4
        self.waits_for_subscriber = source.waits_for_subscriber
        self._marked: Quote | None = None
        self._listeners: list[QuoteListener] = []
        self._listeners_to_all: list[QuoteListener] = []
        self._halt_listeners: list[HaltListener] = []
        self._burst_listeners: list[BurstListener] = []
        self._happenings = happenings
        self._clock = clock
        self._running = False
        self._next: Happening | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._loop_origin_s = 0.0

    @property
    def mark_e4_twice(self) -> int:
        """Bid plus ask: twice the mid, kept whole. Yesterday's close while there is no two-sided quote."""
        quote = self._marked
        if quote is None or quote.bid_e4 <= 0 or quote.ask_e4 <= 0 or not (quote.bid_size and quote.ask_size):
            return 2 * self.previous_close_e4
        return quote.bid_e4 + quote.ask_e4

    def listen(self, listener: QuoteListener) -> None:
        """Call `listener` with every quote that is shown from now on."""
        self._listeners.append(listener)

    def listen_all(self, listener: QuoteListener) -> None:
        """Call `listener` with every quote from now on, those passed over included, in their order."""
        self._listeners_to_all.append(listener)

    def listen_halt(self, listener: HaltListener) -> None:
        """Call `listener` with True when the symbol is halted, with False when it trades again."""
        self._halt_listeners.append(listener)

    def listen_burst(self, listener: BurstListener) -> None:
        """Call `listener` with True when quotes follow in the same turn of the loop, with False after them."""
        self._burst_listeners.append(listener)

    def watch_levels(self, watched: bool) -> None:
        """Keep `levels`, the book behind the quote that stands, while somebody watches it.

        At first it is the book as the next quote will find it: between two quotes the levels behind hardly move.
        """
        if watched and not self._levels_watched:
            self.levels = self._read_levels()
        self._levels_watched = watched

    def start(self) -> None:
        """Begin, or go on where the clock says: what is already due is passed over but for the last quote."""
        if self._running:
            return
        self._running = True
        now_ns = self._clock.now_ns()
        if self.origin_ns is None:
            self.origin_ns = now_ns
        self._loop_origin_s = self._loop.time() - (now_ns - self.origin_ns) / 1e9
        self._pass_over(int((now_ns - self.origin_ns) * self.speed))
        self._set_timer()

    def _pass_over(self, due_ns: int) -> None:
        """Everything up to now: the last quote and the state it leaves are shown, the rest goes to `listen_all`."""
        last: Quote | None = None
        halted = False
        for happening in self._happenings:
            if happening.offset_ns > due_ns:
                self._next = happening
                break
            if isinstance(happening, Quote):
                if last is not None:
                    self._tell_all(last)
                last = happening
            elif isinstance(happening, Halting):
                halted = happening.halted
            else:
                self.previous_close_e4 = happening.previous_close_e4
        if last is not None:
            self._marked = last
            if halted:
                self._tell_all(last)
            else:
                self._show(last)
        if halted:
            self._halt(True)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _show(self, quote: Quote) -> None:
        self.quote = self._marked = quote
        self._tell_all(quote)
        for listener in self._listeners:
            listener(quote)

    def _tell_all(self, quote: Quote) -> None:
        for listener in self._listeners_to_all:
            listener(quote)

    def _halt(self, halted: bool) -> None:
        self.halted = halted
        if halted:
            self.quote = None
        for listener in self._halt_listeners:
            listener(halted)

    def _due_s(self, happening: Happening) -> float:
        return self._loop_origin_s + happening.offset_ns / 1e9 / self.speed

    def _set_timer(self) -> None:
        if self._next is None:
            self.finished = True
            self._timer = None
        else:
            self._timer = self._loop.call_at(self._due_s(self._next), self._play)

    def _play(self) -> None:
        """The timer rang: the next happening is due, and after a stall perhaps more."""
        now_s = self._loop.time()
        self._play_next()
        if self._is_due(now_s):
            self._tell_burst(True)
            try:
                self._catch_up(now_s)
            finally:
                self._tell_burst(False)
        self._set_timer()

    def _catch_up(self, now_s: float) -> None:
        for _ in range(_CATCH_UP_QUOTES):
            self._play_next()
            if not self._is_due(now_s):
                return

    def _play_next(self) -> None:
        happening = self._next
        assert happening is not None
        if self._levels_watched:  # before the book moves on to the next one
            self.levels = self._read_levels()
        self._next = next(self._happenings, None)
        if isinstance(happening, Quote):
            self._show(happening)
        elif isinstance(happening, Opening):
            self.previous_close_e4 = happening.previous_close_e4
        else:
            self._halt(happening.halted)

    def _is_due(self, now_s: float) -> bool:
        return self._next is not None and self._due_s(self._next) <= now_s

    def _tell_burst(self, begins: bool) -> None:
        for listener in self._burst_listeners:
            listener(begins)
