"""What the strategy plane knows about its orders: a fold of order_intents and exec_reports.

Reports are cumulative for their intent and numbered from 0, so one seen before changes nothing, and the newest
says it all. The fold gives the same result whether intents, amendments and reports come interleaved, as they
happened, or everything of order_intents first, as a restart reads them.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from algo_trade.contracts import Direction, ExecutionReport, OrderAmendment, OrderIntent
from algo_trade.strategy_plane.orders import IntentState, WorkingOrder, cumulative_fill, is_end


class UnattributableReport(Exception):
    """A report of an intent we do not know that does not say its direction: the position is unknown (Stop)."""


class Ledger:
    """Positions, unresolved intents and counts of one session."""

    def __init__(self) -> None:
        self._intents: dict[UUID, IntentState] = {}
        self._amendments: set[UUID] = set()
        self._open: dict[str, dict[UUID, IntentState]] = {}  # symbol -> unresolved intents
        self._entries: list[IntentState] = []
        self._positions: dict[str, int] = {}  # symbol -> shares, signed; none that are 0
        self._held_since: dict[str, datetime] = {}
        self._resolved_at: dict[str, datetime] = {}
        self._last_decided: dict[
            str, IntentState
        ] = {}  # symbol -> newest own intent that is not an attached exit
        self._failed_exits: dict[str, int] = {}  # symbol -> decided exits in a row without any fill

    # -- folding --------------------------------------------------------------------------------------
    def add_intent(self, intent: OrderIntent) -> None:
        """An intent of ours. Known ones change nothing."""
        if intent.intent_id in self._intents:
            return
        state = IntentState.of_intent(intent)
        self._remember(state)
        if not state.is_attached:
            self._last_decided[intent.symbol] = state
        if not state.is_exit:
            self._entries.append(state)

    def add_amendment(self, amendment: OrderAmendment) -> None:
        """An amendment of ours: pending until a report answers it or its order is over. Known ones change nothing."""
        if amendment.amendment_id in self._amendments:
            return
        self._amendments.add(amendment.amendment_id)
        state = self._intents.get(amendment.intent_id)
        if state is not None and not state.over:
            state.pending[amendment.amendment_id] = amendment

    def fold(self, report: ExecutionReport) -> bool:
        """True when the report said something new. Raises UnattributableReport."""
        state = self._intents.get(report.intent_id) or self._foreign(report)
        if report.sequence <= state.sequence:
            return False
        state.learn(report)
        filled = cumulative_fill(report)
        if filled is not None and filled != state.filled:
            self._move(state.symbol, state.sign * (filled - state.filled), report.timestamp)
            state.filled = filled
            self._failed_exits.pop(state.symbol, None)
        if is_end(report.status) and not state.over:
            self._resolve(report, state)
        return True

    def _foreign(self, report: ExecutionReport) -> IntentState:
        """An order of this session that is not the strategy's: the kill switch's flattening moves positions too."""
        if report.direction is None:
            raise UnattributableReport(f"report {report.report_id} of unknown intent {report.intent_id}")
        state = IntentState(
            intent_id=report.intent_id,
            symbol=report.symbol,
            sign=1 if report.direction is Direction.BUY else -1,
            quantity=report.requested_quantity or 0,
            limit_price=report.limit_price,
            stop_price=report.stop_price,
            mid=None,
            is_exit=True,
            at=report.timestamp,
        )
        self._remember(state)
        return state

    def _remember(self, state: IntentState) -> None:
        self._intents[state.intent_id] = state
        self._open.setdefault(state.symbol, {})[state.intent_id] = state

    def _resolve(self, report: ExecutionReport, state: IntentState) -> None:
        state.over = True
        state.is_order = bool(report.order_id)
        state.pending.clear()
        self._resolved_at[state.symbol] = report.timestamp
        still_open = self._open[state.symbol]
        del still_open[report.intent_id]
        if not still_open:
            del self._open[state.symbol]
        # An attached exit ends without a share whenever the other one fills.
        if state.is_exit and not state.is_attached and not state.filled:
            self._failed_exits[state.symbol] = self._failed_exits.get(state.symbol, 0) + 1

    def _move(self, symbol: str, shares: int, at: datetime) -> None:
        before = self._positions.get(symbol, 0)
        after = before + shares
        if after == 0:
            del self._positions[symbol], self._held_since[symbol]
            return
        self._positions[symbol] = after
        if before == 0 or (before > 0) != (after > 0):
            self._held_since[symbol] = at

    # -- reading --------------------------------------------------------------------------------------
    @property
    def positions(self) -> dict[str, int]:
        """Shares held by symbol, signed; symbols without any are left out."""
        return dict(self._positions)

    @property
    def flat(self) -> bool:
        """Nothing is held and nothing is unresolved."""
        return not self._positions and not self._open

    @property
    def orders(self) -> int:
        """Orders of the session: its intents, but for those known never to have become one."""
        return sum(1 for state in self._intents.values() if state.is_order)

    @property
    def messages(self) -> int:
        """Intents and amendments so far."""
        return len(self._intents) + len(self._amendments)

    def own(self, intent_id: UUID) -> IntentState | None:
        """What is known of an intent of the strategy's own."""
        state = self._intents.get(intent_id)
        return state if state is not None and state.is_own else None

    def working(self, symbol: str) -> tuple[WorkingOrder, ...]:
        """The strategy's own orders of that symbol that have no end yet, oldest first."""
        return tuple(state.shown() for state in self._open.get(symbol, {}).values() if state.is_own)

    def position(self, symbol: str) -> int:
        return self._positions.get(symbol, 0)

    def held_since(self, symbol: str) -> datetime | None:
        """When the position last became non-zero or changed its side; None when there is none."""
        return self._held_since.get(symbol)

    def unresolved(self, symbol: str) -> bool:
        """An intent of that symbol has no end yet; one whose fate is UNKNOWN stays so."""
        return symbol in self._open

    def resolved_at(self, symbol: str) -> datetime | None:
        """When an intent of that symbol last came to its end, filled or not."""
        return self._resolved_at.get(symbol)

    def exiting(self, symbol: str) -> bool:
        """A position is held of which an exit has been decided already; attached ones do not count."""
        last = self._last_decided.get(symbol)
        return last is not None and last.is_exit and symbol in self._positions

    def failed_exits(self, symbol: str) -> int:
        """Exits in a row that ended without a single share; attached ones do not count."""
        return self._failed_exits.get(symbol, 0)

    def entries(self) -> list[IntentState]:
        """Entries that filled at least in part or still may, oldest first."""
        return [state for state in self._entries if state.filled or not state.over]

    def exposed_symbols(self) -> list[str]:
        """Symbols held or about to be: each once, in order of appearance."""
        return list(dict.fromkeys((*self._positions, *self._open)))

    def open_entry_usd(self, symbol: str) -> Decimal:
        """What the unfilled part of a symbol's open entries may still cost, in dollars."""
        states = self._open.get(symbol, {}).values()
        return sum((state.reserved_usd for state in states if not state.is_exit), Decimal(0))

    def last_price(self, symbol: str) -> Decimal:
        """The price of the last order decided in that symbol, 0 when there is none."""
        last = self._last_decided.get(symbol)
        return last.price if last is not None else Decimal(0)
