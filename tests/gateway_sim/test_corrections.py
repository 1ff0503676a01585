"""Executions the exchange corrects: told again under the next id, and the books are as if it had been so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway_sim.by_hand import A_WHILE_S, Desk, by_hand
from tests.gateway_sim.test_layouts import an_order

from algo_trade.gateway_sim.account import Account
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.corrections import correct
from algo_trade.gateway_sim.ids import Ids
from algo_trade.gateway_sim.matching import Liquidity
from algo_trade.gateway_sim.state import StateStore

UNSET = "1.7976931348623157E308"


def test_a_correction_is_told_as_an_execution_with_the_next_number(tmp_path: Path) -> None:
    """Same fill, another price; average, position and cash follow, and all of it is on disk."""

    async def body(desk: Desk) -> None:
        simulator: Any = desk.simulator
        await desk.place(1)
        first = desk.client.of(11)[0]
        assert first[14].endswith(".01.01")
        cash = desk.booking.account.cash_micros
        heard = await desk.after(lambda: simulator._gateway.desk.correct_execution(first[14], 1_000_100))
        assert heard == ["11 10", "3 Filled 10/0", "59"]
        again = desk.client.of(11)[1]
        assert again[14] == first[14][:-1] + "2"
        assert (again[20], again[24], again[25]) == ("100.01", "10", "100.01")
        assert desk.status(1)[5] == "100.01"
        assert [fields[5] for fields in desk.client.of(59)] == [UNSET, UNSET]
        assert desk.booking.account.cash_micros == cash + 10 * 10_000
        await desk.restart()
        assert desk.booking.account.positions[756733].cost_micros == 10 * 100_010_000 + 1_000_000
        told = [fields[14] for fields in await desk.client.ask(7, 3, 9, *[""] * 7) if fields[0] == "11"]
        assert told == [first[14], again[14]]

    by_hand(body, state_path=tmp_path / "sim.db")


def test_a_correction_after_the_position_is_closed_changes_what_was_realised() -> None:
    """And the account's profit with it; one execution is corrected once, its correction again."""

    async def body(desk: Desk) -> None:
        simulator: Any = desk.simulator
        order_desk = simulator._gateway.desk
        await desk.place(1)
        await desk.place(2, "SELL")
        account = desk.booking.account
        realized = account.realized_micros()
        exec_id = desk.client.of(11)[0][14]
        order_desk.correct_execution(exec_id, 1_000_300)
        with pytest.raises(ValueError, match="corrected already"):
            order_desk.correct_execution(exec_id, 1_000_300)
        with pytest.raises(KeyError):
            order_desk.correct_execution("x.01.01", 1_000_300)
        assert account.realized_micros() == realized - 10 * 10_000
        order_desk.correct_execution(exec_id[:-1] + "2", 1_000_200)
        assert account.realized_micros() == realized
        assert (await desk.after(wait=A_WHILE_S))[-2:] == ["59", "59"]

    by_hand(body)


FILLS = st.lists(st.tuples(st.booleans(), st.integers(1, 50), st.integers(1, 400)), min_size=1, max_size=12)


@given(FILLS, st.data())
def test_corrected_books_are_those_of_the_corrected_fills(
    fills: list[tuple[bool, int, int]], data: st.DataObject
) -> None:
    """Cash, position and profit to the last millionth, for any fills and any correction."""
    at = data.draw(st.integers(0, len(fills) - 1))
    price = data.draw(st.integers(1, 400))

    def booked(trades: list[tuple[bool, int, int]]) -> Booking:
        booking = Booking(Account("D1", 10**12), Ids(1, 0), StateStore(None))
        for number, (is_buy, shares, cents) in enumerate(trades):
            action = "BUY" if is_buy else "SELL"
            order = an_order(
                perm_id=number, order_id=number, quantity=shares, action=action, con_id=1, limit_e4=None
            )
            booking.add(order)
            execution = booking.fill(order, shares, cents * 100, Liquidity.REMOVED, 0, 0)
            execution.commission_micros = 1  # the same at every price
        for execution in booking.executions:
            booking.account.cash_micros += order_commission(booking, execution.perm_id) - 1
        return booking

    def order_commission(booking: Booking, perm_id: int) -> int:
        return booking.orders[perm_id].commission_micros

    wrong = booked(fills)
    right = booked([*fills[:at], (*fills[at][:2], price), *fills[at + 1 :]])
    correct(wrong, wrong.executions[at].exec_id, price * 100, 0)
    correct(right, right.executions[at].exec_id, price * 100, 0)
    assert wrong.account.cash_micros == right.account.cash_micros
    assert wrong.account.positions == right.account.positions
