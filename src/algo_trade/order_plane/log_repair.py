"""The journal and the log, made to agree at a start.

The journal knows what was accepted and told; a crash may have kept the telling from the log, and another log may have
come to stand where the old one was.
"""

from __future__ import annotations

from collections.abc import Callable

from algo_trade.bus import AtOffsets, Bus, Invalid, OrderPlaneValidator
from algo_trade.contracts import ExecutionReport, Message, OrderAmendment, OrderIntent
from algo_trade.order_plane.journal import Journal
from algo_trade.order_plane.ledger import Ledger
from algo_trade.order_plane.order import OrderKind
from algo_trade.order_plane.outbox import Outbox

INTENTS, REPORTS = "order_intents", "exec_reports"


async def where_to_read(bus: Bus, journal: Journal) -> AtOffsets:
    """Where the journal stopped; a log it does not know starts at its end, written down before anyone publishes."""
    log_id = bus.log_id(INTENTS)
    at: dict[tuple[str, int], int] = {}
    for partition, head in (await bus.head(INTENTS)).items():
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
    told = {
        message.report_id for message in await _read(bus, REPORTS) if isinstance(message, ExecutionReport)
    }
    asked = [m for m in await _read(bus, INTENTS) if isinstance(m, OrderIntent | OrderAmendment)]
    wished = {message.intent_id for message in asked if isinstance(message, OrderIntent)}
    for order in ledger.of_session():
        if order.kind is OrderKind.FLATTEN and order.intent_id not in wished:
            outbox.put(INTENTS, order.intent, key(order.symbol))
    reports = journal.reports(session_id)
    # Refused here: the answer belongs here too, whichever session it is about.
    named = {message.intent_id: None for message in asked}
    ours = {report.intent_id for report in reports}
    for intent_id in named:
        if intent_id not in ours:
            reports += journal.reports_of(intent_id)
    for report in reports:
        if report.report_id not in told:
            outbox.put(REPORTS, report, key(report.symbol))
    await outbox.settled()


async def _read(bus: Bus, topic: str) -> list[Message]:
    """What can be read of a topic: a poisoned record was made a dead letter when it came, and must not stop a start."""
    validator = OrderPlaneValidator()
    found = []
    async for record in bus.replay(topic):
        try:
            found.append(validator.validate_any(record))
        except Invalid:
            continue
    return found
