"""Fills and the books: never through a limit, never more than displayed, nothing lost to the cent."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.gateway_sim.test_layouts import an_order

from algo_trade.gateway_sim.account import Account
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.commission import order_commission_micros
from algo_trade.gateway_sim.ids import Ids
from algo_trade.gateway_sim.matching import Displayed, by_priority
from algo_trade.gateway_sim.orders import SimOrder, Status
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.gateway_sim.state import StateStore

PRICES = st.sampled_from([-1, 0, 9900, 10_000, 10_100, 10_200, 5_859_400])
SIZES = st.integers(0, 300)
QUOTES = st.builds(Quote, st.just(0), PRICES, PRICES, SIZES, SIZES)
START_MICROS = 1_000_000 * 1_000_000


class Trading(RuleBasedStateMachine):
    """Any mix of quotes and orders, matched and booked as the exchange does it, next to a bookkeeper of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.displayed = Displayed()
        self.booking = Booking(Account("D1", START_MICROS), Ids(1, 0), StateStore(None))
        self.resting: list[SimOrder] = []
        self.number = 0
        self.cash_micros = START_MICROS
        self.shares = 0
        self.taken = {"bid": 0, "ask": 0}
        self.realized_micros = 0

    @rule(quote=QUOTES)
    def quote(self, quote: Quote) -> None:
        before = self.displayed
        bid_same = (before.bid_e4, before.bid_size) == (quote.bid_e4, quote.bid_size)
        ask_same = (before.ask_e4, before.ask_size) == (quote.ask_e4, quote.ask_size)
        self.taken = {
            "bid": self.taken["bid"] if bid_same else 0,
            "ask": self.taken["ask"] if ask_same else 0,
        }
        self.displayed.show(quote)
        self.match()

    @rule(
        is_buy=st.booleans(),
        limit=st.none() | st.sampled_from([9900, 10_000, 10_100]),
        shares=st.integers(1, 500),
    )
    def place(self, is_buy: bool, limit: int | None, shares: int) -> None:
        self.number += 1
        order = an_order(
            perm_id=self.number, order_id=self.number, con_id=1, quantity=shares, limit_e4=limit,
            action="BUY" if is_buy else "SELL", priority=self.number,
        )  # fmt: skip
        self.booking.add(order)
        self.resting.append(order)
        self.match()

    @rule(data=st.data())
    def change_or_cancel(self, data: st.DataObject) -> None:
        if not self.resting:
            return
        order = data.draw(st.sampled_from(self.resting))
        if data.draw(st.booleans()):
            self.resting.remove(order)
            self.booking.end(order, Status.CANCELLED, 0, "")
        else:
            order.quantity = order.filled + data.draw(st.integers(1, 300))
            self.match()

    def match(self) -> None:
        for order in by_priority(self.resting):
            shares, price = self.displayed.take(order.is_buy, order.limit_e4, order.remaining)
            if not shares:
                continue
            side = "ask" if order.is_buy else "bid"
            self.taken[side] += shares
            assert price == (self.displayed.ask_e4 if order.is_buy else self.displayed.bid_e4) > 0
            if order.limit_e4 is not None:
                assert price <= order.limit_e4 if order.is_buy else price >= order.limit_e4
            execution = self.booking.fill(order, shares, price, 0, 0)
            signed = shares if order.is_buy else -shares
            self.cash_micros -= signed * price * 100 + execution.commission_micros
            self.shares += signed
            self.realized_micros += execution.realized_micros or 0
            if order.remaining == 0:
                self.resting.remove(order)

    @invariant()
    def never_more_than_displayed(self) -> None:
        assert self.taken["bid"] <= self.displayed.bid_size
        assert self.taken["ask"] <= self.displayed.ask_size

    @invariant()
    def cash_and_shares_are_conserved(self) -> None:
        account = self.booking.account
        assert account.cash_micros == self.cash_micros
        position = account.positions.get(1)
        assert (position.shares if position else 0) == self.shares
        assert account.realized_micros() == self.realized_micros
        cost = position.cost_micros if position else 0
        assert account.cash_micros + cost - account.realized_micros() == START_MICROS
        if self.shares == 0:
            assert cost == 0

    @invariant()
    def commission_is_the_orders_not_the_fills(self) -> None:
        for order in self.booking.orders.values():
            if order.filled:
                assert order.commission_micros == order_commission_micros(order.filled, order.value_micros)


TestTrading = Trading.TestCase
TestTrading.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(1, 10**7)), min_size=1, max_size=10))
def test_commission_never_falls_as_an_order_fills(fills: list[tuple[int, int]]) -> None:
    """So no fill ever gets money back."""
    shares, value, before = 0, 0, 0
    for size, price in fills:
        shares, value = shares + size, value + size * price * 100
        owed = order_commission_micros(shares, value)
        assert owed >= before
        before = owed


def test_commission_is_the_published_one() -> None:
    """Half a cent a share, at least a dollar, at most one percent."""
    cases: dict[Any, int] = {
        (10, 5_859_400): 1_000_000,
        (1000, 5_859_400): 5_000_000,
        (1, 100_000): 100_000,
        (200, 10_000): 1_000_000,
        (100, 5_000): 500_000,
    }
    for (shares, price_e4), micros in cases.items():
        assert order_commission_micros(shares, shares * price_e4 * 100) == micros


def test_market_orders_go_first_then_the_better_limit_then_the_earlier() -> None:
    """Price, then time."""
    orders = [
        an_order(limit_e4=100, priority=1), an_order(limit_e4=200, priority=3),
        an_order(limit_e4=200, priority=2), an_order(limit_e4=None, priority=4),
    ]  # fmt: skip
    assert [order.priority for order in by_priority(orders)] == [4, 2, 3, 1]
