"""What a running session looks like on stderr: a bar and a line on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from algo_trade.clock import Clock, SystemClock
from algo_trade.session.plan import SessionPlan
from algo_trade.session.progress import Status, Watcher

_TERMINAL_EVERY_NS = 200_000_000
_PLAIN_EVERY_NS = 10_000_000_000


def line(status: Status) -> str:
    """One status in one line."""
    held = " ".join(f"{quantity:+d} {symbol}" for symbol, quantity in status.positions.items()) or "flat"
    text = (
        f"{_clock(status.elapsed_s)} / {_clock(status.duration_s)}  {status.state}  {status.ticks:,} ticks  "
        f"{status.filled_orders}/{status.orders} orders filled  PnL ${status.pnl:+.2f}  {held}"
    )
    return f"{text}  [{status.trouble}]" if status.trouble else text


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


class _Plain:
    """For files and pipes: a line now and then, and no control characters."""

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._next_ns = 0

    def show(self, status: Status) -> None:
        now_ns = self._clock.monotonic_ns()
        if now_ns >= self._next_ns:
            self._next_ns = now_ns + _PLAIN_EVERY_NS
            print(line(status), file=self._stream, flush=True)


class _Bar:
    """For terminals: a bar that stays in its place, and the line under it."""

    def __init__(self, live: Live, clock: Clock) -> None:
        self._live = live
        self._clock = clock
        self._next_ns = 0

    def show(self, status: Status) -> None:
        now_ns = self._clock.monotonic_ns()
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + _TERMINAL_EVERY_NS
        rows = Table.grid()
        rows.add_row(ProgressBar(total=max(status.duration_s, 1e-9), completed=status.elapsed_s))
        rows.add_row(line(status))
        self._live.update(rows, refresh=True)


@contextmanager
def terminal_watcher(plan: SessionPlan, stream: TextIO) -> Iterator[Watcher]:
    """The watcher that suits `stream`. The line before it says where the session lives."""
    goes_on = "resuming" if plan.resumed else "session"
    print(f"{goes_on} {plan.session_id} in {plan.directory}", file=stream)
    if not stream.isatty():
        yield _Plain(stream, SystemClock())
        return
    # Refreshed by hand: rich's own refresh thread would be a thread beside the session's loop.
    with Live(console=Console(file=stream), auto_refresh=False, transient=True) as live:
        yield _Bar(live, SystemClock())
