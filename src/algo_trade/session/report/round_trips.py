"""Round trips: from flat to flat, symbol by symbol, with what each brought after its commission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from algo_trade.session.report.executions import Execution


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One. Money in micro-dollars, times UTC epoch ns; `largest` is its largest position, signed shares."""

    symbol: str
    opened_ns: int
    closed_ns: int
    largest: int
    gross_micros: int
    commission_micros: int

    @property
    def net_micros(self) -> int:
        return self.gross_micros - self.commission_micros


@dataclass(slots=True)
class _Open:
    opened_ns: int
    held: int = 0
    largest: int = 0
    cash_micros: int = 0
    commission_micros: int = 0


def round_trips_of(executions: Sequence[Execution]) -> tuple[RoundTrip, ...]:
    """Those that were closed, in the order of their ends. A fill that turns a position over ends one trip and begins
    the next: its price counts in both by shares, its commission with the part that closed."""
    under_way: dict[str, _Open] = {}
    done: list[RoundTrip] = []
    for execution in sorted(executions, key=lambda item: item.known_ns):
        symbol, price, at_ns = execution.symbol, execution.price_micros, execution.known_ns
        trip = under_way.setdefault(symbol, _Open(at_ns))
        left = execution.signed_quantity
        trip.commission_micros += execution.commission_micros or 0
        if trip.held and (trip.held > 0) != (left > 0) and abs(left) >= abs(trip.held):
            left += trip.held
            gross = trip.cash_micros + trip.held * price
            done.append(RoundTrip(symbol, trip.opened_ns, at_ns, trip.largest, gross, trip.commission_micros))
            del under_way[symbol]
            if not left:
                continue
            trip = under_way[symbol] = _Open(at_ns)
        trip.held += left
        trip.cash_micros -= left * price
        trip.largest = max(trip.largest, trip.held, key=abs)
    return tuple(done)
