"""From a record of order_intents to bytes at the gateway, or to a reason why not.

Marks: everything accepted is journalled with the offset it was read at (J). When the pacer has a token to
spare, J and S share one commit; otherwise J is written alone, the token is waited for, and everything that
time can change (validity, latch, gate, quotes) is checked again before S. The bytes leave after S, in the
same turn of the loop, and are never sent again.

An order whose process died between J and S is taken up again by the next one: no byte of it has left. It waits for
the first quote of its symbol, and goes or expires.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from algo_trade.bus import Bus, DeadLetterOffice, Invalid, OrderPlaneValidator, Record, Subscription
from algo_trade.clock import Clock, from_utc
from algo_trade.contracts import ApprovedOrder, OrderIntent
from algo_trade.ibkr import IBKRExecClient, Lane
from algo_trade.ibkr.errors import IBKRError
from algo_trade.ibkr.instruments import Instrument
from algo_trade.order_plane.ledger import Ledger, ReadAt
from algo_trade.order_plane.lifecycle import Trigger
from algo_trade.order_plane.order import Order, OrderKind
from algo_trade.risk import Approved, Exposure, Marks, PreTradeCheck, Refused

_QUOTE_POLL_S = 0.1


class Intake:
    """One task calls `run`. `halt` closes it for strategies at once; flatten orders come in by `place`."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        ledger: Ledger,
        check: PreTradeCheck,
        exec_client: IBKRExecClient,
        marks: Marks,
        instruments: dict[str, Instrument],
        session_id: str,
        announce: Callable[[OrderIntent], None],
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._ledger = ledger
        self._check = check
        self._exec = exec_client
        self._marks = marks
        self._instruments = instruments
        self._session_id = session_id
        self._announce = announce
        self._validator = OrderPlaneValidator()
        self._dead_letters = DeadLetterOffice(bus)
        self.halted: str | None = None
        self._read: dict[tuple[str, int], int] = {}  # the next offset to answer, by partition

    def halt(self, reason: str) -> None:
        """From now on no strategy's order is sent; the first reason stays."""
        self.halted = self.halted or reason

    async def run(self, intents: Subscription, accepted: Sequence[Order] = ()) -> None:
        """`accepted`: what an earlier process left between J and S."""
        self._read = intents.position()
        for order in accepted:
            await self.resume(order)
        while records := await intents.fetch():
            for record in records:
                await self.take(record)
                self._read[record.topic, record.partition] = record.offset + 1

    @property
    def caught_up(self) -> bool:
        """Whether every intent in the log has its answer."""
        return all(
            offset >= self._bus.head(topic)[partition] for (topic, partition), offset in self._read.items()
        )

    async def take(self, record: Record) -> None:
        """Answer one record: an order, or a report that says why there is none, or a dead letter."""
        read_at = ReadAt(self._bus.log_id(record.topic), record.topic, record.partition, record.offset + 1)
        try:
            intent = self._validator.validate(record, OrderIntent)
        except Invalid as invalid:
            await self._dead_letters.send(record, invalid.reasons, type(self._validator).__name__)
            self._ledger.skip(read_at)
            return
        if self._ledger.known(intent.intent_id):
            self._ledger.skip(read_at)  # PT-08: read again after a crash, or a flatten order's own record
            return
        order = Order(intent, OrderKind.STRATEGY, accepted_ns=self._clock.now_ns())
        await self._place(order, read_at)

    async def place_flatten(self, intent: OrderIntent) -> Order:
        """An order made here to get out. It needs no bus; the log hears of it when it is in the journal."""
        order = Order(intent, OrderKind.FLATTEN, accepted_ns=self._clock.now_ns())
        try:
            await self._place(order, None)
        finally:
            if self._ledger.known(intent.intent_id):
                self._announce(intent)
        return order

    async def resume(self, order: Order) -> None:
        """An order whose journal says J and nothing more: no byte has left, so it may still go or expire."""
        valid_until_ns = from_utc(order.intent.valid_until)
        while order.kind is OrderKind.STRATEGY and self._marks.get(order.symbol) is None:
            if self.halted is not None or self._clock.now_ns() >= valid_until_ns:
                break
            await asyncio.sleep(_QUOTE_POLL_S)
        await self._when_paced(order)

    async def _place(self, order: Order, read_at: ReadAt | None) -> None:
        decision = self._decide(order)
        if decision is None or isinstance(decision, Refused):
            self._refuse(order, decision, read_at)
            return
        order.price_micros = decision.reservation.price_micros
        if self._exec.pacer.try_acquire(Lane.ORDER):
            self._send(order, decision.order, read_at)
            return
        self._ledger.commit(order, read_at=read_at, report=False)
        await self._when_paced(order)

    async def _when_paced(self, order: Order) -> None:
        await self._exec.pacer.acquire(Lane.ORDER)
        decision = self._decide(order)
        if decision is None or isinstance(decision, Refused):
            self._refuse(order, decision, None)
        else:
            self._send(order, decision.order, None)

    def _decide(self, order: Order) -> Approved | Refused | None:
        """None: its validity is over."""
        intent, now_ns = order.intent, self._clock.now_ns()
        if now_ns >= from_utc(intent.valid_until):
            return None
        reasons = self._state_reasons(order)
        symbol = intent.symbol
        reserved = self._ledger.reservations(but=order)
        positions = self._ledger.account_positions()
        mids = self._marks.mids_micros([*positions, symbol])
        verdict = self._check.check(
            intent,
            self._instruments.get(symbol),
            self._marks.get(symbol),
            Exposure(positions, reserved, mids),
            now_ns,
            reduce_only=order.kind is OrderKind.FLATTEN,
        )
        if isinstance(verdict, Refused):
            reasons += verdict.reasons
        return Refused(tuple(reasons)) if reasons else verdict

    def _state_reasons(self, order: Order) -> list[str]:
        """What depends on where we are, not on the order."""
        reasons = []
        intent, symbol = order.intent, order.symbol
        if intent.session_id != self._session_id:
            reasons.append(f"ID-01 the intent belongs to session {intent.session_id}")
        if order.kind is OrderKind.STRATEGY:
            if self.halted is not None:
                reasons.append(f"KS-01 trading is halted: {self.halted}")
            if frozen := self._ledger.frozen.get(symbol):
                reasons.append(f"RC-01 {symbol} is frozen: {frozen}")
        if self._exec.gate.reason is not None:
            reasons.append(f"RC-02 not reconciled: {self._exec.gate.reason}")
        busy = [other for other in self._ledger.unresolved(symbol) if other is not order]
        if busy:
            reasons.append(f"ID-03 {symbol} has an unresolved order {busy[0].order_id}")
        return reasons

    def _refuse(self, order: Order, decision: Refused | None, read_at: ReadAt | None) -> None:
        if decision is None:
            order.reason = "ID-02 its validity ended before it could be sent"
            order.apply(Trigger.EXPIRE)
        else:
            order.reason = "; ".join(decision.reasons)
            order.apply(Trigger.REFUSE)
        self._ledger.commit(order, read_at=read_at)

    def _send(self, order: Order, approved: ApprovedOrder, read_at: ReadAt | None) -> None:
        """Mark S, then the bytes, with nothing in between that could let another task run."""
        order.order_id = self._exec.next_order_id()
        order.sent_ns = self._clock.now_ns()
        order.apply(Trigger.SEND)
        self._ledger.commit(order, read_at=read_at)
        if self.halted is not None and order.kind is OrderKind.STRATEGY:
            self._not_sent(
                order, f"KS-01 trading is halted: {self.halted}"
            )  # the report just made tripped the stop
            return
        try:
            self._exec.send_order(approved, order.order_id)
        except IBKRError as error:
            self._not_sent(order, str(error))

    def _not_sent(self, order: Order, why: str) -> None:
        order.reason = f"not sent: {why}"
        order.apply(Trigger.NOT_SENT)
        self._ledger.commit(order)
