"""The limits of one account, in the integers they are checked in. None means "not set", which refuses."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from algo_trade.portfolio import MICROS
from algo_trade.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares, micro-dollars, parts of a hundred, nanoseconds."""

    allocated_capital_micros: int
    max_position_shares: int | None
    max_order_shares: int | None
    max_gross_micros: int | None
    max_net_micros: int | None
    price_collar_pct: float | None
    max_data_age_ns: int | None
    stop_pnl_micros: int
    stop_drawdown_pct: float

    @classmethod
    def from_settings(cls, settings: Settings) -> Limits:
        risk, kill = settings.risk, settings.kill_switch
        age_s = risk.max_data_age_s
        return cls(
            allocated_capital_micros=_micros(risk.allocated_capital) or 0,
            max_position_shares=risk.max_position_shares,
            max_order_shares=risk.max_order_shares,
            max_gross_micros=_micros(risk.max_gross_usd),
            max_net_micros=_micros(risk.max_net_usd),
            price_collar_pct=risk.price_collar_pct,
            max_data_age_ns=None if age_s is None else round(age_s * 1e9),
            stop_pnl_micros=_micros(kill.pnl_usd) or 0,
            stop_drawdown_pct=kill.drawdown_pct,
        )


def _micros(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * MICROS)
