"""Getting back to where the plane was when it stopped, from the log alone and without a word to the outside.

  1. the session's own intents and amendments and all its reports are folded to their heads: positions, what is
     unresolved, pace
  2. ofi_events give the window of each symbol and the last quote they count, where the strategy has order flow
  3. market_events are read again: from those quotes on, or all of the session's where there is no order flow or where
     bars have to be shown again. Bins that closed but were not logged are logged now, and the newest quotes are known
     again

Decisions are not made here. The event an earlier life was killed on is before the head, and nothing before the
head causes an intent: what was not decided in time stays undecided, what was decided stays decided once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from algo_trade.bus import Bus, Invalid, Record, StrategyPlaneValidator
from algo_trade.clock import ns_from_seconds
from algo_trade.contracts import ExecutionReport, Message, OFIEvent, OrderAmendment, OrderIntent, TickEvent
from algo_trade.strategy_plane.feeds import Feeds
from algo_trade.strategy_plane.flow import MARKET_EVENTS, OFI_EVENTS, LoggedFlow, OrderFlow, logged_bin
from algo_trade.strategy_plane.ledger import Ledger
from algo_trade.strategy_plane.limits import StrategyLimits
from algo_trade.strategy_plane.ofi import OfiBin

ORDER_INTENTS = "order_intents"
EXEC_REPORTS = "exec_reports"

Heads = dict[tuple[str, int], int]


@dataclass(frozen=True, slots=True)
class WhoseSession:
    """Which messages are ours: this session's, since its start, and of these intents this strategy's."""

    session_id: str
    strategy_id: str
    start_ns: int


async def heads_of(bus: Bus, *topics: str) -> Heads:
    """The offsets the next records of these topics will get."""
    return {
        (topic, partition): head for topic in topics for partition, head in (await bus.head(topic)).items()
    }


async def refold_orders(
    bus: Bus, validator: StrategyPlaneValidator, ledger: Ledger, ours: WhoseSession
) -> Heads:
    """Fold our intents and amendments, then the session's reports; where the next reports will be.

    Raises Invalid when a report cannot be read: what is held is then unknown (Stop).
    """
    heads = await heads_of(bus, EXEC_REPORTS)
    async for record in bus.replay(ORDER_INTENTS, from_time_ns=ours.start_ns):
        try:
            wish = validator.validate_any(record)
        except Invalid:
            continue  # not one of ours, which were all valid; the order plane has put it aside
        assert isinstance(wish, OrderIntent | OrderAmendment)
        if wish.session_id != ours.session_id or wish.strategy_id != ours.strategy_id:
            continue
        if isinstance(wish, OrderIntent):
            ledger.add_intent(wish)
        else:
            ledger.add_amendment(wish)
    async for record in bus.replay(EXEC_REPORTS, from_time_ns=ours.start_ns):
        report = validator.validate(record, ExecutionReport)
        if report.session_id == ours.session_id and record.offset < heads[record.topic, record.partition]:
            ledger.fold(report)
    return heads


@dataclass(slots=True)
class FlowLog:
    """What ofi_events hold of this session: by symbol the newest window of bins, and how many there are in all."""

    flows: dict[str, LoggedFlow]
    events: int

    def bins_in_order(self) -> list[OfiBin]:
        """The bins of all windows as they were logged."""
        numbered = [pair for flow in self.flows.values() for pair in flow.numbered_bins]
        return [closed for _, closed in sorted(numbered, key=lambda pair: pair[0])]


async def read_flow_log(
    bus: Bus, validator: StrategyPlaneValidator, ours: WhoseSession, window: int
) -> FlowLog:
    """Raises Invalid for an event of ours that cannot be read (Stop)."""
    log = FlowLog({}, 0)
    async for record in bus.replay(OFI_EVENTS, from_time_ns=ours.start_ns):
        event = validator.validate(record, OFIEvent)
        if event.metadata is None or event.metadata.session_id != ours.session_id:
            continue
        closed, partition = logged_bin(event)
        flow = log.flows.setdefault(event.symbol, LoggedFlow(record.key, deque(maxlen=window), partition))
        flow.numbered_bins.append((log.events, closed))
        log.events += 1
    return log


async def replay_market(
    bus: Bus,
    validator: StrategyPlaneValidator,
    flow: OrderFlow | None,
    log: FlowLog,
    ours: WhoseSession,
    *,
    limits: StrategyLimits,
    feeds: Feeds,
    now_ns: int,
    show: Callable[[Record, Message, OfiBin | None], None],
) -> Heads:
    """Read market_events again, as far back as the order flow and the strategy need.

    `show` is given every event read and the bin it closed. Returns where the next events will be.
    """
    heads = await heads_of(bus, MARKET_EVENTS)
    from_offset = None
    if flow is not None:
        flow.restore(log.flows, log.events, await bus.head(MARKET_EVENTS))
        if (
            not feeds.bars
        ):  # all bars of the session are shown again, and those of the warm-up are its first records
            warm_from_ns = now_ns - ns_from_seconds(feeds.warm_up_s) if feeds.warm_up_s else None
            from_offset = await _first_needed(bus, log, heads, limits.symbols, warm_from_ns)
    from_time_ns = ours.start_ns if from_offset is None else None
    async for record in bus.replay(MARKET_EVENTS, from_offset=from_offset, from_time_ns=from_time_ns):
        if record.offset >= heads[record.topic, record.partition]:
            continue
        try:
            message = validator.validate_any(record)
        except Invalid:
            continue  # the earlier life put it aside when it came
        closed = None
        if flow is not None and isinstance(message, TickEvent):
            closed = flow.replay_tick(
                message, key=record.key, partition=record.partition, offset=record.offset
            )
        show(record, message, closed)
    return heads


async def _first_needed(
    bus: Bus, log: FlowLog, heads: Heads, symbols: tuple[str, ...], warm_from_ns: int | None
) -> int | None:
    """The offset to read from, or None for the session's start.

    An offset can tell only in a log of one partition, when the flow of every symbol has been logged, and the
    quotes it counts are all there (a killed bus may have kept a bin and lost the quotes behind it).
    """
    partitions = [partition for topic, partition in heads if topic == MARKET_EVENTS]
    flows = [log.flows.get(symbol) for symbol in symbols]
    if partitions != [0] or not flows or None in flows:
        return None
    offsets = [known.last_offset for known in log.flows.values()]
    if max(offsets) >= heads[MARKET_EVENTS, 0]:
        return None
    if warm_from_ns is not None:
        async for record in bus.replay(MARKET_EVENTS, from_time_ns=warm_from_ns):
            offsets.append(record.offset)
            break
    return min(offsets)
