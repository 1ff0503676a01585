"""Orders and executions as the gateway remembers them, and the life of an order.

Theory. The gateway hears of an order (RECEIVED), its broker acknowledges it (PRE_SUBMITTED), it reaches the
exchange and rests there (SUBMITTED), and it ends filled, cancelled or inactive (refused by the broker). An order
with transmit=false is STAGED: nobody is told anything about it. A cancel that is under way (PENDING_CANCEL) can
still lose against a fill. What ends an order ends it for good. `STEPS` is all that may happen.

Between PRE_SUBMITTED and the exchange the broker may hold an order: until the exchange opens, until its parent has
filled (`awaits_parent`), until shares to be sold short are located (`awaits_locate`), until the market has reached its
stop price (`awaits_trigger`). A stop counts as SUBMITTED
from its trigger on, and an order that outlives the close is PRE_SUBMITTED again until the next opening.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from algo_trade.gateway_sim.handling import PLAIN, Handling
from algo_trade.gateway_sim.order_types import STOPS
from algo_trade.gateway_sim.trailing import Trail


class Status(StrEnum):
    """Where an order is; the value is what orderStatus calls it."""

    STAGED = "ApiPending"
    RECEIVED = "PendingSubmit"
    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    PENDING_CANCEL = "PendingCancel"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    INACTIVE = "Inactive"


STEPS: dict[Status, frozenset[Status]] = {
    Status.STAGED: frozenset({Status.RECEIVED, Status.CANCELLED}),
    Status.RECEIVED: frozenset({Status.PRE_SUBMITTED, Status.INACTIVE, Status.CANCELLED}),
    Status.PRE_SUBMITTED: frozenset(
        {Status.SUBMITTED, Status.PENDING_CANCEL, Status.FILLED, Status.CANCELLED, Status.INACTIVE}
    ),
    Status.SUBMITTED: frozenset(
        {Status.PRE_SUBMITTED, Status.PENDING_CANCEL, Status.FILLED, Status.CANCELLED}
    ),
    Status.PENDING_CANCEL: frozenset({Status.FILLED, Status.CANCELLED}),
    Status.FILLED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.INACTIVE: frozenset(),
}
ENDED = frozenset(status for status, following in STEPS.items() if not following)


# Orders that a person places by hand are client 0's.
BY_HAND = 0


@dataclass(slots=True)
class SimOrder:
    """One order.

    `echo` holds the fields of placeOrder that are only given back. `parent_perm_id` 0 is no parent; `children_filled`
    counts the shares all children of this order have filled. `adaptive` is the priority of the Adaptive algorithm,
    empty without it; `algo_params` its parameters as sent. `expires_ns` 0 is never (good till cancelled). The stop and
    limit prices of an order with a `trail` move with the market; they are None until it has one.
    """

    perm_id: int
    order_id: int
    client_id: int
    con_id: int
    symbol: str
    exchange: str
    action: str
    quantity: int
    order_type: str
    limit_e4: int | None
    tif: str
    order_ref: str
    priority: int
    received_ns: int
    stop_e4: int | None = None
    trigger_method: int = 0
    triggered: bool = False
    adaptive: str = ""
    algo_params: list[list[str]] = field(default_factory=list)
    parent_perm_id: int = 0
    parent_order_id: int = 0
    awaits_parent: bool = False
    children_filled: int = 0
    oca_group: str = ""
    oca_type: int = 3
    expires_ns: int = 0
    trail: Trail | None = None
    handling: Handling = PLAIN
    awaits_locate: bool = False
    echo: Mapping[str, str] = field(default_factory=dict)
    status: Status = Status.RECEIVED
    at_exchange: bool = False
    cancel_requested: bool = False
    filled: int = 0
    value_micros: int = 0
    last_price_e4: int = 0
    commission_micros: int = 0
    fills: int = 0
    completed_ns: int = 0
    completed_status: str = ""

    @property
    def is_buy(self) -> bool:
        return self.action == "BUY"

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled

    @property
    def signed_remaining(self) -> int:
        return self.remaining if self.is_buy else -self.remaining

    @property
    def awaits_trigger(self) -> bool:
        return self.order_type in STOPS and not self.triggered

    @property
    def why_held(self) -> str:
        """What an acknowledged order waits for, as orderStatus says it."""
        held = (self.awaits_parent, self.awaits_locate, self.awaits_trigger)
        if True not in held or self.status in ENDED:
            return ""
        reasons = zip(("child", "locate", "trigger"), held, strict=True)
        return ",".join(name for name, holds in reasons if holds)

    @property
    def is_live(self) -> bool:
        """Known to the broker and not ended."""
        return self.status not in ENDED and self.status is not Status.STAGED

    def step(self, to: Status) -> None:
        """Move on; a step the table does not have is our mistake."""
        assert to in STEPS[self.status], f"order {self.perm_id}: {self.status} cannot become {to}"
        self.status = to

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SimOrder:
        trail = data.get("trail")
        made = {
            "status": Status(data["status"]),
            "handling": Handling(*data.get("handling", PLAIN)),
            "trail": None if trail is None else Trail(*trail),
        }
        return cls(**{**data, **made})


@dataclass(slots=True)
class SimExecution:
    """One fill. `realized_micros` None: it opened or added, which the wire shows as an unset double. `liquidity` is 1
    where it was added, 2 where it was removed."""

    exec_id: str
    perm_id: int
    order_id: int
    client_id: int
    con_id: int
    symbol: str
    exchange: str
    is_buy: bool
    shares: int
    price_e4: int
    time_ns: int
    cumulative_shares: int
    cumulative_value_micros: int
    order_ref: str
    commission_micros: int
    realized_micros: int | None
    commission_due_ns: int
    liquidity: int

    def to_json(self) -> dict[str, Any]:
        return {name.name: getattr(self, name.name) for name in fields(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SimExecution:
        return cls(**data)


def not_cancellable(order: SimOrder) -> str:
    """The text of error 10148."""
    return f"OrderId {order.order_id} that needs to be cancelled can not be cancelled, state: {order.status.value}."
