"""Every order this account's journal knows, in memory, with what follows from them.

The rule: memory never runs ahead of the journal. `commit` writes orders that belong together, their next reports and
the offset of the record they came from in one transaction, and only then are the reports handed on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container
from dataclasses import dataclass
from uuid import UUID

from algo_trade.clock import Clock
from algo_trade.contracts import ExecutionReport
from algo_trade.order_plane.journal import Journal
from algo_trade.order_plane.lifecycle import OrderState
from algo_trade.order_plane.order import Order
from algo_trade.order_plane.reports import make_reports, status_of
from algo_trade.portfolio import Book, Portfolio
from algo_trade.portfolio.portfolio import execution_key
from algo_trade.risk import Reservation, exits_reservation


@dataclass(frozen=True, slots=True)
class ReadAt:
    """Where the next record of a log is to be read, once what came before it is accepted."""

    log_id: str
    topic: str
    partition: int
    next_offset: int


class Ledger:
    """Orders by every name the broker may use for them. `on_report` hears each report after its commit.

    A journal holds years of orders, and these questions are asked with every intent and quote: whatever follows from
    the orders is kept as they change, not looked for.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        account: str,
        session_id: str,
        on_report: Callable[[ExecutionReport], None],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._account = account
        self._session_id = session_id
        self._on_report = on_report
        self._orders: dict[UUID, Order] = {}
        self._by_order_id: dict[int, Order] = {}
        self._by_perm_id: dict[int, Order] = {}
        self._by_execution: dict[str, Order] = {}
        self._of_session: dict[UUID, Order] = {}
        self._unresolved: dict[UUID, Order] = {}
        self._incomplete: dict[UUID, Order] = {}
        self._exits: dict[UUID, list[Order]] = {}  # by entry, in order of acceptance
        self._held: dict[UUID, int] = {}  # signed shares each order brought
        self._positions: dict[str, int] = {}
        self._frozen: dict[str, dict[str, str]] = {}  # symbol → cause → text
        self._changed = asyncio.Event()
        self.highest_order_id = 0
        self.refused_adaptive: dict[
            str, str
        ] = {}  # symbol → why the broker refused an Adaptive order this session
        self.portfolio = Portfolio()  # this session's fills, and what it found
        self.changes = 0  # counts commits: a comparison that spans one is void
        for order in journal.orders():
            self.index(order)
        for symbol, book in self._books_before().items():
            if book.quantity:
                self.portfolio.carry(symbol, book.quantity, book.cost_micros)
        for report in journal.reports(session_id):
            self.portfolio.apply(report)

    # -- finding -----------------------------------------------------------------------------------
    def known(self, intent_id: UUID) -> bool:
        return intent_id in self._orders

    def find(self, *, order_ref: str = "", order_id: int = 0, perm_id: int = 0) -> Order | None:
        """The surest name first: our own reference, then the broker's lasting id, then the order id."""
        try:
            by_ref = self._orders.get(UUID(order_ref)) if order_ref else None
        except ValueError:
            by_ref = None  # somebody else's reference
        if by_ref is not None or order_ref:
            return by_ref
        return self._by_perm_id.get(perm_id) or self._by_order_id.get(order_id)

    def of_execution(self, execution_id: str) -> Order | None:
        return self._by_execution.get(execution_key(execution_id)[0])

    def unresolved(self, symbol: str | None = None) -> list[Order]:
        """Orders that are not over, in order of acceptance; UNKNOWN ones are among them."""
        return [o for o in self._unresolved.values() if o.unresolved and symbol in (None, o.symbol)]

    def exits_of(self, entry: Order) -> list[Order]:
        """The exits attached to an order, over or not."""
        return list(self._exits.get(entry.intent_id, ()))

    def entry_of(self, order: Order) -> Order | None:
        """The order whose exit this one is; None for any other order."""
        return None if order.entry_id is None else self._orders.get(order.entry_id)

    def open_shares(self, entry: Order) -> int:
        """What an entry brought and its exits have not taken back; negative when they took back too much."""
        return entry.filled - sum(one.filled for one in self._exits.get(entry.intent_id, ()))

    def incomplete(self) -> list[Order]:
        """Orders that are over, and of which an execution or a commission is still to come."""
        return [order for order in self._incomplete.values() if order.incomplete]

    def of_session(self) -> list[Order]:
        return list(self._of_session.values())

    # -- what follows from the orders --------------------------------------------------------------
    def reservations(self, *, but: Container[UUID] = ()) -> list[Reservation]:
        """The risk of every order but those named; the exits of one entry hold theirs together."""
        found: list[Reservation | None] = []
        exits: dict[UUID, list[Order]] = {}
        for order in self.unresolved():
            if order.intent_id in but:
                continue
            if order.entry_id is None:
                found.append(order.reservation())
            else:
                exits.setdefault(order.entry_id, []).append(order)
        for entry_id, still_open in exits.items():
            entry = self._orders[entry_id]
            taken_back = entry.filled - self.open_shares(entry)
            rests = [order.most_shares - order.filled for order in still_open]
            found.append(exits_reservation(entry.symbol, entry.sign * entry.filled, taken_back, rests))
        return [reservation for reservation in found if reservation is not None]

    def account_positions(self) -> dict[str, int]:
        """What all sessions of this journal together hold: what the broker's position has to be."""
        return dict(self._positions)

    @property
    def holding_quietly(self) -> bool:
        """A position is open, and whatever orders there are only rest."""
        return bool(self.portfolio.positions()) and all(order.rests for order in self.unresolved())

    # -- doubt -------------------------------------------------------------------------------------
    @property
    def frozen(self) -> dict[str, str]:
        """Symbols in which no new order may be placed, each with every reason why."""
        return {symbol: "; ".join(causes.values()) for symbol, causes in self._frozen.items()}

    def is_frozen(self, symbol: str, cause: str) -> bool:
        """Whether a symbol is frozen for this cause, perhaps among others."""
        return cause in self._frozen.get(symbol, {})

    def freeze(self, symbol: str, cause: str, why: str) -> bool:
        """True when this cause is new. A symbol is free again when every cause is gone."""
        causes = self._frozen.setdefault(symbol, {})
        fresh = cause not in causes
        causes[cause] = why
        return fresh

    def thaw(self, symbol: str, cause: str) -> None:
        """One cause is gone; one that never was changes nothing."""
        causes = self._frozen.get(symbol, {})
        causes.pop(cause, None)
        if symbol in self._frozen and not causes:
            del self._frozen[symbol]

    # -- changing ----------------------------------------------------------------------------------
    def commit(self, *orders: Order, read_at: ReadAt | None = None, report: bool = True) -> None:
        """One transaction: the orders, what they have to tell, the offset. Durable when it returns."""
        now_ns = self._clock.now_ns()
        told = (
            [made for order in orders for made in make_reports(order, now_ns, self._account)]
            if report
            else []
        )
        with self._journal.transaction():
            for order in orders:
                self._journal.put(order)
            for made in told:
                self._journal.put_report(made, made.session_id)
            if read_at is not None:
                self._set_offset(read_at)
        for order in orders:
            if report:
                order.answers.clear()
            self.index(order)
        self.changes += 1
        for made in told:
            if made.session_id == self._session_id:
                self.portfolio.apply(made)
            self._on_report(made)
        self.touch()

    def skip(self, read_at: ReadAt) -> None:
        """Nothing to accept at this offset."""
        with self._journal.transaction():
            self._set_offset(read_at)

    def touch(self) -> None:
        """Wake whoever waits in `changed`."""
        self._changed.set()

    async def changed(self, timeout_s: float) -> bool:
        """Wait for the next commit; False when none came in time. Any number may wait."""
        self._changed.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _set_offset(self, at: ReadAt) -> None:
        self._journal.set_offset(at.log_id, at.topic, at.partition, at.next_offset)

    def index(self, order: Order) -> None:
        """Look at an order anew: at what follows from it, and by which names it is found."""
        number = order.intent_id
        if order.entry_id is not None and number not in self._orders:
            self._exits.setdefault(order.entry_id, []).append(order)
        self._orders[number] = order
        if order.session_id == self._session_id:
            self._of_session[number] = order
            if order.adaptive and order.state is OrderState.REJECTED:
                self.refused_adaptive[order.symbol] = order.reason or "an order was refused"
        if order.order_id:
            self._by_order_id[order.order_id] = order
            self.highest_order_id = max(self.highest_order_id, order.order_id)
        if order.perm_id:
            self._by_perm_id[order.perm_id] = order
        for prefix in order.fills:
            self._by_execution[prefix] = order
        _keep(self._unresolved, order, order.unresolved)
        _keep(self._incomplete, order, order.incomplete)
        self._move(order)

    def _move(self, order: Order) -> None:
        """The position by what this order brought since it was looked at last."""
        held = order.sign * order.filled
        change = held - self._held.get(order.intent_id, 0)
        if change:
            self._held[order.intent_id] = held
            position = self._positions.get(order.symbol, 0) + change
            self._positions[order.symbol] = position
            if not position:
                del self._positions[order.symbol]

    def _books_before(self) -> dict[str, Book]:
        """What earlier sessions of this account left open, and what it cost."""
        fills = [
            (fill.time_ns, order.symbol, order.sign * fill.quantity, fill.price_micros)
            for order in self._orders.values()
            if order.session_id != self._session_id
            for fill in order.fills.values()
        ]
        books: dict[str, Book] = {}
        for _, symbol, signed_quantity, price_micros in sorted(fills, key=lambda fill: fill[0]):
            books.setdefault(symbol, Book(symbol)).fill(signed_quantity, price_micros)
        return books


def _keep(orders: dict[UUID, Order], order: Order, belongs: bool) -> None:
    if belongs:
        orders[order.intent_id] = order
    else:
        orders.pop(order.intent_id, None)


def news(order: Order) -> tuple[object, ...]:
    """What a report is made for: compare before and after an event."""
    fills = tuple((fill.execution_id, fill.commission_micros) for fill in order.fills.values())
    answered = len(order.answers)
    return status_of(order), fills, order.acknowledged_ns is not None, order.reason, order.terms, answered
