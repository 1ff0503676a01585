"""The life of an order: every state, every trigger, and nowhere else.

Rule 1: an order's state changes only through `advance`, and each row below is a thing the world does.

Marks. An intent is ACCEPTED (mark J) when the journal holds it and its risk is reserved. It is SENDING
(mark S) from the moment the journal says so, which is before the first byte leaves; from then on it may exist at
the broker, whatever happens to us. It is WORKING (mark A) with the first evidence from the broker. The terminal
states (mark T) release the risk that did not fill.

Money is told by executions. A status word such as Filled or Cancelled is a hint about what executions to
expect: `broker_events` holds a terminal word back until the executions it speaks of have come, and asks
for them when they do not.

UNKNOWN is not an end: the order may be live. It keeps its risk and freezes its symbol until evidence comes.
Nothing ever leads back to a state from which bytes are sent.
"""

from __future__ import annotations

from enum import Enum


class OrderState(Enum):
    ACCEPTED = "ACCEPTED"
    SENDING = "SENDING"
    WORKING = "WORKING"
    UNKNOWN = "UNKNOWN"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    NOT_SENT = "NOT_SENT"  # the connection refused the write: no byte left
    EXPIRED = "EXPIRED"  # its validity ended before it could be sent
    REFUSED = "REFUSED"  # by our own checks

    @property
    def terminal(self) -> bool:
        return self in _TERMINAL

    @property
    def may_fill(self) -> bool:
        """Whether the broker may have it: from mark S until the end, UNKNOWN included."""
        return self in _AT_BROKER


class Trigger(Enum):
    SEND = "send"  # mark S is durable
    NOT_SENT = "not sent"
    EXPIRE = "expire"
    REFUSE = "refuse"
    EVIDENCE = "evidence"  # an open order or a working status
    PART = "partly filled"  # an execution that leaves something open
    ALL = "all filled"  # the execution that completes the quantity
    CANCEL = "cancelled"
    REJECT = "rejected"
    LOST = "lost"  # asked twice, and the broker knows nothing


_TERMINAL = frozenset(
    {
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.REJECTED,
        OrderState.NOT_SENT,
        OrderState.EXPIRED,
        OrderState.REFUSED,
    }
)
_AT_BROKER = frozenset({OrderState.SENDING, OrderState.WORKING, OrderState.UNKNOWN})

_TABLE: dict[tuple[OrderState, Trigger], OrderState] = {
    (OrderState.ACCEPTED, Trigger.SEND): OrderState.SENDING,
    (OrderState.ACCEPTED, Trigger.EXPIRE): OrderState.EXPIRED,
    (OrderState.ACCEPTED, Trigger.REFUSE): OrderState.REFUSED,
    (OrderState.SENDING, Trigger.NOT_SENT): OrderState.NOT_SENT,
    (OrderState.SENDING, Trigger.EVIDENCE): OrderState.WORKING,
    (OrderState.SENDING, Trigger.PART): OrderState.WORKING,
    (OrderState.SENDING, Trigger.ALL): OrderState.FILLED,
    (OrderState.SENDING, Trigger.CANCEL): OrderState.CANCELED,
    (OrderState.SENDING, Trigger.REJECT): OrderState.REJECTED,
    (OrderState.SENDING, Trigger.LOST): OrderState.UNKNOWN,
    (OrderState.WORKING, Trigger.EVIDENCE): OrderState.WORKING,
    (OrderState.WORKING, Trigger.PART): OrderState.WORKING,
    (OrderState.WORKING, Trigger.ALL): OrderState.FILLED,
    (OrderState.WORKING, Trigger.CANCEL): OrderState.CANCELED,
    (OrderState.WORKING, Trigger.REJECT): OrderState.REJECTED,
    (OrderState.WORKING, Trigger.LOST): OrderState.UNKNOWN,
    (OrderState.UNKNOWN, Trigger.EVIDENCE): OrderState.WORKING,
    (OrderState.UNKNOWN, Trigger.PART): OrderState.WORKING,
    (OrderState.UNKNOWN, Trigger.ALL): OrderState.FILLED,
    (OrderState.UNKNOWN, Trigger.CANCEL): OrderState.CANCELED,
    (OrderState.UNKNOWN, Trigger.REJECT): OrderState.REJECTED,
    (OrderState.UNKNOWN, Trigger.LOST): OrderState.UNKNOWN,
    # Real world: executions that arrive after the order was called over. The shares are ours all the same.
    (OrderState.CANCELED, Trigger.PART): OrderState.CANCELED,
    (OrderState.CANCELED, Trigger.ALL): OrderState.FILLED,
    (OrderState.REJECTED, Trigger.PART): OrderState.CANCELED,
    (OrderState.REJECTED, Trigger.ALL): OrderState.FILLED,
    (OrderState.FILLED, Trigger.ALL): OrderState.FILLED,  # a correction of a fill
    (OrderState.FILLED, Trigger.PART): OrderState.FILLED,  # a correction to fewer shares
    # Real world: status messages repeat and overtake each other.
    (OrderState.FILLED, Trigger.EVIDENCE): OrderState.FILLED,
    (OrderState.FILLED, Trigger.CANCEL): OrderState.FILLED,
    (OrderState.FILLED, Trigger.REJECT): OrderState.FILLED,
    (OrderState.FILLED, Trigger.LOST): OrderState.FILLED,
    (OrderState.CANCELED, Trigger.EVIDENCE): OrderState.CANCELED,
    (OrderState.CANCELED, Trigger.CANCEL): OrderState.CANCELED,
    (OrderState.CANCELED, Trigger.REJECT): OrderState.CANCELED,
    (OrderState.CANCELED, Trigger.LOST): OrderState.CANCELED,
    (OrderState.REJECTED, Trigger.EVIDENCE): OrderState.REJECTED,
    (OrderState.REJECTED, Trigger.CANCEL): OrderState.REJECTED,
    (OrderState.REJECTED, Trigger.REJECT): OrderState.REJECTED,
    (OrderState.REJECTED, Trigger.LOST): OrderState.REJECTED,
}


class IllegalTransition(AssertionError):
    """Our own defect: something happened to an order that cannot happen in its state."""


def advance(state: OrderState, trigger: Trigger) -> OrderState:
    """The next state. Raises IllegalTransition for a pair the table does not know."""
    try:
        return _TABLE[state, trigger]
    except KeyError:
        raise IllegalTransition(f"an order that is {state.value} was {trigger.value}") from None
