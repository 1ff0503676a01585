"""Money as integers of micro-dollars: sums of floats drift, sums of integers do not."""

from __future__ import annotations

MICROS = 1_000_000


def micros(dollars: float) -> int:
    """The nearest micro-dollar. Prices of at most six decimals come through exactly."""
    return round(dollars * MICROS)


def dollars(micro_dollars: int) -> float:
    """For messages and people; never to be summed again."""
    return micro_dollars / MICROS


def dollars_text(micro_dollars: int) -> str:
    """Dollars and cents, the sign in front."""
    return f"{'-' if micro_dollars < 0 else ''}${dollars(abs(micro_dollars)):.2f}"
