"""What the broker says about orders, folded into the ledger.

Executions decide about money, status words only about what to expect. A terminal word that speaks of more
fills than have come is kept as the order's `ending` until they come; `watch` asks for them when they do not.
"""

from __future__ import annotations

import logging
from enum import Enum

from algo_trade.contracts import SessionEventKind, Severity
from algo_trade.ibkr.events import (
    CommissionReport,
    CompletedOrder,
    Execution,
    GatewayMessage,
    OpenOrder,
    OrderStatus,
)
from algo_trade.order_plane.ledger import Ledger, news
from algo_trade.order_plane.lifecycle import OrderState, Trigger
from algo_trade.order_plane.notify import Notify
from algo_trade.order_plane.order import Order
from algo_trade.portfolio import micros
from algo_trade.portfolio.portfolio import execution_key

logger = logging.getLogger(__name__)

_UNASKED = -1

_STATUS_TRIGGERS = {
    "PendingSubmit": Trigger.EVIDENCE,
    "ApiPending": Trigger.EVIDENCE,
    "PreSubmitted": Trigger.EVIDENCE,
    "Submitted": Trigger.EVIDENCE,
    "PendingCancel": Trigger.EVIDENCE,
    "Filled": Trigger.ALL,
    "Cancelled": Trigger.CANCEL,
    "ApiCancelled": Trigger.CANCEL,
    "Inactive": Trigger.REJECT,
}


class Meaning(Enum):
    """What an error code says about the order it names."""

    NOTICE = "notice"  # the order lives on, or a status tells the rest
    REJECT = "reject"  # a new order did not come to be
    RESYNC = "resync"  # a cancel or a change did not go through: ask what is true


# Codes from facts about the protocol; one that is not here is a notice, and silence is then found by `watch`.
_REJECTS = frozenset(
    {103, 106, 107, 109, 110, 200, 201, 203, 320, 321, 382, 383, 387, 388, 434, 460, 10006}
    | set(range(10241, 10249))
)
_RESYNCS = frozenset({104, 105, 135, 136, 161, 329, 2102, 10147, 10148})


def meaning_of(code: int) -> Meaning:
    if code in _REJECTS:
        return Meaning.REJECT
    return Meaning.RESYNC if code in _RESYNCS else Meaning.NOTICE


class BrokerEvents:
    """One instance a session; `client_id` tells our order ids from those of other programs."""

    def __init__(self, ledger: Ledger, client_id: int, notify: Notify) -> None:
        self._ledger = ledger
        self._client_id = client_id
        self._notify = notify
        self.commissions: dict[str, int] = {}  # execution id prefix → what the broker charged, micro-dollars
        self.resync_wanted = False

    def on_open_order(self, event: OpenOrder) -> None:
        order = self._find(event.order_ref, event.client_id, event.order_id, event.perm_id)
        if order is None or order.never_sent:
            if not event.what_if:
                self.external(event.symbol, f"open order {event.perm_id} of client {event.client_id}")
            return
        before = news(order)
        order.perm_id = event.perm_id or order.perm_id
        self._status(order, event.status, order.stated_filled, event.arrival_ns, held=bool(event.warning))
        self._commit_if_news(order, before)

    def on_status(self, event: OrderStatus) -> None:
        order = self._find("", event.client_id, event.order_id, event.perm_id)
        if order is None or order.never_sent:
            return  # an open order or an execution of it tells whose it is
        before = news(order)
        order.perm_id = event.perm_id or order.perm_id
        held = bool(event.why_held)
        self._status(order, event.status, round(event.filled), event.arrival_ns, held=held)
        self._commit_if_news(order, before)

    def on_completed(self, event: CompletedOrder) -> None:
        order = self._ledger.find(order_ref=event.order_ref, perm_id=event.perm_id)
        if order is None or order.never_sent:
            return
        before = news(order)
        order.perm_id = event.perm_id or order.perm_id
        self._status(order, event.status, round(event.filled), event.arrival_ns, held=False)
        if order.state is OrderState.REJECTED:
            order.reason = order.reason or event.completed_status.strip()
        self._commit_if_news(order, before)

    def on_execution(self, event: Execution) -> None:
        order = self._find(event.order_ref, event.client_id, event.order_id, event.perm_id)
        if order is None or order.never_sent:
            # Of those we ask for, many may be older than this journal; none can be of an order that never left.
            if event.req_id == _UNASKED or order is not None:
                self.external(event.symbol, f"execution {event.exec_id} of client {event.client_id}")
            return
        if event.shares < 1 or event.shares != round(event.shares) or event.price <= 0:
            why = f"execution {event.exec_id} of {event.shares:g} shares at {event.price:g}: nothing we can book"
            self._freeze(order.symbol, event.exec_id, why)
            return
        before = news(order)
        time_ns = event.arrival_ns if event.exec_time is None else round(event.exec_time.timestamp() * 1e9)
        if not order.count_fill(event.exec_id, round(event.shares), micros(event.price), time_ns):
            return
        order.perm_id = event.perm_id or order.perm_id
        order.acknowledged_ns = order.acknowledged_ns or event.arrival_ns
        order.last_fill_ns = event.arrival_ns
        commission = self.commissions.get(execution_key(event.exec_id)[0])
        if commission is not None:
            order.count_commission(event.exec_id, commission)
        if order.filled > order.intent.quantity:
            why = f"order {order.order_id} filled {order.filled} of {order.intent.quantity}"
            self._freeze(order.symbol, f"overfill {order.intent_id}", why)
        order.apply(Trigger.ALL if order.remaining <= 0 else Trigger.PART)
        self._end_if_explained(order)
        self._thaw(order)
        self._commit_if_news(order, before)

    def on_commission(self, event: CommissionReport) -> None:
        prefix = execution_key(event.exec_id)[0]
        amount = micros(event.commission)
        self.commissions[prefix] = amount
        order = self._ledger.of_execution(event.exec_id)
        if order is None:
            return  # it may overtake its execution, which then finds it in `commissions`
        before = news(order)
        order.count_commission(event.exec_id, amount)
        self._commit_if_news(order, before)

    def on_message(self, event: GatewayMessage) -> None:
        """An error, warning or notice that names an order."""
        order = self._ledger.find(order_id=event.req_id)
        if order is None:
            return
        meaning = meaning_of(event.code)
        if meaning is Meaning.RESYNC:
            self.resync_wanted = True
        if meaning is not Meaning.REJECT or order.state.terminal:
            return
        before = news(order)
        # A refused change of an order that works leaves it working; only 201 ends one.
        if order.acknowledged_ns is None or event.code == 201:
            self._end(order, Trigger.REJECT)
        order.reason = f"{event.code} {event.text}"
        self._commit_if_news(order, before)

    def lost(self, order: Order, reason: str) -> None:
        """Nobody knows the order: it keeps its risk, its symbol is frozen and a person is told."""
        before = news(order)
        if order.state.may_fill:
            order.apply(Trigger.LOST)
            order.reason = reason
            why = f"order {order.order_id} ({order.intent_id}) is UNKNOWN: {reason}"
            self._freeze(order.symbol, str(order.intent_id), why)
        self._commit_if_news(order, before)

    def external(self, symbol: str, what: str) -> None:
        """Somebody else trades here: never adopted silently."""
        self._freeze(symbol, what, f"EXTERNAL {what}")

    def _freeze(self, symbol: str, cause: str, why: str) -> None:
        """Each cause is told once."""
        if self._ledger.freeze(symbol, cause, why):
            self._notify(SessionEventKind.ORDER_ALARM, why, severity=Severity.ERROR, symbol=symbol)

    # -- the common part ---------------------------------------------------------------------------
    def _find(self, order_ref: str, client_id: int, order_id: int, perm_id: int) -> Order | None:
        ours = order_id if client_id == self._client_id else 0
        return self._ledger.find(order_ref=order_ref, order_id=ours, perm_id=perm_id)

    def _status(self, order: Order, status: str, filled: int, arrival_ns: int, *, held: bool) -> None:
        trigger = _STATUS_TRIGGERS.get(status)
        if trigger is None:
            logger.warning("order %s has an unknown status %r", order.order_id, status)
            trigger = Trigger.EVIDENCE
        if trigger is Trigger.REJECT and held:
            trigger = Trigger.EVIDENCE  # Inactive while shares are located: alive
        order.acknowledged_ns = order.acknowledged_ns or arrival_ns
        if not order.state.terminal:
            order.broker_status = status
        order.stated_filled = max(order.stated_filled, filled)
        if trigger is Trigger.EVIDENCE:
            order.apply(trigger)
            self._thaw(order)
        elif trigger is Trigger.ALL:
            order.stated_filled = order.intent.quantity
            self._end(order, trigger)
        else:
            self._end(order, trigger)

    def _end(self, order: Order, trigger: Trigger) -> None:
        """Believe a terminal word only when the executions it speaks of are here."""
        order.ending = trigger
        if not self._end_if_explained(order) and not order.state.terminal:
            order.apply(Trigger.EVIDENCE)
        self._thaw(order)

    def _end_if_explained(self, order: Order) -> bool:
        if order.ending is None or order.filled < order.stated_filled:
            return False
        ending = order.ending
        if order.remaining <= 0:
            ending = Trigger.ALL
        elif ending is Trigger.REJECT and order.filled:
            ending = Trigger.CANCEL  # it was accepted once: shares came of it
        order.ending = None
        order.apply(ending)
        return True

    def _thaw(self, order: Order) -> None:
        """The doubt about this order is gone, if there was one; what else froze its symbol stays."""
        if order.state is not OrderState.UNKNOWN:
            self._ledger.thaw(order.symbol, str(order.intent_id))

    def _commit_if_news(self, order: Order, before: tuple[object, ...]) -> None:
        if news(order) != before:
            self._ledger.commit(order)
        else:
            self._ledger.index(order)  # nothing to tell, and perhaps something to wait for
