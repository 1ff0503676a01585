"""From a wish to bytes at the gateway, or to a reason why not. A bracket is decided and sent as one.

Marks: everything accepted is journalled with the offset it was read at (J). When the pacer has tokens to
spare, J and S share one commit; otherwise J is written alone, the tokens are waited for, and everything that
time can change (validity, latch, gate, quotes) is checked again before S. The bytes leave after S, in the
same turn of the loop, and are never sent again. The orders of a bracket share their commits, turn and write.

An order whose process died between J and S is taken up again by the next one: no byte of it has left. It waits for
the first quote of its symbol, and goes or expires.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

from algo_trade.clock import Clock, from_utc
from algo_trade.contracts import OrderIntent
from algo_trade.ibkr import IBKRExecClient, Lane
from algo_trade.ibkr.errors import IBKRError
from algo_trade.ibkr.instruments import Instrument
from algo_trade.order_plane.ledger import Ledger, ReadAt
from algo_trade.order_plane.lifecycle import Trigger
from algo_trade.order_plane.order import Order, OrderKind
from algo_trade.risk import Approved, Exposure, Marks, PreTradeCheck, Refused

_QUOTE_POLL_S = 0.1
_OTHER_REFUSED = "BR-03 another order of its bracket was refused"


class Placer:
    """`halt` closes it for strategies at once; flatten orders still pass."""

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        check: PreTradeCheck,
        exec_client: IBKRExecClient,
        marks: Marks,
        instruments: dict[str, Instrument],
        session_id: str,
        announce: Callable[[OrderIntent], None],
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._check = check
        self._exec = exec_client
        self._marks = marks
        self._instruments = instruments
        self._session_id = session_id
        self._announce = announce
        self.halted: str | None = None

    def halt(self, reason: str) -> None:
        """From now on no strategy's order is sent; the first reason stays."""
        self.halted = self.halted or reason

    async def place(self, orders: Sequence[Order], read_at: ReadAt | None) -> None:
        """Send an order or a bracket (entry first), or refuse all of it; returns when that is decided."""
        decisions = self._decide(orders)
        approved = _all_approved(decisions)
        if approved is None:
            self._refuse(orders, decisions, read_at)
            return
        _prepare(orders, approved)
        if self._exec.pacer.try_acquire(Lane.ORDER, len(orders)):
            self._send(orders, approved, read_at)
            return
        self._ledger.commit(*orders, read_at=read_at, report=False)
        await self._when_paced(orders)

    async def place_flatten(self, intent: OrderIntent) -> Order:
        """An order made here to get out. It needs no bus; the log hears of it when it is in the journal."""
        order = Order.accept(intent, OrderKind.FLATTEN, self._clock.now_ns())
        try:
            await self.place([order], None)
        finally:
            if self._ledger.known(intent.intent_id):
                self._announce(intent)
        return order

    async def resume(self, orders: Sequence[Order]) -> None:
        """What the journal says J of and nothing more: no byte has left, so it may still go or expire."""
        if orders[0].kind is OrderKind.STRATEGY:
            await self.until_quoted(orders[0].symbol, _valid_until_ns(orders))
        await self._when_paced(orders)

    async def until_quoted(self, symbol: str, until_ns: int) -> None:
        """The first quote of a symbol, or the moment it would come too late."""
        while self._marks.get(symbol) is None and self.halted is None and self._clock.now_ns() < until_ns:
            await asyncio.sleep(_QUOTE_POLL_S)

    def refuse(self, orders: Sequence[Order], why: str, read_at: ReadAt | None) -> None:
        """They never come before the risk checks: what makes them orders is missing."""
        self._refuse(orders, [Refused((why,)) for _ in orders], read_at)

    async def _when_paced(self, orders: Sequence[Order]) -> None:
        """Tokens may take a while, and the world changes: everything that can have is checked again."""
        try:
            await self._exec.pacer.acquire(Lane.ORDER, len(orders))
        except IBKRError as error:
            self.refuse(orders, f"BR-05 {error}", None)
            return
        decisions = self._decide(orders)
        approved = _all_approved(decisions)
        if approved is None:
            self._refuse(orders, decisions, None)
        else:
            _prepare(orders, approved)
            self._send(orders, approved, None)

    # -- deciding ----------------------------------------------------------------------------------
    def _decide(self, orders: Sequence[Order]) -> list[Approved | Refused] | None:
        """Every order's decision; None when their validity has ended."""
        now_ns = self._clock.now_ns()
        if now_ns >= _valid_until_ns(orders):
            return None
        symbol, family = orders[0].symbol, _ids(orders)
        positions = self._ledger.account_positions()
        exposure = Exposure(
            positions,
            self._ledger.reservations(but=family),
            self._marks.mids_micros([*positions, symbol]),
        )
        state_reasons = self._state_reasons(orders)
        decisions: list[Approved | Refused] = []
        for order in orders:
            verdict = self._check.check(
                order.intent,
                self._instruments.get(order.symbol),
                self._marks.get(order.symbol),
                exposure,
                now_ns,
                reduce_only=order.kind is OrderKind.FLATTEN,
                entry=None if order is orders[0] else orders[0].intent,
                not_adaptive=self._ledger.refused_adaptive.get(symbol),
            )
            reasons = (*state_reasons, *(verdict.reasons if isinstance(verdict, Refused) else ()))
            decisions.append(Refused(reasons) if reasons else verdict)
        return decisions

    def _state_reasons(self, orders: Sequence[Order]) -> list[str]:
        """What depends on where we are, not on the order."""
        reasons = []
        first = orders[0]
        symbol = first.symbol
        if any(order.session_id != self._session_id for order in orders):
            reasons.append(f"ID-01 the intent belongs to session {first.session_id}")
        if first.kind is OrderKind.STRATEGY:
            if self.halted is not None:
                reasons.append(f"KS-01 trading is halted: {self.halted}")
            if frozen := self._ledger.frozen.get(symbol):
                reasons.append(f"RC-01 {symbol} is frozen: {frozen}")
        if self._exec.gate.reason is not None:
            reasons.append(f"RC-02 not reconciled: {self._exec.gate.reason}")
        family = _ids(orders)
        busy = [other for other in self._ledger.unresolved(symbol) if other.intent_id not in family]
        if busy:
            reasons.append(f"ID-03 {symbol} has an unresolved order {busy[0].order_id}")
        return reasons

    def _refuse(
        self, orders: Sequence[Order], decisions: list[Approved | Refused] | None, read_at: ReadAt | None
    ) -> None:
        for at, order in enumerate(orders):
            decision = None if decisions is None else decisions[at]
            if decision is None:
                order.reason = "ID-02 its validity ended before it could be sent"
                order.apply(Trigger.EXPIRE)
            else:
                told = decision.reasons if isinstance(decision, Refused) else (_OTHER_REFUSED,)
                order.reason = "; ".join(told)
                order.apply(Trigger.REFUSE)
        self._ledger.commit(*orders, read_at=read_at)

    # -- sending -----------------------------------------------------------------------------------
    def _send(self, orders: Sequence[Order], approved: Sequence[Approved], read_at: ReadAt | None) -> None:
        """Mark S, then the bytes, with nothing in between that could let another task run."""
        now_ns = self._clock.now_ns()
        for order in orders:
            order.order_id = self._exec.next_order_id()
            order.sent_ns = now_ns
            order.apply(Trigger.SEND)
        self._ledger.commit(*orders, read_at=read_at)
        if self.halted is not None and orders[0].kind is OrderKind.STRATEGY:
            # The report just made tripped the stop.
            self._not_sent(orders, f"KS-01 trading is halted: {self.halted}")
            return
        try:
            if len(orders) == 1:
                self._exec.send_order(approved[0].order, orders[0].order_id)
            else:
                pairs = zip(approved, orders, strict=True)
                self._exec.send_bracket([(one.order, order.order_id) for one, order in pairs])
        except IBKRError as error:
            self._not_sent(orders, str(error))

    def _not_sent(self, orders: Sequence[Order], why: str) -> None:
        for order in orders:
            order.reason = f"not sent: {why}"
            order.apply(Trigger.NOT_SENT)
        self._ledger.commit(*orders)


def _valid_until_ns(orders: Sequence[Order]) -> int:
    """A bracket is valid as long as all of it is."""
    return min(from_utc(order.intent.valid_until) for order in orders)


def _ids(orders: Sequence[Order]) -> list[UUID]:
    return [order.intent_id for order in orders]


def _all_approved(decisions: list[Approved | Refused] | None) -> list[Approved] | None:
    approved = [one for one in decisions or () if isinstance(one, Approved)]
    return approved if decisions and len(approved) == len(decisions) else None


def _prepare(orders: Sequence[Order], approved: Sequence[Approved]) -> None:
    """What the checks found out about each order, to be journalled with it."""
    for order, one in zip(orders, approved, strict=True):
        order.price_micros = one.reservation.price_micros
        order.adaptive = one.order.adaptive
        order.reason = one.note
