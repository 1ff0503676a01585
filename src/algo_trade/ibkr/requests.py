"""Questions in flight: who asked, what came so far, and how it ended.

Most answers carry the id of their question. Open orders, completed orders and positions do not, so of each of
these only one question may be open at a time; and when one was given up, a late answer could end the next
question with the first one's rows, so the next one first waits a little for it.

A question ends as Known when its end arrived, and as Unknown when time ran out, the gateway refused, the link
went away or a message that belonged to it could not be decoded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from algo_trade.ibkr.answers import Answer, Known, Unknown
from algo_trade.ibkr.connection import Connection
from algo_trade.ibkr.encoder import Encoder
from algo_trade.ibkr.errors import FieldRefused, NotConnected
from algo_trade.ibkr.events import (
    UNREADABLE_ID,
    AccountValue,
    BreadthCall,
    CompletedOrder,
    Execution,
    GatewayMessage,
    HistoricalBars,
    LinkChanged,
    Listing,
    ListingEnd,
    OpenOrder,
    PositionRow,
    TickNote,
    TopOfBook,
    Undecodable,
)
from algo_trade.ibkr.pacer import Lane, Pacer

# Far above any order id: an error message carries one id, and it has to say which kind it is.
FIRST_REQUEST_ID = 1_000_000_000
_LATE_ANSWER_GRACE_S = 5.0
_WARNINGS = range(2100, 2200)

# Messages of ib_async's decoder that end a question, and those that are rows of one.
_ENDS = {"contractDetailsEnd", "accountSummaryEnd", "accountUpdateMultiEnd", "tickSnapshotEnd"}
_ROWS: dict[str, Callable[[BreadthCall], object]] = {
    "contractDetails": lambda call: call.args[1],
    "accountSummary": lambda call: _account_value(call, call.args[1:]),
    "accountUpdateMulti": lambda call: _account_value(call, (call.args[1], *call.args[3:])),
}
_LISTING_ROWS: dict[type, Listing] = {
    OpenOrder: Listing.OPEN_ORDERS,
    CompletedOrder: Listing.COMPLETED_ORDERS,
    PositionRow: Listing.POSITIONS,
}


def is_order_id(some_id: int) -> bool:
    """Whether the id of an error message names an order of ours (request ids lie far above)."""
    return 0 < some_id < FIRST_REQUEST_ID


@dataclass(slots=True)
class _Question:
    messages: frozenset[int]  # ids of the messages its answer consists of
    done: asyncio.Future[Answer[Any]]
    rows: list[object] = field(default_factory=list)

    @property
    def given_up(self) -> bool:
        """Whoever waits no longer waits, and has no answer (a cancelled future counts as done)."""
        return self.done.cancelled() or not self.done.done()

    def end(self, answer: Answer[Any]) -> None:
        if not self.done.done():
            self.done.set_result(answer)


class Requests:
    """Asks and collects. Every method returns an Answer by its deadline and raises nothing."""

    def __init__(self, connection: Connection, pacer: Pacer) -> None:
        self._connection = connection
        self._pacer = pacer
        self._next_id = FIRST_REQUEST_ID
        self._by_id: dict[int, _Question] = {}
        self._by_listing: dict[Listing, _Question] = {}
        self._locks = {listing: asyncio.Lock() for listing in Listing}
        self._late: dict[Listing, asyncio.Event] = {}
        router = connection.router
        router.listen(OpenOrder, self._on_listing_row)
        router.listen(CompletedOrder, self._on_listing_row)
        router.listen(PositionRow, self._on_listing_row)
        router.listen(Execution, self._on_execution)
        router.listen(TopOfBook, self._on_snapshot_row)
        router.listen(TickNote, self._on_snapshot_row)
        router.listen(HistoricalBars, self._on_historical_bars)
        router.listen(ListingEnd, self._on_listing_end)
        router.listen(BreadthCall, self._on_call)
        router.listen(GatewayMessage, self._on_message)
        router.listen(Undecodable, self._on_undecodable)
        router.listen(LinkChanged, self._on_link)

    def new_id(self) -> int:
        """A request id that was never used."""
        self._next_id += 1
        return self._next_id - 1

    async def ask(
        self,
        encode: Callable[[Encoder, int], bytes],
        *,
        messages: frozenset[int],
        deadline_s: float,
        cancel: Callable[[Encoder, int], bytes] | None = None,
        subscription: bool = True,
    ) -> Answer[Any]:
        """A question with an id of its own.

        `cancel` withdraws it: when it was given up, and always if it is a `subscription`, which goes on after
        its answer.
        """
        req_id = self.new_id()
        question = self._by_id[req_id] = self._question(messages)
        sent = False
        try:
            async with asyncio.timeout(deadline_s):
                await self._pacer.acquire(Lane.QUERY)
                self._connection.send(encode(self._connection.encoder, req_id))
                sent = True
                return await question.done
        except TimeoutError:
            return Unknown(f"no complete answer within {deadline_s:g} s")
        except (NotConnected, FieldRefused) as error:
            return Unknown(str(error))
        finally:
            del self._by_id[req_id]
            if sent and cancel is not None and (subscription or question.given_up):
                await self._withdraw(cancel(self._connection.encoder, req_id))

    async def ask_list(
        self, listing: Listing, encode: Callable[[Encoder], bytes], *, deadline_s: float
    ) -> Answer[Any]:
        """A question whose answer carries no id: one at a time."""
        sent = False
        question: _Question | None = None
        try:
            async with asyncio.timeout(deadline_s), self._locks[listing]:
                try:
                    await self._late_answer(listing)
                    await self._pacer.acquire(Lane.QUERY)
                    question = self._by_listing[listing] = self._question(_LISTING_MESSAGES[listing])
                    self._connection.send(encode(self._connection.encoder))
                    sent = True
                    return await question.done
                finally:
                    self._by_listing.pop(listing, None)
                    if sent and question is not None and question.given_up:
                        self._expect_late_answer(listing)
        except TimeoutError:
            return Unknown(f"no complete answer within {deadline_s:g} s")
        except NotConnected as error:
            return Unknown(str(error))

    def _question(self, messages: frozenset[int]) -> _Question:
        return _Question(messages, asyncio.get_running_loop().create_future())

    async def _withdraw(self, data: bytes) -> None:
        """A connection that is gone has forgotten the question anyway."""
        await self._pacer.acquire(Lane.QUERY)
        with suppress(NotConnected):
            self._connection.send(data)

    # -- late answers -------------------------------------------------------------------------------
    def _expect_late_answer(self, listing: Listing) -> None:
        came = self._late[listing] = asyncio.Event()
        asyncio.get_running_loop().call_later(_LATE_ANSWER_GRACE_S, came.set)

    async def _late_answer(self, listing: Listing) -> None:
        came = self._late.get(listing)
        if came is not None:
            await came.wait()
            self._late.pop(listing, None)

    # -- what arrives -------------------------------------------------------------------------------
    def _on_listing_row(self, event: OpenOrder | CompletedOrder | PositionRow) -> None:
        question = self._by_listing.get(_LISTING_ROWS[type(event)])
        if question is not None:
            question.rows.append(event)

    def _on_execution(self, event: Execution) -> None:
        question = self._by_id.get(event.req_id)
        if question is not None:
            question.rows.append(event)

    def _on_snapshot_row(self, event: TopOfBook | TickNote) -> None:
        question = self._by_id.get(event.req_id)
        if question is not None:
            question.rows.append(event)

    def _on_historical_bars(self, event: HistoricalBars) -> None:
        question = self._by_id.get(event.req_id)
        if question is not None:
            question.end(Known(event.bars))

    def _on_listing_end(self, event: ListingEnd) -> None:
        if event.listing is Listing.EXECUTIONS:
            question = self._by_id.get(event.req_id)
        else:
            question = self._by_listing.get(event.listing)
            if question is None and event.listing in self._late:
                self._late[event.listing].set()
        if question is not None:
            question.end(Known(tuple(question.rows)))

    def _on_call(self, event: BreadthCall) -> None:
        req_id = event.args[0] if event.args else None
        question = self._by_id.get(req_id) if isinstance(req_id, int) else None
        if question is None:
            return
        if event.name in _ROWS:
            question.rows.append(_ROWS[event.name](event))
        elif event.name in _ENDS:
            question.end(Known(tuple(question.rows)))

    def _on_message(self, event: GatewayMessage) -> None:
        question = self._by_id.get(event.req_id)
        if question is not None and event.code not in _WARNINGS:
            question.end(Unknown(f"{event.code} {event.text}", event.code))

    def _on_undecodable(self, event: Undecodable) -> None:
        for question in (*self._by_id.values(), *self._by_listing.values()):
            if event.message_id == UNREADABLE_ID or event.message_id in question.messages:
                question.end(Unknown(f"message {event.message_id} of the answer: {event.reason}"))

    def _on_link(self, event: LinkChanged) -> None:
        if self._connection.connected:
            self._late.clear()  # a new link knows no old questions
            return
        for question in (*self._by_id.values(), *self._by_listing.values()):
            question.end(Unknown(f"the connection ended: {event.reason}"))


_LISTING_MESSAGES = {
    Listing.OPEN_ORDERS: frozenset({5, 53}),
    Listing.EXECUTIONS: frozenset({11, 55}),
    Listing.COMPLETED_ORDERS: frozenset({101, 102}),
    Listing.POSITIONS: frozenset({61, 62}),
}


def _account_value(call: BreadthCall, args: tuple[object, ...]) -> AccountValue:
    account, tag, value, currency = map(str, args)
    return AccountValue(account, tag, value, currency, call.arrival_ns)
