"""What somebody who watches a session is told: is it trading, is it safe, does it need me.

The state is the first of these that holds, the most serious first:

    STOPPED       the stop fired; nothing new is traded, positions are being closed    a person, before the next one
    ENDING        orders are cancelled and positions closed: the session comes to its end
    OFFLINE       no connection to the gateway                                         a person, if it lasts
    RECONCILING   connected, and orders are compared with the broker's before anything may leave
    DOUBT         a symbol is frozen: what the broker has of it is not known           a person
    NO QUOTES     no symbol has a fresh quote, so no order would pass                  a person, if it lasts
    TRADING       orders may leave
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from algo_trade.contracts import Severity


class State(Enum):
    """One word; what it means stands above."""

    STOPPED = "STOPPED"
    ENDING = "ENDING"
    OFFLINE = "OFFLINE"
    RECONCILING = "RECONCILING"
    DOUBT = "DOUBT"
    NO_QUOTES = "NO QUOTES"
    TRADING = "TRADING"


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened; `number` counts them, so that a watcher knows what is new. UTC epoch ns."""

    number: int
    at_ns: int
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class OrderCounts:
    """Orders of the session by what became of them so far; `working` is sent and not over, `unknown` among them."""

    working: int = 0
    filled: int = 0
    cancelled: int = 0
    rejected: int = 0
    refused: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Holding:
    """Signed shares, and what they are worth at mid in dollars; None where there is no quote."""

    shares: int
    worth: float | None


@dataclass(frozen=True, slots=True)
class Money:
    """Dollars. `to_stop` is how much of the way to the stop has been gone, 0 to 1: the nearer of its two limits, which
    are a result of `stop` and a fall of `drawdown_stop` from the best."""

    total: float
    trading: float
    commission: float
    stop: float
    drawdown_stop: float
    to_stop: float


@dataclass(frozen=True, slots=True)
class Status:
    """One moment. `reason` is why the state is not TRADING; `quote_ages_s` of a symbol without a quote is None."""

    now_ns: int
    elapsed_s: float
    duration_s: float
    state: State
    reason: str
    mode: str
    strategy: str
    ticks: int
    quote_ages_s: Mapping[str, float | None]
    orders: OrderCounts
    holdings: Mapping[str, Holding]
    money: Money
    notes: Sequence[Note]

    @property
    def advice(self) -> str:
        """What a person should do now; empty while there is nothing."""
        return _ADVICE.get(self.state, "")


_ADVICE = {
    State.STOPPED: (
        "Nothing while positions are being closed. Before the next session, when you have understood why: "
        "algotrade reset-kill --by NAME --reason TEXT"
    ),
    State.OFFLINE: "Look whether IB Gateway or TWS runs and is logged in. The session keeps trying by itself.",
    State.DOUBT: (
        "Look at the orders and positions of this symbol in TWS. It stays frozen until the broker's answer explains "
        "them; nothing is sent again."
    ),
    State.NO_QUOTES: "If the market is open: look whether the account has live data for these symbols.",
}


class Watcher(Protocol):
    """`due` says whether `show` would show anything now: a status is made only then."""

    def due(self) -> bool: ...

    def show(self, status: Status) -> None: ...


class Nobody:
    """No one watches."""

    def due(self) -> bool:
        return False

    def show(self, status: Status) -> None:
        """Nothing to do."""
