"""The tables of the report as plain data: what report.json holds and the page shows."""

from __future__ import annotations

from collections import Counter

from algo_trade.clock import utc
from algo_trade.session.report.amendments import AmendmentStory
from algo_trade.session.report.brackets import Bracket
from algo_trade.session.report.broker import BrokerCheck
from algo_trade.session.report.executions import Execution
from algo_trade.session.report.exposure import largest_positions
from algo_trade.session.report.fold import Folded
from algo_trade.session.report.orders import OrderStory, Outcome
from algo_trade.session.report.quotes import MICROS
from algo_trade.session.report.record import rfc3339
from algo_trade.session.report.results import Results
from algo_trade.session.report.round_trips import RoundTrip
from algo_trade.session.report.tables import (
    AmendmentRow,
    BracketRow,
    CheckRow,
    DeadLetterRow,
    EventRow,
    FillRow,
    GatewayRow,
    OrderRow,
    RefusalRow,
    RoundTripRow,
    SymbolRow,
    Tables,
    TopicRow,
)


def tables_of(results: Results) -> Tables:
    """Every table of report.json."""
    folded = results.folded
    return Tables(
        symbols=_symbols(results),
        orders=[_order(story) for story in folded.orders],
        fills=[_fill(execution) for execution in folded.executions],
        refusals=_refusals(folded),
        amendments=_amendments(folded),
        brackets=[_bracket(bracket) for bracket in folded.brackets],
        round_trips=[_round_trip(trip) for trip in folded.round_trips],
        events=[
            EventRow(
                time=_moment(event.at_ns),
                kind=event.kind,
                severity=event.severity,
                symbol=event.symbol,
                text=event.text,
                n=event.n,
            )
            for event in folded.timeline
        ],
        gateway_messages=_gateway_messages(results),
        broker_checks=[_check(check) for check in folded.broker_checks],
        topics=[
            TopicRow(topic=topic, records=stats.count, first_offset=stats.first_offset)
            for topic, stats in folded.data.topics.items()
        ],
        bars=dict(folded.data.quotes.bars.most_common()),
        dead_letters=_dead_letters(folded),
    )


def _moment(at_ns: int) -> str:
    return rfc3339(utc(at_ns))


def _symbols(results: Results) -> list[SymbolRow]:
    folded, summary = results.folded, results.summary
    largest = largest_positions(folded.executions)
    fills = Counter(execution.symbol for execution in folded.executions)
    rows = []
    for symbol in dict.fromkeys([*summary.symbols, *folded.mids, *folded.positions]):
        mids, position = folded.mids.get(symbol), folded.positions.get(symbol)
        silence_ns = None if mids is None else mids.longest_silence_ns(folded.data.end_ns)
        rows.append(
            SymbolRow(
                symbol=symbol,
                ticks=0 if mids is None else len(mids),
                longest_silence_s=None if silence_ns is None else round(silence_ns / 1e9, 3),
                ofi_sum=summary.ofi_sum.get(symbol, 0),
                fills=fills[symbol],
                bought=position.bought if position else 0,
                sold=position.sold if position else 0,
                largest_position=largest.get(symbol, 0),
                position=position.quantity if position else 0,
                realised=position.realised_micros / MICROS if position else 0.0,
                unrealised=position.unrealised_micros / MICROS if position else 0.0,
                commission=position.commission_micros / MICROS if position else 0.0,
            )
        )
    return rows


def _order(story: OrderStory) -> OrderRow:
    intent, last, filled = story.intent, story.last, story.filled
    paid = sum(execution.quantity * execution.price_micros for execution in story.executions)
    known = [
        execution.commission_micros
        for execution in story.executions
        if execution.commission_micros is not None
    ]
    begun = intent.timestamp if intent is not None else None
    if begun is None and last is not None:
        begun = last.submitted_timestamp or last.timestamp
    return OrderRow(
        time=None if begun is None else rfc3339(begun),
        order_id=story.order_id,
        intent_id=str(story.intent_id),
        parent_intent_id=str(intent.parent_intent_id) if intent and intent.parent_intent_id else None,
        strategy_id=None if intent is None else intent.strategy_id,
        symbol=story.symbol,
        direction=None if story.direction is None else str(story.direction),
        kind=None if story.kind is None else str(story.kind),
        order_type=None if intent is None else str(intent.order_type),
        time_in_force=str(intent.time_in_force) if intent and intent.time_in_force else None,
        quantity=story.wanted,
        limit_price=_last_price(story, "limit_price"),
        stop_price=_last_price(story, "stop_price"),
        decision_mid=None if intent is None else intent.decision_mid,
        outcome=str(story.outcome),
        filled=filled,
        average_price=round(paid / filled / MICROS, 6) if filled else None,
        commission=sum(known) / MICROS if known else None,
        ended=None if story.ended_ns is None else _moment(story.ended_ns),
        amendments=len(story.amendments),
        reason=story.reason,
    )


def _last_price(story: OrderStory, name: str) -> float | None:
    """The order's present term: reports carry it, and where they do not it is still the intent's."""
    told: float | None = None if story.last is None else getattr(story.last, name)
    if told is None and story.intent is not None:
        told = getattr(story.intent, name)
    return told


def _fill(execution: Execution) -> FillRow:
    commission = execution.commission_micros
    return FillRow(
        execution_id=execution.execution_id,
        order_id=execution.order_id,
        symbol=execution.symbol,
        side="BUY" if execution.sign > 0 else "SELL",
        quantity=execution.quantity,
        price=execution.price_micros / MICROS,
        commission=None if commission is None else commission / MICROS,
        time=_moment(execution.broker_ns),
        known=_moment(execution.known_ns),
    )


def _refusals(folded: Folded) -> list[RefusalRow]:
    """Intents that never became an order, and orders the broker rejected, by how and why."""
    counts = Counter(
        (str(story.outcome), story.reason)
        for story in folded.stories
        if not story.outcome.is_order or story.outcome is Outcome.REJECTED
    )
    return [RefusalRow(how=how, reason=reason, n=n) for (how, reason), n in counts.most_common()]


def _amendments(folded: Folded) -> list[AmendmentRow]:
    order_ids = {story.intent_id: story.order_id for story in folded.stories}
    return [_amendment(story, order_ids.get(story.amendment.intent_id, "")) for story in folded.amendments]


def _amendment(story: AmendmentStory, order_id: str) -> AmendmentRow:
    wish = story.amendment
    return AmendmentRow(
        time=rfc3339(wish.timestamp),
        order_id=order_id,
        symbol=wish.symbol,
        action=str(wish.action),
        quantity=wish.quantity,
        limit_price=wish.limit_price,
        stop_price=wish.stop_price,
        answer=str(story.answer),
        answered=None if story.answered_ns is None else _moment(story.answered_ns),
        reason=story.reason,
    )


def _bracket(bracket: Bracket) -> BracketRow:
    entry = bracket.entry
    return BracketRow(
        time=None if entry.intent is None else rfc3339(entry.intent.timestamp),
        symbol=entry.symbol,
        direction=None if entry.direction is None else str(entry.direction),
        entry_order_id=entry.order_id,
        exit_order_ids=[child.order_id for child in bracket.exits],
        entered=entry.filled,
        exited=bracket.exited,
        end=str(bracket.end),
    )


def _round_trip(trip: RoundTrip) -> RoundTripRow:
    return RoundTripRow(
        symbol=trip.symbol,
        opened=_moment(trip.opened_ns),
        closed=_moment(trip.closed_ns),
        largest=trip.largest,
        gross=trip.gross_micros / MICROS,
        commission=trip.commission_micros / MICROS,
        net=trip.net_micros / MICROS,
    )


def _gateway_messages(results: Results) -> list[GatewayRow]:
    """By code, with the first text of each."""
    events = results.folded.data.events
    texts = {str(event.code): event.text for event in reversed(events) if event.code is not None}
    kinds = (("error", results.summary.errors), ("notice", results.summary.notices))
    return [
        GatewayRow(kind=kind, code=code, n=n, first_text=texts.get(code, ""))
        for kind, counts in kinds
        for code, n in counts.items()
    ]


def _check(check: BrokerCheck) -> CheckRow:
    return CheckRow(
        time=_moment(check.at_ns),
        moment=check.moment,
        position_open=check.position_open,
        match=check.match,
        positions_ours=check.positions_ours,
        positions_broker=check.positions_broker,
        cash_ours=check.cash_ours,
        cash_broker=check.cash_broker,
        commission_ours=check.commission_ours,
        commission_broker=check.commission_broker,
    )


def _dead_letters(folded: Folded) -> list[DeadLetterRow]:
    counts = Counter((letter.topic, "; ".join(letter.reasons)) for letter in folded.data.dead_letters)
    return [DeadLetterRow(topic=topic, reasons=reasons, n=n) for (topic, reasons), n in counts.most_common()]
