"""A broker at which orders rest: brackets, amendments, partial fills, and bars of the quotes it saw.

It is written from the contracts' words alone, and its answers are what the order plane's would be: cumulative reports,
numbered from 0 for each intent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tests.strategy_plane.kit import report

from algo_trade.contracts import (
    AmendmentAction,
    BarDuration,
    BarEvent,
    Direction,
    ExecutionReport,
    ExecutionStatus,
    OrderAmendment,
    OrderIntent,
    OrderType,
    TickEvent,
    TimeInForce,
)

_RESTS = (TimeInForce.DAY, TimeInForce.GTC)


@dataclass
class _Order:
    intent: OrderIntent
    quantity: int
    limit: float | None
    stop: float | None
    filled: int = 0
    over: bool = False
    triggered: bool = False
    reports: int = 0
    exits: list[_Order] = field(default_factory=list)
    entry: _Order | None = None

    @property
    def sign(self) -> int:
        return 1 if self.intent.direction is Direction.BUY else -1

    @property
    def works(self) -> bool:
        return not self.over and (self.entry is None or self.entry.filled > 0)

    @property
    def open_shares(self) -> int:
        """An attached exit trades what its entry and its sibling have left it."""
        if self.entry is None:
            return self.quantity - self.filled
        return self.entry.filled - sum(exit_.filled for exit_ in self.entry.exits)


class Exchange:
    """Every `refuses_every`-th amendment is refused, every `partial_every`-th fill is of one share only."""

    def __init__(self, *, refuses_every: int = 5, partial_every: int = 4) -> None:
        self._refuses_every, self._partial_every = refuses_every, partial_every
        self._orders: dict[UUID, _Order] = {}
        self._quotes: dict[str, TickEvent] = {}
        self._amendments = self._fills = 0
        self.held: dict[str, int] = {}

    # -- what the strategy sends ----------------------------------------------------------------------
    def answer(self, wish: OrderIntent | OrderAmendment, at: datetime) -> list[ExecutionReport]:
        if isinstance(wish, OrderAmendment):
            return self._amend(wish, at)
        order = _Order(wish, wish.quantity, wish.limit_price, wish.stop_price)
        self._orders[wish.intent_id] = order
        if wish.parent_intent_id is not None:
            order.entry = self._orders[wish.parent_intent_id]
            order.entry.exits.append(order)
            assert len(order.entry.exits) <= (order.entry.intent.attached_exits or 0)
            return [self._tell(order, ExecutionStatus.SUBMITTED, at)]
        told = [self._tell(order, ExecutionStatus.ACKNOWLEDGED, at)]
        told += self._try(order, at)
        if not order.over and wish.time_in_force not in _RESTS:
            told += [self._end(order, ExecutionStatus.CANCELED, at), *self._settle(order, at)]
        return told

    def _amend(self, wish: OrderAmendment, at: datetime) -> list[ExecutionReport]:
        order = self._orders[wish.intent_id]
        self._amendments += 1
        if order.over:
            return [self._tell(order, self._final(order), at, wish.amendment_id)]
        if self._amendments % self._refuses_every == 0:
            return [self._tell(order, self._working(order), at, wish.amendment_id)]
        if wish.action is AmendmentAction.CANCEL:
            return [
                self._end(order, ExecutionStatus.CANCELED, at, wish.amendment_id),
                *self._settle(order, at),
            ]
        order.quantity = wish.quantity or order.quantity
        order.limit = wish.limit_price or order.limit
        order.stop = wish.stop_price or order.stop
        told = [self._tell(order, self._working(order), at, wish.amendment_id)]
        return told + self._try(order, at)

    # -- the market -----------------------------------------------------------------------------------
    def quoted(self, quote: TickEvent) -> list[ExecutionReport]:
        """What the quote fills."""
        self._quotes[quote.symbol] = quote
        told: list[ExecutionReport] = []
        for order in list(self._orders.values()):
            if order.intent.symbol == quote.symbol:
                told += self._try(order, quote.timestamp)
        return told

    def _try(self, order: _Order, at: datetime) -> list[ExecutionReport]:
        quote = self._quotes.get(order.intent.symbol)
        if quote is None or not order.works or order.open_shares <= 0:
            return []
        price = quote.ask if order.sign > 0 else quote.bid
        if order.intent.order_type is OrderType.STOP and order.stop is not None:
            order.triggered = order.triggered or order.sign * (price - order.stop) >= 0
            if not order.triggered:
                return []
        elif order.limit is not None and order.sign * (price - order.limit) > 0:
            return []
        return self._fill(order, at)

    def _fill(self, order: _Order, at: datetime) -> list[ExecutionReport]:
        self._fills += 1
        partial = self._fills % self._partial_every == 0
        shares = 1 if partial else order.open_shares
        order.filled += shares
        symbol = order.intent.symbol
        self.held[symbol] = self.held.get(symbol, 0) + order.sign * shares
        if order.entry is not None or order.open_shares:
            told = [self._tell(order, ExecutionStatus.PARTIAL_FILL, at)]
        else:
            told = [self._end(order, ExecutionStatus.FILLED, at)]
        return told + self._settle(order.entry or order, at)

    def _settle(self, entry: _Order, at: datetime) -> list[ExecutionReport]:
        """The ends of attached exits that have nothing left to trade."""
        if not entry.over or entry.filled > sum(exit_.filled for exit_ in entry.exits):
            return []
        told = []
        for exit_ in entry.exits:
            if not exit_.over:
                exit_.quantity = exit_.filled or exit_.quantity
                told.append(self._end(exit_, self._final(exit_), at))
        return told

    # -- reports --------------------------------------------------------------------------------------
    def _working(self, order: _Order) -> ExecutionStatus:
        return ExecutionStatus.PARTIAL_FILL if order.filled else ExecutionStatus.ACKNOWLEDGED

    def _final(self, order: _Order) -> ExecutionStatus:
        return ExecutionStatus.FILLED if order.filled == order.quantity else ExecutionStatus.CANCELED

    def _end(
        self, order: _Order, status: ExecutionStatus, at: datetime, answers: UUID | None = None
    ) -> ExecutionReport:
        order.over = True
        return self._tell(order, status, at, answers)

    def _tell(
        self, order: _Order, status: ExecutionStatus, at: datetime, answers: UUID | None = None
    ) -> ExecutionReport:
        order.reports += 1
        return report(
            order.intent,
            order.reports - 1,
            status,
            order.filled,
            at,
            requested_quantity=order.quantity,
            limit_price=order.limit,
            stop_price=order.stop,
            amendment_id=answers,
        )


class BarMaker:
    """Bars of five seconds from the mids of quotes, each when its end has passed."""

    length = timedelta(seconds=5)

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._open: dict[str, tuple[int, list[float]]] = {}  # symbol -> number of its interval, mids

    def quoted(self, quote: TickEvent) -> BarEvent | None:
        """The bar that this quote shows to be over."""
        number, mid = (quote.timestamp - self._start) // self.length, (quote.bid + quote.ask) / 2
        before, mids = self._open.get(quote.symbol, (number, []))
        if number == before:
            self._open[quote.symbol] = (number, [*mids, mid])
            return None
        self._open[quote.symbol] = (number, [mid])
        return BarEvent(
            symbol=quote.symbol,
            timestamp=self._start + (before + 1) * self.length,
            open=mids[0],
            high=max(mids),
            low=min(mids),
            close=mids[-1],
            volume=0,
            bar_duration=BarDuration.S5,
        )
