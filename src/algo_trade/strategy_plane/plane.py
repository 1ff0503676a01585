"""The strategy plane: market_events and exec_reports in; ofi_events and order_intents out.

One task folds both streams, one record after another, and what was decided is durable before the next record is looked
at. What cannot be read becomes a dead letter; an execution report that cannot be read also stops the strategy,
since what it holds is then unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from algo_trade.bus import (
    AtOffsets,
    Bus,
    DeadLetterOffice,
    Invalid,
    Record,
    StrategyPlaneValidator,
    Subscription,
)
from algo_trade.clock import Clock, utc
from algo_trade.contracts import (
    BarEvent,
    ExecutionReport,
    Message,
    OrderIntent,
    SessionEvent,
    SessionEventKind,
    Severity,
    TickEvent,
)
from algo_trade.strategy_plane.desk import NO_WISHES, Desk, Phase, SessionWindow, Wishes
from algo_trade.strategy_plane.flow import MARKET_EVENTS, OrderFlow
from algo_trade.strategy_plane.limits import StrategyLimits
from algo_trade.strategy_plane.ofi import OfiBin
from algo_trade.strategy_plane.recovery import (
    EXEC_REPORTS,
    ORDER_INTENTS,
    FlowLog,
    Heads,
    WhoseSession,
    heads_of,
    read_flow_log,
    refold_orders,
    replay_market,
)
from algo_trade.strategy_plane.strategy import Strategy


@dataclass(slots=True)
class PlaneCounts:
    """Records since the start of this life: read == processed + dead_letters."""

    read: int = 0
    processed: int = 0
    dead_letters: int = 0
    intents: int = 0
    amendments: int = 0


class PlaneEnded(Exception):
    """The plane's task is gone, so what is waited for will not come (Stop); its own error says why."""


class StrategyPlane:
    """`start` once, then `run` in a task of its own; `finish` ends it.

    When the strategy is stopped by a fault, `fault` says why and `faulted` is set: the session should listen to that.
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        strategy: Strategy,
        limits: StrategyLimits,
        *,
        window: SessionWindow,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._limits = limits
        self._feeds = strategy.feeds
        self._ours = WhoseSession(window.session_id, strategy.strategy_id, window.start_ns)
        self._validator = StrategyPlaneValidator()
        self._dead_letters = DeadLetterOffice(bus)
        self._desk = Desk(strategy, limits, window)
        bins = self._feeds.ofi
        self._flow = OrderFlow(bus, session_id=window.session_id, bins=bins) if bins is not None else None
        self._keys: dict[str, str | None] = {}  # symbol -> key of its market events
        self._next: Heads = {}  # (topic, partition) -> offset of the next record
        self._subscription: Subscription | None = None
        self._moved = asyncio.Event()
        self._ended = False
        self.faulted = asyncio.Event()
        self.counts = PlaneCounts()

    # -- what the session does ------------------------------------------------------------------------
    async def start(self) -> None:
        """Recover from the log, then stand at its end; only what comes after that causes intents.

        Raises BusError, and Invalid when our own records cannot be read.
        """
        reports = await refold_orders(self._bus, self._validator, self._desk.ledger, self._ours)
        log = FlowLog({}, 0)
        if self._feeds.ofi is not None:
            log = await read_flow_log(self._bus, self._validator, self._ours, self._feeds.ofi.window)
        for closed in log.bins_in_order():
            self._desk.recall_bin(closed)
        market = await replay_market(
            self._bus,
            self._validator,
            self._flow,
            log,
            self._ours,
            limits=self._limits,
            feeds=self._feeds,
            now_ns=self._clock.now_ns(),
            show=self._recall,
        )
        self._next = {**market, **reports}
        self._subscription = await self._bus.subscribe(
            (MARKET_EVENTS, EXEC_REPORTS), start=AtOffsets(self._next)
        )
        await self._tell_fault()

    async def run(self) -> None:
        """Fold records until `finish`. Raises BusError."""
        assert self._subscription is not None, "start comes first"
        try:
            while records := await self._subscription.fetch():
                # The bus promises no order between topics. News of orders first: what is held should be known
                # before the next quote is decided on.
                for record in sorted(records, key=_reports_first):
                    await self._take(record)
                await self._bus.drain()
                self._moved.set()
        finally:
            self._ended = True
            self._moved.set()

    def halt(self) -> None:
        """Nothing is decided from now on: the stop has fired, or the session is over. The order plane gets out."""
        self._desk.halt()

    async def finish(self) -> None:
        """Read what is in the log, log the last bins, and end `run`. Raises PlaneEnded, BusError."""
        goal = await heads_of(self._bus, MARKET_EVENTS, EXEC_REPORTS)
        await self._until(lambda: all(self._next.get(place, 0) >= head for place, head in goal.items()))
        if self._flow is not None:
            self._flow.flush()
        await self._bus.flush()
        if self._subscription is not None:
            await self._subscription.close()

    @property
    def phase(self) -> Phase:
        return self._desk.phase

    @property
    def fault(self) -> str | None:
        """What stopped the strategy, in words; None when nothing did."""
        return self._desk.fault

    @property
    def positions(self) -> dict[str, int]:
        """Shares held by symbol, signed, as the reports tell it."""
        return self._desk.ledger.positions

    @property
    def flat(self) -> bool:
        """Nothing is held and nothing is unresolved."""
        return self._desk.ledger.flat

    async def _until(self, done: Callable[[], bool]) -> None:
        while not done():
            if self._ended:
                raise PlaneEnded("the strategy plane has ended")
            self._moved.clear()
            await self._moved.wait()

    # -- one record -----------------------------------------------------------------------------------
    async def _take(self, record: Record) -> None:
        self.counts.read += 1
        try:
            message = self._validator.validate_any(record)
        except Invalid as invalid:
            await self._refuse(record, invalid)
        else:
            wishes = self._fold(record, message)
            if wishes:
                await self._publish(wishes)
            self.counts.processed += 1
        if self._desk.fault is not None:
            await self._tell_fault()
        self._next[record.topic, record.partition] = record.offset + 1

    def _fold(self, record: Record, message: Message) -> Wishes:
        if isinstance(message, TickEvent):
            key = self._keys[message.symbol] = record.key
            closed = None
            if self._flow is not None:
                closed = self._flow.on_tick(
                    message, key=key, partition=record.partition, offset=record.offset
                )
            return self._desk.on_tick(record, message, closed)
        if isinstance(message, BarEvent):
            self._keys[message.symbol] = record.key
            return self._desk.on_bar(record, message)
        assert isinstance(message, ExecutionReport)
        self._desk.on_report(message)
        return NO_WISHES

    async def _publish(self, wishes: Wishes) -> None:
        for wish in wishes:
            key = self._keys.get(wish.symbol) or wish.symbol
            await self._bus.publish(ORDER_INTENTS, wish, key=key)
            if isinstance(wish, OrderIntent):
                self.counts.intents += 1
            else:
                self.counts.amendments += 1

    async def _refuse(self, record: Record, invalid: Invalid) -> None:
        await self._dead_letters.send(record, invalid.reasons, self._validator.name)
        self.counts.dead_letters += 1
        if record.topic == EXEC_REPORTS:
            self._desk.stop_strategy(f"the execution report at offset {record.offset} cannot be read")

    async def _tell_fault(self) -> None:
        """Once, when there is one."""
        fault = self._desk.fault
        if fault is None or self.faulted.is_set():
            return
        self.faulted.set()
        session_id, strategy_id = self._ours.session_id, self._ours.strategy_id
        event = SessionEvent(
            timestamp=utc(self._clock.now_ns()),
            session_id=session_id,
            kind=SessionEventKind.ORDER_ALARM,
            severity=Severity.ERROR,
            text=f"strategy {strategy_id} is stopped for the rest of the session: {fault}",
            data={"strategy_id": strategy_id},
        )
        await self._bus.publish("session_events", event, key=session_id)

    def _recall(self, record: Record, message: Message, closed: OfiBin | None) -> None:
        if isinstance(message, TickEvent):
            self._keys[message.symbol] = record.key
            self._desk.recall_tick(message, closed)
        elif isinstance(message, BarEvent):
            self._keys[message.symbol] = record.key
            self._desk.recall_bar(message)


def _reports_first(record: Record) -> bool:
    return record.topic != EXEC_REPORTS
