"""What the gateway's words and codes mean for the order they name, as tables."""

from __future__ import annotations

from enum import Enum

from algo_trade.order_plane.lifecycle import Trigger

STATUS_TRIGGERS = {
    "PendingSubmit": Trigger.EVIDENCE,
    "ApiPending": Trigger.EVIDENCE,
    "PreSubmitted": Trigger.EVIDENCE,
    "Submitted": Trigger.EVIDENCE,
    "PendingCancel": Trigger.EVIDENCE,
    "Filled": Trigger.ALL,
    "Cancelled": Trigger.CANCEL,
    "ApiCancelled": Trigger.CANCEL,
    "Inactive": Trigger.REJECT,
}

# The one reject that also ends an order that works; any other then is the answer to a change of it.
REJECTED_BY_BROKER = 201
# As answers to a change these leave open whether there still is an order: a duplicate id is one that is over.
LEAVE_DOUBT = frozenset({103, REJECTED_BY_BROKER})


class Meaning(Enum):
    """What an error code says about the order it names."""

    NOTICE = "notice"  # the order lives on, or a status tells the rest
    REJECT = "reject"  # a new order did not come to be, or a change of one that works
    NO_CHANGE = "no change"  # a change did not go through: the order is as it was, if it still is
    NO_CANCEL = "no cancel"  # a cancel did not go through: ask what is true


# Codes from facts about the protocol; one that is not here is a notice, and silence is then found by `Hearing.watch`.
_REJECTS = frozenset(
    {103, 106, 107, 109, 110, 200, REJECTED_BY_BROKER, 203, 320, 321, 382, 383, 387, 388, 434, 460, 10006}
    | {439, 441, 442, 443}  # the algo: unknown, with wrong attributes, or not for this order
    | set(range(10241, 10249))
)
_NO_CHANGES = frozenset({104, 105, 329, 440, 2102})
_NO_CANCELS = frozenset({135, 136, 161, 10147, 10148})


def meaning_of(code: int) -> Meaning:
    if code in _REJECTS:
        return Meaning.REJECT
    if code in _NO_CHANGES:
        return Meaning.NO_CHANGE
    return Meaning.NO_CANCEL if code in _NO_CANCELS else Meaning.NOTICE
