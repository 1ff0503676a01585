"""Market on close, limit on close, mid-point orders and dated ones: when they trade, and when they end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.gateway_sim.by_hand import A_WHILE_S, Desk, by_hand

from algo_trade.clock import from_utc, new_york

RESTS = ["5 PreSubmitted", "3 PreSubmitted 0/10", "5 Submitted", "3 Submitted 0/10"]
FILLED = ["11 10", "5 Filled", "3 Filled 10/0", "59"]
ENDED = ["3 Cancelled 0/10", "4 202"]
REJECTED = ["4 201", "5 Inactive", "3 Inactive 0/10"]
DAY_S = 6.5 * 3600


async def until(desk: Desk, hour: int, minute: int, second: int = 0) -> None:
    """Wait for the next time New York's clock shows this."""
    now = desk.clock.now_ns()
    then = new_york(now).replace(hour=hour, minute=minute, second=second, microsecond=0)
    wait_ns = from_utc(then) - now
    await asyncio.sleep((wait_ns if wait_ns > 0 else wait_ns + 86_400 * 10**9) / 1e9)


def test_orders_for_the_close_trade_at_the_closing_price_within_their_limit() -> None:
    """All of them, whatever is displayed; who wanted better is cancelled."""

    async def body(desk: Desk) -> None:
        assert await desk.place(1, orderType="MOC") == RESTS
        assert await desk.place(2, "SELL", orderType="LOC", lmtPrice=100.06) == RESTS
        await desk.place(3, "SELL", quantity=700, orderType="LOC", lmtPrice=100.05)
        desk.show(trade=(100.05, 10))
        assert await desk.after() == []
        await until(desk, 15, 59, 59)
        start = len(desk.client.frames)
        await asyncio.sleep(1 + A_WHILE_S)
        closing = [fields for fields in desk.client.frames[start:] if fields[0] == "11"]
        assert [(fields[2], fields[19], fields[20], fields[30]) for fields in closing] == [
            ("1", "10", "100.05", "0"),
            ("3", "700", "100.05", "0"),
        ]
        assert desk.status(2)[2:5] == ["Cancelled", "0", "10"]

    by_hand(body)


def test_an_exchange_that_never_closes_holds_the_auction_at_16_00_new_york() -> None:
    """Every day; without trades at the mid in whole cents."""

    async def body(desk: Desk) -> None:
        await desk.place(1, orderType="MOC")
        await until(desk, 15, 59, 59)
        desk.show(bid=100.00, ask=100.03)
        assert await desk.after(wait=1 + A_WHILE_S) == FILLED
        assert desk.client.of(11)[0][20] == "100.01"

    by_hand(body, market_open_ns=None, has_trades=False)


def test_the_last_ten_minutes_take_none() -> None:
    """Rejected by the exchange; what is there already can be cancelled, not changed."""

    async def body(desk: Desk) -> None:
        await desk.place(1, orderType="LOC", lmtPrice=100.00)
        await until(desk, 15, 50, 1)
        assert await desk.place(2, orderType="MOC") == REJECTED
        assert await desk.place(1, orderType="LOC", lmtPrice=101.00) == ["4 201"]
        assert await desk.cancel(1) == ["3 PendingCancel 0/10", *ENDED]

    by_hand(body)


def test_a_symbol_halted_at_the_close_has_no_auction() -> None:
    """Its orders end."""

    async def body(desk: Desk) -> None:
        await desk.place(1, orderType="MOC")
        desk.show(trade=(100.05, 10))
        desk.halt()
        await until(desk, 15, 59, 59)
        assert await desk.after(wait=1 + A_WHILE_S) == ENDED

    by_hand(body)


def test_an_order_for_the_close_placed_overnight_is_for_the_next_one() -> None:
    """Held until the open like every other."""

    async def body(desk: Desk) -> None:
        await until(desk, 17, 0)
        assert await desk.place(1, orderType="MOC") == ["5 PreSubmitted", "3 PreSubmitted 0/10", "4 399"]
        await until(desk, 9, 31)
        assert desk.status(1)[2] == "Submitted"
        desk.show(trade=(100.05, 10))
        await until(desk, 16, 1)
        assert desk.status(1)[2] == "Filled"

    by_hand(body)


def test_a_mid_point_order_follows_the_mid_and_is_met_before_the_best() -> None:
    """Never past its cap; a seller's trade meets it at its own price."""

    async def body(desk: Desk) -> None:
        assert await desk.place(1, orderType="MIDPRICE") == RESTS
        await desk.place(2, "SELL", orderType="MIDPRICE", lmtPrice=100.05)
        assert await desk.after(lambda: desk.show(bid=100.02, ask=100.05)) == []
        assert await desk.after(lambda: desk.show(bid=100.02, ask=100.05, trade=(100.02, 10))) == FILLED
        assert desk.client.of(11)[0][20] == "100.035"
        assert (desk.opened(1)[15:17], desk.opened(2)[16]) == (["MIDPRICE", "0.0"], "100.05")
        assert await desk.after(lambda: desk.show(bid=100.03, ask=100.05, trade=(100.05, 10))) == []
        assert await desk.after(lambda: desk.show(bid=100.05, ask=100.07, trade=(100.06, 10))) == FILLED
        assert desk.client.of(11)[1][20] == "100.05", "traded through its cap"

    by_hand(body)


# From 09:30:00 of Monday, 2 March 2026, in New York.
DATES = {
    "New York": "20260302 09:35:00 US/Eastern",
    "no zone": "20260302 09:35:00",
    "another zone": "20260302 15:35:00 Europe/Berlin",
    "UTC": "20260302-14:35:00",
}


@pytest.mark.parametrize("date", DATES.values(), ids=DATES)
def test_a_dated_order_works_until_its_date_and_not_after(date: str) -> None:
    """Given back as it came."""

    async def body(desk: Desk) -> None:
        gtd: dict[str, Any] = {"lmtPrice": 99.5, "tif": "GTD", "goodTillDate": date}
        assert await desk.place(1, **gtd) == RESTS
        assert desk.opened(1)[18] == "GTD"
        assert desk.opened(1)[35] == date
        assert await desk.place(1, **(gtd | {"goodTillDate": "20260302-15:00:00"})) == ["4 105"]
        await until(desk, 9, 34, 59)
        assert await desk.after(wait=1 + A_WHILE_S) == ENDED
        assert await desk.after(lambda: desk.show(ask=99.0)) == []

    by_hand(body)


def test_a_date_beyond_the_day_outlives_the_close_and_a_kill(tmp_path: Path) -> None:
    """Submitted again the next morning, and it ends on time although the simulator was down in between."""

    async def body(desk: Desk) -> None:
        await desk.place(1, lmtPrice=99.5, tif="GTD", goodTillDate="20260303 10:00:00 US/Eastern")
        await desk.place(2, lmtPrice=99.5, tif="GTD", goodTillDate="20260303 09:00:00 US/Eastern")
        await until(desk, 16, 1)
        assert desk.status(1)[2] == desk.status(2)[2] == "PreSubmitted"
        await desk.restart(17 * 3600)
        assert [order.status for order in desk.orders.values()] == ["PreSubmitted", "Cancelled"]
        await until(desk, 9, 59, 59)
        assert desk.status(1)[2] == "Submitted"
        assert await desk.after(wait=1 + A_WHILE_S) == ENDED

    by_hand(body, state_path=tmp_path / "sim.db")
