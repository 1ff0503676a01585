"""The numbers of the bands strategy; docs/assumptions.md says what they were set against."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from algo_trade.contracts import BarDuration
from algo_trade.strategy_plane.feeds import BAR_LENGTHS
from algo_trade.strategy_plane.plugin import StrategyParameters

# To get out at the end takes a bar to cancel what works, one to send the exit, and two to try again.
_BARS_TO_GET_OUT = 4
_SESSION_S = 23_400.0  # regular hours of a day


class BandsParameters(StrategyParameters):
    """On each closed bar: mean and standard deviation of the last `window` closes."""

    bar_size: Literal["5s", "1m", "5m", "15m", "30m", "1h"] = Field(
        default="1m", description="bars it looks at"
    )
    window: int = Field(
        default=60, ge=2, le=5_000, description="closes that mean and deviation are taken over"
    )
    entry_k: float = Field(default=2.0, gt=0, le=20, description="entry's distance from the mean, deviations")
    stop_k: float = Field(
        default=4.0, gt=0, le=40, description="the stop's distance from the mean, deviations"
    )
    reprice_bps: float = Field(
        default=2.0, gt=0, le=100, description="how far off an order is moved, hundredths of a per cent"
    )
    min_edge: float = Field(
        default=1.0, ge=0, le=100, description="least gain expected, in round trips' commission"
    )
    round_trip_usd: float = Field(
        default=2.0, ge=0, le=1000, description="commission of entry and exit, dollars"
    )
    max_rest_bars: int = Field(
        default=60, ge=1, description="bars after which an unfilled entry is withdrawn"
    )
    # Commission is $2 a round trip, and the stop of $100 is near.
    max_entries: int = Field(default=20, ge=0, description="entries a session that get shares, at most")
    entry_spacing_s: float = Field(default=300.0, ge=0, description="time between any two entries, seconds")
    max_positions: int = Field(default=3, ge=1, description="symbols held or bid for at once, at most")
    last_entry_before_end_s: float = Field(
        default=3600.0, gt=0, description="no entry rests this close to the end, seconds"
    )
    flat_before_end_s: float = Field(
        default=600.0, gt=0, description="out of everything before the end, seconds"
    )
    limit_offset_bps: float = Field(
        default=2.0,
        ge=0,
        le=100,
        description="how far the last exit goes through the touch, hundredths of a per cent",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        wrong = []
        if self.stop_k <= self.entry_k:
            wrong.append(
                f"stop_k={self.stop_k:g} must be above entry_k={self.entry_k:g}: the stop lies beyond the entry"
            )
        if self.flat_before_end_s < _BARS_TO_GET_OUT * self.bar_s:
            wrong.append(
                f"flat_before_end_s={self.flat_before_end_s:g} is less than {_BARS_TO_GET_OUT} bars of "
                f"{self.bar_size}: it decides once a bar, and needs those to get out"
            )
        if self.last_entry_before_end_s < self.flat_before_end_s:
            wrong.append(
                f"last_entry_before_end_s={self.last_entry_before_end_s:g} is less than "
                f"flat_before_end_s={self.flat_before_end_s:g}"
            )
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def bar_s(self) -> float:
        return BAR_LENGTHS[BarDuration(self.bar_size)].total_seconds()

    @property
    def history(self) -> str:
        """An IBKR duration that holds the window also where today has only begun."""
        days = int(-(-self.window * self.bar_s // _SESSION_S)) + 1
        return f"{days} D"
