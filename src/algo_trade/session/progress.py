"""What somebody who watches a session is told: is it trading, is it safe, does it need me."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Status:
    """One moment. Money in dollars; `state` is a word, `trouble` empty when there is none."""

    elapsed_s: float
    duration_s: float
    state: str
    ticks: int
    orders: int
    filled_orders: int
    pnl: float
    positions: dict[str, int]
    trouble: str


class Watcher(Protocol):
    """Told often; shows what it likes."""

    def show(self, status: Status) -> None: ...


class Nobody:
    """No one watches."""

    def show(self, status: Status) -> None:
        """Nothing to do."""
