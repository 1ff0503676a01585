"""The order flow of all symbols, and its log: every closed bin becomes one OFIEvent.

Each event names the market event up to which its symbol's flow is in the log (`metadata.causation_id`), so a
restart takes up exactly there: the sum of `ofi_raw` in ofi_events is the sum of e_n over market_events, however
often the plane was killed in between.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from algo_trade.bus import Bus
from algo_trade.contracts import Metadata, OFIEvent, TickEvent
from algo_trade.strategy_plane.feeds import OfiBins
from algo_trade.strategy_plane.ofi import OfiBin, OfiState

MARKET_EVENTS = "market_events"
OFI_EVENTS = "ofi_events"
PRODUCER_ID = "strategy.ofi"


@dataclass(slots=True)
class LoggedFlow:
    """What ofi_events says about one symbol: its newest bins, each with its place among all, and the last quote."""

    key: str | None
    numbered_bins: deque[tuple[int, OfiBin]]
    partition: int = 0

    @property
    def last_offset(self) -> int:
        """Of the last quote that the bins count."""
        return self.numbered_bins[-1][1].last_offset


@dataclass(slots=True)
class _SymbolFlow:
    key: str | None
    partition: int
    state: OfiState
    # Quotes up to here were counted by an earlier life; -1 when there was none.
    covered: int = field(default=-1)


class OrderFlow:
    """One OfiState a symbol. Symbols appear with their first quote."""

    def __init__(self, bus: Bus, *, session_id: str, bins: OfiBins) -> None:
        self._bus = bus
        self._session_id = session_id
        self._bins = bins
        self._flows: dict[str, _SymbolFlow] = {}
        self._logged = 0

    def on_tick(self, tick: TickEvent, *, key: str | None, partition: int, offset: int) -> OfiBin | None:
        """Count a quote and log the bins it closes; the newest of these, if any."""
        flow = self._flows.get(tick.symbol)
        if flow is None:
            flow = self._flows[tick.symbol] = _SymbolFlow(key, partition, self._new_state(tick.symbol))
        closed = flow.state.add(tick.timestamp, tick.bid, tick.bid_size, tick.ask, tick.ask_size, offset)
        if not closed:
            return None
        for one in closed:
            self._log(one, flow)
        return closed[-1]

    def flush(self) -> None:
        """Log what the open bins hold: the session is over. By symbol, whichever happened to tick first."""
        for symbol in sorted(self._flows):
            flow = self._flows[symbol]
            partial = flow.state.flush()
            if partial is not None:
                self._log(partial, flow)

    def restore(self, logged: dict[str, LoggedFlow], events_logged: int, heads: dict[int, int]) -> None:
        """Take up after what an earlier life logged. `replay_tick` must follow, from its last quotes on.

        `heads` of market_events, by partition: a quote counted there but lost in the crash is not waited for.
        """
        self._logged = events_logged
        for symbol, flow in logged.items():
            state = self._new_state(symbol)
            state.restore([(one.end, one.ofi) for _, one in flow.numbered_bins], last_offset=flow.last_offset)
            covered = min(flow.last_offset, heads[flow.partition] - 1)
            self._flows[symbol] = _SymbolFlow(flow.key, flow.partition, state, covered)

    def replay_tick(self, tick: TickEvent, *, key: str | None, partition: int, offset: int) -> OfiBin | None:
        """As `on_tick`, for a quote from before the restart: what an earlier life counted is not counted again."""
        flow = self._flows.get(tick.symbol)
        if flow is None or offset > flow.covered:
            return self.on_tick(tick, key=key, partition=partition, offset=offset)
        flow.state.prime(tick.bid, tick.bid_size, tick.ask, tick.ask_size)
        return None

    def _new_state(self, symbol: str) -> OfiState:
        return OfiState(symbol, interval_s=self._bins.interval_s, window=self._bins.window)

    def _log(self, closed: OfiBin, flow: _SymbolFlow) -> None:
        self._bus.append(OFI_EVENTS, self._event(closed, flow.partition), key=flow.key)
        self._logged += 1

    def _event(self, closed: OfiBin, partition: int) -> OFIEvent:
        """`ofi_z` is required by the contract: without a mean and a deviation beside it, its 0 says nothing."""
        return OFIEvent(
            symbol=closed.symbol,
            timestamp=closed.end,
            ofi_z=0.0 if closed.z is None else closed.z,
            ofi_raw=closed.ofi,
            ofi_ma=closed.mean,
            ofi_std=closed.std,
            metadata=Metadata(
                producer_id=PRODUCER_ID,
                sequence_number=self._logged,
                session_id=self._session_id,
                causation_id=f"{MARKET_EVENTS}/{partition}/{closed.last_offset}",
            ),
        )


def logged_bin(event: OFIEvent) -> tuple[OfiBin, int]:
    """The bin an OFIEvent of ours was made from, and the partition of its quotes. Raises ValueError for another's."""
    cause = event.metadata.causation_id if event.metadata is not None else None
    topic, _, place = (cause or "").partition("/")
    partition, _, offset = place.partition("/")
    if topic != MARKET_EVENTS or event.ofi_raw is None:
        raise ValueError(f"an ofi_event of {event.symbol} at {event.timestamp} does not say what it counts")
    known = event.ofi_std is not None
    return (
        OfiBin(
            event.symbol,
            event.timestamp,
            event.ofi_raw,
            event.ofi_z if known else None,
            event.ofi_ma,
            event.ofi_std,
            int(offset),
        ),
        int(partition),
    )
