"""Amendments: from a record of order_intents to a changed order, a cancel, or the reason why neither.

An amendment is accepted once for ever, in one transaction with the offset it was read at, and answered by a report that
carries its id. Of one order one change is under way at a time: a second is refused, since which of the two the broker's
next word answers could not be told. A cancel passes at any time.

A change goes the way of an order: the checks, J, a token, the checks again, S, the bytes, never twice. It keeps
everything but its terms as it was sent, type, time in force, algo and reference included.

| id | refuses |
|---|---|
| AM-01 | what is not the strategy's own order of this session in that symbol |
| AM-02 | a change of an order that is over, not acknowledged yet, or UNKNOWN |
| AM-03 | a change while another, or a cancel, is under way |
| AM-04 | terms that leave nothing to fill, and another quantity for an order of a bracket |
"""

from __future__ import annotations

from collections.abc import Callable

from algo_trade.clock import Clock
from algo_trade.contracts import OrderAmendment
from algo_trade.ibkr import IBKRExecClient, Lane
from algo_trade.ibkr.errors import IBKRError
from algo_trade.ibkr.instruments import Instrument
from algo_trade.order_plane.amendment import Amendment, Step
from algo_trade.order_plane.cancelling import Canceller
from algo_trade.order_plane.ledger import Ledger, ReadAt
from algo_trade.order_plane.lifecycle import OrderState
from algo_trade.order_plane.order import Order
from algo_trade.risk import Approved, Exposure, Marks, PreTradeCheck, Refused, Reservation, Working


class Amender:
    """Called by the intake, one amendment after the other. `halted` says why trading is halted, or None."""

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        check: PreTradeCheck,
        exec_client: IBKRExecClient,
        canceller: Canceller,
        marks: Marks,
        instruments: dict[str, Instrument],
        session_id: str,
        halted: Callable[[], str | None],
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._check = check
        self._exec = exec_client
        self._canceller = canceller
        self._marks = marks
        self._instruments = instruments
        self._session_id = session_id
        self._halted = halted

    async def amend(self, order: Order, wish: OrderAmendment, read_at: ReadAt) -> None:
        """Carry out or refuse an amendment of a known order that was not seen before."""
        amendment = Amendment(wish, order.terms.changed(wish), self._clock.now_ns())
        foreign = self._foreign(order, wish)
        if foreign:
            self._refuse(order, amendment, foreign, read_at)
        elif amendment.is_cancel:
            await self._cancel(order, amendment, read_at)
        else:
            await self._change(order, amendment, read_at)

    async def resume(self, order: Order, change: Amendment) -> None:
        """A change whose journal says J and nothing more: no byte of it has left."""
        await self._when_paced(order, change)

    # -- cancels -----------------------------------------------------------------------------------
    async def _cancel(self, order: Order, cancel: Amendment, read_at: ReadAt) -> None:
        if order.state.terminal:
            why = "" if order.state is OrderState.CANCELED else f"the order is over: {order.state.value}"
            order.settle(cancel, Step.CARRY_OUT, why)
            self._ledger.commit(order, read_at=read_at)
            return
        order.amendments.append(cancel)
        if self._exec.pacer.try_acquire(Lane.CANCEL):
            self._canceller.mark_sent(cancel)
            self._ledger.commit(order, read_at=read_at, report=False)
            self._canceller.write(order)
            return
        self._ledger.commit(order, read_at=read_at, report=False)
        await self._canceller.carry_out(order, cancel)

    # -- changes -----------------------------------------------------------------------------------
    async def _change(self, order: Order, change: Amendment, read_at: ReadAt) -> None:
        decision = self._decide(order, change)
        if isinstance(decision, Refused):
            self._refuse(order, change, "; ".join(decision.reasons), read_at)
            return
        change.price_micros = decision.reservation.price_micros
        order.amendments.append(change)
        if self._exec.pacer.try_acquire(Lane.ORDER):
            self._send(order, change, decision, read_at)
            return
        self._ledger.commit(order, read_at=read_at, report=False)
        await self._when_paced(order, change)

    async def _when_paced(self, order: Order, change: Amendment) -> None:
        await self._exec.pacer.acquire(Lane.ORDER)
        if change.state.settled:
            return  # the order ended while the change waited for its turn
        change.terms = order.terms.changed(change.wish)
        decision = self._decide(order, change)
        if isinstance(decision, Refused):
            self._refuse(order, change, "; ".join(decision.reasons), None)
        else:
            change.price_micros = decision.reservation.price_micros
            self._send(order, change, decision, None)

    def _decide(self, order: Order, change: Amendment) -> Approved | Refused:
        now_ns = self._clock.now_ns()
        reasons = self._state_reasons(order, change, now_ns)
        symbol = order.symbol
        positions = self._ledger.account_positions()
        entry = self._ledger.entry_of(order)
        verdict = self._check.check_change(
            order.intent,
            change.terms,
            Working(
                filled=order.filled,
                adaptive=order.adaptive,
                held=order.reservation(but=change) or Reservation(symbol, 0, 0),
                entry=entry.terms if entry is not None and not entry.filled else None,
            ),
            self._instruments.get(symbol),
            self._marks.get(symbol),
            Exposure(
                positions,
                self._ledger.reservations(but=[order.intent_id]),
                self._marks.mids_micros([*positions, symbol]),
            ),
            now_ns,
        )
        if isinstance(verdict, Refused):
            reasons += verdict.reasons
        return Refused(tuple(reasons)) if reasons else verdict

    def _foreign(self, order: Order, wish: OrderAmendment) -> str:
        own = (order.session_id, order.symbol, order.intent.strategy_id)
        if own == (wish.session_id, wish.symbol, wish.strategy_id) and order.session_id == self._session_id:
            return ""
        return f"AM-01 not an order of {wish.strategy_id} in {wish.symbol} in session {self._session_id}"

    def _state_reasons(self, order: Order, change: Amendment, now_ns: int) -> list[str]:
        """What depends on where the order and we are, not on the new terms' price."""
        reasons = []
        under_way = order.change_under_way()
        if now_ns >= change.valid_until_ns:
            reasons.append("ID-02 its validity ended before it could be sent")
        if order.state is not OrderState.WORKING:
            reasons.append(f"AM-02 the order is {order.state.value}")
        if order.cancel_under_way() or under_way not in (None, change):
            reasons.append("AM-03 another amendment of the order is under way")
        if change.terms.quantity <= order.filled:
            reasons.append(f"AM-04 {order.filled} shares have filled: cancel the rest instead")
        if change.terms.quantity != order.terms.quantity and self._in_bracket(order):
            reasons.append("AM-04 entry and exits of a bracket have one quantity, which is not amended")
        if self._halted() is not None:
            reasons.append(f"KS-01 trading is halted: {self._halted()}")
        if frozen := self._ledger.frozen.get(order.symbol):
            reasons.append(f"RC-01 {order.symbol} is frozen: {frozen}")
        if self._exec.gate.reason is not None:
            reasons.append(f"RC-02 not reconciled: {self._exec.gate.reason}")
        return reasons

    def _in_bracket(self, order: Order) -> bool:
        return order.entry_id is not None or order.intent.attached_exits is not None

    def _refuse(self, order: Order, amendment: Amendment, why: str, read_at: ReadAt | None) -> None:
        order.settle(amendment, Step.REFUSE, why)
        self._ledger.commit(order, read_at=read_at)

    def _send(self, order: Order, change: Amendment, approved: Approved, read_at: ReadAt | None) -> None:
        """Mark S, then the bytes, with nothing in between that could let another task run."""
        change.take(Step.SEND)
        change.sent_ns = self._clock.now_ns()
        self._ledger.commit(order, read_at=read_at, report=False)
        entry = self._ledger.entry_of(order)
        try:
            self._exec.send_order(
                approved.order, order.order_id, parent_order_id=0 if entry is None else entry.order_id
            )
        except IBKRError as error:
            self._refuse(order, change, f"not sent: {error}", None)
