"""What the broker says about orders, folded into the ledger.

Executions decide about money, status words only about what to expect. A terminal word that speaks of more
fills than have come is kept as the order's `ending` until they come; `Hearing.watch` asks for them when they do not.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from algo_trade.contracts import SessionEventKind, Severity, TimeInForce
from algo_trade.ibkr.events import (
    CommissionReport,
    CompletedOrder,
    Execution,
    GatewayMessage,
    OpenOrder,
    OrderStatus,
)
from algo_trade.order_plane.amendment import Amendment, Step
from algo_trade.order_plane.echoes import confirm_by_shares, hear_echo
from algo_trade.order_plane.ledger import Ledger, news
from algo_trade.order_plane.lifecycle import OrderState, Trigger
from algo_trade.order_plane.meanings import (
    LEAVE_DOUBT,
    REJECTED_BY_BROKER,
    STATUS_TRIGGERS,
    Meaning,
    meaning_of,
)
from algo_trade.order_plane.notify import Notify
from algo_trade.order_plane.order import Order
from algo_trade.portfolio import micros
from algo_trade.portfolio.portfolio import execution_key

logger = logging.getLogger(__name__)

_UNASKED = -1


class BrokerEvents:
    """One instance a session; `client_id` tells our order ids from those of other programs."""

    def __init__(self, ledger: Ledger, client_id: int, notify: Notify) -> None:
        self._ledger = ledger
        self._client_id = client_id
        self._notify = notify
        self.commissions: dict[str, int] = {}  # execution id prefix → what the broker charged, micro-dollars
        self.resync_wanted = False
        self.unwanted: list[tuple[Order, str]] = []  # orders that have to go, and why

    def on_open_order(self, event: OpenOrder) -> None:
        order = self._find(event.order_ref, event.client_id, event.order_id, event.perm_id)
        if order is None or order.never_sent:
            if not event.what_if:
                self.external(event.symbol, f"open order {event.perm_id} of client {event.client_id}")
            return
        before = news(order)
        order.perm_id = event.perm_id or order.perm_id
        if not order.state.terminal and (changed := hear_echo(order, event)):
            self._notify(
                SessionEventKind.ORDER_ALARM, changed, severity=Severity.WARNING, symbol=order.symbol
            )
        whole, held = round(event.quantity), bool(event.warning)
        self._status(order, event.status, order.stated_filled, whole, event.arrival_ns, held=held)
        self._complete(order)
        self._commit_if_news(order, before)

    def on_status(self, event: OrderStatus) -> None:
        order = self._find("", event.client_id, event.order_id, event.perm_id)
        if order is None or order.never_sent:
            return  # an open order or an execution of it tells whose it is
        before = news(order)
        order.perm_id = event.perm_id or order.perm_id
        filled, whole, held = round(event.filled), round(event.filled + event.remaining), bool(event.why_held)
        self._status(order, event.status, filled, whole, event.arrival_ns, held=held)
        self._commit_if_news(order, before)

    def on_completed(self, event: CompletedOrder) -> None:
        order = self._ledger.find(order_ref=event.order_ref, perm_id=event.perm_id)
        if order is None or order.never_sent:
            return
        before = news(order)
        order.perm_id = event.perm_id or order.perm_id
        filled = round(event.filled)
        self._status(
            order, event.status, filled, filled or round(event.quantity), event.arrival_ns, held=False
        )
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
        confirm_by_shares(order)
        if order.filled > order.may_fill_to:
            why = f"order {order.order_id} filled {order.filled} of {order.may_fill_to}"
            self._freeze(order.symbol, f"overfill {order.intent_id}", why)
        order.apply(Trigger.ALL if order.filled >= order.may_fill_to else Trigger.PART)
        self._check_exits(order)
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
        meaning, text = meaning_of(event.code), f"{event.code} {event.text}"
        if meaning in (Meaning.NO_CHANGE, Meaning.NO_CANCEL):
            self.resync_wanted = True
        if meaning is Meaning.NOTICE or order.state.terminal:
            return
        before = news(order)
        change, cancel = order.latest_change(), order.cancel_under_way()
        if meaning is Meaning.NO_CANCEL and cancel is not None:
            cancel.reason = text  # an answer only if the order turns out to work on, or to be known to nobody
            if order.state is OrderState.UNKNOWN:
                self._answer_cancels(order)
        elif change is not None:
            order.settle(change, Step.REFUSE, text)
            self.resync_wanted = self.resync_wanted or event.code in LEAVE_DOUBT
            self._complete(order)
        elif meaning is Meaning.REJECT:
            if order.acknowledged_ns is None or event.code == REJECTED_BY_BROKER:
                self._end(order, Trigger.REJECT)
            order.reason = text
        self._commit_if_news(order, before)

    def unconfirmed(self, order: Order, change: Amendment) -> None:
        """Asked about, and the order works on as it was: the change may still come, and is not sent again."""
        before = news(order)
        why = "not confirmed: the order works on at its old terms"
        order.settle(change, Step.LOSE, why)
        text = f"change {change.amendment_id} of order {order.order_id} {why}"
        self._notify(SessionEventKind.ORDER_ALARM, text, severity=Severity.WARNING, symbol=order.symbol)
        self._commit_if_news(order, before)

    def works_on(self, order: Order) -> None:
        """The order is open at the broker, after everything was asked: a cancel that was refused had no effect."""
        before = news(order)
        if order.broker_status != "PendingCancel":
            self._answer_cancels(order)
        self._commit_if_news(order, before)

    def lost(self, order: Order, reason: str) -> None:
        """Nobody knows the order: it keeps its risk, its symbol is frozen and a person is told."""
        before = news(order)
        if order.state.may_fill:
            order.apply(Trigger.LOST)
            order.reason = reason
            why = f"order {order.order_id} ({order.intent_id}) is UNKNOWN: {reason}"
            self._freeze(order.symbol, str(order.intent_id), why)
        self._answer_cancels(order)
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

    def _status(
        self, order: Order, status: str, filled: int, whole: int, arrival_ns: int, *, held: bool
    ) -> None:
        """`filled` and `whole`: the shares the broker says have filled, and are the order's in all."""
        trigger = STATUS_TRIGGERS.get(status)
        if trigger is None:
            logger.warning("order %s has an unknown status %r", order.order_id, status)
            trigger = Trigger.EVIDENCE
        if trigger is Trigger.REJECT and held:
            trigger = Trigger.EVIDENCE  # Inactive while shares are located: alive
        if trigger is Trigger.REJECT and order.intent.time_in_force is TimeInForce.FOK:
            trigger = Trigger.CANCEL  # a gateway's word for a fill-or-kill order that was killed
        order.acknowledged_ns = order.acknowledged_ns or arrival_ns
        if not order.state.terminal:
            order.broker_status = status
        order.stated_filled = max(order.stated_filled, filled)
        if trigger is Trigger.EVIDENCE:
            order.apply(trigger)
            self._thaw(order)
        elif trigger is Trigger.ALL:
            order.stated_filled = max(order.stated_filled, whole or order.terms.quantity)
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
        ending, was_over = order.ending, order.state.terminal
        if ending is Trigger.ALL and order.filled < order.may_fill_to:
            self._fewer(order)
        if order.filled >= order.may_fill_to:
            ending = Trigger.ALL
        elif ending is Trigger.REJECT and order.filled:
            ending = Trigger.CANCEL  # it was accepted once: shares came of it
        order.ending = None
        order.apply(ending)
        if order.state is OrderState.REJECTED and not was_over:
            self._half_a_bracket(order)
        return True

    def _fewer(self, order: Order) -> None:
        """Filled with fewer shares than we know it to have: a change of ours is in effect, or somebody else's."""
        confirm_by_shares(order, order.filled)
        order.terms = replace(order.terms, quantity=order.filled)
        order.most_shares = order.filled

    def _complete(self, order: Order) -> None:
        """With a change settled, what has filled may be all there is."""
        if order.unresolved and order.filled and order.filled >= order.may_fill_to:
            order.apply(Trigger.ALL)
            self._thaw(order)

    def _answer_cancels(self, order: Order) -> None:
        """What the gateway said against a cancel was the last word on it."""
        for one in list(order.amendments):
            if one.is_cancel and one.reason:
                order.settle(one, Step.REFUSE, one.reason)

    def _half_a_bracket(self, leg: Order) -> None:
        """An exit that the broker refused: its entry must not fill without it."""
        entry = self._ledger.entry_of(leg)
        if entry is not None and entry.state.may_fill:
            self.unwanted.append((entry, f"its exit {leg.order_id} was refused"))

    def _check_exits(self, order: Order) -> None:
        """Exits never take back more than their entry brought; its own execution may still be on its way."""
        entry = self._ledger.entry_of(order) or order
        cause = f"exits {entry.intent_id}"
        if self._ledger.open_shares(entry) < 0:
            why = f"the exits of order {entry.order_id} filled more than its {entry.filled} shares"
            self._freeze(order.symbol, cause, why)
        else:
            self._ledger.thaw(order.symbol, cause)

    def _thaw(self, order: Order) -> None:
        """The doubt about this order is gone, if there was one; what else froze its symbol stays."""
        if order.state is not OrderState.UNKNOWN:
            self._ledger.thaw(order.symbol, str(order.intent_id))

    def _commit_if_news(self, order: Order, before: tuple[object, ...]) -> None:
        if news(order) != before:
            self._ledger.commit(order)
        else:
            self._ledger.index(order)  # nothing to tell, and perhaps something to wait for
