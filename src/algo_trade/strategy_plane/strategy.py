"""What a strategy is: the typed interface of a plug-in, and its promises.

What a strategy may rely on
  - It is called for what its `feeds` ask for and for nothing else. Each such quote, bin and bar of the session reaches
    it once, in the order of the log. Time moves only with those events and never back: `view.now` is the time of the
    newest event.
  - `on_ofi` comes before `on_tick` for the quote that closed a bin. When a quote closes several bins of its
    symbol (there was a silence), only the newest is shown.
  - Bars have closed when they are shown. Those that closed before the session began are its warm-up, and one that came
    so late that the next of its size has closed as well (a gap was filled) tells of the past: what is answered to
    either is thrown away.
  - Whatever it decides is durable before anybody acts on it, in the order given. An order that may not be sent is
    answered by a report that says why; an amendment that is refused leaves its order as it was.
  - The view says before it decides what is open: `view.unresolved(symbol)`, and `view.working(symbol)` with the terms
    and fills of each order, as the reports have told them.
  - The session alone makes itself flat at its end and stops asking: `on_...` then is not called any more.

What a strategy promises
  - It decides only in `on_ofi`, `on_tick` and `on_bar`, so everything it does has the market event that caused it.
    The same event never makes it decide twice, not even over a crash.
  - At most one entry, or bracket with its exits, or exit is unresolved in a symbol: it sends no order there before.
    It amends only its own working orders, each of them one amendment at a time. An exit is never larger than what is
    held, and the quantity of a bracket stays what it was.
  - What it remembers depends on market events only. Everything about its orders (positions, when it entered,
    what is unresolved, how many it sent) it reads from the view, which is folded from the log. After a crash it
    is shown again the bins of the OFI window, every bar of the session and its warm-up, and the ticks of the last
    `warm_up_s`; its answers are thrown away, and `view.now` may be ahead of the event at hand; then the view is what
    it was, and it goes on as if nothing had happened.
  - It reads no clock, draws no unseeded random number and iterates no set, so the same log gives the same
    decisions.
  - It does not wait: no I/O, and on the order of microseconds for a tick.
  - It breaks none of this silently: an exception, or a decision it may not make, stops the strategy loudly, and the
    session with it, flat.
"""

from __future__ import annotations

from typing import Protocol

from algo_trade.contracts import BarEvent, ExecutionReport, TickEvent
from algo_trade.strategy_plane.actions import NOTHING, Decisions
from algo_trade.strategy_plane.feeds import Feeds
from algo_trade.strategy_plane.ofi import OfiBin
from algo_trade.strategy_plane.view import SessionView


class Strategy(Protocol):
    """A plug-in. See the module's text for what both sides promise.

    A class may inherit from this one and override what it asks for; what it does not answers nothing.
    """

    # Its name in every intent; part of their identity, so it never changes.
    strategy_id: str
    # What it is to be told of; it never changes either.
    feeds: Feeds

    def on_ofi(self, closed: OfiBin, view: SessionView) -> Decisions:
        """A bin of order flow closed."""
        return NOTHING

    def on_tick(self, tick: TickEvent, view: SessionView) -> Decisions:
        """The best quotes changed, or somebody traded."""
        return NOTHING

    def on_bar(self, bar: BarEvent, view: SessionView) -> Decisions:
        """A bar closed."""
        return NOTHING

    def on_report(self, report: ExecutionReport, view: SessionView) -> None:
        """News of an order, already in the view. For watching: decisions come with market events."""
        return None


class BrokenPromise(Exception):
    """A strategy decided what it may not (Stop: the strategy, for the rest of the session)."""
