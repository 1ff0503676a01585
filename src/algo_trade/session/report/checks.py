"""Cross-checks: what in the evidence contradicts itself.

An error cannot happen in a sound session and fails its gate; a warning limits what the report can say. Each
check names what it saw, so that a person can go and look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from algo_trade.contracts import ExecutionReport
from algo_trade.session.report.amendments import Answer
from algo_trade.session.report.executions import direction_of
from algo_trade.session.report.fold import Folded
from algo_trade.session.report.orders import Outcome

# Of one kind, so many are listed one by one; the rest is a number.
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` is the short name of the check, for machines."""

    severity: Literal["error", "warning"]
    check: str
    text: str


def find_contradictions(folded: Folded) -> tuple[Finding, ...]:
    """All findings, errors first."""
    found: list[Finding] = []
    for check in _CHECKS:
        of_one_kind = list(check(folded))
        found += of_one_kind[:_LISTED]
        if len(of_one_kind) > _LISTED:
            rest, last = len(of_one_kind) - _LISTED, of_one_kind[-1]
            found.append(Finding(last.severity, last.check, f"and {rest} more of this kind"))
    return tuple(sorted(found, key=lambda finding: finding.severity))


def _holes(folded: Folded) -> Iterator[Finding]:
    for topic, stats in folded.data.topics.items():
        if stats.first_offset:
            text = (
                f"{topic}: the log begins at offset {stats.first_offset}; what was before is gone (retention)"
            )
            yield Finding("warning", "log_start", text)
        for offset in stats.missing:
            yield Finding("error", "log_hole", f"{topic}: records are missing from offset {offset} on")


def _digest(folded: Folded) -> Iterator[Finding]:
    told = folded.data.record.digest
    if told is not None and told != folded.data.digest:
        text = f"the session ended with digest {told[:12]}…, its log now has {folded.data.digest[:12]}…: it was changed"
        yield Finding("error", "digest", text)


def _sequences(folded: Folded) -> Iterator[Finding]:
    """A report may be told twice, word for word; each intent's are numbered from 0 without a gap."""
    reports: dict[tuple[UUID, int], ExecutionReport] = {}
    numbers: dict[UUID, set[int]] = {}
    for item in folded.data.told:
        report = item.report
        place = (report.intent_id, report.sequence)
        first = reports.setdefault(place, report)
        if first != report:
            text = f"intent {report.intent_id}: two different reports are number {report.sequence}"
            yield Finding("error", "report_twice", text)
        numbers.setdefault(report.intent_id, set()).add(report.sequence)
    for intent_id, seen in numbers.items():
        missing = sorted(set(range(max(seen))) - seen)
        if missing:
            yield Finding("error", "report_gap", f"intent {intent_id}: report {missing[0]} is missing")


def _unknown_intents(folded: Folded) -> Iterator[Finding]:
    for story in folded.stories:
        if story.intent is None:
            order = f"{story.symbol}: order {story.order_id or '?'}"
            text = f"{order} answers intent {story.intent_id}, which is not on the log"
            yield Finding("error", "unknown_intent", text)


def _amendments(folded: Folded) -> Iterator[Finding]:
    """Each belongs to an order, is answered, and answers are to what was asked."""
    stories = {story.intent_id: story for story in folded.stories}
    for amended in folded.amendments:
        wish = amended.amendment
        if wish.intent_id not in stories or stories[wish.intent_id].intent is None:
            text = f"{wish.symbol}: an amendment is of intent {wish.intent_id}, which is not on the log"
            yield Finding("error", "unknown_intent", text)
        if amended.answer is Answer.UNANSWERED:
            text = f"{wish.symbol}: the {wish.action} of intent {wish.intent_id} has no answer"
            yield Finding("warning", "unanswered", text)
    asked = {amended.amendment.amendment_id for amended in folded.amendments}
    for item in folded.data.told:
        answered = item.report.amendment_id
        if answered is not None and answered not in asked:
            text = (
                f"exec_reports, offset {item.offset}: answers amendment {answered}, which is not on the log"
            )
            yield Finding("error", "unknown_amendment", text)


def _brackets(folded: Folded) -> Iterator[Finding]:
    """A bracket's exits close what its entry opened, and never more."""
    for bracket in folded.brackets:
        if bracket.exited > bracket.entry.filled:
            text = (
                f"{bracket.entry.symbol}: the exits of order {bracket.entry.order_id or '?'} filled {bracket.exited} "
                f"shares, the entry {bracket.entry.filled}"
            )
            yield Finding("error", "bracket", text)


def _unanswered(folded: Folded) -> Iterator[Finding]:
    for story in folded.stories:
        if story.outcome is Outcome.UNKNOWN:
            state = "no answer" if story.last is None else f"last heard of as {story.last.status}"
            text = f"{story.symbol}: intent {story.intent_id} has no end ({state})"
            yield Finding("warning", "unanswered", text)


def _overfills(folded: Folded) -> Iterator[Finding]:
    for story in folded.stories:
        if story.wanted is not None and story.filled > story.wanted:
            text = f"{story.symbol}: order {story.order_id or '?'} filled {story.filled} of {story.wanted} shares"
            yield Finding("error", "overfill", text)
        if story.filled and not story.outcome.is_order:
            text = f"{story.symbol}: intent {story.intent_id} is {story.outcome} and has {story.filled} shares filled"
            yield Finding("error", "overfill", text)
        if story.outcome is Outcome.FILLED and story.wanted is not None and story.filled < story.wanted:
            text = (
                f"{story.symbol}: order {story.order_id}, filled, has {story.filled} of {story.wanted} shares"
            )
            yield Finding("warning", "underfill", text)


def _identities(folded: Folded) -> Iterator[Finding]:
    """One intent one order, one order one intent; one execution belongs to one order."""
    seen: set[UUID] = set()
    for offset, intent in folded.data.intents:
        if intent.intent_id in seen:
            text = f"order_intents, offset {offset}: intent {intent.intent_id} is there a second time"
            yield Finding("warning", "intent_twice", text)
        seen.add(intent.intent_id)
    of_order: dict[str, UUID] = {}
    of_perm: dict[int, UUID] = {}
    orders: dict[UUID, str] = {}
    for item in folded.data.told:
        report = item.report
        if report.order_id:
            if of_order.setdefault(report.order_id, report.intent_id) != report.intent_id:
                yield Finding("error", "order_twice", f"order {report.order_id} belongs to two intents")
            if orders.setdefault(report.intent_id, report.order_id) != report.order_id:
                yield Finding("error", "sent_twice", f"intent {report.intent_id} became two orders")
        if report.perm_id and of_perm.setdefault(report.perm_id, report.intent_id) != report.intent_id:
            yield Finding("error", "order_twice", f"permanent id {report.perm_id} belongs to two intents")


def _fills(folded: Folded) -> Iterator[Finding]:
    intents = folded.data.intent_by_id
    for item in folded.data.told:
        if item.report.fills and direction_of(item.report, intents) is None:
            text = f"exec_reports, offset {item.offset}: fills without a direction; they are not counted"
            yield Finding("error", "no_direction", text)
    silent = sum(execution.commission_micros is None for execution in folded.executions)
    if silent:
        yield Finding("warning", "commission", f"{silent} fills have no commission yet: it counts as 0")
    corrected = sum(execution.corrections > 0 for execution in folded.executions)
    if corrected:
        yield Finding(
            "warning", "correction", f"the broker corrected {corrected} fills; the last word counts"
        )


def _ofi(folded: Folded) -> Iterator[Finding]:
    """Only a finished session has flushed its last bin."""
    told = {symbol: columns.flow for symbol, columns in folded.data.ofi.items()}
    if not folded.data.finished or not folded.data.topics["ofi_events"].count:
        return
    for symbol in sorted(folded.ofi.keys() | told.keys()):
        counted, summed = folded.ofi.get(symbol, 0), told.get(symbol, 0)
        if abs(counted - summed) > 1e-6 * max(1.0, abs(counted)):
            text = f"{symbol}: the quotes add up to an OFI of {counted:,}, ofi_events to {summed:,.10g}"
            yield Finding("error", "ofi", text)


def _broker(folded: Folded) -> Iterator[Finding]:
    checks = folded.broker_checks
    for check in checks:
        if check.match is False:
            yield Finding("error", "broker", f"{check.moment}: our books differ from the broker's")
    compared = [check for check in checks if check.match is not None]
    if not compared or not folded.data.finished or compared[-1] is not checks[-1]:
        return
    last = compared[-1]
    if last.commission_ours is not None and abs(last.commission_ours * 1e6 - folded.commission_micros) > 1:
        theirs, ours = last.commission_ours, folded.commission_micros / 1e6
        text = f"the session counted ${theirs:,.2f} commission, this report ${ours:,.2f}"
        yield Finding("error", "own_books", text)
    if last.positions_ours != folded.held:
        held, made = last.positions_ours or "nothing", folded.held or "nothing"
        text = f"the account held {held} at the end, this session's fills make {made}"
        yield Finding("warning", "own_books", text)


_CHECKS: tuple[Callable[[Folded], Iterator[Finding]], ...] = (
    _digest,
    _holes,
    _sequences,
    _unknown_intents,
    _identities,
    _overfills,
    _amendments,
    _brackets,
    _fills,
    _ofi,
    _broker,
    _unanswered,
)
