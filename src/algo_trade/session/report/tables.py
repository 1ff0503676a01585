"""The rows of report.json's tables. Money is dollars, times are RFC 3339 in UTC; null is "not known" or "not so"."""

from __future__ import annotations

from dataclasses import dataclass

from algo_trade.session.report.summary import Summary


@dataclass(frozen=True, slots=True)
class SymbolRow:
    """One symbol. `longest_silence_s` is the longest time without a quote; shares are signed where they are held."""

    symbol: str
    ticks: int
    longest_silence_s: float | None
    ofi_sum: int | float
    fills: int
    bought: int
    sold: int
    largest_position: int
    position: int
    realised: float
    unrealised: float
    commission: float


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order. `quantity` and the prices are its last terms, amendments included."""

    time: str | None
    order_id: str
    intent_id: str
    parent_intent_id: str | None
    strategy_id: str | None
    symbol: str
    direction: str | None
    kind: str | None
    order_type: str | None
    time_in_force: str | None
    quantity: int | None
    limit_price: float | None
    stop_price: float | None
    decision_mid: float | None
    outcome: str
    filled: int
    average_price: float | None
    commission: float | None
    ended: str | None
    amendments: int
    reason: str


@dataclass(frozen=True, slots=True)
class FillRow:
    """One execution in its latest correction: `time` is the broker's (whole seconds), `known` the log's."""

    execution_id: str
    order_id: str
    symbol: str
    side: str
    quantity: int
    price: float
    commission: float | None
    time: str
    known: str


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """How often intents ended so, for this reason."""

    how: str
    reason: str
    n: int


@dataclass(frozen=True, slots=True)
class AmendmentRow:
    """One wish to cancel or replace."""

    time: str
    order_id: str
    symbol: str
    action: str
    quantity: int | None
    limit_price: float | None
    stop_price: float | None
    answer: str
    answered: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class BracketRow:
    """One entry with its attached exits; shares."""

    time: str | None
    symbol: str
    direction: str | None
    entry_order_id: str
    exit_order_ids: list[str]
    entered: int
    exited: int
    end: str


@dataclass(frozen=True, slots=True)
class RoundTripRow:
    """From flat to flat; `largest` is its largest position."""

    symbol: str
    opened: str
    closed: str
    largest: int
    gross: float
    commission: float
    net: float


@dataclass(frozen=True, slots=True)
class EventRow:
    """`n` events one after the other that say the same; `time` is the first's."""

    time: str
    kind: str
    severity: str
    symbol: str | None
    text: str
    n: int


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """What the gateway said under one code; `first_text` is its first message."""

    kind: str
    code: str
    n: int
    first_text: str


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One comparison of our books with the broker's."""

    time: str
    moment: str
    position_open: bool
    match: bool | None
    positions_ours: dict[str, int]
    positions_broker: dict[str, int]
    cash_ours: float | None
    cash_broker: float | None
    commission_ours: float | None
    commission_broker: float | None


@dataclass(frozen=True, slots=True)
class TopicRow:
    """What was read from the log; of a log whose beginning is gone `first_offset` is not 0."""

    topic: str
    records: int
    first_offset: int


@dataclass(frozen=True, slots=True)
class DeadLetterRow:
    """How often records were refused for these reasons."""

    topic: str
    reasons: str
    n: int


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables, each in the order of the log or the commonest first."""

    symbols: list[SymbolRow]
    orders: list[OrderRow]
    fills: list[FillRow]
    refusals: list[RefusalRow]
    amendments: list[AmendmentRow]
    brackets: list[BracketRow]
    round_trips: list[RoundTripRow]
    events: list[EventRow]
    gateway_messages: list[GatewayRow]
    broker_checks: list[CheckRow]
    topics: list[TopicRow]
    bars: dict[str, int]
    dead_letters: list[DeadLetterRow]


@dataclass(frozen=True, slots=True)
class Bin:
    """Values from `from_ms` up to, and without, `to_ms`."""

    from_ms: float
    to_ms: float
    n: int


@dataclass(frozen=True, slots=True)
class Series:
    """What the pictures show. Each point is [seconds since the start, value, ...] in dollars; thinned so that lowest
    and highest values stay. `bar_returns` are fractions of the allocated capital."""

    result: list[tuple[float, float, float, float]]
    exposure: list[tuple[float, float, float]]
    bar_returns: list[float]
    latency_ms: dict[str, list[Bin]]


@dataclass(frozen=True, slots=True)
class FindingRow:
    """What contradicts itself in the evidence; an error fails the session."""

    severity: str
    check: str
    text: str


@dataclass(frozen=True, slots=True)
class Content:
    """report.json. `result` is before commission, after it, and how far that stood below its best; `exposure` is gross
    and net."""

    summary: Summary
    gate_failures: list[str]
    findings: list[FindingRow]
    tables: Tables
    series: Series
