"""The journal and the log, made to agree at a start.

The journal knows what was accepted and told; a crash may have kept the telling from the log, and another log may have
come to stand where the old one was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from algo_trade.bus import AtOffsets, Bus, Invalid, OrderPlaneValidator
from algo_trade.contracts import ExecutionReport, Message, OrderIntent
from algo_trade.order_plane.journal import Journal
from algo_trade.order_plane.ledger import Ledger
from algo_trade.order_plane.order import OrderKind
from algo_trade.order_plane.outbox import Outbox

INTENTS, REPORTS = "order_intents", "exec_reports"

M = TypeVar("M", bound=Message)


def where_to_read(bus: Bus, journal: Journal) -> AtOffsets:
    """Where the journal stopped; a log it does not know starts at its end, written down before anyone publishes."""
    log_id = bus.log_id(INTENTS)
    at: dict[tuple[str, int], int] = {}
    for partition, head in bus.head(INTENTS).items():
        known = journal.offset(log_id, INTENTS, partition)
        if known is None:
            with journal.transaction():
                journal.set_offset(log_id, INTENTS, partition, head)
        at[INTENTS, partition] = head if known is None else known
    return AtOffsets(at)


async def tell_the_log(
    bus: Bus, journal: Journal, ledger: Ledger, outbox: Outbox, session_id: str, key: Callable[[str], str]
) -> None:
    """Publish again what a crash kept from the log: reports, and the intents of our own flatten orders.

    To be done before anything new is told: a report must not come after its successor. `key` is a symbol's in the log.
    """
    told = {report.report_id for report in await _read(bus, REPORTS, ExecutionReport)}
    asked = {intent.intent_id: intent for intent in await _read(bus, INTENTS, OrderIntent)}
    for order in ledger.of_session():
        if order.kind is OrderKind.FLATTEN and order.intent_id not in asked:
            outbox.put(INTENTS, order.intent, key(order.symbol))
    reports = journal.reports(session_id)
    for intent in asked.values():
        if intent.session_id != session_id:
            reports += journal.reports_of(intent.intent_id)  # refused here: the answer belongs here too
    for report in reports:
        if report.report_id not in told:
            outbox.put(REPORTS, report, key(report.symbol))
    await outbox.settled()


async def _read(bus: Bus, topic: str, model: type[M]) -> list[M]:
    """What can be read of a topic: a poisoned record was made a dead letter when it came, and must not stop a start."""
    validator = OrderPlaneValidator()
    found = []
    async for record in bus.replay(topic):
        try:
            found.append(validator.validate(record, model))
        except Invalid:
            continue
    return found
