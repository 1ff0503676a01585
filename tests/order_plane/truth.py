"""The checker: what must hold at the end, whatever happened on the way, by the broker's own books.

It shares nothing with the order plane but the contracts: orders, executions and positions are read from the
simulator's memory, reports and intents from the log.
"""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from tests.order_plane.world import Life, World

from algo_trade.clock import from_utc
from algo_trade.contracts import ExecutionReport, ExecutionStatus

OVER = {
    ExecutionStatus.FILLED,
    ExecutionStatus.CANCELED,
    ExecutionStatus.REJECTED,
    ExecutionStatus.TIMEOUT,
    ExecutionStatus.ERROR,
}


async def check(world: World, life: Life) -> dict[UUID, ExecutionReport]:
    """Raises AssertionError; returns the last report on each intent."""
    log = await life.log()
    last = await life.last_reports()
    intents = {intent.intent_id: intent for intent in await life.intents()}
    _frames(world, life, set(map(str, intents)))
    had = {order.order_ref for order in world.broker_orders}
    for number, intent in intents.items():
        assert number in last, f"{intent.symbol}: never answered"
        status = last[number].status
        frozen = intent.symbol in life.plane.ledger.frozen
        if status is ExecutionStatus.UNKNOWN:
            assert str(number) not in had, f"{intent.symbol}: UNKNOWN, and the broker has it"
        assert status in OVER or (status is ExecutionStatus.UNKNOWN and frozen), f"{intent.symbol}: {status}"
    for order in world.broker_orders:
        assert order.received_ns < from_utc(intents[UUID(order.order_ref)].valid_until), "sent too late"
    reports_are_whole(log)
    _money(world, life, last)
    told = {report.report_id for report in log}
    kept = {report.report_id for report in life.journal.reports(world.session_id)}
    assert kept <= told, f"{len(kept - told)} reports never reached the log"
    return last


def _frames(world: World, life: Life, wished: set[str]) -> None:
    """One order an intent, under one id; whatever else came under its name is a change, and each of those once."""
    ids: dict[str, set[int]] = {}
    for frame in world.frames:
        ids.setdefault(frame.text("orderRef"), set()).add(frame.request_id)
    assert all(len(found) == 1 for found in ids.values()), f"two orders for one intent: {ids}"
    assert set(ids) <= wished, "an order nobody wished for"
    sent = Counter(
        intent_id
        for (intent_id,) in life.journal._db.execute(
            "SELECT intent_id FROM amendments WHERE sent_ns IS NOT NULL AND json_extract(CAST(wish AS TEXT),"
            " '$.action') = 'REPLACE'"
        )
    )
    for ref, frames in Counter(frame.text("orderRef") for frame in world.frames).items():
        assert frames <= 1 + sent[ref], f"{ref}: {frames} frames for an order and {sent[ref]} changes"


def reports_are_whole(log: list[ExecutionReport]) -> None:
    """Numbered from 0 without a gap, each number one report; repetitions are identical."""
    by_id: dict[UUID, ExecutionReport] = {}
    numbers: dict[UUID, list[int]] = {}
    for report in log:
        known = by_id.setdefault(report.report_id, report)
        assert known == report, "one id, two reports"
        if known is report:
            numbers.setdefault(report.intent_id, []).append(report.sequence)
    for found in numbers.values():
        assert found == list(range(len(found))), f"sequences {found}"


def _money(world: World, life: Life, last: dict[UUID, ExecutionReport]) -> None:
    """Fills, positions and commissions are the broker's."""
    fills = {
        fill.fill_id: (str(number), fill.quantity, round(fill.price * 1e4))
        for number, report in last.items()
        for fill in report.fills
    }
    executions = {row.exec_id: (row.order_ref, row.shares, row.price_e4) for row in world.broker_executions}
    assert fills == executions
    assert life.plane.ledger.account_positions() == world.broker_positions
    ours = sum(fill.commission or 0.0 for report in last.values() for fill in report.fills)
    theirs = sum(row.commission_micros for row in world.broker_executions) / 1e6
    assert round(ours, 6) == round(theirs, 6), "commissions"
