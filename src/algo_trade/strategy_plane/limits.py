"""What a session allows its strategy. The order plane checks again and refuses by limits of its own."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from algo_trade.settings import Settings


@dataclass(frozen=True, slots=True)
class StrategyLimits:
    """`symbols` are what is traded; at most `max_shares` of each, and `max_exposure_usd` gross over all of them."""

    symbols: tuple[str, ...]
    max_shares: int
    max_exposure_usd: Decimal

    @classmethod
    def from_settings(cls, settings: Settings, symbols: tuple[str, ...]) -> StrategyLimits:
        """Limits that are not set count as 0: what risk would refuse is not asked for."""
        risk = settings.risk
        return cls(
            symbols=symbols,
            max_shares=min(risk.max_position_shares or 0, risk.max_order_shares or 0),
            # |net| never exceeds gross, so the smaller limit on gross keeps both.
            max_exposure_usd=min(risk.max_gross_usd or Decimal(0), risk.max_net_usd or Decimal(0)),
        )
