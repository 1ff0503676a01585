"""What a fill does: to the order, the account, and the record of executions.

Changes are made in memory and become durable with `commit`: what belongs together is committed together, before
anyone hears of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from algo_trade.gateway_sim.account import MICROS_PER_E4, Account
from algo_trade.gateway_sim.commission import order_commission_micros
from algo_trade.gateway_sim.ids import Ids
from algo_trade.gateway_sim.matching import Liquidity
from algo_trade.gateway_sim.orders import ENDED, SimExecution, SimOrder, Status
from algo_trade.gateway_sim.state import StateStore


class Booking:
    """The books of one account: every order and every execution there was."""

    def __init__(self, account: Account, ids: Ids, store: StateStore) -> None:
        self.account = account
        self.orders: dict[int, SimOrder] = {}
        self.executions: list[SimExecution] = []
        self._unfinished: dict[int, SimOrder] = {}
        self._by_client: dict[tuple[int, int], SimOrder] = {}
        self._lowest_id = -1  # bound orders get the ids below: in an error -1 means no order at all
        self._ids = ids
        self._store = store

    def restore(self) -> None:
        """Read back what the store has. What was never transmitted does not outlive the gateway."""
        for order in self._store.orders():
            if order.status is not Status.STAGED:
                self._remember(order)
        self.executions = list(self._store.executions())
        for position in self._store.positions():
            self.account.positions[position.con_id] = position

    def find(self, client_id: int, order_id: int) -> SimOrder | None:
        """The order a client calls `order_id`."""
        return self._by_client.get((client_id, order_id))

    def _remember(self, order: SimOrder) -> None:
        self.orders[order.perm_id] = order
        if order.order_id:
            self._by_client[order.client_id, order.order_id] = order
            self._lowest_id = min(self._lowest_id, order.order_id)
        if order.status not in ENDED:
            self._unfinished[order.perm_id] = order

    def add(self, order: SimOrder) -> None:
        """A new order; not committed yet."""
        self._remember(order)

    def new_bound_id(self) -> int:
        """The order id of the next order placed by hand that is bound."""
        return self._lowest_id - 1

    def bind(self, order: SimOrder) -> None:
        """An order placed by hand gets an order id of client 0, durably."""
        order.order_id = self.new_bound_id()
        self._remember(order)
        self.commit(order)

    def forget_staged(self) -> None:
        """What was never transmitted is lost when the gateway restarts."""
        for order in self.unfinished_orders():
            if order.status is Status.STAGED:
                del self.orders[order.perm_id], self._unfinished[order.perm_id]
                self._by_client.pop((order.client_id, order.order_id), None)

    def forget_ids(self, next_ids: Mapping[int, int]) -> None:
        """Nobody knows orders by these ids, or higher ones, any more: they are handed out again."""
        for client_id, order_id in list(self._by_client):
            if order_id >= next_ids.get(client_id, order_id + 1):
                del self._by_client[client_id, order_id]

    def commit(self, *orders: SimOrder, execution: SimExecution | None = None) -> None:
        """Make orders, the ids used up so far and an execution with what it did to the account durable, all at once."""
        if not self._store.keeps:
            return
        if execution is None:
            self._store.save(orders=orders, facts=self._ids.facts)
            return
        self._store.save(
            orders=orders,
            executions=(execution,),
            account=self.account,
            position=self.account.positions[execution.con_id],
            facts=self._ids.facts,
        )

    def fill(
        self,
        order: SimOrder,
        shares: int,
        price_e4: int,
        liquidity: Liquidity,
        now_ns: int,
        commission_due_ns: int,
    ) -> SimExecution:
        """Book a fill and return its execution; not committed yet."""
        assert 0 < shares <= order.remaining, "no order gets more than it asks for"
        limit_e4 = order.limit_e4
        assert limit_e4 is None or (price_e4 <= limit_e4 if order.is_buy else price_e4 >= limit_e4)
        order.filled += shares
        order.fills += 1
        order.value_micros += shares * price_e4 * MICROS_PER_E4
        order.last_price_e4 = price_e4
        commission = order_commission_micros(order.filled, order.value_micros) - order.commission_micros
        order.commission_micros += commission
        signed = shares if order.is_buy else -shares
        realized = self.account.fill(order.con_id, signed, price_e4, commission)
        if order.remaining == 0:
            order.step(Status.FILLED)
            order.completed_ns = now_ns
            order.completed_status = f"Filled Size: {order.filled}"
        elif order.status is Status.PRE_SUBMITTED:
            order.step(Status.SUBMITTED)
        execution = SimExecution(
            exec_id=self._ids.new_exec_id(),
            perm_id=order.perm_id,
            order_id=order.order_id,
            client_id=order.client_id,
            con_id=order.con_id,
            symbol=order.symbol,
            exchange=order.exchange,
            is_buy=order.is_buy,
            shares=shares,
            price_e4=price_e4,
            time_ns=now_ns,
            cumulative_shares=order.filled,
            cumulative_value_micros=order.value_micros,
            order_ref=order.order_ref,
            commission_micros=commission,
            realized_micros=realized,
            commission_due_ns=commission_due_ns,
            liquidity=int(liquidity),
        )
        self.executions.append(execution)
        return execution

    def end(self, order: SimOrder, status: Status, now_ns: int, why: str) -> None:
        """An order ends without a further fill; not committed yet."""
        order.step(status)
        order.completed_ns = now_ns
        order.completed_status = why

    def unfinished_orders(self) -> list[SimOrder]:
        """Orders that have not ended, staged ones included, oldest first."""
        orders = [order for order in self._unfinished.values() if order.status not in ENDED]
        if len(orders) < len(self._unfinished):
            self._unfinished = {order.perm_id: order for order in orders}
        return orders

    def live_orders(self) -> list[SimOrder]:
        """Orders that can still fill, oldest first."""
        return [order for order in self.unfinished_orders() if order.status is not Status.STAGED]

    def working_shares(self) -> dict[int, tuple[int, int]]:
        """Shares that live orders may still buy and sell, by contract.

        A child that undoes what its parent did adds nothing, and of a group only the largest order of a side counts.
        """
        largest: dict[tuple[int, bool, str], int] = {}
        for order in self.live_orders():
            parent = self.orders.get(order.parent_perm_id)
            if parent is not None and parent.is_buy != order.is_buy:
                continue
            key = (order.con_id, order.is_buy, order.oca_group or str(order.perm_id))
            largest[key] = max(largest.get(key, 0), order.remaining)
        totals: dict[int, tuple[int, int]] = {}
        for (con_id, is_buy, _), shares in largest.items():
            bought, sold = totals.get(con_id, (0, 0))
            totals[con_id] = (bought + shares, sold) if is_buy else (bought, sold + shares)
        return totals
