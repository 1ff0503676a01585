"""From the evidence to the summary: every number of the report is made here, from the log."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from algo_trade.clock import from_utc
from algo_trade.contracts import SessionEventKind
from algo_trade.session.report.broker import BrokerCheck, broker_checks, match_broker
from algo_trade.session.report.checks import Finding, Folded, find_contradictions
from algo_trade.session.report.evidence import SessionData
from algo_trade.session.report.executions import Execution, fold_executions
from algo_trade.session.report.mode import mode_of
from algo_trade.session.report.orders import OrderStory, Outcome, latencies_ms, tell_stories
from algo_trade.session.report.pnl import (
    EquityCurve,
    Position,
    Slippage,
    equity_curve,
    positions_of,
    slippage_of,
)
from algo_trade.session.report.quotes import MICROS, ofi_sums, whole
from algo_trade.session.report.stats import percentile, wilson
from algo_trade.session.report.summary import (
    DeadLetters,
    FindingCounts,
    Latencies,
    Latency,
    Pnl,
    Proportion,
    SlippageSummary,
    Summary,
)

# What a gateway says by an error message without anything being wrong: the state of its data farms, and 202, its
# answer to every cancel, which an order that is cancelled as intended gets too.
NOTICE_CODES = frozenset({*range(2103, 2109), 2119, 2157, 2158, 202})

# Messages are validated from these topics; dead letters of market data never reach theirs.
_VALIDATED_TOPICS = ("market_events", "order_intents", "exec_reports")


@dataclass(frozen=True, slots=True)
class Results:
    """All that was computed from one session; the page and report.json show it."""

    data: SessionData
    summary: Summary
    findings: tuple[Finding, ...]
    stories: tuple[OrderStory, ...]
    executions: tuple[Execution, ...]
    positions: dict[str, Position]
    curve: EquityCurve
    checks: tuple[BrokerCheck, ...]


def fold(data: SessionData) -> Results:
    """A pure function of the evidence."""
    intents = data.intent_by_id
    executions = fold_executions(data.told, intents)
    stories = tell_stories((intent for _, intent in data.intents), data.told, executions)
    positions = positions_of(executions, data.quotes.last_mids())
    curve = equity_curve(executions, data.quotes, data.record.started_ns)
    checks = broker_checks(data.events)
    held = {symbol: position.quantity for symbol, position in positions.items() if position.quantity}
    commission = sum(position.commission_micros for position in positions.values())
    ofi = {**dict.fromkeys(data.record.symbols, 0), **ofi_sums(data.quotes)}
    findings = find_contradictions(Folded(data, executions, stories, ofi, held, commission, checks))
    made = {key: round(mid * MICROS) for key, mid in _decision_mids(data).items()}
    errors, notices = _gateway_codes(data)
    outcomes = Counter(story.outcome for story in stories)
    orders = [story for story in stories if story.outcome.is_order]
    record = data.record
    summary = Summary(
        session_id=record.session_id,
        session_dir=str(data.directory),
        profile=record.profile,
        mode=mode_of(data),
        clock=record.clock,
        seed=record.seed,
        strategy_id=record.strategy_id,
        symbols=record.symbols or tuple(data.quotes.symbols),
        digest=data.digest,
        finished=data.finished,
        duration_s=_duration_s(data),
        wall_s=record.wall_s,
        ticks=len(data.quotes),
        bars=data.quotes.bars,
        intents=len(stories),
        refused=outcomes[Outcome.REFUSED],
        expired=outcomes[Outcome.EXPIRED],
        orders=len(orders),
        filled_orders=sum(bool(story.executions) for story in orders),
        fills=len(executions),
        rejected=outcomes[Outcome.REJECTED],
        cancelled=outcomes[Outcome.CANCELLED],
        unknown=outcomes[Outcome.UNKNOWN],
        fill_rate=_fill_rate(orders),
        latency_ms=_latencies(stories),
        pnl=_pnl(positions),
        slippage=_slippage(slippage_of(executions, made)),
        max_drawdown=curve.max_drawdown_micros / MICROS,
        max_drawdown_pct=_percent(curve.max_drawdown_micros, record.allocated_capital),
        ofi_sum={symbol: whole(total) for symbol, total in ofi.items()},
        dlq=_dead_letters(data),
        errors=errors,
        notices=notices,
        kill_latched=any(event.kind is SessionEventKind.KILL_LATCHED for event in data.events),
        positions_match_broker=match_broker(checks, finished=data.finished),
        final_positions=held,
        findings=_count_findings(findings),
    )
    return Results(data, summary, findings, tuple(stories), tuple(executions), positions, curve, checks)


def _count_findings(findings: tuple[Finding, ...]) -> FindingCounts:
    severities = Counter(finding.severity for finding in findings)
    return FindingCounts(error=severities["error"], warning=severities["warning"])


def _duration_s(data: SessionData) -> float:
    """Seconds on the session's clock: as recorded at its end, else from its start to its log's last record."""
    record = data.record
    if record.ended is not None:
        if record.duration_s is not None:
            return record.duration_s
        return (from_utc(record.ended) - record.started_ns) / 1e9
    return round(max(0, data.last_ns - record.started_ns) / 1e9, 6)


def _decision_mids(data: SessionData) -> dict[object, float]:
    return {
        intent.intent_id: intent.decision_mid for _, intent in data.intents if intent.decision_mid is not None
    }


def _fill_rate(orders: list[OrderStory]) -> Proportion:
    k, n = sum(bool(story.executions) for story in orders), len(orders)
    interval = wilson(k, n)
    if interval is None:
        return Proportion(k=k, n=n, value=None, ci95=None)
    return Proportion(k=k, n=n, value=round(k / n, 6), ci95=(round(interval[0], 6), round(interval[1], 6)))


def _latencies(stories: list[OrderStory]) -> Latencies:
    def of(values: list[float]) -> Latency:
        quantiles = {
            f"p{percent}": None if (value := percentile(values, percent)) is None else round(value, 3)
            for percent in (50, 95, 99)
        }
        return Latency(n=len(values), **quantiles)

    return Latencies(**{hop: of(values) for hop, values in latencies_ms(stories).items()})


def _pnl(positions: dict[str, Position]) -> Pnl:
    realised = sum(position.realised_micros for position in positions.values())
    unrealised = sum(position.unrealised_micros for position in positions.values())
    commission = sum(position.commission_micros for position in positions.values())
    return Pnl(
        realised=realised / MICROS,
        unrealised=unrealised / MICROS,
        commission=commission / MICROS,
        total=(realised + unrealised - commission) / MICROS,
    )


def _slippage(slippage: Slippage) -> SlippageSummary:
    if not slippage.n or slippage.bps is None:
        return SlippageSummary(n=0, total=None, bps=None)
    return SlippageSummary(n=slippage.n, total=slippage.micros / MICROS, bps=round(slippage.bps, 4))


def _percent(micros: int, capital: float | None) -> float | None:
    return None if not capital else round(micros / MICROS / capital * 100, 6)


def _dead_letters(data: SessionData) -> DeadLetters:
    count = len(data.dead_letters)
    seen = sum(data.topics[topic].count for topic in _VALIDATED_TOPICS)
    seen += data.topics["dlq_market_events"].count
    return DeadLetters(count=count, rate=round(min(1.0, count / seen), 9) if seen else None)


def _gateway_codes(data: SessionData) -> tuple[dict[str, int], dict[str, int]]:
    """Counts by code of the gateway's messages: errors, and notices."""
    counts = Counter(event.code for event in data.events if event.kind is SessionEventKind.GATEWAY_ERROR)
    ordered = sorted(counts.items(), key=lambda item: (item[0] is None, item[0] or 0))
    errors = {_code(code): count for code, count in ordered if code not in NOTICE_CODES}
    notices = {_code(code): count for code, count in ordered if code in NOTICE_CODES}
    return errors, notices


def _code(code: int | None) -> str:
    return "none" if code is None else str(code)
