"""What could be held if every order that may be working fills.

A limit that looks only at positions is passed by orders in flight (it was at Knight Capital), so an order
counts in full from the moment it is accepted until it is over, UNKNOWN included: what is not known to be
gone may still fill.

The exits attached to an entry are the exception, since they only take back what the entry brought. Whatever part k of
the entry's rest fills, exits can then fill the shares it has brought before and k, less what they took: together the
family moves the position by between minus what is open of it and plus the entry's rest. So the entry reserves its
rest, and the exits together reserve what is open: nothing as long as the entry has not filled.
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


def exits_reservation(
    symbol: str, entry_signed_filled: int, exits_filled: int, exits_open: Iterable[int]
) -> Reservation | None:
    """What the exits of one entry may still fill between them, or None.

    `entry_signed_filled` is what the entry brought (negative: sold); `exits_filled`, what its exits took back;
    `exits_open`, the unfilled shares of each exit that is not over. One cancels the other, so they do not add up. Their
    price is 0: what only takes back makes nothing dearer.
    """
    brought = abs(entry_signed_filled) - exits_filled
    shares = min(brought, max(exits_open, default=0))
    if shares <= 0:
        return None
    return Reservation(symbol, shares if entry_signed_filled < 0 else -shares, 0)


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
