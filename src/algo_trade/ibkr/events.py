"""What a gateway can tell us, one frozen dataclass a message.

These are facts as received: sizes and prices are the wire's numbers, times are what the gateway wrote, and
`arrival_ns` (UTC, nanoseconds since the epoch) is when the bytes reached us. Orders and executions placed by
others may carry fractions of shares, so quantities are floats here. Unset values of the protocol are None.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from algo_trade.ibkr.history import HistoricalBar


@dataclass(frozen=True, slots=True)
class TickBidAsk:
    """One best bid and ask. `time_s` is the gateway's whole-second stamp; freshness comes from `arrival_ns`."""

    req_id: int
    con_id: int
    symbol: str
    time_s: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    arrival_ns: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class TickLast:
    """One trade. `time_s` is the gateway's whole-second stamp."""

    req_id: int
    con_id: int
    symbol: str
    time_s: int
    price: float
    size: float
    venue: str
    arrival_ns: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class TopOfBook:
    """One field of a reqMktData stream: price None for a message that carries a size only."""

    req_id: int
    con_id: int
    symbol: str
    tick_type: int
    price: float | None
    size: float
    arrival_ns: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class TickNote:
    """A field of a reqMktData stream that is neither a price nor a size: times, halts; `text` as sent."""

    req_id: int
    con_id: int
    symbol: str
    tick_type: int
    text: str
    arrival_ns: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class RealTimeBar:
    """Five seconds of trades, from `starts_s` (UTC epoch seconds) on. It is told when they are over."""

    req_id: int
    con_id: int
    symbol: str
    starts_s: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    average: float
    trades: int
    arrival_ns: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class HistoricalBars:
    """The whole answer to one request for history, oldest bar first."""

    req_id: int
    con_id: int
    symbol: str
    bars: tuple[HistoricalBar, ...]
    arrival_ns: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """A hint: statuses are repeated, skipped and reordered. Executions are the truth about money."""

    order_id: int
    status: str
    filled: float
    remaining: float
    avg_fill_price: float
    perm_id: int
    parent_id: int
    last_fill_price: float
    client_id: int
    why_held: str
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order the broker has, with its state."""

    order_id: int
    client_id: int
    perm_id: int
    con_id: int
    symbol: str
    side: str  # BUY or SELL
    quantity: float
    order_type: str
    limit_price: float | None
    stop_price: float | None
    tif: str
    account: str
    order_ref: str
    parent_id: int
    what_if: bool
    status: str
    warning: str
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class Execution:
    """A fill. `req_id` is -1 when nobody asked. `exec_time` is None when `time_text` could not be understood:

    an execution is delivered whatever its time looks like.
    """

    req_id: int
    order_id: int
    client_id: int
    perm_id: int
    con_id: int
    symbol: str
    exec_id: str
    exec_time: datetime | None
    time_text: str
    account: str
    exchange: str
    side: str  # BUY or SELL, whatever the wire calls it
    shares: float
    price: float
    cum_qty: float
    avg_price: float
    order_ref: str
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class CommissionReport:
    """What one execution cost. It may come late, twice (revised) or never."""

    exec_id: str
    commission: float
    currency: str
    realized_pnl: float | None
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class CompletedOrder:
    """An order that is over. The protocol gives neither order id nor client id: match by orderRef or permId."""

    perm_id: int
    con_id: int
    symbol: str
    side: str
    quantity: float
    order_type: str
    limit_price: float | None
    account: str
    order_ref: str
    status: str
    filled: float
    completed_time: str
    completed_status: str
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class PositionRow:
    """The broker's position in one contract of one account. Quantity 0 means it was closed."""

    account: str
    con_id: int
    symbol: str
    sec_type: str
    quantity: float
    avg_cost: float
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class AccountValue:
    """One figure of an account; the text of the value as sent."""

    account: str
    tag: str
    value: str
    currency: str
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class NextValidId:
    """The lowest order id the gateway will take; it may be lower than one we have used."""

    order_id: int
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class ManagedAccounts:
    """The accounts behind this connection."""

    accounts: tuple[str, ...]
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class CurrentTime:
    """The gateway's clock in whole seconds: the answer to a heartbeat."""

    epoch_s: int
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class GatewayMessage:
    """Message 4: an error, a warning or a notice. Its meaning depends on `code` and on what `req_id` names."""

    req_id: int
    code: int
    text: str
    advanced_reject: str
    arrival_ns: int


class Listing(Enum):
    """The answers that say their own end. The value is the message id of that end."""

    OPEN_ORDERS = 53
    EXECUTIONS = 55
    POSITIONS = 62
    COMPLETED_ORDERS = 102


@dataclass(frozen=True, slots=True)
class ListingEnd:
    """The end of a list. Only executions carry a request id (else -1)."""

    listing: Listing
    req_id: int
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class BreadthCall:
    """A message ib_async decoded for us: the name and arguments of the callback it would have made."""

    name: str
    args: tuple[object, ...]
    arrival_ns: int


class Plane(Enum):
    """Who has to act when a message cannot be decoded."""

    ORDERS = "orders"  # order truth may be lost: no new order until reconciled
    MARKET = "market"  # a dead letter, and the symbol is stale
    OTHER = "other"  # a dead letter


# An error frame may have been a reject; a frame without a readable id may have been anything.
UNREADABLE_ID = -1
_ORDER_TRUTH = frozenset({UNREADABLE_ID, 3, 4, 5, 9, 11, 15, 53, 55, 59, 61, 62, 101, 102})
_MARKET_DATA = frozenset({1, 2, 99})


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A frame we could not read, whole, with the reason; `symbol` where the request id still told."""

    message_id: int
    raw: bytes
    reason: str
    arrival_ns: int = 0
    symbol: str | None = None

    @property
    def plane(self) -> Plane:
        if self.message_id in _ORDER_TRUTH:
            return Plane.ORDERS
        return Plane.MARKET if self.message_id in _MARKET_DATA else Plane.OTHER


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """Our connection changed its state (`state` is a ConnectionState's value)."""

    state: str
    reason: str
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class ConnectivityChanged:
    """The gateway told about its own link to IBKR, and what follows from it (connectivity.TRUTH)."""

    code: int
    text: str
    upstream_up: bool
    reconcile: bool
    resubscribe: bool
    arrival_ns: int


MarketEvent = TickBidAsk | TickLast | TopOfBook | TickNote | RealTimeBar | HistoricalBars
WireEvent = (
    TickBidAsk
    | TickLast
    | TopOfBook
    | TickNote
    | RealTimeBar
    | HistoricalBars
    | OrderStatus
    | OpenOrder
    | Execution
    | CommissionReport
    | CompletedOrder
    | PositionRow
    | NextValidId
    | ManagedAccounts
    | CurrentTime
    | GatewayMessage
    | ListingEnd
    | Undecodable
)
Event = WireEvent | AccountValue | BreadthCall | LinkChanged | ConnectivityChanged
OrderEvent = (
    OpenOrder
    | OrderStatus
    | Execution
    | CommissionReport
    | CompletedOrder
    | GatewayMessage
    | Undecodable
    | LinkChanged
    | ConnectivityChanged
)
