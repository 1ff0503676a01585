"""The life of an amendment: a strategy's wish to change or withdraw an order that works.

Theory. Marks as for orders. An amendment is ACCEPTED (mark J) when the journal holds it, and for a change the larger
of both terms is reserved. It is SENDING (mark S) before its first byte leaves. The broker's echo of the order with the
new terms, or the order's end, carries it out; an error that names it refuses it.

A change whose answer never comes is asked about: the open order tells its terms. When it still tells the old ones
after the passes of a reconciliation, the change is LOST: told as not confirmed, never sent again, and its terms stay
reserved, because it may take effect after all. What settles it is a later echo (then it was carried out), the
confirmation of a later change (the gateway takes one order's messages in their order, so this one is past), or the
order's end.

A cancel is never lost: sending it again can only do what was wanted, so it is sent until the order is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from algo_trade.clock import from_utc
from algo_trade.contracts import AmendmentAction, OrderAmendment
from algo_trade.risk import Terms


class AmendmentState(Enum):
    ACCEPTED = "ACCEPTED"
    SENDING = "SENDING"
    LOST = "LOST"
    CARRIED_OUT = "CARRIED_OUT"
    REFUSED = "REFUSED"

    @property
    def settled(self) -> bool:
        """Nothing can come of it any more."""
        return self in (AmendmentState.CARRIED_OUT, AmendmentState.REFUSED)


class Step(Enum):
    SEND = "send"  # mark S is durable
    CARRY_OUT = "carry out"
    REFUSE = "refuse"
    LOSE = "lose"  # asked for, and the order is as it was


_TABLE: dict[tuple[AmendmentState, Step], AmendmentState] = {
    (AmendmentState.ACCEPTED, Step.SEND): AmendmentState.SENDING,
    (
        AmendmentState.ACCEPTED,
        Step.CARRY_OUT,
    ): AmendmentState.CARRIED_OUT,  # a cancel, and the order ended by itself
    (AmendmentState.ACCEPTED, Step.REFUSE): AmendmentState.REFUSED,
    (AmendmentState.SENDING, Step.SEND): AmendmentState.SENDING,  # a cancel, again
    (AmendmentState.SENDING, Step.CARRY_OUT): AmendmentState.CARRIED_OUT,
    (AmendmentState.SENDING, Step.REFUSE): AmendmentState.REFUSED,
    (AmendmentState.SENDING, Step.LOSE): AmendmentState.LOST,
    (AmendmentState.LOST, Step.CARRY_OUT): AmendmentState.CARRIED_OUT,
    (AmendmentState.LOST, Step.REFUSE): AmendmentState.REFUSED,
}


@dataclass(slots=True)
class Amendment:
    """`terms` are the whole order's after it (those it has, for a cancel). Times are UTC epoch ns."""

    wish: OrderAmendment
    terms: Terms
    accepted_ns: int
    price_micros: int = 0  # what a share may cost at the new terms
    state: AmendmentState = AmendmentState.ACCEPTED
    sent_ns: int | None = None
    reason: str = ""

    @property
    def amendment_id(self) -> UUID:
        return self.wish.amendment_id

    @property
    def valid_until_ns(self) -> int:
        """A change is not sent from then on; a cancel is."""
        return from_utc(self.wish.valid_until)

    @property
    def is_cancel(self) -> bool:
        return self.wish.action is AmendmentAction.CANCEL

    @property
    def may_act(self) -> bool:
        """Whether the broker may have it and act on it."""
        return self.state in (AmendmentState.SENDING, AmendmentState.LOST)

    def take(self, step: Step, reason: str = "") -> None:
        """Raises KeyError for a step the table does not know: our own defect."""
        self.state = _TABLE[self.state, step]
        self.reason = reason
