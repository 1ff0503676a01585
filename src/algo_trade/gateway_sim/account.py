"""Cash, positions and profit of the paper account, in whole millionths of a dollar: nothing is ever rounded away.

A position's cost contains its commissions, as IBKR's average cost does, and a closing fill realises its share of
that cost less its own commission. So when everything is flat, the realised profits add up to the change in cash
to the last millionth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from algo_trade.gateway_sim.margin import initial_margin_micros, maintenance_margin_micros

MICROS_PER_E4 = 100

# What a share of a con_id is worth now, in millionths of a dollar.
Mark = Callable[[int], int]

# Shares that working orders may still buy and sell, by con_id.
Working = Mapping[int, tuple[int, int]]


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

    def fill(self, signed_shares: int, price_e4: int, commission_micros: int) -> int | None:
        """Book a fill (buy positive). Returns the profit it realised, None when it only opened or added."""
        assert signed_shares != 0, "a fill has shares"
        value = signed_shares * price_e4 * MICROS_PER_E4
        closing = _closing_shares(self.shares, signed_shares)
        if closing == 0:
            self.shares += signed_shares
            self.cost_micros += value + commission_micros
            return None
        closing_value = value * closing // signed_shares
        closing_commission = commission_micros * closing // signed_shares
        closed_cost = self.cost_micros * -closing // self.shares
        realized = -closing_value - closed_cost - closing_commission
        self.shares += signed_shares
        self.cost_micros += (value - closing_value) + (commission_micros - closing_commission) - closed_cost
        self.realized_micros += realized
        return realized

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
        position = self.positions.setdefault(con_id, Position(con_id))
        self.cash_micros -= signed_shares * price_e4 * MICROS_PER_E4 + commission_micros
        self.commission_micros += commission_micros
        return position.fill(signed_shares, price_e4, commission_micros)

    def equity_micros(self, mark: Mark) -> int:
        """Cash plus positions."""
        return self.cash_micros + sum(held.value_micros(mark(held.con_id)) for held in self.open_positions())

    def initial_margin_micros(self, mark: Mark, working: Working | None = None) -> int:
        """Initial margin of the positions; with `working` orders of the larger position those could lead to."""
        return self._margin_micros(initial_margin_micros, mark, working or {})

    def maintenance_margin_micros(self, mark: Mark, working: Working | None = None) -> int:
        """The same for maintenance margin."""
        return self._margin_micros(maintenance_margin_micros, mark, working or {})

    def _margin_micros(self, margin: Callable[[int], int], mark: Mark, working: Working) -> int:
        held = {position.con_id: position.shares for position in self.open_positions()}
        total = 0
        for con_id in dict.fromkeys((*held, *working)):
            shares = held.get(con_id, 0)
            bought, sold = working.get(con_id, (0, 0))
            price = mark(con_id)
            total += max(margin((shares + bought) * price), margin((shares - sold) * price))
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
