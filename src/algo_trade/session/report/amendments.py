"""What became of every amendment: the wish to replace an order's terms, or to cancel it.

An amendment is answered by the report of its order that carries its id, and what that report tells of the order
decides: done when the terms are those asked for, or the order is cancelled as asked; too late when the order had ended
otherwise; else refused, and the order is as it was. One without a report is unanswered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from algo_trade.clock import from_utc
from algo_trade.contracts import (
    AmendmentAction,
    ExecutionReport,
    ExecutionStatus,
    OrderAmendment,
)
from algo_trade.session.report.executions import Told

_OVER = frozenset(
    {
        ExecutionStatus.FILLED,
        ExecutionStatus.CANCELED,
        ExecutionStatus.REJECTED,
        ExecutionStatus.TIMEOUT,
        ExecutionStatus.ERROR,
    }
)


class Answer(StrEnum):
    """How an amendment ended."""

    DONE = "done"
    REFUSED = "refused"
    TOO_LATE = "too late"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class AmendmentStory:
    """One amendment and the report that answered it, if any did. Times UTC epoch ns."""

    amendment: OrderAmendment
    answer: Answer
    reply: ExecutionReport | None

    @property
    def asked_ns(self) -> int:
        return from_utc(self.amendment.timestamp)

    @property
    def answered_ns(self) -> int | None:
        return None if self.reply is None else from_utc(self.reply.timestamp)

    @property
    def reason(self) -> str:
        """Why it was not done; empty where it was, and where nobody said."""
        if self.answer is Answer.DONE or self.reply is None:
            return ""
        return self.reply.error_message or self.reply.reject_reason or ""


def tell_amendments(amendments: Iterable[OrderAmendment], told: Sequence[Told]) -> list[AmendmentStory]:
    """One story for each amendment, in the order of the log; of a repeated id the first counts."""
    replies: dict[UUID, ExecutionReport] = {}
    for item in told:
        answered = item.report.amendment_id
        if answered is not None:
            known = replies.get(answered)
            if known is None or item.report.sequence < known.sequence:
                replies[answered] = item.report
    first: dict[UUID, OrderAmendment] = {}
    for amendment in amendments:
        first.setdefault(amendment.amendment_id, amendment)
    return [
        AmendmentStory(amendment, _answer(amendment, replies.get(number)), replies.get(number))
        for number, amendment in first.items()
    ]


def _answer(amendment: OrderAmendment, reply: ExecutionReport | None) -> Answer:
    """By the order's state, not by whether there are words: a report may carry words about something else."""
    if reply is None:
        return Answer.UNANSWERED
    if amendment.action is AmendmentAction.CANCEL:
        done = reply.status is ExecutionStatus.CANCELED
    else:
        terms = (
            (amendment.quantity, reply.requested_quantity),
            (amendment.limit_price, reply.limit_price),
            (amendment.stop_price, reply.stop_price),
        )
        done = all(asked is None or asked == told for asked, told in terms)
    if done:
        return Answer.DONE
    return Answer.TOO_LATE if reply.status in _OVER else Answer.REFUSED
