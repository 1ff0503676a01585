"""When trading must stop: the session's loss, or its fall from the best it reached.

Only the decision lives here; the journal keeps the latch and the best. One bad quote must not stop a session, so
a breach that rests on open positions' marks has to outlive three quotes of every symbol that is open (or thirty of any,
should one of them have fallen silent); a realised one counts at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from algo_trade.portfolio import Pnl, dollars_text
from algo_trade.risk.limits import Limits

_CONFIRMATIONS = 3
_CONFIRMATIONS_OF_ANY = 30


@dataclass(frozen=True, slots=True)
class Trip:
    """Why trading stops."""

    control: str
    text: str


class KillSwitch:
    """Fed with every new profit and loss; answers with a Trip, then the latch is the caller's.

    `peak_micros` is the best the session has reached, in micro-dollars: a resumed one goes on from where it was.
    """

    def __init__(self, limits: Limits, peak_micros: int = 0) -> None:
        self._limits = limits
        self.peak_micros = peak_micros
        self._quotes: Counter[str] = Counter()  # by symbol, since the breach was first seen

    @property
    def drawdown_allowed_micros(self) -> int:
        return round(self._limits.allocated_capital_micros * self._limits.stop_drawdown_pct / 100)

    def observe(self, pnl: Pnl, *, quoted: str | None = None, held: Iterable[str] = ()) -> Trip | None:
        """`quoted` is the symbol whose quote moved the profit and loss (None: a report did); `held`, what is open."""
        self.peak_micros = max(self.peak_micros, pnl.total_micros if pnl.complete else 0)
        trip = self._breach(pnl.total_micros)
        if trip is None:
            self._quotes.clear()
            return None
        if quoted is not None:
            self._quotes[quoted] += 1
        realised_alone = self._breach(pnl.realised_micros - pnl.commission_micros) is not None
        if realised_alone and pnl.complete and pnl.unrealised_micros == 0:
            return trip
        return trip if self._confirmed(held) else None

    def _confirmed(self, held: Iterable[str]) -> bool:
        seen = self._quotes
        if not seen:
            return False
        each = all(seen[symbol] >= _CONFIRMATIONS for symbol in (*held, *seen))
        return each or sum(seen.values()) >= _CONFIRMATIONS_OF_ANY

    def _breach(self, total_micros: int) -> Trip | None:
        limits = self._limits
        if total_micros <= limits.stop_pnl_micros:
            return Trip(
                "PT-06",
                f"profit and loss {dollars_text(total_micros)} net of commission reached the stop at "
                f"{dollars_text(limits.stop_pnl_micros)}",
            )
        fall = self.peak_micros - total_micros
        if fall * 100 >= limits.allocated_capital_micros * limits.stop_drawdown_pct:
            return Trip(
                "PT-06",
                f"drawdown {dollars_text(fall)} reached {limits.stop_drawdown_pct:g} % of the allocated "
                f"{dollars_text(limits.allocated_capital_micros)}",
            )
        return None
