"""The groups of numbers a summary is made of. Money is dollars; what cannot be said is null, never 0."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class SummaryPart(BaseModel):
    """Frozen, nothing unknown, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Proportion(SummaryPart):
    """`k` of `n`; `ci95` is Wilson's interval. `value` and `ci95` are null when n is 0."""

    k: Count
    n: Count
    value: Share | None
    ci95: tuple[Share, Share] | None


class Latency(SummaryPart):
    """Milliseconds, nearest rank. p50 needs one value, p95 59 and p99 299; below that they are null."""

    n: Count
    p50: float | None
    p95: float | None
    p99: float | None


class Latencies(SummaryPart):
    """Of all orders that took the hop, by the session's clock; on a virtual clock they are the simulator's.

    Hops that end with a fill are of orders that had to fill at once; how long the others rested until they filled is
    `rested_until_fill`.
    """

    intent_to_submit: Latency
    submit_to_ack: Latency
    ack_to_fill: Latency
    intent_to_fill: Latency
    rested_until_fill: Latency


class Pnl(SummaryPart):
    """Dollars. total = realised + unrealised - commission; unrealised is at the last mid."""

    realised: float
    unrealised: float
    commission: float
    total: float


class BreakEven(SummaryPart):
    """What trading had to earn to pay its commission, and what it earned, in basis points of the dollars traded
    (bought and sold). Null when nothing was traded."""

    traded: float
    needed_bps: float | None
    earned_bps: float | None


class PerformanceSummary(SummaryPart):
    """Per bar of `bar_s` seconds, on the allocated capital, unless the name says otherwise.

    `insufficient` says why there is no ratio, and then they are null; `changed` is how many of the `n` bars changed the
    result. `standard_error` is the Sharpe ratio's; `kurtosis` is raw (3 for a normal); `psr` is the probability that
    the true ratio is above 0; `bars_needed` is how many such bars would tell the ratio from 0 (95 %, one-sided).
    """

    bar_s: Count
    n: Count
    changed: Count
    insufficient: str | None
    sharpe: float | None
    standard_error: float | None
    sharpe_annual: float | None
    sharpe_annual_ci95: tuple[float, float] | None
    skew: float | None
    kurtosis: float | None
    psr: Share | None
    bars_needed: Count | None


class Exposure(SummaryPart):
    """Dollars at mid, means over the whole time; `time_in_market` is the share of it with a position open.

    `net_max` is the largest amount with its sign; `largest_positions` are signed shares.
    """

    time_in_market: Share | None
    gross_mean: float
    gross_max: float
    net_mean: float
    net_max: float
    largest_positions: dict[str, int]


class RoundTripSummary(SummaryPart):
    """From flat to flat. Dollars after commission; null when there was none. `mean_s` is how long one lasted."""

    n: Count
    won: Proportion
    mean: float | None
    best: float | None
    worst: float | None
    mean_s: float | None


class KindSummary(SummaryPart):
    """Orders of one kind: how many got a fill, shares, and slippage against the mid at decision (positive is worse)."""

    fill_rate: Proportion
    shares_wanted: Count
    shares_filled: Count
    slippage_bps: float | None


class AmendmentCounts(SummaryPart):
    """What was asked of working orders, and how it ended where it was not done."""

    cancels: Count
    replaces: Count
    refused: Count
    too_late: Count
    unanswered: Count


class BracketCounts(SummaryPart):
    """Brackets by what decided them; `n` is their sum."""

    n: Count
    not_entered: Count
    take_profit: Count
    stop_loss: Count
    both: Count
    otherwise: Count


class SlippageSummary(SummaryPart):
    """Fills against the mid at the decision, in dollars and basis points; positive is worse. `n` is fills.

    The attached exits of brackets are left out: they are decided with their entry.
    """

    n: Count
    total: float | None
    bps: float | None


class ShortfallSummary(SummaryPart):
    """Implementation shortfall over `n` orders, dollars, positive is worse: `total` is the sum of its parts, `bps` what
    it is of the orders' worth at the decision."""

    n: Count
    delay: float
    execution: float
    opportunity: float
    commission: float
    total: float
    bps: float | None


class DeadLetters(SummaryPart):
    """`rate` is dead letters over the messages that were validated (sound or not); null when there were none."""

    count: Count
    rate: Share | None


class Alarms(SummaryPart):
    """Events that ask for a person's eye: about orders, and about the quality of market data."""

    orders: Count
    data_quality: Count


class FindingCounts(SummaryPart):
    """How many contradictions the report found in the evidence; they are listed in report.json."""

    error: Count
    warning: Count
