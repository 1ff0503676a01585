"""Prices and quantities of an order, exact to the cent.

Prices arrive as floats that stand for decimals; arithmetic on money is done on those decimals.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

_BPS = Decimal(10_000)
_CENT = Decimal("0.01")
_SUB_PENNY = Decimal("0.0001")  # US stocks below a dollar are quoted in hundredths of a cent


def exact(price: float) -> Decimal:
    """The decimal a float price stands for: 0.1 is a tenth."""
    return Decimal(repr(price))


def _tick(price: Decimal) -> Decimal:
    return _CENT if price >= 1 else _SUB_PENNY


def tick_below(price: float) -> float:
    """The highest price not above `price` that can be quoted."""
    wanted = exact(price)
    return float((wanted / _tick(wanted)).to_integral_value(ROUND_FLOOR) * _tick(wanted))


def tick_above(price: float) -> float:
    """The lowest price not below `price` that can be quoted."""
    wanted = exact(price)
    return float((wanted / _tick(wanted)).to_integral_value(ROUND_CEILING) * _tick(wanted))


def marketable_limit(touch: float, *, buy: bool, offset_bps: float) -> float:
    """A limit `offset_bps` through the opposite touch, rounded to the tick away from it.

    A buyer's limit is rounded up and a seller's down, so that rounding never makes it less marketable; a
    seller's is at least one tick. Raises ValueError for a touch that is not positive.
    """
    if not touch > 0:
        raise ValueError(f"no limit can be set against a touch of {touch}")
    price = exact(touch)
    tick = _tick(price)
    offset = price * Decimal(repr(float(offset_bps))) / _BPS
    if buy:
        return float(((price + offset) / tick).to_integral_value(ROUND_CEILING) * tick)
    return float(max(((price - offset) / tick).to_integral_value(ROUND_FLOOR) * tick, tick))


def affordable_shares(unreserved_usd: Decimal, price: float, *, max_shares: int) -> int:
    """Whole shares that fit into both the money and the limit on shares; 0 when none does."""
    if unreserved_usd <= 0 or max_shares <= 0:
        return 0
    return min(max_shares, int(unreserved_usd // exact(price)))
