"""One symbol's position: average cost, and the identity that keeps it honest.

At every moment  cash + cost == realised, where cash is what the fills paid in and out and cost is what the
open shares were bought (or, negative, sold short) for. Closing a part moves its share of the cost, cut to a
whole micro-dollar, from cost to realised: nothing is created by rounding, it only waits in the open part.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PositionView:
    """A position as others may see it; money in micro-dollars."""

    symbol: str
    quantity: int
    cost_micros: int
    realised_micros: int

    @property
    def average_price_micros(self) -> int | None:
        return None if self.quantity == 0 else self.cost_micros // self.quantity


class Book:
    """Folds the fills of one symbol in the order they are given."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.quantity = 0
        self.cost_micros = 0
        self.realised_micros = 0
        self.cash_micros = 0

    def fill(self, signed_quantity: int, price_micros: int) -> None:
        """`signed_quantity` is positive for a buy. Crossing through zero closes first, then opens."""
        assert signed_quantity != 0
        self.cash_micros -= signed_quantity * price_micros
        closing = 0
        if self.quantity * signed_quantity < 0:
            closing = min(abs(signed_quantity), abs(self.quantity)) * (1 if signed_quantity > 0 else -1)
            released = _share(self.cost_micros, abs(closing), abs(self.quantity))
            self.realised_micros += -closing * price_micros - released
            self.cost_micros -= released
            self.quantity += closing
        opening = signed_quantity - closing
        self.cost_micros += opening * price_micros
        self.quantity += opening
        assert self.cash_micros + self.cost_micros == self.realised_micros

    def carry(self, signed_quantity: int, cost_micros: int) -> None:
        """A position from before, at what it cost; only into an empty book."""
        assert self.quantity == 0 and self.cash_micros == 0
        self.quantity, self.cost_micros, self.cash_micros = signed_quantity, cost_micros, -cost_micros

    def unrealised_micros(self, mark_micros: int) -> int:
        return self.quantity * mark_micros - self.cost_micros

    def view(self) -> PositionView:
        return PositionView(self.symbol, self.quantity, self.cost_micros, self.realised_micros)


def _share(cost_micros: int, part: int, whole: int) -> int:
    """`part/whole` of the cost, towards zero; all of it when the part is the whole."""
    share = abs(cost_micros) * part // whole
    return share if cost_micros >= 0 else -share
