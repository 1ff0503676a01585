"""Fills and the books: for any market and any orders nothing breaks a fill rule, and nothing is lost to the cent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.gateway_sim.fill_checker import FillChecker, Watched
from tests.gateway_sim.test_layouts import an_order

from algo_trade.gateway_sim.account import Account
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.commission import order_commission_micros
from algo_trade.gateway_sim.ids import Ids
from algo_trade.gateway_sim.matching import Book, Claim, Liquidity
from algo_trade.gateway_sim.orders import SimOrder, Status
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.gateway_sim.state import StateStore

LEVELS = st.sampled_from([9_700, 9_800, 9_900, 10_000, 10_100, 10_200])
PRICES = LEVELS | st.sampled_from([-1, 0])
SIZES = st.integers(0, 60)
TRADES = st.just((0, 0)) | st.tuples(LEVELS, st.integers(1, 90))
WANTS = st.sampled_from(
    [
        *[{}] * 4,
        {"whole": True},
        {"whole": True, "hidden": True},
        {"hidden": True},
        {"hidden": True, "at_mid": True},
        {"least": 20},
        {"shown": 7},
        {"shown": 30},
    ]
)
START_MICROS = 1_000_000 * 1_000_000


@dataclass(slots=True, eq=False)
class OrderClaim(Claim):
    """The claim of an order that is booked."""

    order: SimOrder = field(kw_only=True)


class Trading(RuleBasedStateMachine):
    """Any mix of quotes, trades, orders, changes and halts, judged by a checker that shares nothing with the engine."""

    def __init__(self) -> None:
        super().__init__()
        self.checker = FillChecker()
        self.book: Book[OrderClaim] = Book(self.filled)
        self.booking = Booking(Account("D1", START_MICROS), Ids(1, 0), StateStore(None))
        self.claims: list[OrderClaim] = []
        self.number = 0
        self.paused = False
        self.now: Quote | None = None
        self.cash_micros = START_MICROS
        self.shares = 0
        self.realized_micros = 0

    def filled(self, claim: OrderClaim, shares: int, price: int, liquidity: Liquidity) -> None:
        self.checker.filled(claim.order.perm_id, shares, price, liquidity is Liquidity.REMOVED)
        execution = self.booking.fill(claim.order, shares, price, liquidity, 0, 0)
        signed = shares if claim.is_buy else -shares
        self.cash_micros -= signed * price * 100 + execution.commission_micros
        self.shares += signed
        self.realized_micros += execution.realized_micros or 0

    @rule(
        prices=st.tuples(PRICES, PRICES), is_crossed=st.sampled_from([False] * 9 + [True]),
        sizes=st.tuples(SIZES, SIZES), trade=TRADES,
    )  # fmt: skip
    def quote(
        self, prices: tuple[int, int], is_crossed: bool, sizes: tuple[int, int], trade: tuple[int, int]
    ) -> None:
        bid, ask = sorted(prices, reverse=is_crossed)
        self.show(Quote(0, bid, ask, *sizes, *trade))

    def show(self, quote: Quote) -> None:
        self.now = quote
        self.checker.showing(quote)
        self.book.show(quote)
        self.checker.shown()

    @precondition(lambda self: self.now is not None)
    @rule(on_bid=st.booleans(), size=st.integers(1, 60), trade=st.integers(0, 90))
    def queue_moves(self, on_bid: bool, size: int, trade: int) -> None:
        """The best prices stay; one queue changes, with or without a trade at it."""
        now = self.now
        assert now is not None
        price = now.bid_e4 if on_bid else now.ask_e4
        traded = (price, trade) if trade and price > 0 else (0, 0)
        sizes = (size, now.ask_size) if on_bid else (now.bid_size, size)
        self.show(Quote(0, now.bid_e4, now.ask_e4, *sizes, *traded))

    @rule(
        is_buy=st.booleans(), limit=st.none() | LEVELS, shares=st.integers(1, 90), pegged=st.booleans(),
        wants=WANTS,
    )  # fmt: skip
    def place(
        self, is_buy: bool, limit: int | None, shares: int, pegged: bool, wants: dict[str, Any]
    ) -> None:
        self.number += 1
        pegged = pegged or "at_mid" in wants
        order = an_order(
            perm_id=self.number, order_id=self.number, con_id=1, quantity=shares, limit_e4=limit,
            action="BUY" if is_buy else "SELL", priority=self.number,
        )  # fmt: skip
        self.booking.add(order)
        claim = OrderClaim(is_buy, shares, limit, pegged, **wants, order=order)
        watched = Watched(self.number, is_buy, limit, shares, pegged, **wants)
        self.claims.append(claim)
        self.checker.enter(watched)
        could = self.book.can_fill(claim) if not pegged else None
        whole = claim.whole
        self.book.enter(claim)
        assert could is None or could == (claim.shares == 0), "what fills whole at once is known before"
        assert not whole or claim.shares in {0, shares}, "all or nothing"
        self.checker.entered(watched)

    @precondition(lambda self: any(claim.shares for claim in self.claims))
    @rule(data=st.data(), action=st.sampled_from(["cancel", "shrink", "take"]))
    def change(self, data: st.DataObject, action: str) -> None:
        claim = data.draw(st.sampled_from([claim for claim in self.claims if claim.shares]))
        if action == "cancel":
            self.checker.leave(claim.order.perm_id)
            self.book.leave(claim)
            self.booking.end(claim.order, Status.CANCELLED, 0, "")
        elif action == "shrink":
            shares = data.draw(st.integers(1, claim.shares))
            self.checker.shrink(claim.order.perm_id, shares)
            claim.order.quantity = claim.order.filled + shares
            self.book.shrink(claim, shares)
        elif claim.pegged:
            self.book.unpeg(claim)
            self.checker.unpegged(self.checker.claims[claim.order.perm_id])

    @rule()
    def halt_or_go_on(self) -> None:
        self.paused = not self.paused
        if self.paused:
            self.checker.pause()
            self.book.pause()
        else:
            self.checker.resuming()
            self.book.resume()
            self.checker.resumed()

    @invariant()
    def both_agree_what_is_still_wanted(self) -> None:
        for claim in self.claims:
            watched = self.checker.claims[claim.order.perm_id]
            assert claim.shares == (watched.wanted if watched.live else 0)

    @invariant()
    def all_or_none_is_never_filled_in_part(self) -> None:
        for claim in self.claims:
            assert not claim.whole or claim.order.fills <= 1

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
TestTrading.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


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
