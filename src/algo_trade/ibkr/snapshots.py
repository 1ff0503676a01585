"""What the broker has: orders, executions, positions, money. Each as an Answer by its deadline."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from algo_trade.ibkr.answers import Answer, Known
from algo_trade.ibkr.events import (
    AccountValue,
    CompletedOrder,
    Execution,
    Listing,
    OpenOrder,
    PositionRow,
)
from algo_trade.ibkr.requests import Requests

T = TypeVar("T")

ACCOUNT_TAGS = (
    "NetLiquidation,TotalCashValue,SettledCash,BuyingPower,AvailableFunds,ExcessLiquidity,GrossPositionValue,"
    "InitMarginReq,MaintMarginReq"
)


class Snapshots:
    """Questions about state. `deadline_s` None means the configured patience.

    Rows also pass through the event stream as they arrive. Within one answer a later row about the same thing
    replaces an earlier one, since updates keep coming while the gateway lists.
    """

    def __init__(self, requests: Requests, account: str, deadline_s: float) -> None:
        self._requests = requests
        self._account = account
        self._deadline_s = deadline_s

    async def open_orders(
        self, *, all_clients: bool = True, deadline_s: float | None = None
    ) -> Answer[OpenOrder]:
        """Orders the broker works, those of other clients and of hand-made orders included unless told otherwise."""
        answer: Answer[OpenOrder] = await self._requests.ask_list(
            Listing.OPEN_ORDERS,
            lambda encoder: encoder.open_orders(all_clients=all_clients),
            deadline_s=deadline_s or self._deadline_s,
        )
        return _latest(answer, lambda order: order.perm_id or (order.client_id, order.order_id))

    async def executions(self, *, deadline_s: float | None = None) -> Answer[Execution]:
        """Fills since midnight (the gateway's), each once; corrections have ids of their own."""
        answer: Answer[Execution] = await self._requests.ask(
            lambda encoder, req_id: encoder.executions(req_id, self._account),
            messages=frozenset({11, Listing.EXECUTIONS.value}),
            deadline_s=deadline_s or self._deadline_s,
        )
        return _latest(answer, lambda execution: execution.exec_id)

    async def completed_orders(
        self, *, api_only: bool = False, deadline_s: float | None = None
    ) -> Answer[CompletedOrder]:
        """Orders that are over, of this day."""
        answer: Answer[CompletedOrder] = await self._requests.ask_list(
            Listing.COMPLETED_ORDERS,
            lambda encoder: encoder.completed_orders(api_only=api_only),
            deadline_s=deadline_s or self._deadline_s,
        )
        return _latest(answer, lambda order: order.perm_id)

    async def positions(self, *, deadline_s: float | None = None) -> Answer[PositionRow]:
        """Positions of every managed account. A row with quantity 0 was closed today."""
        answer: Answer[PositionRow] = await self._requests.ask_list(
            Listing.POSITIONS,
            lambda encoder: encoder.positions(),
            deadline_s=deadline_s or self._deadline_s,
        )
        return _latest(answer, lambda row: (row.account, row.con_id))

    async def account_summary(
        self, tags: str = ACCOUNT_TAGS, *, deadline_s: float | None = None
    ) -> Answer[AccountValue]:
        """The figures named by `tags` (comma-separated), as text."""
        answer: Answer[AccountValue] = await self._requests.ask(
            lambda encoder, req_id: encoder.account_summary(req_id, tags),
            messages=frozenset({63, 64}),
            deadline_s=deadline_s or self._deadline_s,
            cancel=lambda encoder, req_id: encoder.cancel_account_summary(req_id),
        )
        return _latest(answer, lambda value: (value.account, value.tag, value.currency))

    async def account_values(self, *, deadline_s: float | None = None) -> Answer[AccountValue]:
        """Every figure of the configured account, by currency."""
        answer: Answer[AccountValue] = await self._requests.ask(
            lambda encoder, req_id: encoder.account_values(req_id, self._account),
            messages=frozenset({73, 74}),
            deadline_s=deadline_s or self._deadline_s,
            cancel=lambda encoder, req_id: encoder.cancel_account_values(req_id),
        )
        return _latest(answer, lambda value: (value.account, value.tag, value.currency))


def _latest(answer: Answer[T], key: Callable[[T], Hashable]) -> Answer[T]:
    """The same answer with one row for each key, the last one said, where the first one stood."""
    if isinstance(answer, Known):
        return Known(tuple({key(row): row for row in answer.rows}.values()))
    return answer
