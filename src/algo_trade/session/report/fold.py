"""From the evidence to everything that is computed from it: each number of the report begins here, in the log."""

from __future__ import annotations

from dataclasses import dataclass

from algo_trade.session.report.amendments import AmendmentStory, tell_amendments
from algo_trade.session.report.brackets import Bracket, brackets_of
from algo_trade.session.report.broker import BrokerCheck, broker_checks
from algo_trade.session.report.evidence import SessionData
from algo_trade.session.report.executions import Execution, fold_executions
from algo_trade.session.report.orders import OrderStory, latencies_ms, tell_stories
from algo_trade.session.report.performance import bar_returns
from algo_trade.session.report.pnl import EquityCurve, Position, equity_curve, positions_of
from algo_trade.session.report.quotes import MICROS, Mids
from algo_trade.session.report.round_trips import RoundTrip, round_trips_of
from algo_trade.session.report.timeline import Happening, timeline_of


@dataclass(frozen=True, slots=True)
class Folded:
    """The evidence, and what was computed from it. `returns` are fractions of the capital; empty without one."""

    data: SessionData
    mids: dict[str, Mids]
    ofi: dict[str, int | float]
    stories: tuple[OrderStory, ...]
    amendments: tuple[AmendmentStory, ...]
    brackets: tuple[Bracket, ...]
    executions: tuple[Execution, ...]
    positions: dict[str, Position]
    curve: EquityCurve
    returns: tuple[float, ...]
    round_trips: tuple[RoundTrip, ...]
    latencies_ms: dict[str, list[float]]
    broker_checks: tuple[BrokerCheck, ...]
    timeline: tuple[Happening, ...]

    @property
    def orders(self) -> list[OrderStory]:
        """Of the intents, those that became one."""
        return [story for story in self.stories if story.outcome.is_order]

    @property
    def held(self) -> dict[str, int]:
        """Signed shares of every symbol that is not flat at the end."""
        return {symbol: position.quantity for symbol, position in self.positions.items() if position.quantity}

    @property
    def commission_micros(self) -> int:
        return sum(position.commission_micros for position in self.positions.values())


def fold(data: SessionData) -> Folded:
    """A pure function of the evidence."""
    mids = data.quotes.mids
    executions = fold_executions(data.told, data.intent_by_id)
    amendments = tell_amendments((amendment for _, amendment in data.amendments), data.told)
    stories = tell_stories((intent for _, intent in data.intents), data.told, executions, amendments)
    curve = equity_curve(executions, mids, data.record.started_ns)
    capital = data.record.allocated_capital
    return Folded(
        data=data,
        mids=mids,
        ofi={**dict.fromkeys(data.record.symbols, 0), **data.quotes.ofi},
        stories=tuple(stories),
        amendments=tuple(amendments),
        brackets=brackets_of(stories),
        executions=tuple(executions),
        positions=positions_of(executions, {symbol: series.last for symbol, series in mids.items()}),
        curve=curve,
        returns=tuple(bar_returns(curve, data.end_ns, round(capital * MICROS))) if capital else (),
        round_trips=round_trips_of(executions),
        latencies_ms=latencies_ms(stories),
        broker_checks=broker_checks(data.events),
        timeline=timeline_of(data.events),
    )
