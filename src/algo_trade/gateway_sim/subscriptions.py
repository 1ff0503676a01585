"""What one client is subscribed to, within the limits a real account has."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from algo_trade.gateway_sim.bars.requests import BarSubscriptions, HistoryRequests
from algo_trade.gateway_sim.depth import DepthStream
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.streams import Broadcast, LastStream, Stream, TickStream
from algo_trade.gateway_sim.top_of_book import TopOfBook

_MAX_SUMMARIES = 2
# No program has so many; a client that asks without end must not eat the machine.
_MAX_FEEDS = 500
_BOOK_IS_RESET = (
    "Market depth data has been RESET. Please empty deep book contents before applying any new entries."
)

Lines = dict[int, tuple[Broadcast, Stream]]
"""By request id: what is subscribed, and of which symbol."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a client may subscribe to at a time."""

    lines: int
    tick_by_tick: int
    depth: int


class Subscriptions:
    """Market data lines and account feeds of one client, by request id."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ticks: Lines = {}
        self._tops: Lines = {}
        self._depths: Lines = {}
        self.market_data_type = 1
        self.real_time_bars = BarSubscriptions()
        self.history = HistoryRequests()
        self.summaries: dict[int, tuple[str, ...]] = {}
        self.account_updates = False
        self.positions = False
        self.positions_multi: dict[int, str] = {}
        self.account_updates_multi: dict[
            int, tuple[str, bool]
        ] = {}  # the model, and whether the ledger is enough
        self.pnl: set[int] = set()
        self.pnl_single: dict[int, int] = {}

    # -- market data -------------------------------------------------------------------------------
    def check_ticks(self, request_id: int) -> None:
        """Whether there is room for a tick-by-tick subscription: RequestError 322, 10190 or 101 when not."""
        self._check_new(request_id)
        if len(self._ticks) >= self._limits.tick_by_tick:
            raise RequestError(10190, "Max number of tick-by-tick requests has been reached.")
        self._check_lines()

    def check_top(self, request_id: int) -> None:
        """Whether there is room for a top-of-book subscription: RequestError 322 or 101 when not."""
        self._check_new(request_id)
        self._check_lines()

    def check_bars(self, request_id: int, now_s: float) -> None:
        """Whether there may be one more stream of real-time bars: RequestError 322, 101 or 420 when not."""
        self._check_new(request_id)
        self._check_lines()
        if not self.history.pacing.allows_real_time(now_s):
            raise RequestError(
                420,
                "Invalid Real-time Query:Historical Market Data Service error message:Historical data request "
                "pacing violation",
            )

    def check_depth(self, request_id: int) -> None:
        """Whether there is room for one more book; it holds no line. RequestError 322 or 309 when not."""
        self._check_new(request_id)
        if len(self._depths) >= self._limits.depth:
            raise RequestError(
                309, f"Max number ({self._limits.depth}) of market depth requests has been reached."
            )

    def add_ticks(self, request_id: int, broadcast: Broadcast, stream: TickStream | LastStream) -> None:
        """Begin; there is room (`check_ticks`)."""
        _add(self._ticks, request_id, broadcast, stream)

    def add_top(self, request_id: int, broadcast: Broadcast, top: TopOfBook) -> None:
        """Begin; there is room (`check_top`)."""
        _add(self._tops, request_id, broadcast, top)

    def add_depth(self, request_id: int, broadcast: Broadcast, depth: DepthStream) -> None:
        """Begin; there is room (`check_depth`)."""
        _add(self._depths, request_id, broadcast, depth)

    def show_again(self, error: Callable[[int, int, str], None]) -> None:
        """Tell where tops and books stand, since changes were lost on the way. A book begins anew with error 317."""
        for _, top in self._tops.values():
            if isinstance(top, TopOfBook):
                top.show_all()
        for request_id, (broadcast, depth) in self._depths.items():
            if isinstance(depth, DepthStream):
                error(request_id, 317, _BOOK_IS_RESET)
                broadcast.show_anew(depth)

    def remove_ticks(self, request_id: int) -> None:
        if not _remove(self._ticks, request_id):
            raise RequestError(300, f"Can't find EId with tickerId:{request_id}")

    def remove_top(self, request_id: int) -> None:
        if not _remove(self._tops, request_id):
            raise RequestError(300, f"Can't find EId with tickerId:{request_id}")

    def remove_depth(self, request_id: int) -> None:
        if not _remove(self._depths, request_id):
            raise RequestError(310, f"Can't find the subscribed market depth with tickerId:{request_id}")

    def _check_new(self, request_id: int) -> None:
        taken = (self._ticks, self._tops, self._depths, self.real_time_bars)
        if any(request_id in lines for lines in taken):
            raise RequestError(322, "Error processing request.-'bQ' : cause - Duplicate ticker id")

    def _check_lines(self) -> None:
        if len(self._ticks) + len(self._tops) + len(self.real_time_bars) >= self._limits.lines:
            raise RequestError(101, "Max number of tickers has been reached.")

    # -- account -----------------------------------------------------------------------------------
    def add_summary(self, request_id: int, tags: tuple[str, ...]) -> None:
        """Raises RequestError 322 when there are two already."""
        if request_id not in self.summaries and len(self.summaries) >= _MAX_SUMMARIES:
            cause = (
                "Maximum number of account summary requests exceeded; desubscribe to previous request first"
            )
            raise RequestError(322, f"Error processing request.-'bR' : cause - {cause}")
        self.summaries[request_id] = tags

    def cancel(self, request_id: int) -> None:
        """End whatever account feed has this id."""
        self.positions_multi.pop(request_id, None)
        self.account_updates_multi.pop(request_id, None)
        self.pnl.discard(request_id)
        self.pnl_single.pop(request_id, None)

    def check_feed(self, request_id: int) -> None:
        """Whether there may be one more account feed: RequestError 322 when its id is taken, or at the limit."""
        feeds: tuple[Collection[int], ...] = (
            self.positions_multi,
            self.account_updates_multi,
            self.pnl,
            self.pnl_single,
        )
        if any(request_id in feed for feed in feeds):
            raise RequestError(322, "Error processing request.-'bR' : cause - Duplicate ticker id")
        if sum(len(feed) for feed in feeds) >= _MAX_FEEDS:
            cause = "Maximum number of account requests exceeded; desubscribe to previous request first"
            raise RequestError(322, f"Error processing request.-'bR' : cause - {cause}")

    def close(self) -> None:
        """The client is gone."""
        for lines in (self._ticks, self._tops, self._depths):
            for request_id in list(lines):
                _remove(lines, request_id)
        self.real_time_bars.close()
        self.history.close()


def _add(lines: Lines, request_id: int, broadcast: Broadcast, stream: Stream) -> None:
    lines[request_id] = (broadcast, stream)
    broadcast.add(stream)


def _remove(lines: Lines, request_id: int) -> bool:
    """Whether there was one."""
    if request_id not in lines:
        return False
    broadcast, stream = lines.pop(request_id)
    broadcast.remove(stream)
    return True
