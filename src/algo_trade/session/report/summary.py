"""The summary: the one object `--json` prints, and its schema.

Money is dollars, counts are plain, times are in the unit of their name. What cannot be said is null, never 0.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Proportion(_Part):
    """`k` of `n`; `ci95` is Wilson's interval. `value` and `ci95` are null when n is 0."""

    k: Count
    n: Count
    value: Share | None
    ci95: tuple[Share, Share] | None


class Latency(_Part):
    """Milliseconds, nearest rank. p50 needs one value, p95 59 and p99 299; below that they are null."""

    n: Count
    p50: float | None
    p95: float | None
    p99: float | None


class Latencies(_Part):
    """Of all orders that took the hop, by the session's clock; on a virtual clock they are the simulator's."""

    intent_to_submit: Latency
    submit_to_ack: Latency
    ack_to_fill: Latency
    intent_to_fill: Latency


class Pnl(_Part):
    """Dollars. total = realised + unrealised - commission; unrealised is at the last mid."""

    realised: float
    unrealised: float
    commission: float
    total: float


class DeadLetters(_Part):
    """`rate` is dead letters over the messages that were validated (sound or not); null when there were none."""

    count: Count
    rate: Share | None


class SlippageSummary(_Part):
    """Fills against the mid at the decision, in dollars and basis points; positive is worse. `n` is fills."""

    n: Count
    total: float | None
    bps: float | None


class FindingCounts(_Part):
    """How many contradictions the report found in the evidence; they are listed in report.json."""

    error: Count
    warning: Count


class Summary(_Part):
    """A session in numbers. All of them are counted from its log, but for what names it and wall_s."""

    session_id: str
    session_dir: str
    profile: str
    mode: Literal["SIM", "PAPER", "LIVE"]
    clock: Literal["virtual", "real"]
    seed: int | None
    strategy_id: str
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
    fill_rate: Proportion
    latency_ms: Latencies
    pnl: Pnl
    slippage: SlippageSummary
    max_drawdown: Annotated[float, Field(ge=0)]
    max_drawdown_pct: float | None  # of the allocated capital
    ofi_sum: dict[str, int | float]
    dlq: DeadLetters
    errors: dict[str, int]
    notices: dict[str, int]
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
