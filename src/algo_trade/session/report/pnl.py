"""Profit and loss, from executions and quotes, exact to the micro-dollar.

Average cost. Closing a part of a position moves its share of the cost, rounded to a whole micro-dollar, into the
realised result; the rounding stays in the open part, so that at every moment

    realised + unrealised  =  cash of the fills + position x mid          (commission apart)

which is how the equity curve is computed: two ways to one number, and the report compares them.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import repeat

from algo_trade.session.report.executions import Execution
from algo_trade.session.report.quotes import Mids


@dataclass(frozen=True, slots=True)
class Position:
    """One symbol at the end of the session. Micro-dollars; `quantity` is negative when short."""

    quantity: int
    cost_micros: int
    realised_micros: int
    unrealised_micros: int
    commission_micros: int
    bought: int
    sold: int
    mark_micros: int


def positions_of(executions: Sequence[Execution], mids: Mapping[str, int]) -> dict[str, Position]:
    """Every symbol traded, in the order of its first execution; valued at `mids`, else at its last price."""
    by_symbol: dict[str, list[Execution]] = {}
    for execution in executions:
        by_symbol.setdefault(execution.symbol, []).append(execution)
    return {
        symbol: average_cost(items, mids.get(symbol, items[-1].price_micros))
        for symbol, items in by_symbol.items()
    }


def average_cost(executions: Sequence[Execution], mark_micros: int) -> Position:
    """The position that the executions of one symbol, in their order, leave."""
    quantity = cost = realised = commission = bought = sold = 0
    for execution in executions:
        signed, price = execution.signed_quantity, execution.price_micros
        commission += execution.commission_micros or 0
        if signed > 0:
            bought += signed
        else:
            sold -= signed
        closing = 0
        if quantity > 0 > signed:
            closing = max(signed, -quantity)
        elif quantity < 0 < signed:
            closing = min(signed, -quantity)
        if closing:
            released = round_half_even(cost * -closing, quantity)
            realised += -closing * price - released
            cost -= released
            quantity += closing
        cost += (signed - closing) * price
        quantity += signed - closing
    unrealised = quantity * mark_micros - cost
    return Position(quantity, cost, realised, unrealised, commission, bought, sold, mark_micros)


def round_half_even(numerator: int, denominator: int) -> int:
    """The nearest integer of a quotient, exactly; the even one of two."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    below, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and below % 2):
        return below + 1
    return below


@dataclass(slots=True)
class EquityCurve:
    """The session's result and its exposure, marked to mid, at each moment at which they changed; it starts at 0.

    Times are UTC epoch ns, money micro-dollars. `gross` is before commission, `net` after it; `drawdown` is how
    far net stood below its highest value so far. `long_less_short` and `long_and_short` are what the positions were
    worth: their sum with signs (net exposure), and without (gross exposure).
    """

    at_ns: array[int] = field(default_factory=lambda: array("q"))
    gross: array[int] = field(default_factory=lambda: array("q"))
    net: array[int] = field(default_factory=lambda: array("q"))
    drawdown: array[int] = field(default_factory=lambda: array("q"))
    long_less_short: array[int] = field(default_factory=lambda: array("q"))
    long_and_short: array[int] = field(default_factory=lambda: array("q"))
    max_drawdown_micros: int = 0
    max_drawdown_ns: int | None = None
    _peak: int = 0

    def add(self, at_ns: int, gross: int, commission: int, exposure: tuple[int, int]) -> None:
        """`exposure` is net and gross."""
        net = gross - commission
        self._peak = max(self._peak, net)
        below = self._peak - net
        if below > self.max_drawdown_micros:
            self.max_drawdown_micros, self.max_drawdown_ns = below, at_ns
        self.at_ns.append(at_ns)
        self.gross.append(gross)
        self.net.append(net)
        self.drawdown.append(below)
        self.long_less_short.append(exposure[0])
        self.long_and_short.append(exposure[1])


def equity_curve(executions: Sequence[Execution], mids: Mapping[str, Mids], start_ns: int) -> EquityCurve:
    """Mark to mid at every quote of a symbol held, and at every execution when the log told of it.

    Executions count in their latest correction from the start. What was bought before the symbol's first quote
    is marked at its own price until then, and what was never quoted at the last price paid. Of quotes of one moment
    the symbol that stands first in `mids` counts first.
    """
    curve = EquityCurve()
    curve.add(start_ns, 0, 0, (0, 0))
    fold = _Marking(list(mids), curve)
    waiting = sorted(executions, key=lambda item: item.known_ns)
    upcoming = 0
    next_ns = waiting[0].known_ns if waiting else None
    quoted = (
        zip(series.at_ns, repeat(index), series.micros, strict=False)
        for index, series in enumerate(mids.values())
    )
    held, marks = fold.held, fold.marks
    for at_ns, symbol, mid in merge(*quoted):
        while next_ns is not None and next_ns <= at_ns:
            fold.execute(waiting[upcoming])
            upcoming += 1
            next_ns = waiting[upcoming].known_ns if upcoming < len(waiting) else None
        if held[symbol] and mid != marks[symbol]:
            fold.mark(at_ns, symbol, mid)
        marks[symbol] = mid
    for execution in waiting[upcoming:]:
        fold.execute(execution)
    return curve


class _Marking:
    """Cash, and what the positions are worth at the last mids."""

    def __init__(self, symbols: Sequence[str], curve: EquityCurve) -> None:
        self.index_of = {symbol: index for index, symbol in enumerate(symbols)}
        self.held = [0] * len(symbols)
        self.marks: list[int | None] = [None] * len(symbols)
        self._curve = curve
        self._quoted = len(symbols)
        self._cash = self._worth = self._gross_worth = self._commission = 0

    def mark(self, at_ns: int, symbol: int, mid: int) -> None:
        before = self.marks[symbol]
        assert before is not None  # a held symbol was marked when it was bought
        self._revalue(symbol, mid - before)
        self._note(at_ns)

    def execute(self, execution: Execution) -> None:
        index = self.index_of.get(execution.symbol)
        if index is None:
            index = self.index_of[execution.symbol] = len(self.held)
            self.held.append(0)
            self.marks.append(None)
        mid = self.marks[index]
        if mid is None or index >= self._quoted:
            self._revalue(index, execution.price_micros - (mid or 0))
            mid = self.marks[index] = execution.price_micros
        signed, held = execution.signed_quantity, self.held[index]
        self._cash -= signed * execution.price_micros
        self._worth += signed * mid
        self._gross_worth += (abs(held + signed) - abs(held)) * mid
        self.held[index] = held + signed
        self._commission += execution.commission_micros or 0
        self._note(execution.known_ns)

    def _revalue(self, symbol: int, change: int) -> None:
        held = self.held[symbol]
        self._worth += held * change
        self._gross_worth += abs(held) * change

    def _note(self, at_ns: int) -> None:
        self._curve.add(at_ns, self._cash + self._worth, self._commission, (self._worth, self._gross_worth))
