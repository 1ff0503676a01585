"""Who may write to the socket next.

The gateway allows 50 messages a second of all kinds and ends the connection of a client that keeps exceeding
that. So there is one bucket with that many tokens for everything we send. A spent token comes back one window
after it was spent, which bounds every one-second window, not only the average (a bucket that refills steadily
would let a burst and a second's refill through together).

Lanes. The last tokens belong to cancels: however busy the connection, a cancel finds one unless cancels
themselves used them up. Above these some belong to orders, so that a burst of queries (a reconnect asks for
everything at once) never holds up an order. Within a lane it is first come, first served. Who has several messages
that belong together takes their tokens together, or none.

Nothing is queued here but callers: whoever waits holds its own message, and can think again before writing it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from enum import IntEnum

from algo_trade.ibkr.errors import Refuse

# The gateway counts arrivals, we count departures: a little more than a second absorbs what the way adds.
_WINDOW_S = 1.05
# A timer may fire a hair before its time; without this the token would miss its own return.
_TIMER_SLACK_S = 1e-6
_KEPT_FOR_CANCELS = 5
_KEPT_FOR_ORDERS_FRACTION = 0.2

_HIST_WINDOW_S = 600.0
_HIST_IDENTICAL_S = 15.0
_HIST_BURST_S = 2.0
_HIST_BURST = 5  # the sixth is one too many


class Lane(IntEnum):
    """Lower is more urgent."""

    CANCEL = 0
    ORDER = 1
    QUERY = 2


class Pacer:
    """The bucket of one connection. Times are `loop.time()` seconds."""

    def __init__(self, messages_per_s: int) -> None:
        if messages_per_s <= _KEPT_FOR_CANCELS:
            raise Refuse(f"{messages_per_s} messages/s leave nothing beside {_KEPT_FOR_CANCELS} for cancels")
        for_orders = messages_per_s - _KEPT_FOR_CANCELS
        for_queries = max(1, int(for_orders - messages_per_s * _KEPT_FOR_ORDERS_FRACTION))
        self._ceilings = {Lane.CANCEL: messages_per_s, Lane.ORDER: for_orders, Lane.QUERY: for_queries}
        self._spent: deque[float] = deque()
        self._waiting: dict[Lane, deque[tuple[asyncio.Future[None], int]]] = {lane: deque() for lane in Lane}
        self._timer: asyncio.TimerHandle | None = None
        self._held_until = 0.0

    def hold(self, seconds: float) -> None:
        """Let nothing but cancels through for a while: the gateway complained."""
        self._held_until = asyncio.get_running_loop().time() + seconds

    def try_acquire(self, lane: Lane, tokens: int = 1) -> bool:
        """Take tokens now, if there are as many for this lane and nobody as urgent waits for one."""
        if any(self._waiting[other] for other in Lane if other <= lane):
            return False
        return self._take(lane, tokens, asyncio.get_running_loop().time())

    async def acquire(self, lane: Lane, tokens: int = 1) -> None:
        """Take tokens, waiting behind callers of the same and of more urgent lanes.

        Raises Refuse for more than the lane ever has.
        """
        if tokens > self._ceilings[lane]:
            raise Refuse(
                f"{tokens} messages that belong together, of {self._ceilings[lane]} a second there may be"
            )
        if self.try_acquire(lane, tokens):
            return
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting[lane].append((turn, tokens))
        self._set_timer(loop)
        try:
            await turn
        except asyncio.CancelledError:
            if (turn, tokens) in self._waiting[lane]:
                self._waiting[lane].remove((turn, tokens))
            raise

    def free(self, lane: Lane) -> int:
        """Tokens this lane could take now."""
        self._expire(asyncio.get_running_loop().time())
        return max(0, self._ceilings[lane] - len(self._spent))

    def _take(self, lane: Lane, tokens: int, now: float) -> bool:
        self._expire(now)
        held = now < self._held_until - _TIMER_SLACK_S and lane is not Lane.CANCEL
        if held or len(self._spent) + tokens > self._ceilings[lane]:
            return False
        self._spent.extend([now] * tokens)
        return True

    def _expire(self, now: float) -> None:
        spent = self._spent
        while spent and now - spent[0] >= _WINDOW_S - _TIMER_SLACK_S:
            spent.popleft()

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake when the next token comes back, or when the hold ends: one of them is why anybody waits."""
        if self._timer is None:
            returns = self._spent[0] + _WINDOW_S if self._spent else self._held_until
            self._timer = loop.call_at(returns, self._serve, loop)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Lane by lane: ceilings fall with urgency, so nobody overtakes a lane that has to wait on."""
        self._timer = None
        now = loop.time()
        for lane in Lane:
            queue = self._waiting[lane]
            while queue and (queue[0][0].done() or self._take(lane, queue[0][1], now)):
                turn, _ = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
        if any(self._waiting.values()):
            self._set_timer(loop)


class HistoricalPacer:
    """60 historical requests in ten minutes, five of one contract and kind in two seconds, never the same in 15.

    Bid-ask bars count twice. A violation is answered with refusals for about ten minutes, so waiting here is
    cheaper than finding out.
    """

    def __init__(self, requests_per_10_min: int) -> None:
        self._limit = requests_per_10_min
        self._spent: deque[float] = deque()
        self._last: dict[Hashable, float] = {}
        self._bursts: dict[Hashable, deque[float]] = {}
        self._turn = asyncio.Lock()

    async def acquire(self, key: Hashable, kind: Hashable, *, weight: int = 1) -> None:
        """Wait until a request described by `key` may be sent; `kind` is its contract and what it is of.

        Raises Refuse if its weight never fits.
        """
        if weight > self._limit:
            raise Refuse(f"a request of weight {weight} exceeds {self._limit} in ten minutes")
        loop = asyncio.get_running_loop()
        while True:
            # Whoever waits for its own twin holds up nobody else.
            while (delay := self._identical(key, loop.time())) > 0:
                await asyncio.sleep(delay + _TIMER_SLACK_S)
            async with self._turn:
                while (delay := self._crowded(kind, weight, loop.time())) > 0:
                    await asyncio.sleep(delay + _TIMER_SLACK_S)
                now = loop.time()
                if self._identical(key, now) <= 0:
                    self._spent.extend([now] * weight)
                    self._bursts.setdefault(kind, deque()).extend([now] * weight)
                    self._last[key] = now
                    return

    def _identical(self, key: Hashable, now: float) -> float:
        self._last = {k: at for k, at in self._last.items() if now - at < _HIST_IDENTICAL_S}
        return self._last[key] + _HIST_IDENTICAL_S - now if key in self._last else 0.0

    def _crowded(self, kind: Hashable, weight: int, now: float) -> float:
        while self._spent and now - self._spent[0] >= _HIST_WINDOW_S:
            self._spent.popleft()
        burst = self._bursts.get(kind, deque())
        while burst and now - burst[0] >= _HIST_BURST_S:
            burst.popleft()
        excess, more = len(self._spent) + weight - self._limit, len(burst) + weight - _HIST_BURST
        long = self._spent[excess - 1] + _HIST_WINDOW_S - now if excess > 0 else 0.0
        short = burst[more - 1] + _HIST_BURST_S - now if more > 0 else 0.0
        return max(long, short)
