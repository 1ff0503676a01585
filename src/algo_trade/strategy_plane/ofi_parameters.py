"""The OFI strategy's numbers. Tune it here and nowhere else; docs/assumptions.md says against which market."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator

from algo_trade.strategy_plane.limits import StrategyLimits
from algo_trade.strategy_plane.plugin import StrategyParameters


class OfiParameters(StrategyParameters):
    """Every interval_s the order flow imbalance of that bin becomes a z-score over the last `window` bins."""

    interval_s: float = Field(default=10.0, gt=0, description="length of a bin of order flow, seconds")
    window: int = Field(default=60, ge=2, le=100_000, description="bins the z-score is taken over")
    entry_z: float = Field(default=2.0, gt=0, le=100, description="z-score that opens a position, either way")
    exit_z: float = Field(default=0.5, ge=0, le=100, description="z-score below which a position is closed")
    max_hold_s: float = Field(default=600.0, gt=0, description="longest time a position is held, seconds")
    cooldown_s: float = Field(default=60.0, ge=0, description="rest of a symbol after its orders, seconds")
    # Commission is $1 an order, and the stop of $100 is near.
    max_entries: int = Field(default=34, ge=0, description="entries a session that get shares, at most")
    entry_spacing_s: float = Field(default=480.0, ge=0, description="time between any two entries, seconds")
    flat_before_end_s: float = Field(
        default=300.0, gt=0, description="out of everything before the end, seconds"
    )
    order_valid_s: float = Field(
        default=5.0, gt=0, description="age at which an unsent order is dropped, seconds"
    )
    limit_offset_bps: float = Field(
        default=2.0, ge=0, le=100, description="how far limits go through the touch, hundredths of a per cent"
    )
    max_positions: int = Field(default=3, ge=1, description="symbols held at once, at most")

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> Self:
        if self.exit_z >= self.entry_z:
            raise ValueError(
                f"exit_z={self.exit_z:g} must be below entry_z={self.entry_z:g}, or a position is closed by what "
                "opened it"
            )
        return self


def ofi_notes(parameters: OfiParameters, limits: StrategyLimits) -> Mapping[str, str]:
    """Parameters that cannot bind."""
    if parameters.max_positions > len(limits.symbols):
        return {"max_positions": f"can never bind: {len(limits.symbols)} symbols are watched"}
    return {}
