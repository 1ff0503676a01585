"""The summary: the one object `--json` prints, and its schema.

Money is dollars, counts are plain, times are in the unit of their name. What cannot be said is null, never 0.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from algo_trade.session.report.summary_parts import (
    Alarms,
    AmendmentCounts,
    BracketCounts,
    BreakEven,
    Count,
    DeadLetters,
    Exposure,
    FindingCounts,
    KindSummary,
    Latencies,
    PerformanceSummary,
    Pnl,
    Proportion,
    RoundTripSummary,
    ShortfallSummary,
    SlippageSummary,
    SummaryPart,
)


class Summary(SummaryPart):
    """A session in numbers. All of them are counted from its log, but for what names it and wall_s."""

    session_id: str
    session_dir: str
    profile: str
    mode: Literal["SIM", "PAPER", "LIVE"]
    clock: Literal["virtual", "real"]
    seed: int | None
    strategy_id: str
    strategy_version: str | None
    strategy_parameters: dict[str, JsonValue]
    symbols: tuple[str, ...]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    finished: bool
    duration_s: Annotated[float, Field(ge=0)]
    wall_s: float | None
    ticks: Count
    bars: Count
    intents: Count
    refused: Count
    expired: Count
    orders: Count
    filled_orders: Count
    fills: Count
    rejected: Count
    cancelled: Count
    unknown: Count
    reject_reasons: dict[str, int]  # the broker's, by their words
    refusal_reasons: dict[str, int]  # our own checks', and what expired
    amendments: AmendmentCounts
    brackets: BracketCounts
    fill_rate: Proportion
    by_kind: dict[str, KindSummary]
    latency_ms: Latencies
    pnl: Pnl
    break_even: BreakEven
    performance: PerformanceSummary
    round_trips: RoundTripSummary
    exposure: Exposure
    slippage: SlippageSummary
    shortfall: ShortfallSummary
    max_drawdown: Annotated[float, Field(ge=0)]
    max_drawdown_pct: float | None  # of the allocated capital
    ofi_sum: dict[str, int | float]
    dlq: DeadLetters
    errors: dict[str, int]
    notices: dict[str, int]
    alarms: Alarms
    kill_latched: bool
    positions_match_broker: bool | None
    final_positions: dict[str, int]
    findings: FindingCounts


def gate_failures(summary: Summary) -> list[str]:
    """What in the summary fails the session (exit code 1), one sentence each; nothing when it passes.

    That books could not be compared often enough (null) is told, not failed: a session that never held a
    position has nothing to compare.
    """
    failures: list[str] = []
    if summary.positions_match_broker is False:
        failures.append("our positions, cash or commission differ from the broker's")
    if summary.unknown:
        failures.append(
            f"{summary.unknown} {_plural(summary.unknown, 'order has', 'orders have')} no known end"
        )
    if summary.findings.error:
        count = summary.findings.error
        failures.append(f"the evidence contradicts itself in {count} {_plural(count, 'point', 'points')}")
    return failures


def _plural(count: int, one: str, more: str) -> str:
    return one if count == 1 else more


def summary_schema() -> dict[str, Any]:
    """JSON Schema of Summary as it is printed."""
    schema = Summary.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Summary of a session",
    }


def schema_text() -> str:
    """What contracts/summary.schema.json holds, byte for byte."""
    return json.dumps(summary_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
