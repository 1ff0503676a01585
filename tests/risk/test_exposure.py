"""What a bracket may do to a position, whatever of it fills first: the bound holds, and is reached."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from algo_trade.risk import Exposure, Reservation, exits_reservation

MARK = 100_000_000


class Family:
    """A bracket as a broker works it: one exit cancels the other, and together they take back what came."""

    def __init__(
        self, entry: int, entry_filled: int, exits: tuple[int, ...], exits_filled: int, held: int
    ) -> None:
        self.sign = 1 if entry > 0 else -1
        self.rest = abs(entry) - entry_filled
        self.brought = entry_filled
        self.exits = exits  # unfilled shares of each exit that is not over
        self.taken = exits_filled
        self.position = held

    def worst(self) -> tuple[int, int]:
        """By what is reserved: all the symbol may come to, long and short."""
        reserved = [Reservation("SPY", self.sign * self.rest, MARK)] if self.rest else []
        exits = exits_reservation("SPY", self.sign * self.brought, self.taken, self.exits)
        reserved += [exits] if exits is not None else []
        worst = Exposure({"SPY": self.position}, reserved, {"SPY": MARK}).worst("SPY")
        return worst.long, worst.short

    def outcomes(self) -> Iterator[int]:
        """Every position it can lead to: k of the entry's rest, then up to what is open through one of the exits."""
        for k in range(self.rest + 1):
            open_shares = self.brought + k - self.taken
            most = min(open_shares, max(self.exits, default=0))
            for taken in range(max(most, 0) + 1):
                yield self.position + self.sign * (k - taken)


@st.composite
def families(draw: st.DrawFn) -> Family:
    quantity = draw(st.integers(1, 8))
    filled = draw(st.integers(0, quantity))
    taken = draw(st.integers(0, filled))
    exits = draw(st.sampled_from([(), (quantity - taken,), (quantity - taken, quantity - taken)]))
    sign = draw(st.sampled_from([1, -1]))
    return Family(sign * quantity, filled, exits, taken, draw(st.integers(-10, 10)))


@given(families())
def test_the_bound_on_a_bracket_holds_and_is_reached(family: Family) -> None:
    """Exact: a looser one would refuse good orders, a tighter one let too much through."""
    long, short = family.worst()
    outcomes = list(family.outcomes())
    assert (max(outcomes), min(outcomes)) == (long, short)


@given(families())
def test_exits_make_no_exposure_larger_than_their_entry_did(family: Family) -> None:
    """A position that is all the bracket's: with its exits working, no more is at risk, in shares and in money."""
    family.position = family.sign * (family.brought - family.taken)
    bare = [Reservation("SPY", family.sign * family.rest, MARK)] if family.rest else []
    exits = exits_reservation("SPY", family.sign * family.brought, family.taken, family.exits)
    with_exits = [*bare, exits] if exits is not None else bare
    before = Exposure({"SPY": family.position}, bare, {"SPY": MARK})
    after = Exposure({"SPY": family.position}, with_exits, {"SPY": MARK})
    assert after.worst("SPY").largest == before.worst("SPY").largest
    assert (after.gross_micros, after.net_micros) == (before.gross_micros, before.net_micros)


def test_exits_reserve_nothing_while_their_entry_has_not_filled() -> None:
    assert exits_reservation("SPY", 0, 0, (5, 5)) is None
    assert exits_reservation("SPY", 3, 0, (5, 5)) == Reservation("SPY", -3, 0)
    assert exits_reservation("SPY", -3, 1, (5, 5)) == Reservation("SPY", 2, 0)
    assert exits_reservation("SPY", 3, 3, (2, 2)) is None
    assert exits_reservation("SPY", 3, 0, ()) is None
