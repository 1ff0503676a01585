"""What a strategy may do: send an order, perhaps with its exits attached, and cancel or replace one that works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from algo_trade.contracts import Direction, OrderType, TimeInForce, Urgency

# How old a wish may be when it leaves, in seconds from the event it was decided on. How long an order then works is
# its time in force's business.
VALID_S = 5.0


class Purpose(Enum):
    """Why an order is wanted. An exit never grows a position."""

    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class Decision:
    """An order that is wanted. Prices are dollars a share; `mid` is the middle of the quotes it was decided on.

    An entry with `take_profit_price`, `stop_loss_price` or both is a bracket: for its quantity a limit order at the
    one and a stop order at the other are attached. They work once the entry has filled, as far as it has; the first
    of them to fill ends the other; an entry that ends without a share ends both. They live for the day, or until
    cancelled where the entry does.
    """

    symbol: str
    direction: Direction
    quantity: int  # whole shares, > 0
    purpose: Purpose
    mid: float
    order_type: OrderType = OrderType.LIMIT
    limit_price: float | None = None
    stop_price: float | None = None
    time_in_force: TimeInForce = TimeInForce.IOC
    urgency: Urgency = Urgency.NORMAL
    signal_strength: float | None = None  # 0..1
    take_profit_price: float | None = None
    stop_loss_price: float | None = None
    valid_s: float = VALID_S

    @property
    def is_bracket(self) -> bool:
        return self.take_profit_price is not None or self.stop_loss_price is not None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Withdraw a working order; a bracket's entry without a share takes its exits along. Never too late to be sent."""

    intent_id: UUID


@dataclass(frozen=True, slots=True)
class Replace:
    """Change the terms of a working order; what is None stays. `quantity` is the whole order's, filled shares included.

    Until the order's reports show the new terms, the old ones may fill.
    """

    intent_id: UUID
    quantity: int | None = None
    limit_price: float | None = None
    stop_price: float | None = None
    valid_s: float = VALID_S


Action = Decision | Cancel | Replace
Decisions = Sequence[Action]
NOTHING: Decisions = ()
