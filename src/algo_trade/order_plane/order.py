"""One order as the journal keeps it: what was wanted, what was sent, what is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

from algo_trade.contracts import Direction, OrderIntent
from algo_trade.order_plane.lifecycle import OrderState, Trigger, advance
from algo_trade.portfolio.portfolio import execution_key
from algo_trade.risk import Reservation

_NEVER_SENT = frozenset({OrderState.ACCEPTED, OrderState.REFUSED, OrderState.EXPIRED, OrderState.NOT_SENT})


class OrderKind(Enum):
    STRATEGY = "STRATEGY"
    FLATTEN = "FLATTEN"  # made here, reduce-only


@dataclass(slots=True)
class JournalFill:
    """One execution, in its latest correction. Money in micro-dollars; commission None until it was reported."""

    execution_id: str
    quantity: int
    price_micros: int
    time_ns: int  # the broker's
    commission_micros: int | None = None


@dataclass(slots=True)
class Order:
    """Times are UTC epoch ns, None until they happened."""

    intent: OrderIntent
    kind: OrderKind
    accepted_ns: int
    state: OrderState = OrderState.ACCEPTED
    order_id: int = 0  # 0: never sent
    perm_id: int = 0
    price_micros: int = 0  # what a share may cost: the reservation's price
    sent_ns: int | None = None
    acknowledged_ns: int | None = None
    last_fill_ns: int | None = None  # arrival
    broker_status: str = ""
    reason: str = ""
    stated_filled: int = 0  # the most the broker has said is filled; executions have to explain it
    ending: Trigger | None = None  # a terminal word that waits for its executions
    reports: int = 0  # reports made so far: the next one's sequence
    fills: dict[str, JournalFill] = field(default_factory=dict)  # execution id prefix → fill

    @property
    def intent_id(self) -> UUID:
        return self.intent.intent_id

    @property
    def symbol(self) -> str:
        return self.intent.symbol

    @property
    def session_id(self) -> str:
        return self.intent.session_id

    @property
    def sign(self) -> int:
        return 1 if self.intent.direction is Direction.BUY else -1

    @property
    def filled(self) -> int:
        return sum(fill.quantity for fill in self.fills.values())

    @property
    def remaining(self) -> int:
        return self.intent.quantity - self.filled

    @property
    def never_sent(self) -> bool:
        """No byte of it has left: what the broker knows under its name is not ours."""
        return self.state in _NEVER_SENT

    @property
    def unresolved(self) -> bool:
        return not self.state.terminal

    @property
    def incomplete(self) -> bool:
        """Over, but executions its end speaks of, or commissions, have not come."""
        uncharged = any(fill.commission_micros is None for fill in self.fills.values())
        return self.state.terminal and (uncharged or self.ending is not None)

    def reservation(self) -> Reservation | None:
        """The risk it still holds."""
        if self.state.terminal or self.remaining <= 0:
            return None
        return Reservation(self.symbol, self.sign * self.remaining, self.price_micros)

    def apply(self, trigger: Trigger) -> bool:
        """True when the state changed. Raises IllegalTransition."""
        before = self.state
        self.state = advance(before, trigger)
        if before is OrderState.UNKNOWN is not self.state:
            self.reason = ""  # it told of a doubt that is gone
        return self.state is not before

    def count_fill(self, execution_id: str, quantity: int, price_micros: int, time_ns: int) -> bool:
        """Add or correct one execution; False when it was known."""
        prefix, suffix = execution_key(execution_id)
        known = self.fills.get(prefix)
        if known is not None and suffix <= execution_key(known.execution_id)[1]:
            return False
        commission = None if known is None else known.commission_micros
        self.fills[prefix] = JournalFill(execution_id, quantity, price_micros, time_ns, commission)
        return True

    def count_commission(self, execution_id: str, commission_micros: int) -> bool:
        """False when it is not this order's execution, or nothing new."""
        fill = self.fills.get(execution_key(execution_id)[0])
        if fill is None or fill.commission_micros == commission_micros:
            return False
        fill.commission_micros = commission_micros
        return True
