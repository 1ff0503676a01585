"""IBKR Pro fixed pricing for US stocks: $0.005 a share, at least $1.00 an order, at most 1 % of its value.

The minimum and the maximum are an order's, not a fill's, so each fill is charged what the order owes so far less
what earlier fills of it paid. When 1 % is below $1.00 the 1 % wins. Regulatory and exchange fees are not charged.
"""

from __future__ import annotations

MICROS_PER_SHARE = 5_000
MINIMUM_MICROS = 1_000_000


def order_commission_micros(shares: int, value_micros: int) -> int:
    """What an order owes after `shares` filled for `value_micros` in all, in millionths of a dollar."""
    return min(max(shares * MICROS_PER_SHARE, MINIMUM_MICROS), value_micros // 100)
