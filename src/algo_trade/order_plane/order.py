"""One order as the journal keeps it: what was wanted, what was sent, what is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

from algo_trade.contracts import OrderIntent
from algo_trade.order_plane.amendment import Amendment, AmendmentState, Step
from algo_trade.order_plane.lifecycle import OrderState, Trigger, advance
from algo_trade.portfolio.portfolio import execution_key
from algo_trade.risk import Reservation, Terms, at_once, sign_of

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
    """Times are UTC epoch ns, None until they happened.

    `terms` are the present ones, as far as the broker told; `most_shares`, what they may come to in shares. A change
    of ours that is confirmed sets both. What the broker tells unasked raises `most_shares` and never lowers it: an
    order is not done with because somebody says it is smaller.
    """

    intent: OrderIntent
    kind: OrderKind
    accepted_ns: int
    terms: Terms
    most_shares: int
    state: OrderState = OrderState.ACCEPTED
    order_id: int = 0  # 0: never sent
    perm_id: int = 0
    adaptive: str = ""  # the priority of the Adaptive algo it was sent with
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
    amendments: list[Amendment] = field(default_factory=list)  # not settled, oldest first
    answers: list[Amendment] = field(default_factory=list)  # what the next reports answer

    @classmethod
    def accept(cls, intent: OrderIntent, kind: OrderKind, at_ns: int) -> Order:
        """A new order, as its intent asks for it."""
        return cls(intent, kind, at_ns, Terms.of(intent), intent.quantity)

    @property
    def intent_id(self) -> UUID:
        return self.intent.intent_id

    @property
    def entry_id(self) -> UUID | None:
        """The entry whose exit this order is; None for any other order."""
        return self.intent.parent_intent_id

    @property
    def symbol(self) -> str:
        return self.intent.symbol

    @property
    def session_id(self) -> str:
        return self.intent.session_id

    @property
    def sign(self) -> int:
        return sign_of(self.intent.direction)

    @property
    def filled(self) -> int:
        return sum(fill.quantity for fill in self.fills.values())

    @property
    def remaining(self) -> int:
        return self.terms.quantity - self.filled

    @property
    def may_fill_to(self) -> int:
        """The most shares it may come to, changes included that the broker may have."""
        return max([self.most_shares, *(one.terms.quantity for one in self.amendments if one.may_act)])

    @property
    def never_sent(self) -> bool:
        """No byte of it has left: what the broker knows under its name is not ours."""
        return self.state in _NEVER_SENT

    @property
    def unresolved(self) -> bool:
        return not self.state.terminal

    @property
    def rests(self) -> bool:
        """The broker works it, may go on doing so for long, and owes us no answer about it."""
        owed = self.ending is not None or bool(self.amendments)
        return self.state is OrderState.WORKING and not owed and not at_once(self.intent)

    @property
    def incomplete(self) -> bool:
        """Over, but executions its end speaks of, or commissions, have not come."""
        uncharged = any(fill.commission_micros is None for fill in self.fills.values())
        return self.state.terminal and (uncharged or self.ending is not None)

    def reservation(self, *, but: Amendment | None = None) -> Reservation | None:
        """The risk it still holds: at its present terms, or at any it may be about to have (`but` not these)."""
        if self.state.terminal:
            return None
        quantity, price = self.most_shares, self.price_micros
        for one in self.amendments:
            if one is but:
                continue
            quantity, price = max(quantity, one.terms.quantity), max(price, one.price_micros)
        if quantity <= self.filled:
            return None
        return Reservation(self.symbol, self.sign * (quantity - self.filled), price)

    def apply(self, trigger: Trigger) -> bool:
        """True when the state changed. Raises IllegalTransition."""
        before = self.state
        self.state = advance(before, trigger)
        if before is OrderState.UNKNOWN is not self.state:
            self.reason = ""  # it told of a doubt that is gone
        if self.state.terminal and self.amendments:
            self._end_amendments()
        return self.state is not before

    # -- amendments --------------------------------------------------------------------------------
    def change_under_way(self) -> Amendment | None:
        """The change that waits for its answer; there is at most one."""
        return next((one for one in self.amendments if not one.is_cancel and _waits(one)), None)

    def latest_change(self) -> Amendment | None:
        """The latest change the broker may have; one that was given up as lost may be answered after all."""
        return next((one for one in reversed(self.amendments) if not one.is_cancel and one.may_act), None)

    def cancel_under_way(self) -> Amendment | None:
        """The latest cancel that waits for the order's end."""
        return next((one for one in reversed(self.amendments) if one.is_cancel), None)

    def confirm(self, change: Amendment) -> None:
        """The broker has the new terms; what was lost before is past."""
        self.terms, self.price_micros = change.terms, change.price_micros
        self.most_shares = change.terms.quantity
        for one in list(self.amendments):
            if one is change:
                self.settle(one, Step.CARRY_OUT)
                return
            if one.state is AmendmentState.LOST:
                one.take(Step.REFUSE, "a later change was confirmed")
                self.amendments.remove(one)
                self.answers.append(one)

    def settle(self, amendment: Amendment, step: Step, reason: str = "") -> None:
        """An answer to an amendment, to be told with the next report."""
        amendment.take(step, reason)
        self.answers.append(amendment)
        if amendment.state.settled and amendment in self.amendments:
            self.amendments.remove(amendment)

    def _end_amendments(self) -> None:
        over = f"the order is over: {self.state.value}"
        for one in list(self.amendments):
            cancelled = one.is_cancel and self.state is OrderState.CANCELED
            step = Step.CARRY_OUT if one.is_cancel else Step.REFUSE
            self.settle(one, step, "" if cancelled else over)

    # -- executions --------------------------------------------------------------------------------
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


def _waits(amendment: Amendment) -> bool:
    return amendment.state in (AmendmentState.ACCEPTED, AmendmentState.SENDING)
