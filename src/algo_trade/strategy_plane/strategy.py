"""What a strategy is: the typed interface of a plug-in, and its promises.

What a strategy may rely on
  - Every quote event (tick) and bar of the session reaches it once, in the order of the log, then time moves
    only with those events: `view.now` is the time of the event at hand.
  - `on_ofi` comes before `on_tick` for the quote that closed a bin. When a quote closes several bins of its
    symbol (there was a silence), only the newest is shown.
  - Whatever it decides becomes an intent that is durable before anybody acts on it, in the order given.
  - At most one intent of a symbol is unresolved: `view.unresolved(symbol)` says so before it decides.
  - The plane alone makes the session flat at its end and stops asking: `on_...` then is not called any more.

What a strategy promises
  - It decides only in `on_ofi`, `on_tick` and `on_bar`, so every intent has the market event that caused it.
    The same event never makes it decide twice, not even over a crash.
  - What it remembers depends on market events only. Everything about its orders (positions, when it entered,
    what is unresolved, how many it sent) it reads from the view, which is folded from the log. After a crash it
    is shown the bins of the OFI window and then the ticks and bars of the last `warm_up_s` again; its answers
    are thrown away; then the view is what it was, and it goes on as if nothing had happened.
  - It reads no clock, draws no unseeded random number and iterates no set, so the same log gives the same
    decisions.
  - It does not wait: no I/O, and on the order of microseconds for a tick.
  - It breaks none of this silently: an exception, or a decision for a symbol with an unresolved intent, stops
    the strategy loudly for the rest of the session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from algo_trade.contracts import (
    BarEvent,
    Direction,
    ExecutionReport,
    OrderType,
    TickEvent,
    TimeInForce,
    Urgency,
)
from algo_trade.strategy_plane.ofi import OfiBin
from algo_trade.strategy_plane.view import SessionView


class Purpose(Enum):
    """Why an order is wanted. An exit never grows a position."""

    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a strategy wants. `mid` is the middle of the quotes it decided on, for slippage; prices in dollars."""

    symbol: str
    direction: Direction
    quantity: int  # whole shares, > 0
    purpose: Purpose
    mid: float
    order_type: OrderType = OrderType.LIMIT
    limit_price: float | None = None
    stop_price: float | None = None
    time_in_force: TimeInForce = TimeInForce.IOC
    urgency: Urgency = Urgency.NORMAL
    signal_strength: float | None = None  # 0..1


Decisions = Sequence[Decision]
NOTHING: Decisions = ()


class Strategy(Protocol):
    """A plug-in. See the module's text for what both sides promise."""

    @property
    def strategy_id(self) -> str:
        """Its name in every intent; part of their identity, so it never changes."""

    @property
    def warm_up_s(self) -> float:
        """Seconds of ticks and bars it needs to see again after a crash."""

    def on_ofi(self, closed: OfiBin, view: SessionView) -> Decisions:
        """A bin of order flow closed."""

    def on_tick(self, tick: TickEvent, view: SessionView) -> Decisions:
        """The best quotes changed."""

    def on_bar(self, bar: BarEvent, view: SessionView) -> Decisions:
        """A bar closed."""

    def on_report(self, report: ExecutionReport, view: SessionView) -> None:
        """News of an order, already in the view. For watching: decisions come with market events."""


class BrokenPromise(Exception):
    """A strategy decided what it may not (Stop: the strategy, for the rest of the session)."""
