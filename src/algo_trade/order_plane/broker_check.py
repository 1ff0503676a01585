"""Do our books and the broker's agree? Positions, cash and commission, at moments when nothing is moving.

Ours are folded from our own reports; theirs are asked for. A comparison during which any order changed is no
comparison and is made again later. An order that rests may fill between our last word of it and their answer: while
there are any, books that differ are looked at again as well. Cash and commission agree when they differ by less than a
cent: the broker tells cents.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pydantic import JsonValue

from algo_trade.contracts import SessionEventKind, Severity
from algo_trade.ibkr import Known
from algo_trade.ibkr.events import AccountValue
from algo_trade.ibkr.snapshots import Snapshots
from algo_trade.order_plane.broker_events import BrokerEvents
from algo_trade.order_plane.ledger import Ledger
from algo_trade.order_plane.notify import Notify
from algo_trade.portfolio import dollars, micros
from algo_trade.portfolio.portfolio import execution_key

_CASH_TAG = "TotalCashValue"
_TOLERANCE_MICROS = 10_000
_ATTEMPTS = 5
_ATTEMPT_SPACING_S = 1.0


@dataclass(frozen=True, slots=True)
class _Books:
    """What one side holds, in micro-dollars."""

    positions: dict[str, int]
    cash_micros: int
    commission_micros: int


async def read_cash_micros(snapshots: Snapshots) -> int | None:
    """The account's cash; None when the gateway did not say."""
    answer = await snapshots.account_summary(_CASH_TAG)
    if not isinstance(answer, Known):
        return None
    return _cash(answer.rows)


class BrokerCheck:
    """Compares on request; `cash_baseline_micros` is the account's cash when the session first started."""

    def __init__(
        self,
        snapshots: Snapshots,
        ledger: Ledger,
        events: BrokerEvents,
        account: str,
        cash_baseline_micros: int,
        notify: Notify,
    ) -> None:
        self._snapshots = snapshots
        self._ledger = ledger
        self._events = events
        self._account = account
        self._cash_baseline = cash_baseline_micros
        self._notify = notify

    async def compare(self, moment: str) -> bool | None:
        """True or False; None when no quiet answer could be had. Every outcome is an event of the session."""
        for number in range(_ATTEMPTS):
            if number:
                await asyncio.sleep(_ATTEMPT_SPACING_S)
            before = self._ledger.changes
            working = self._ledger.unresolved()
            if not all(order.rests for order in working) or not self._commissions_known():
                continue
            theirs = await self._ask()
            if theirs is None or before != self._ledger.changes:
                continue
            if not working or number == _ATTEMPTS - 1 or self._agrees(theirs):
                return self._record(moment, theirs)
        self._notify(
            SessionEventKind.BROKER_CHECK,
            f"{moment}: no comparison possible",
            severity=Severity.WARNING,
            data={"moment": moment, "match": None, "position_open": bool(self._ledger.account_positions())},
        )
        return None

    def _commissions_known(self) -> bool:
        return all(
            fill.commission_micros is not None
            for order in self._ledger.of_session()
            for fill in order.fills.values()
        )

    async def _ask(self) -> _Books | None:
        positions = await self._snapshots.positions()
        executions = await self._snapshots.executions()
        cash = await read_cash_micros(self._snapshots)
        if not isinstance(positions, Known) or not isinstance(executions, Known) or cash is None:
            return None
        ours = {str(order.intent_id) for order in self._ledger.of_session()}
        charged = {
            execution_key(row.exec_id)[0]: self._events.commissions.get(execution_key(row.exec_id)[0], 0)
            for row in executions.rows
            if row.order_ref in ours
        }
        held = {
            row.symbol: round(row.quantity)
            for row in positions.rows
            if row.account == self._account and row.quantity
        }
        return _Books(held, cash, sum(charged.values()))

    def _ours(self) -> _Books:
        portfolio = self._ledger.portfolio
        cash = self._cash_baseline + portfolio.cash_flow_micros
        return _Books(self._ledger.account_positions(), cash, portfolio.commission_micros)

    def _agrees(self, theirs: _Books) -> bool:
        ours = self._ours()
        return (
            ours.positions == theirs.positions
            and abs(ours.cash_micros - theirs.cash_micros) < _TOLERANCE_MICROS
            and abs(ours.commission_micros - theirs.commission_micros) < _TOLERANCE_MICROS
        )

    def _record(self, moment: str, theirs: _Books) -> bool:
        ours, match = self._ours(), self._agrees(theirs)
        positions, cash, commission = ours.positions, ours.cash_micros, ours.commission_micros
        data: dict[str, JsonValue] = {
            "moment": moment,
            "position_open": bool(positions),
            "positions_ours": dict(positions),
            "positions_broker": dict(theirs.positions),
            "cash_ours": dollars(cash),
            "cash_broker": dollars(theirs.cash_micros),
            "commission_ours": dollars(commission),
            "commission_broker": dollars(theirs.commission_micros),
            "match": match,
        }
        text = f"{moment}: books {'agree with' if match else 'DIFFER from'} the broker's"
        severity = Severity.INFO if match else Severity.ERROR
        self._notify(SessionEventKind.BROKER_CHECK, text, severity=severity, data=data)
        return match


def _cash(rows: tuple[AccountValue, ...]) -> int | None:
    for row in rows:
        if row.tag == _CASH_TAG:
            return micros(float(row.value))
    return None
