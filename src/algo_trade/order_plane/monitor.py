"""Marks and money: follows the quotes, values the positions, and says when trading must stop."""

from __future__ import annotations

from collections.abc import Callable

from algo_trade.bus import Invalid, Record, StrategyPlaneValidator, Subscription
from algo_trade.contracts import TickEvent
from algo_trade.order_plane.ledger import Ledger
from algo_trade.portfolio import Pnl
from algo_trade.risk import KillSwitch, Marks, Trip

# The best is kept when it has risen by a hundredth of the drawdown allowed: not with every quote of a good day.
_PEAK_STEPS = 100


class Monitor:
    """One task calls `run`; `on_trip` is called once, on the loop, and must latch before it returns.

    `on_peak` is given the best profit of the session, in micro-dollars, each time it has risen by a part that counts.
    """

    def __init__(
        self,
        ledger: Ledger,
        marks: Marks,
        kill_switch: KillSwitch,
        on_trip: Callable[[Trip], None],
        on_peak: Callable[[int], None],
    ) -> None:
        self._ledger = ledger
        self._marks = marks
        self._kill_switch = kill_switch
        self._on_trip = on_trip
        self._on_peak = on_peak
        self._peak_kept_micros = kill_switch.peak_micros
        self._peak_step_micros = kill_switch.drawdown_allowed_micros // _PEAK_STEPS + 1
        self._validator = StrategyPlaneValidator()
        self.tripped = False

    async def run(self, quotes: Subscription) -> None:
        while records := await quotes.fetch():
            for record in records:
                self._take(record)

    @property
    def peak_micros(self) -> int:
        """The best of the session, from which a drawdown is measured."""
        return self._kill_switch.peak_micros

    def pnl(self) -> Pnl:
        portfolio = self._ledger.portfolio
        return portfolio.pnl(self._marks.mids_micros(list(portfolio.positions())))

    def observe(self, quoted: str | None = None) -> None:
        """Hold the present profit and loss against the stops. `quoted`: whose quote moved it; None: a report did."""
        if self.tripped:
            return
        switch = self._kill_switch
        trip = switch.observe(self.pnl(), quoted=quoted, held=self._ledger.portfolio.positions())
        if switch.peak_micros >= self._peak_kept_micros + self._peak_step_micros:
            self._peak_kept_micros = switch.peak_micros
            self._on_peak(switch.peak_micros)
        if trip is not None:
            self.tripped = True
            self._on_trip(trip)

    def _take(self, record: Record) -> None:
        tick = record.message
        if tick is None:
            try:
                tick = self._validator.validate(record, TickEvent)
            except Invalid:
                return  # a bar, or what the strategy plane makes a dead letter of
        if isinstance(tick, TickEvent):
            self._marks.update(tick)
            if self._ledger.portfolio.position(tick.symbol):
                self.observe(tick.symbol)
