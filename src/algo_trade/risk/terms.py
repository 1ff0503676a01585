"""The terms of an order: what a strategy may amend while it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from algo_trade.contracts import Direction, OrderIntent


class _Change(Protocol):
    """New terms, as an amendment tells them: None leaves a term as it is."""

    quantity: int | None
    limit_price: float | None
    stop_price: float | None


@dataclass(frozen=True, slots=True)
class Terms:
    """Shares of the whole order, what has filled included, and dollars a share; None: its type has no such price."""

    quantity: int
    limit_price: float | None
    stop_price: float | None

    @classmethod
    def of(cls, intent: OrderIntent) -> Terms:
        """As the intent asks for them."""
        return cls(intent.quantity, intent.limit_price, intent.stop_price)

    def changed(self, change: _Change) -> Terms:
        """These terms after an amendment."""
        return Terms(
            self.quantity if change.quantity is None else change.quantity,
            self.limit_price if change.limit_price is None else change.limit_price,
            self.stop_price if change.stop_price is None else change.stop_price,
        )


def sign_of(direction: Direction) -> int:
    """+1 buys, -1 sells."""
    return 1 if direction is Direction.BUY else -1
