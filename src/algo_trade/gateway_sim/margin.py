"""Margin of a Regulation T account: what a position of some value (negative: short) ties up."""

from __future__ import annotations

# In percent of the position's value; short positions as IBKR asks for them.
_INITIAL = 50
_MAINTENANCE_LONG = 25
_MAINTENANCE_SHORT = 30


def initial_margin_micros(value_micros: int) -> int:
    """What must be there to take the position."""
    return abs(value_micros) * _INITIAL // 100


def maintenance_margin_micros(value_micros: int) -> int:
    """What must be there to keep it."""
    return abs(value_micros) * (_MAINTENANCE_LONG if value_micros > 0 else _MAINTENANCE_SHORT) // 100
