"""What one client has asked for in bars, by request id."""

from __future__ import annotations

import asyncio

from algo_trade.gateway_sim.bars.pacing import BarPacing
from algo_trade.gateway_sim.bars.streams import BarBroadcast, BarStream
from algo_trade.gateway_sim.errors import RequestError

# Historical requests of one client that are open at a time, those kept up to date included.
_AT_ONCE_MAX = 50


class BarSubscriptions:
    """Streams of bars by request id."""

    def __init__(self) -> None:
        self._streams: dict[int, tuple[BarBroadcast, BarStream]] = {}

    def __len__(self) -> int:
        return len(self._streams)

    def __contains__(self, request_id: int) -> bool:
        return request_id in self._streams

    def add(self, request_id: int, broadcast: BarBroadcast, stream: BarStream) -> None:
        self._streams[request_id] = (broadcast, stream)
        broadcast.add(stream)

    def end(self, request_id: int) -> bool:
        """Whether there was one."""
        if request_id not in self._streams:
            return False
        broadcast, stream = self._streams.pop(request_id)
        broadcast.remove(stream)
        return True

    def close(self) -> None:
        for request_id in list(self._streams):
            self.end(request_id)


class HistoryRequests:
    """Historical requests of one client: those not answered yet, and those kept up to date."""

    def __init__(self) -> None:
        self.pending: dict[int, asyncio.TimerHandle] = {}
        self.live = BarSubscriptions()
        self.pacing = BarPacing()

    def check_new(self, request_id: int) -> None:
        """Raises RequestError 322 for an id in use, 162 when too many are unanswered."""
        if request_id in self.pending or request_id in self.live:
            raise RequestError(322, "Error processing request.-'bQ' : cause - Duplicate ticker id")
        if len(self.pending) + len(self.live) >= _AT_ONCE_MAX:
            raise RequestError(
                162,
                "Historical Market Data Service error message:Historical data request pacing violation: "
                f"{_AT_ONCE_MAX} are open already",
            )

    def end(self, request_id: int) -> bool:
        """Whether there was one to end."""
        waiting = self.pending.pop(request_id, None)
        if waiting is not None:
            waiting.cancel()
            return True
        return self.live.end(request_id)

    def close(self) -> None:
        for waiting in self.pending.values():
            waiting.cancel()
        self.pending.clear()
        self.live.close()
