"""The desk where one strategy decides: events in, intents out, no waiting and no I/O.

    TRADING ──▶ STOPPED ──▶ FLATTENING ──▶ HALTED
       │    the strategy        exits           no intent any more
       │    is at fault         only                ▲
       ├── flatten ────────────────▲                │
       └── halt (the stop has fired) ───────────────┘

A phase is never gone back to. The strategy is asked in TRADING only; getting flat does not need it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from algo_trade.bus import Record
from algo_trade.clock import utc
from algo_trade.contracts import BarEvent, Direction, ExecutionReport, OrderIntent, TickEvent
from algo_trade.strategy_plane.exits import exit_decision
from algo_trade.strategy_plane.intents import IntentMaker, Trigger
from algo_trade.strategy_plane.ledger import Ledger
from algo_trade.strategy_plane.ofi import OfiBin
from algo_trade.strategy_plane.parameters import OfiParameters
from algo_trade.strategy_plane.strategy import BrokenPromise, Decision, Decisions, Purpose, Strategy
from algo_trade.strategy_plane.view import SessionView

NO_INTENTS: Sequence[OrderIntent] = ()


class Phase(Enum):
    TRADING = "trading"
    STOPPED = "stopped"
    FLATTENING = "flattening"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class SessionWindow:
    """Which session this is and when: UTC epoch nanoseconds. A resumed session keeps its first start."""

    session_id: str
    start_ns: int
    end_ns: int


class Desk:
    """One strategy in one session. `fault` says what stopped it, None as long as nothing did."""

    def __init__(self, strategy: Strategy, parameters: OfiParameters, window: SessionWindow) -> None:
        self.ledger = Ledger()
        self.phase = Phase.TRADING
        self.fault: str | None = None
        self._strategy = strategy
        self._parameters = parameters
        self._session_id = window.session_id
        self._view = SessionView(
            self.ledger,
            start=utc(window.start_ns),
            end=utc(window.end_ns),
            max_exposure_usd=parameters.max_exposure_usd,
        )
        self._maker = IntentMaker(
            window.session_id,
            strategy.strategy_id,
            valid_s=parameters.order_valid_s,
            max_exposure_usd=float(parameters.max_exposure_usd),
        )
        self._made: list[OrderIntent] = []  # by the event at hand

    # -- the session's orders -------------------------------------------------------------------------
    def flatten(self) -> None:
        """No entries from now on; whatever is held is sold or bought back with the next quotes."""
        if self.phase is not Phase.HALTED:
            self._leave_trading(Phase.FLATTENING)

    def halt(self) -> None:
        """No intent from now on, not even an exit."""
        self._leave_trading(Phase.HALTED)

    def stop_strategy(self, reason: str) -> None:
        """The strategy is not asked any more. The first reason is kept."""
        self.fault = self.fault or reason
        if self.phase is Phase.TRADING:
            self._leave_trading(Phase.STOPPED)

    def _leave_trading(self, phase: Phase) -> None:
        self.phase = phase
        self._view.entries_open = False

    # -- events ---------------------------------------------------------------------------------------
    def on_tick(self, record: Record, tick: TickEvent, closed: OfiBin | None) -> Sequence[OrderIntent]:
        """A quote, and the bin of order flow it closed; the intents it caused, which count from now on."""
        view = self._view
        view.see(tick)
        if self.phase is Phase.TRADING:
            try:
                if closed is not None and (decisions := self._strategy.on_ofi(closed, view)):
                    self._decide(record, decisions)
                if decisions := self._strategy.on_tick(tick, view):
                    self._decide(record, decisions)
            except Exception as error:  # noqa: BLE001  # others' code: whatever it raises stops it and only it
                self._stop_for(error)
        elif self.phase is Phase.FLATTENING:
            offset_bps = self._parameters.limit_offset_bps
            decision = exit_decision(tick, view, limit_offset_bps=offset_bps, ending=True)
            if decision is not None:
                self._decide(record, (decision,))
        return self._take_made() if self._made else NO_INTENTS

    def on_bar(self, record: Record, bar: BarEvent) -> Sequence[OrderIntent]:
        """A bar; the intents it caused."""
        self._view.now = bar.timestamp
        if self.phase is Phase.TRADING:
            try:
                self._decide(record, self._strategy.on_bar(bar, self._view))
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

    # -- the past, after a restart ----------------------------------------------------------------------
    def recall_bin(self, closed: OfiBin) -> None:
        """A bin logged by an earlier life."""
        self._view.now = closed.end
        self._recall(lambda: self._strategy.on_ofi(closed, self._view))

    def recall_tick(self, tick: TickEvent, closed: OfiBin | None) -> None:
        """A quote from before the restart: shown to the strategy, whose answer is thrown away."""
        self._view.see(tick)
        if closed is not None:
            self._recall(lambda: self._strategy.on_ofi(closed, self._view))
        self._recall(lambda: self._strategy.on_tick(tick, self._view))

    def recall_bar(self, bar: BarEvent) -> None:
        """A bar from before the restart, likewise."""
        self._view.now = bar.timestamp
        self._recall(lambda: self._strategy.on_bar(bar, self._view))

    def _recall(self, call: Callable[[], Decisions]) -> None:
        if self.phase is Phase.TRADING:
            try:
                call()
            except Exception as error:  # noqa: BLE001  # as above
                self._stop_for(error)

    # -- intents ----------------------------------------------------------------------------------------
    def _decide(self, record: Record, decisions: Decisions) -> None:
        for decision in decisions:
            self._check(decision)
            intent = self._maker.make(
                decision,
                Trigger(record.topic, record.partition, record.offset, self._view.now),
                ordinal=len(self._made),
                sequence_number=self.ledger.intents,
                position=self.ledger.position(decision.symbol),
            )
            self.ledger.add_intent(intent)
            self._made.append(intent)

    def _check(self, decision: Decision) -> None:
        if self.ledger.unresolved(decision.symbol):
            raise BrokenPromise(f"{decision.symbol}: decided while an intent is unresolved")
        if decision.purpose is Purpose.EXIT:
            held = self.ledger.position(decision.symbol)
            if decision.quantity > (held if decision.direction is Direction.SELL else -held):
                raise BrokenPromise(f"{decision.symbol}: an exit of {decision.quantity} with {held} held")

    def _take_made(self) -> Sequence[OrderIntent]:
        made, self._made = self._made, []
        return made

    def _stop_for(self, error: Exception) -> None:
        self.stop_strategy(f"{type(error).__name__}: {error}")
