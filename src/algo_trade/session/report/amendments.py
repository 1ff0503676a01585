"""What became of every amendment: the wish to replace an order's terms, or to cancel it.

An amendment is answered by the report of its order that carries its id. Where that report says why not, it was refused
and the order is as it was; a cancel whose order had filled by then came too late; one without a report is unanswered.
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
        """Why it was refused; empty where it was not."""
        if self.answer is not Answer.REFUSED or self.reply is None:
            return ""
        return self.reply.error_message or self.reply.reject_reason or "no reason given"


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
    if reply is None:
        return Answer.UNANSWERED
    if amendment.action is AmendmentAction.CANCEL and reply.status is ExecutionStatus.FILLED:
        return Answer.TOO_LATE
    return Answer.REFUSED if reply.error_message else Answer.DONE
