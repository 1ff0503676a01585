"""The fold of exec_reports: fills once each, positions, profit and loss, cash.

Reports are cumulative and may come twice, so a fill counts by the prefix of its execution id: the broker
corrects an execution by sending the same prefix with a higher suffix, and the higher one replaces the lower.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from algo_trade.contracts import Direction, ExecutionReport, Fill
from algo_trade.portfolio.book import Book, PositionView
from algo_trade.portfolio.money import micros


@dataclass(frozen=True, slots=True)
class Pnl:
    """Micro-dollars. `complete` is False when an open position has no mark: its unrealised part is missing."""

    realised_micros: int
    unrealised_micros: int
    commission_micros: int
    complete: bool

    @property
    def total_micros(self) -> int:
        return self.realised_micros + self.unrealised_micros - self.commission_micros


@dataclass(slots=True)
class _Counted:
    suffix: str
    symbol: str
    signed_quantity: int
    price_micros: int
    commission_micros: int
    timestamp: datetime


def execution_key(execution_id: str) -> tuple[str, str]:
    """`0000e0d5.69dd7411.01.01` → its prefix, which names the fill, and its suffix, which numbers corrections."""
    prefix, dot, suffix = execution_id.rpartition(".")
    return (prefix, suffix) if dot else (execution_id, "")


class Portfolio:
    """All symbols of one account. `on_fill` order is the order of first appearance."""

    def __init__(self) -> None:
        self._fills: dict[str, _Counted] = {}
        self._books: dict[str, Book] = {}
        self._carried: dict[str, tuple[int, int]] = {}  # symbol → signed shares, what they cost
        self.commission_micros = 0

    def apply(self, report: ExecutionReport) -> bool:
        """Count what is new in a report; True when a position or the commission changed."""
        changed = False
        for fill in report.fills or ():
            changed = self._count(report, fill) or changed
        return changed

    def carry(self, symbol: str, signed_quantity: int, cost_micros: int) -> None:
        """A position that was there before this session, at what it cost. To be told before any fill."""
        self._carried[symbol] = signed_quantity, cost_micros
        self._book(symbol).carry(signed_quantity, cost_micros)

    def position(self, symbol: str) -> int:
        """Signed shares."""
        book = self._books.get(symbol)
        return 0 if book is None else book.quantity

    def positions(self) -> dict[str, int]:
        """Every symbol that is not flat."""
        return {symbol: book.quantity for symbol, book in self._books.items() if book.quantity}

    def view(self, symbol: str) -> PositionView:
        return self._book(symbol).view()

    @property
    def cash_flow_micros(self) -> int:
        """What the fills paid in (positive) and out, commission included; carried positions were paid for before."""
        carried = sum(cost for _, cost in self._carried.values())
        return sum(book.cash_micros for book in self._books.values()) + carried - self.commission_micros

    def pnl(self, marks_micros: dict[str, int]) -> Pnl:
        """`marks_micros`: the price at which each open position is valued."""
        realised = unrealised = 0
        complete = True
        for symbol, book in self._books.items():
            realised += book.realised_micros
            if book.quantity:
                mark = marks_micros.get(symbol)
                if mark is None:
                    complete = False
                else:
                    unrealised += book.unrealised_micros(mark)
        return Pnl(realised, unrealised, self.commission_micros, complete)

    def _count(self, report: ExecutionReport, fill: Fill) -> bool:
        if report.direction is None:
            raise ValueError(f"report {report.report_id} has fills and no direction")
        prefix, suffix = execution_key(fill.fill_id)
        sign = 1 if report.direction is Direction.BUY else -1
        seen = self._fills.get(prefix)
        counted = _Counted(
            suffix=suffix,
            symbol=report.symbol,
            signed_quantity=sign * fill.quantity,
            price_micros=micros(fill.price),
            commission_micros=micros(fill.commission or 0.0),
            timestamp=fill.timestamp,
        )
        if seen is None:
            self._fills[prefix] = counted
            self.commission_micros += counted.commission_micros
            self._book(report.symbol).fill(counted.signed_quantity, counted.price_micros)
            return True
        if suffix < seen.suffix:
            return False
        if counted.commission_micros == 0:
            counted.commission_micros = seen.commission_micros  # a later report that does not know it yet
        self._fills[prefix] = counted
        self.commission_micros += counted.commission_micros - seen.commission_micros
        if (seen.signed_quantity, seen.price_micros) != (counted.signed_quantity, counted.price_micros):
            self._recount(report.symbol)
            return True
        return seen.commission_micros != counted.commission_micros

    def _recount(self, symbol: str) -> None:
        """After a correction: everything of the symbol again, in the order it first appeared."""
        book = Book(symbol)
        if symbol in self._carried:
            book.carry(*self._carried[symbol])
        for counted in self._fills.values():
            if counted.symbol == symbol:
                book.fill(counted.signed_quantity, counted.price_micros)
        self._books[symbol] = book

    def _book(self, symbol: str) -> Book:
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = Book(symbol)
        return book
