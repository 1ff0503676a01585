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
        over = status in OVER or (status is ExecutionStatus.UNKNOWN and frozen)
        assert over or _works(world, last[number]), f"{intent.symbol}: {status}"
    for order in world.broker_orders:
        assert order.received_ns < from_utc(intents[UUID(order.order_ref)].valid_until), "sent too late"
    reports_are_whole(log)
    await _amendments(life, log)
    _money(world, life, last)
    told = {report.report_id for report in log}
    kept = {report.report_id for report in life.journal.reports(world.session_id)}
    assert kept <= told, f"{len(kept - told)} reports never reached the log"
    return last


def _works(world: World, report: ExecutionReport) -> bool:
    """An order that rests, at the terms that were told."""
    (order,) = [one for one in world.broker_orders if one.order_ref == str(report.intent_id)]
    told = report.requested_quantity, round((report.limit_price or 0.0) * 1e4)
    return (
        order.is_live and told == (order.quantity, order.limit_e4) and report.filled_quantity == order.filled
    )


async def _amendments(life: Life, log: list[ExecutionReport]) -> None:
    """Each is answered; what was carried out has no reason against it, unless the order was over by itself."""
    answers: dict[UUID, list[ExecutionReport]] = {}
    for report in log:
        if report.amendment_id is not None:
            answers.setdefault(report.amendment_id, []).append(report)
    states = dict(life.journal._db.execute("SELECT amendment_id, state FROM amendments").fetchall())
    for amendment in await life.amendments():
        told = answers.get(amendment.amendment_id, [])
        assert told, f"{amendment.symbol}: {amendment.action} never answered"
        state = states[str(amendment.amendment_id)]
        assert state in ("CARRIED_OUT", "REFUSED", "LOST")
        assert state == "CARRIED_OUT" or told[-1].error_message, (
            f"{amendment.symbol}: {state} without a reason"
        )


def nothing_unreserved(world: World, life: Life) -> None:
    """At any moment: what the broker works of ours, at the terms it has now, is reserved, or its symbol is frozen."""
    ledger = life.plane.ledger
    for theirs in world.broker_orders:
        ours = ledger.find(order_ref=theirs.order_ref)
        if not theirs.is_live or ours is None or ours.symbol in ledger.frozen:
            continue
        reservation = ours.reservation()
        most = ours.filled + (abs(reservation.signed_quantity) if reservation is not None else 0)
        assert most >= theirs.quantity, f"{ours.symbol}: {most} reserved, {theirs.quantity} may fill"
        if reservation is not None and theirs.limit_e4 is not None:
            assert reservation.price_micros >= theirs.limit_e4 * 100, f"{ours.symbol}: a price not reserved"


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
