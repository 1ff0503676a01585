"""What one client is subscribed to, within the limits a real account has."""

from __future__ import annotations

from algo_trade.gateway_sim.bars.requests import BarSubscriptions, HistoryRequests
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.streams import Broadcast, LastStream, TickStream, TopOfBook

_MAX_SUMMARIES = 2


class Subscriptions:
    """Market data lines and account feeds of one client, by request id."""

    def __init__(self, lines: int, tick_by_tick_limit: int) -> None:
        self._line_limit = lines
        self._tick_limit = tick_by_tick_limit
        self._ticks: dict[int, tuple[Broadcast, TickStream | LastStream]] = {}
        self._tops: dict[int, tuple[Broadcast, TopOfBook]] = {}
        self.real_time_bars = BarSubscriptions()
        self.history = HistoryRequests()
        self.summaries: dict[int, tuple[str, ...]] = {}
        self.account_updates = False
        self.positions = False
        self.positions_multi: dict[int, str] = {}
        self.account_updates_multi: dict[int, str] = {}
        self.pnl: set[int] = set()
        self.pnl_single: dict[int, int] = {}

    # -- market data -------------------------------------------------------------------------------
    def check_ticks(self, request_id: int) -> None:
        """Whether there is room for a tick-by-tick subscription: RequestError 322, 10190 or 101 when not."""
        self._check_new(request_id)
        if len(self._ticks) >= self._tick_limit:
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

    def add_ticks(self, request_id: int, broadcast: Broadcast, stream: TickStream | LastStream) -> None:
        """Begin; there is room (`check_ticks`)."""
        self._ticks[request_id] = (broadcast, stream)
        broadcast.add_ticks(stream)

    def add_top(self, request_id: int, broadcast: Broadcast, top: TopOfBook) -> None:
        """Begin; there is room (`check_top`)."""
        self._tops[request_id] = (broadcast, top)
        broadcast.add_top(top)

    def show_again(self) -> None:
        """Tell where the top of the book stands: changes may have been lost on the way."""
        for _, top in self._tops.values():
            top.show_all()

    def remove_ticks(self, request_id: int) -> None:
        if request_id not in self._ticks:
            raise RequestError(300, f"Can't find EId with tickerId:{request_id}")
        broadcast, stream = self._ticks.pop(request_id)
        broadcast.remove(stream)

    def remove_top(self, request_id: int) -> None:
        if request_id not in self._tops:
            raise RequestError(300, f"Can't find EId with tickerId:{request_id}")
        broadcast, top = self._tops.pop(request_id)
        broadcast.remove(top)

    def _check_new(self, request_id: int) -> None:
        if request_id in self._ticks or request_id in self._tops or request_id in self.real_time_bars:
            raise RequestError(322, "Error processing request.-'bQ' : cause - Duplicate ticker id")

    def _check_lines(self) -> None:
        if len(self._ticks) + len(self._tops) + len(self.real_time_bars) >= self._line_limit:
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

    def close(self) -> None:
        """The client is gone."""
        for broadcast, stream in self._ticks.values():
            broadcast.remove(stream)
        for broadcast, top in self._tops.values():
            broadcast.remove(top)
        self._ticks.clear()
        self._tops.clear()
        self.real_time_bars.close()
        self.history.close()
