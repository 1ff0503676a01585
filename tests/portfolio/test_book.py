"""Average cost, and the identities no sequence of fills may break."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from algo_trade.portfolio import MICROS, Book, micros

FILLS = st.lists(st.tuples(st.integers(-50, 50).filter(bool), st.integers(1, 10**9)), min_size=1, max_size=60)


def test_buy_two_sell_one_realises_half() -> None:
    """2 bought at $100 and $102, 1 sold at $103: cost 101 a share, 2 realised."""
    book = Book("SPY")
    book.fill(1, micros(100.0))
    book.fill(1, micros(102.0))
    book.fill(-1, micros(103.0))
    assert (book.quantity, book.realised_micros, book.cost_micros) == (1, 2 * MICROS, 101 * MICROS)
    assert book.unrealised_micros(micros(100.0)) == -1 * MICROS


def test_crossing_zero_closes_before_it_opens() -> None:
    """3 long at $10, 5 sold at $11: 3 realised, 2 short at $11."""
    book = Book("SPY")
    book.fill(3, micros(10.0))
    book.fill(-5, micros(11.0))
    assert (book.quantity, book.realised_micros, book.cost_micros) == (-2, 3 * MICROS, -22 * MICROS)


@given(FILLS, st.integers(1, 10**9))
def test_profit_is_what_cash_and_shares_say(fills: list[tuple[int, int]], mark: int) -> None:
    """realised + unrealised == cash + shares at the mark, to the micro-dollar, whatever the order of fills."""
    book = Book("X")
    for quantity, price in fills:
        book.fill(quantity, price)
    cash = -sum(quantity * price for quantity, price in fills)
    shares = sum(quantity for quantity, _ in fills)
    assert book.quantity == shares
    assert book.realised_micros + book.unrealised_micros(mark) == cash + shares * mark


@given(FILLS)
def test_flat_means_no_cost_is_left(fills: list[tuple[int, int]]) -> None:
    """When the last share is gone its cost is gone, and what is realised is the cash."""
    book = Book("X")
    for quantity, price in fills:
        book.fill(quantity, price)
    if book.quantity:
        book.fill(-book.quantity, 7 * MICROS)
    assert book.cost_micros == 0
    assert book.realised_micros == book.cash_micros
