"""The kinds of order there are: what the broker calls them, and what does not go together (PT-11, BR-02)."""

from __future__ import annotations

from collections.abc import Iterator

from algo_trade.contracts import OrderIntent, OrderType, TimeInForce, Urgency
from algo_trade.ibkr.instruments import Instrument
from algo_trade.risk.terms import Terms

_BROKER_TYPES = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
}
_PRIORITIES = {
    None: "Normal",
    Urgency.LOW: "Patient",
    Urgency.NORMAL: "Normal",
    Urgency.HIGH: "Urgent",
    Urgency.URGENT: "Urgent",
}
_MAY_HAVE_LIMIT = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.ADAPTIVE)
_HAVE_STOP = (OrderType.STOP, OrderType.STOP_LIMIT)
_WAITING = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.ADAPTIVE)
_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)
_EXITS = (OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT)


def broker_type(order_type: OrderType, terms: Terms) -> str:
    """MKT, LMT, STP or STP LMT; an ADAPTIVE order is one of the first two, whether or not an algo works it."""
    return _BROKER_TYPES.get(order_type, "MKT" if terms.limit_price is None else "LMT")


def broker_tif(time_in_force: TimeInForce | None) -> str:
    """A day order unless the intent says otherwise: nothing is left to the gateway's presets."""
    return (time_in_force or TimeInForce.DAY).value


def at_once(intent: OrderIntent) -> bool:
    """Whether the order is to fill or end as soon as it arrives; any other may rest."""
    return intent.order_type is OrderType.MARKET or intent.time_in_force in _AT_ONCE


def kind_objections(intent: OrderIntent) -> Iterator[str]:
    """A type that waits cannot be asked to fill at once."""
    if intent.order_type in _WAITING and intent.time_in_force in _AT_ONCE:
        yield f"PT-11 {intent.order_type.value} waits, {intent.time_in_force} does not: use DAY or GTC"


def term_objections(intent: OrderIntent, terms: Terms) -> Iterator[str]:
    """A price the order's type has no use for would be sent for nothing, or refused by the gateway."""
    if terms.limit_price is not None and intent.order_type not in _MAY_HAVE_LIMIT:
        yield f"PT-11 a {intent.order_type.value} order has no limit price"
    if terms.stop_price is not None and intent.order_type not in _HAVE_STOP:
        yield f"PT-11 a {intent.order_type.value} order has no stop price"


def exit_objections(intent: OrderIntent, entry: OrderIntent) -> Iterator[str]:
    """What makes an order the exit of another, so that it can only take back what that brings."""
    ours = (intent.symbol, intent.session_id, intent.strategy_id)
    if ours != (entry.symbol, entry.session_id, entry.strategy_id):
        yield "BR-02 an exit has its entry's symbol, session and strategy"
    if intent.direction is entry.direction or intent.quantity != entry.quantity:
        yield f"BR-02 an exit takes back its entry's {entry.quantity} shares"
    if intent.attached_exits is not None:
        yield "BR-02 an exit has no exits of its own"
    if intent.order_type not in _EXITS or intent.time_in_force in _AT_ONCE:
        yield "BR-02 an exit waits for its entry and its price: LIMIT, STOP or STOP_LIMIT, DAY or GTC"


def adaptive_priority(
    intent: OrderIntent, instrument: Instrument, not_adaptive: str | None
) -> tuple[str, str]:
    """The priority the Adaptive algo is given, "" for an order without it, and what has to be said about that."""
    if intent.order_type is not OrderType.ADAPTIVE:
        return "", ""
    why = not_adaptive or (None if instrument.offers_algos else f"{intent.symbol} takes no algo orders")
    if why is None:
        return _PRIORITIES[intent.urgency], ""
    return "", f"ADAPTIVE went as a plain {'market' if intent.limit_price is None else 'limit'} order: {why}"
