"""Executions, each counted once, from the cumulative fills of execution reports.

The broker's execution id is a prefix that names the execution and, after the last dot, a number that grows with
each correction: the highest number replaces all before it. Reports repeat fills and may come twice; the
commission of a fill may come later than the fill.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from algo_trade.clock import from_utc
from algo_trade.contracts import Direction, ExecutionReport, OrderIntent
from algo_trade.session.report.quotes import MICROS


@dataclass(slots=True)
class Execution:
    """One execution in its latest correction. Money in micro-dollars, times UTC epoch ns.

    `known_ns` is when the session's log first told of it, `broker_ns` what the broker stamped (whole seconds).
    """

    execution_id: str
    intent_id: UUID
    order_id: str
    symbol: str
    sign: int  # 1 for a buy, -1 for a sell
    quantity: int
    price_micros: int
    known_ns: int
    broker_ns: int
    commission_micros: int | None = None
    corrections: int = 0

    @property
    def signed_quantity(self) -> int:
        return self.sign * self.quantity


@dataclass(frozen=True, slots=True)
class Told:
    """An execution report and when the log took it (UTC epoch ns), with its offset there."""

    report: ExecutionReport
    at_ns: int
    offset: int


def split_execution_id(execution_id: str) -> tuple[str, int]:
    """The part that names the execution, and the number of the correction (0 where there is none)."""
    prefix, dot, suffix = execution_id.rpartition(".")
    if dot and suffix.isdecimal():
        return prefix, int(suffix)
    return execution_id, 0


def fold_executions(told: Iterable[Told], intents: dict[UUID, OrderIntent]) -> list[Execution]:
    """All executions in the order in which the log first told of them.

    A report without a direction takes that of its intent; where neither says, its fills cannot be counted and
    are left out (the cross-checks tell).
    """
    found: dict[tuple[str, str], Execution] = {}
    corrected: dict[tuple[str, str], int] = {}
    for item in told:
        report = item.report
        direction = direction_of(report, intents)
        if direction is None:
            continue
        for fill in report.fills:
            prefix, correction = split_execution_id(fill.fill_id)
            place = (report.symbol, prefix)
            known = found.get(place)
            if known is None:
                known = found[place] = Execution(
                    execution_id=fill.fill_id,
                    intent_id=report.intent_id,
                    order_id=report.order_id,
                    symbol=report.symbol,
                    sign=1 if direction is Direction.BUY else -1,
                    quantity=fill.quantity,
                    price_micros=round(fill.price * MICROS),
                    known_ns=item.at_ns,
                    broker_ns=from_utc(fill.timestamp),
                )
                corrected[place] = correction
            elif correction < corrected[place]:
                continue
            elif correction > corrected[place]:
                corrected[place] = correction
                known.execution_id, known.quantity = fill.fill_id, fill.quantity
                known.price_micros = round(fill.price * MICROS)
                known.corrections += 1
            if fill.commission is not None:
                known.commission_micros = round(fill.commission * MICROS)
    return list(found.values())


def direction_of(report: ExecutionReport, intents: dict[UUID, OrderIntent]) -> Direction | None:
    """What the report says, or else what the intent wanted."""
    if report.direction is not None:
        return report.direction
    intent = intents.get(report.intent_id)
    return None if intent is None else intent.direction
