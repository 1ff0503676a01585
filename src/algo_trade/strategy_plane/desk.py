"""The desk where one strategy decides: events in, intents and amendments out, no waiting and no I/O.

    TRADING ──▶ STOPPED    the strategy is at fault
       └──────▶ HALTED     the stop has fired, or the session is over

The strategy is asked in TRADING only, and a phase is never gone back to. Nothing that is open is touched here: getting
out is the order plane's business, which needs no strategy for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from algo_trade.bus import Record
from algo_trade.clock import utc
from algo_trade.contracts import BarEvent, ExecutionReport, OrderAmendment, OrderIntent, TickEvent
from algo_trade.strategy_plane.actions import Cancel, Decision, Decisions, Replace
from algo_trade.strategy_plane.feeds import BAR_LENGTHS
from algo_trade.strategy_plane.intents import IntentMaker, Trigger
from algo_trade.strategy_plane.ledger import Ledger
from algo_trade.strategy_plane.limits import StrategyLimits
from algo_trade.strategy_plane.ofi import OfiBin
from algo_trade.strategy_plane.promises import check_amendment, check_decision
from algo_trade.strategy_plane.strategy import Strategy
from algo_trade.strategy_plane.view import SessionView

Wish = OrderIntent | OrderAmendment
Wishes = Sequence[Wish]
NO_WISHES: Wishes = ()


class Phase(Enum):
    TRADING = "trading"
    STOPPED = "stopped"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class SessionWindow:
    """Which session this is and when: UTC epoch nanoseconds. A resumed session keeps its first start."""

    session_id: str
    start_ns: int
    end_ns: int


class Desk:
    """One strategy in one session. `fault` says what stopped it, None as long as nothing did."""

    def __init__(self, strategy: Strategy, limits: StrategyLimits, window: SessionWindow) -> None:
        self.ledger = Ledger()
        self.phase = Phase.TRADING
        self.fault: str | None = None
        self._strategy = strategy
        self._feeds = strategy.feeds
        self._wants_ticks = self._feeds.ticks  # asked for with every quote
        self._limits = limits
        self._session_id = window.session_id
        self._view = SessionView(
            self.ledger, start=utc(window.start_ns), end=utc(window.end_ns), limits=limits
        )
        self._maker = IntentMaker(
            window.session_id, strategy.strategy_id, max_exposure_usd=float(limits.max_exposure_usd)
        )
        self._made: list[Wish] = []  # by the event at hand

    def halt(self) -> None:
        """Nothing is decided from now on, not even an exit."""
        self.phase = Phase.HALTED

    def stop_strategy(self, reason: str) -> None:
        """The strategy is not asked any more. The first reason is kept."""
        self.fault = self.fault or reason
        if self.phase is Phase.TRADING:
            self.phase = Phase.STOPPED

    # -- events ---------------------------------------------------------------------------------------
    def on_tick(self, record: Record, tick: TickEvent, closed: OfiBin | None) -> Wishes:
        """A quote, and the bin of order flow it closed; what they made the strategy wish, which counts from now on."""
        view = self._view
        view.see(tick)
        if self.phase is Phase.TRADING:
            try:
                if closed is not None and (decisions := self._strategy.on_ofi(closed, view)):
                    self._decide(record, decisions)
                if self._wants_ticks and (decisions := self._strategy.on_tick(tick, view)):
                    self._decide(record, decisions)
            except Exception as error:  # noqa: BLE001  # others' code: whatever it raises stops it and only it
                self._stop_for(error)
        return self._take_made() if self._made else NO_WISHES

    def on_bar(self, record: Record, bar: BarEvent) -> Wishes:
        """A bar that closed; what it made the strategy wish. One of the past is shown, and its answer thrown away."""
        self._view.advance(bar.timestamp)
        if self._is_of_the_past(bar):
            self.recall_bar(bar)
        elif self._wants(bar) and self.phase is Phase.TRADING:
            try:
                if decisions := self._strategy.on_bar(bar, self._view):
                    self._decide(record, decisions)
            except Exception as error:  # noqa: BLE001  # as above
                self._stop_for(error)
        return self._take_made()

    def on_report(self, report: ExecutionReport) -> None:
        """News of an order; reports of other sessions are none."""
        if report.session_id != self._session_id:
            return
        try:
            if self.ledger.fold(report) and self.phase is Phase.TRADING:
                self._strategy.on_report(report, self._view)
        except Exception as error:  # noqa: BLE001  # as above; UnattributableReport among them
            self._stop_for(error)

    def _wants(self, bar: BarEvent) -> bool:
        return bar.bar_duration in self._feeds.bars and bar.symbol in self._limits.symbols

    def _is_of_the_past(self, bar: BarEvent) -> bool:
        """Whether it closed before the session began, or the next of its size has closed as well."""
        view = self._view
        if bar.timestamp <= view.start:
            return True
        return bar.bar_duration is not None and view.since(bar.timestamp) >= BAR_LENGTHS[bar.bar_duration]

    # -- the past, after a restart ----------------------------------------------------------------------
    def recall_bin(self, closed: OfiBin) -> None:
        """A bin logged by an earlier life."""
        self._view.advance(closed.end)
        self._recall(lambda: self._strategy.on_ofi(closed, self._view))

    def recall_tick(self, tick: TickEvent, closed: OfiBin | None) -> None:
        """A quote from before the restart: shown to the strategy, whose answer is thrown away."""
        self._view.see(tick)
        if closed is not None:
            self._recall(lambda: self._strategy.on_ofi(closed, self._view))
        if self._wants_ticks:
            self._recall(lambda: self._strategy.on_tick(tick, self._view))

    def recall_bar(self, bar: BarEvent) -> None:
        """A bar from before the restart or of the warm-up, likewise."""
        self._view.advance(bar.timestamp)
        if self._wants(bar):
            self._recall(lambda: self._strategy.on_bar(bar, self._view))

    def _recall(self, call: Callable[[], Decisions]) -> None:
        if self.phase is Phase.TRADING:
            try:
                call()
            except Exception as error:  # noqa: BLE001  # as above
                self._stop_for(error)

    # -- what is wished ---------------------------------------------------------------------------------
    def _decide(self, record: Record, decisions: Decisions) -> None:
        trigger = Trigger(record.topic, record.partition, record.offset, self._view.now)
        for action in decisions:
            if isinstance(action, Decision):
                self._order(action, trigger)
            else:
                self._amend(action, trigger)

    def _order(self, decision: Decision, trigger: Trigger) -> None:
        check_decision(decision, self.ledger, self._limits.symbols)
        intents = self._maker.make(
            decision,
            trigger,
            ordinal=sum(isinstance(wish, OrderIntent) for wish in self._made),
            sequence_number=self.ledger.messages,
            position=self.ledger.position(decision.symbol),
        )
        for intent in intents:
            self.ledger.add_intent(intent)
        self._made += intents

    def _amend(self, action: Cancel | Replace, trigger: Trigger) -> None:
        state = check_amendment(action, self.ledger)
        amendment = self._maker.amend(
            action,
            state.symbol,
            trigger,
            ordinal=sum(isinstance(wish, OrderAmendment) for wish in self._made),
            sequence_number=self.ledger.messages,
        )
        self.ledger.add_amendment(amendment)
        self._made.append(amendment)

    def _take_made(self) -> Wishes:
        made, self._made = self._made, []
        return made

    def _stop_for(self, error: Exception) -> None:
        self.stop_strategy(f"{type(error).__name__}: {error}")
