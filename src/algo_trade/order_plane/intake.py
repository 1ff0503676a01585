"""Reading order_intents: each record once, each answered, none lost.

An intent becomes an order, an entry waits for its exits and becomes a bracket with them, an amendment finds its order.
What cannot be read, and what amends an order nobody knows, goes aside as a dead letter.

Records are answered one after the other, so what stands behind an order that waits for a token, a cancel too, waits
with it: about a second at most. The offset is journalled with what came of the record, and never beyond one that is
held.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from algo_trade.bus import Bus, DeadLetterOffice, Invalid, OrderPlaneValidator, Record, Subscription
from algo_trade.clock import Clock
from algo_trade.contracts import OrderAmendment, OrderIntent
from algo_trade.order_plane.amending import Amender
from algo_trade.order_plane.amendment import Amendment, AmendmentState
from algo_trade.order_plane.brackets import Brackets
from algo_trade.order_plane.journal import Journal
from algo_trade.order_plane.ledger import Ledger, ReadAt
from algo_trade.order_plane.lifecycle import OrderState
from algo_trade.order_plane.order import Order, OrderKind
from algo_trade.order_plane.placing import Placer


class Intake:
    """One task calls `run`. `halt` closes it for strategies at once."""

    def __init__(
        self, bus: Bus, clock: Clock, journal: Journal, ledger: Ledger, placer: Placer, amender: Amender
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._journal = journal
        self._ledger = ledger
        self._placer = placer
        self._amender = amender
        self._validator = OrderPlaneValidator()
        self._dead_letters = DeadLetterOffice(bus)
        self._brackets = Brackets()
        # By topic and partition: the next offset to read, and the one to which every record has been dealt with.
        self._next: dict[tuple[str, int], int] = {}
        self._done: dict[tuple[str, int], int] = {}

    @property
    def halted(self) -> str | None:
        """Why no strategy's order is sent, or None."""
        return self._placer.halted

    def halt(self, reason: str) -> None:
        """From now on no strategy's order is sent, and none is changed; cancels still pass."""
        self._placer.halt(reason)

    async def run(self, intents: Subscription) -> None:
        """Take up what an earlier process left between J and S, then read until the subscription ends."""
        self._next, self._done = intents.position(), intents.position()
        await self._resume()
        while (records := await self._fetch(intents)) is not None:
            for record in records:
                await self.take(record)
                self._done[record.topic, record.partition] = record.offset + 1
            self._refuse_overdue()

    async def caught_up(self) -> bool:
        """Whether every record in the log has its answer."""
        heads = {topic: await self._bus.head(topic) for topic in {topic for topic, _ in self._done}}
        return all(
            self._before_held((topic, partition), done) >= heads[topic][partition]
            for (topic, partition), done in self._done.items()
        )

    async def take(self, record: Record) -> None:
        """Answer one record, or hold it."""
        place = record.topic, record.partition
        self._next[place] = record.offset + 1
        try:
            message = self._validator.validate_any(record)
        except Invalid as invalid:
            await self._aside(record, invalid.reasons)
            return
        if isinstance(message, OrderAmendment):
            await self._amend(message, record)
        elif isinstance(message, OrderIntent):
            await self._intent(message, record)

    # -- what a record may be ----------------------------------------------------------------------
    async def _intent(self, intent: OrderIntent, record: Record) -> None:
        place = record.topic, record.partition
        if self._ledger.known(intent.intent_id):
            self._ledger.skip(self._read_at(place))  # PT-08: read again after a crash, or our own record
        elif intent.parent_intent_id is not None:
            await self._exit(intent, place)
        elif intent.attached_exits is not None:
            self._brackets.hold(intent, place, record.offset, asyncio.get_running_loop().time())
        else:
            await self._placer.place(self._accept([intent]), self._read_at(place))

    async def _exit(self, intent: OrderIntent, place: tuple[str, int]) -> None:
        held = self._brackets.join(intent)
        if held is None:
            why = f"BR-04 no entry {intent.parent_intent_id} waits for this exit"
            self._placer.refuse(self._accept([intent]), why, self._read_at(place))
        elif held.complete:
            self._brackets.release(held)
            await self._placer.place(self._accept(held.intents), self._read_at(held.place))

    async def _amend(self, wish: OrderAmendment, record: Record) -> None:
        order = self._ledger.find(order_ref=str(wish.intent_id))
        if order is None:
            await self._aside(record, (f"intent_id: there is no order of intent {wish.intent_id}",))
        elif self._journal.knows_amendment(wish.amendment_id):
            self._ledger.skip(self._read_at((record.topic, record.partition)))
        else:
            await self._amender.amend(order, wish, self._read_at((record.topic, record.partition)))

    async def _aside(self, record: Record, reasons: Sequence[str]) -> None:
        await self._dead_letters.send(record, reasons, type(self._validator).__name__)
        self._ledger.skip(self._read_at((record.topic, record.partition)))

    def _accept(self, intents: Sequence[OrderIntent]) -> list[Order]:
        now_ns = self._clock.now_ns()
        return [Order.accept(intent, OrderKind.STRATEGY, now_ns) for intent in intents]

    # -- brackets that are not whole ---------------------------------------------------------------
    async def _fetch(self, intents: Subscription) -> Sequence[Record] | None:
        """The next records, or none when a bracket's time is up first; None at the end."""
        until_s = self._brackets.patience_ends_s
        try:
            async with asyncio.timeout_at(until_s):
                return await intents.fetch() or None
        except TimeoutError:
            return ()

    def _refuse_overdue(self) -> None:
        for held in self._brackets.overdue(asyncio.get_running_loop().time()):
            self._brackets.release(held)
            came = f"{len(held.exits)} of {held.entry.attached_exits} exits came"
            why = f"BR-01 {came} in time: half a bracket is not sent"
            self._placer.refuse(self._accept(held.intents), why, self._read_at(held.place))

    # -- after a restart ---------------------------------------------------------------------------
    async def _resume(self) -> None:
        for order in self._ledger.unresolved():
            if order.state is OrderState.ACCEPTED and order.entry_id is None:
                exits = [leg for leg in self._ledger.exits_of(order) if leg.state is OrderState.ACCEPTED]
                await self._placer.resume([order, *exits])
        for order in self._ledger.unresolved():
            change = order.change_under_way()
            if change is not None and change.state is AmendmentState.ACCEPTED:
                await self._resume_change(order, change)

    async def _resume_change(self, order: Order, change: Amendment) -> None:
        await self._placer.until_quoted(order.symbol, change.valid_until_ns)
        await self._amender.resume(order, change)

    # -- offsets -----------------------------------------------------------------------------------
    def _before_held(self, place: tuple[str, int], offset: int) -> int:
        """An offset of a partition, or that of the first record held there, whichever comes first."""
        first_held = self._brackets.first_offset(place)
        return offset if first_held is None else min(first_held, offset)

    def _read_at(self, place: tuple[str, int]) -> ReadAt:
        """What may be written down as read with the record at hand."""
        return ReadAt(self._bus.log_id(place[0]), *place, self._before_held(place, self._next[place]))
