"""What could be held if every order that may be working fills.

A limit that looks only at positions is passed by orders in flight (it was at Knight Capital), so an order
counts in full from the moment it is accepted until it is over, UNKNOWN included: what is not known to be
gone may still fill.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reservation:
    """The part of an order that has not filled. `price_micros` is what a share of it may cost."""

    symbol: str
    signed_quantity: int
    price_micros: int


@dataclass(frozen=True, slots=True)
class Worst:
    """A symbol at its extremes, shares: all buys filled and no sell, and the other way round."""

    long: int
    short: int

    @property
    def largest(self) -> int:
        return max(abs(self.long), abs(self.short))


class Exposure:
    """Positions and reservations, valued. Immutable: `with_order` answers what if."""

    def __init__(
        self,
        positions: Mapping[str, int],
        reservations: Iterable[Reservation],
        marks_micros: Mapping[str, int],
    ) -> None:
        self._positions = dict(positions)
        self._reservations = tuple(reservations)
        self._marks = dict(marks_micros)
        self._worst: dict[str, Worst] = {}
        self._price: dict[str, int] = dict(marks_micros)
        for symbol, quantity in self._positions.items():
            self._worst[symbol] = Worst(quantity, quantity)
        for reserved in self._reservations:
            worst = self._worst.get(reserved.symbol, Worst(0, 0))
            more = reserved.signed_quantity
            self._worst[reserved.symbol] = Worst(worst.long + max(more, 0), worst.short + min(more, 0))
            self._price[reserved.symbol] = max(self._price.get(reserved.symbol, 0), reserved.price_micros)

    def with_order(self, order: Reservation) -> Exposure:
        return Exposure(self._positions, (*self._reservations, order), self._marks)

    def worst(self, symbol: str) -> Worst:
        return self._worst.get(symbol, Worst(0, 0))

    @property
    def gross_micros(self) -> int:
        """Every symbol at its larger extreme."""
        return sum(worst.largest * self._price[symbol] for symbol, worst in self._worst.items())

    @property
    def net_micros(self) -> int:
        """The larger of all symbols at their long and all at their short extreme, as an amount."""
        long = sum(worst.long * self._price[symbol] for symbol, worst in self._worst.items())
        short = sum(worst.short * self._price[symbol] for symbol, worst in self._worst.items())
        return max(abs(long), abs(short))

    def unpriced(self) -> list[str]:
        """Symbols with something at risk and nothing to value it by."""
        return [s for s, worst in self._worst.items() if worst.largest and s not in self._price]
