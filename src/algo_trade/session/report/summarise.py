"""From what was computed to the summary: rounding, units, and null where there is nothing to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from algo_trade.clock import from_utc
from algo_trade.contracts import AmendmentAction, SessionEventKind
from algo_trade.session.report import summarise_money as money
from algo_trade.session.report.amendments import AmendmentStory, Answer
from algo_trade.session.report.brackets import Bracket, BracketEnd
from algo_trade.session.report.broker import match_broker
from algo_trade.session.report.checks import Finding
from algo_trade.session.report.costs import shortfall_of, slippage_of
from algo_trade.session.report.evidence import SessionData
from algo_trade.session.report.exposure import exposure_of
from algo_trade.session.report.fold import Folded
from algo_trade.session.report.mode import mode_of
from algo_trade.session.report.orders import Kind, OrderStory, Outcome
from algo_trade.session.report.performance import performance_of
from algo_trade.session.report.quotes import MICROS, whole
from algo_trade.session.report.stats import percentile, proportion
from algo_trade.session.report.summary import Summary
from algo_trade.session.report.summary_parts import (
    Alarms,
    AmendmentCounts,
    BracketCounts,
    DeadLetters,
    FindingCounts,
    KindSummary,
    Latencies,
    Latency,
    Proportion,
)

# What a gateway says by an error message without anything being wrong: the state of its data farms, and 202, its
# answer to every cancel, which an order that is cancelled as intended gets too.
NOTICE_CODES = frozenset({*range(2103, 2109), 2119, 2157, 2158, 202})

# Messages are validated from these topics; dead letters of market data never reach theirs.
_VALIDATED_TOPICS = ("market_events", "order_intents", "exec_reports")


def summary_of(folded: Folded, findings: Sequence[Finding]) -> Summary:
    """Every field from the log, but for what names the session and `wall_s`."""
    return Summary(**_identity(folded), **_counts(folded, findings), **_money(folded))


def _identity(folded: Folded) -> dict[str, Any]:
    data, record = folded.data, folded.data.record
    return {
        "session_id": record.session_id,
        "session_dir": str(data.directory),
        "profile": record.profile,
        "mode": mode_of(data),
        "clock": record.clock,
        "seed": record.seed,
        "strategy_id": record.strategy_id,
        "strategy_version": record.strategy_version,
        "strategy_parameters": record.strategy_parameters,
        "symbols": record.symbols or tuple(data.quotes.mids),
        "digest": data.digest,
        "finished": data.finished,
        "duration_s": _duration_s(data),
        "wall_s": record.wall_s,
    }


def _counts(folded: Folded, findings: Sequence[Finding]) -> dict[str, Any]:
    data, stories, orders = folded.data, folded.stories, folded.orders
    outcomes = Counter(story.outcome for story in stories)
    severities = Counter(finding.severity for finding in findings)
    errors, notices = _gateway_codes(data)
    return {
        "ticks": len(data.quotes),
        "bars": data.quotes.bars.total(),
        "intents": len(stories),
        "refused": outcomes[Outcome.REFUSED],
        "expired": outcomes[Outcome.EXPIRED],
        "orders": len(orders),
        "filled_orders": sum(bool(story.executions) for story in orders),
        "fills": len(folded.executions),
        "rejected": outcomes[Outcome.REJECTED],
        "cancelled": outcomes[Outcome.CANCELLED],
        "unknown": outcomes[Outcome.UNKNOWN],
        "reject_reasons": _reasons(stories, Outcome.REJECTED),
        "refusal_reasons": _reasons(stories, Outcome.REFUSED, Outcome.EXPIRED),
        "amendments": _amendments(folded.amendments),
        "brackets": _brackets(folded.brackets),
        "fill_rate": _fill_rate(orders),
        "by_kind": _kinds(orders),
        "latency_ms": _latencies(folded.latencies_ms),
        "ofi_sum": {symbol: whole(total) for symbol, total in folded.ofi.items()},
        "dlq": _dead_letters(data),
        "errors": errors,
        "notices": notices,
        "alarms": _alarms(data),
        "kill_latched": any(event.kind is SessionEventKind.KILL_LATCHED for event in data.events),
        "positions_match_broker": match_broker(folded.broker_checks, finished=data.finished),
        "final_positions": folded.held,
        "findings": FindingCounts(error=severities["error"], warning=severities["warning"]),
    }


def _money(folded: Folded) -> dict[str, Any]:
    curve, record = folded.curve, folded.data.record
    pnl = money.pnl(folded.positions.values())
    capital = record.allocated_capital
    return {
        "pnl": pnl,
        "break_even": money.break_even(folded.executions, pnl),
        "performance": money.performance(performance_of(folded.returns) if capital else None),
        "round_trips": money.round_trips(folded.round_trips),
        "exposure": money.exposure(exposure_of(curve, folded.executions, folded.data.end_ns)),
        "slippage": money.slippage(slippage_of(folded.stories)),
        "shortfall": money.shortfall(shortfall_of(folded.orders, folded.mids)),
        "max_drawdown": curve.max_drawdown_micros / MICROS,
        "max_drawdown_pct": round(curve.max_drawdown_micros / MICROS / capital * 100, 6) if capital else None,
    }


def _duration_s(data: SessionData) -> float:
    """Seconds on the session's clock: as recorded at its end, else from its start to its log's last record."""
    record = data.record
    if record.ended is not None:
        if record.duration_s is not None:
            return record.duration_s
        return (from_utc(record.ended) - record.started_ns) / 1e9
    return round(max(0, data.last_ns - record.started_ns) / 1e9, 6)


def _fill_rate(orders: Sequence[OrderStory]) -> Proportion:
    """Orders that got a fill, of all that were sent."""
    return proportion(sum(bool(story.executions) for story in orders), len(orders))


def _kinds(orders: Sequence[OrderStory]) -> dict[str, KindSummary]:
    """By kind of order, those that there were."""
    found: dict[str, KindSummary] = {}
    for kind in (*Kind, None):
        of_kind = [story for story in orders if story.kind is kind]
        if of_kind:
            bps = slippage_of(of_kind).bps
            found["unknown" if kind is None else str(kind)] = KindSummary(
                fill_rate=_fill_rate(of_kind),
                shares_wanted=sum(story.wanted or 0 for story in of_kind),
                shares_filled=sum(story.filled for story in of_kind),
                slippage_bps=None if bps is None else round(bps, 4),
            )
    return found


def _reasons(stories: Iterable[OrderStory], *outcomes: Outcome) -> dict[str, int]:
    """How often each reason was given for ending so, the commonest first."""
    counts = Counter(story.reason or "no reason given" for story in stories if story.outcome in outcomes)
    return dict(counts.most_common())


def _latencies(values: dict[str, list[float]]) -> Latencies:
    def of(hop: list[float]) -> Latency:
        quantiles = {
            f"p{percent}": None if (value := percentile(hop, percent)) is None else round(value, 3)
            for percent in (50, 95, 99)
        }
        return Latency(n=len(hop), **quantiles)

    return Latencies(**{name: of(hop) for name, hop in values.items()})


def _amendments(stories: Sequence[AmendmentStory]) -> AmendmentCounts:
    actions = Counter(story.amendment.action for story in stories)
    answers = Counter(story.answer for story in stories)
    return AmendmentCounts(
        cancels=actions[AmendmentAction.CANCEL],
        replaces=actions[AmendmentAction.REPLACE],
        refused=answers[Answer.REFUSED],
        too_late=answers[Answer.TOO_LATE],
        unanswered=answers[Answer.UNANSWERED],
    )


def _brackets(found: Sequence[Bracket]) -> BracketCounts:
    ends = Counter(bracket.end for bracket in found)
    return BracketCounts(n=len(found), **{end.name.lower(): ends[end] for end in BracketEnd})


def _dead_letters(data: SessionData) -> DeadLetters:
    count = len(data.dead_letters)
    seen = sum(data.topics[topic].count for topic in _VALIDATED_TOPICS)
    seen += data.topics["dlq_market_events"].count
    return DeadLetters(count=count, rate=round(min(1.0, count / seen), 9) if seen else None)


def _alarms(data: SessionData) -> Alarms:
    seen = Counter(event.kind for event in data.events)
    return Alarms(orders=seen[SessionEventKind.ORDER_ALARM], data_quality=seen[SessionEventKind.DATA_QUALITY])


def _gateway_codes(data: SessionData) -> tuple[dict[str, int], dict[str, int]]:
    """Counts by code of the gateway's messages: errors, and notices."""
    counts = Counter(event.code for event in data.events if event.kind is SessionEventKind.GATEWAY_ERROR)
    ordered = sorted(counts.items(), key=lambda item: (item[0] is None, item[0] or 0))
    errors = {_code(code): count for code, count in ordered if code not in NOTICE_CODES}
    notices = {_code(code): count for code, count in ordered if code in NOTICE_CODES}
    return errors, notices


def _code(code: int | None) -> str:
    return "none" if code is None else str(code)
