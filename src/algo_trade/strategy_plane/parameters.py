"""What the strategy plane and the OFI strategy need from the settings, and nothing else of them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from algo_trade.settings import Settings


@dataclass(frozen=True, slots=True)
class OfiParameters:
    """The OFI strategy's numbers; units in the names, bins are intervals, z is in standard deviations."""

    interval_s: float
    window: int  # bins
    entry_z: float
    exit_z: float
    max_hold_s: float
    cooldown_s: float
    max_entries: int  # a session
    entry_spacing_s: float
    flat_before_end_s: float
    order_valid_s: float
    limit_offset_bps: float
    max_positions: int  # symbols held at once
    max_shares: int  # a symbol
    max_exposure_usd: Decimal  # gross, over all symbols

    @classmethod
    def from_settings(cls, settings: Settings) -> OfiParameters:
        """Limits that are not set count as 0: what risk would refuse is not asked for."""
        ofi, risk = settings.ofi, settings.risk
        return cls(
            interval_s=ofi.interval_s,
            window=ofi.window,
            entry_z=ofi.entry_z,
            exit_z=ofi.exit_z,
            max_hold_s=ofi.max_hold_s,
            cooldown_s=ofi.cooldown_s,
            max_entries=ofi.max_entries,
            entry_spacing_s=ofi.entry_spacing_s,
            flat_before_end_s=ofi.flat_before_end_s,
            order_valid_s=ofi.order_valid_s,
            limit_offset_bps=ofi.limit_offset_bps,
            max_positions=ofi.max_positions,
            max_shares=min(risk.max_position_shares or 0, risk.max_order_shares or 0),
            # |net| never exceeds gross, so the smaller limit on gross keeps both.
            max_exposure_usd=min(risk.max_gross_usd or Decimal(0), risk.max_net_usd or Decimal(0)),
        )
