"""Cash, positions and profit of the paper account, in whole millionths of a dollar: nothing is ever rounded away.

A position's cost contains its commissions, as IBKR's average cost does, and a closing fill realises its share of
that cost less its own commission. So when everything is flat, the realised profits add up to the change in cash
to the last millionth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MICROS_PER_E4 = 100

# What a share of a con_id is worth now, in millionths of a dollar.
Mark = Callable[[int], int]

# Initial and maintenance margin, in percent of a position's value (Reg T; short positions as IBKR asks for them).
INITIAL_PERCENT = 50
MAINTENANCE_LONG_PERCENT = 25
MAINTENANCE_SHORT_PERCENT = 30


@dataclass(slots=True)
class Position:
    """Shares held (negative: short) and what they cost with commissions (negative: what selling them brought)."""

    con_id: int
    shares: int = 0
    cost_micros: int = 0
    realized_micros: int = 0

    @property
    def average_cost_micros(self) -> int:
        return self.cost_micros // self.shares if self.shares else 0

    def value_micros(self, mark_micros: int) -> int:
        return self.shares * mark_micros

    def unrealized_micros(self, mark_micros: int) -> int:
        return self.shares * mark_micros - self.cost_micros


@dataclass(slots=True)
class Account:
    """One paper account."""

    account_id: str
    cash_micros: int
    positions: dict[int, Position] = field(default_factory=dict)
    commission_micros: int = 0

    def fill(self, con_id: int, signed_shares: int, price_e4: int, commission_micros: int) -> int | None:
        """Book a fill (buy positive). Returns the profit it realised, None when it only opened or added."""
        assert signed_shares != 0, "a fill has shares"
        position = self.positions.setdefault(con_id, Position(con_id))
        value = signed_shares * price_e4 * MICROS_PER_E4
        self.cash_micros -= value + commission_micros
        self.commission_micros += commission_micros
        closing = _closing_shares(position.shares, signed_shares)
        if closing == 0:
            position.shares += signed_shares
            position.cost_micros += value + commission_micros
            return None
        closing_value = value * closing // signed_shares
        closing_commission = commission_micros * closing // signed_shares
        closed_cost = position.cost_micros * -closing // position.shares
        realized = -closing_value - closed_cost - closing_commission
        position.shares += signed_shares
        position.cost_micros += (
            (value - closing_value) + (commission_micros - closing_commission) - closed_cost
        )
        position.realized_micros += realized
        return realized

    def equity_micros(self, mark: Mark) -> int:
        """Cash plus positions."""
        return self.cash_micros + sum(held.value_micros(mark(held.con_id)) for held in self.open_positions())

    def initial_margin_micros(self, mark: Mark, working: Mapping[int, tuple[int, int]] | None = None) -> int:
        """Initial margin of the positions; with `working` (con_id to shares bought and sold by working orders) of
        the larger position those orders could lead to."""
        orders = working or {}
        held = {position.con_id: position.shares for position in self.open_positions()}
        total = 0
        for con_id in dict.fromkeys((*held, *orders)):
            shares = held.get(con_id, 0)
            bought, sold = orders.get(con_id, (0, 0))
            total += max(abs(shares + bought), abs(shares - sold)) * mark(con_id) * INITIAL_PERCENT // 100
        return total

    def maintenance_margin_micros(self, mark: Mark) -> int:
        total = 0
        for position in self.open_positions():
            percent = MAINTENANCE_LONG_PERCENT if position.shares > 0 else MAINTENANCE_SHORT_PERCENT
            total += abs(position.value_micros(mark(position.con_id))) * percent // 100
        return total

    def realized_micros(self) -> int:
        return sum(position.realized_micros for position in self.positions.values())

    def unrealized_micros(self, mark: Mark) -> int:
        return sum(held.unrealized_micros(mark(held.con_id)) for held in self.open_positions())

    def open_positions(self) -> list[Position]:
        """Positions that hold something, in the order they were first opened."""
        return [position for position in self.positions.values() if position.shares]


def _closing_shares(held: int, signed_shares: int) -> int:
    """How many of the fill's shares (with its sign) close what is held."""
    if held == 0 or (held > 0) == (signed_shares > 0):
        return 0
    size = min(abs(held), abs(signed_shares))
    return size if signed_shares > 0 else -size
