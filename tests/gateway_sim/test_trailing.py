"""Trailing stops: the stop price follows the market, never back, and is where it was after a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.gateway_sim.by_hand import Desk, by_hand
from tests.gateway_sim.wire_client import story

from algo_trade.gateway_sim.trailing import Trail

ACCEPTED = ["5 PreSubmitted", "3 PreSubmitted 0/10"]
TRIGGERED = ["5 Submitted", "3 Submitted 0/10"]
FILLED = ["11 10", "5 Filled", "3 Filled 10/0", "59"]
# Where openOrder has them; clients that read the stop price twice keep the second.
AUX, TRAIL_STOP, PERCENT, TRAIL_STOP_AGAIN, OFFSET = 17, 73, 74, 113, 114


async def opened(desk: Desk, order_id: int = 1) -> list[str]:
    """The order as reqOpenOrders has it now."""
    frames = await desk.client.ask(5, 1)
    return next(fields for fields in frames if fields[0] == "5" and fields[1] == str(order_id))


def test_a_sell_trail_rises_with_the_market_and_triggers_on_the_way_back() -> None:
    """PreSubmitted and held for its trigger; silent while it moves."""

    async def body(desk: Desk) -> None:
        desk.show(trade=(100.00, 5))
        assert await desk.place(1, "SELL", orderType="TRAIL", auxPrice=0.5) == ACCEPTED
        assert desk.status(1)[10] == "trigger"
        assert (await opened(desk))[TRAIL_STOP] == "99.5"
        moves = [(100.40, "99.9"), (100.10, "99.9"), (101.00, "100.5"), (100.51, "100.5")]
        for last, stop in moves:
            assert await desk.after(lambda last=last: desk.show(trade=(last, 1))) == []  # type: ignore[misc]
            now = await opened(desk)
            assert (now[AUX], now[TRAIL_STOP], now[PERCENT], now[TRAIL_STOP_AGAIN]) == ("0.5", stop, "", stop)
        heard = await desk.after(lambda: desk.show(bid=100.48, ask=100.50, trade=(100.50, 1)))
        assert heard == [*TRIGGERED, *FILLED]
        assert desk.client.of(11)[0][20] == "100.48"
        desk.client.frames.clear()
        [done] = [fields for fields in await desk.client.ask(99, 0) if fields[0] == "101"]
        assert (done[14], done[16], done[60], done[80]) == ("TRAIL", "0.5", "100.5", "100.5")

    by_hand(body)


def test_a_buy_trail_by_percent_falls_with_the_market() -> None:
    """One percent of what is followed, rounded away from it."""

    async def body(desk: Desk) -> None:
        await desk.place(1, orderType="TRAIL", trailingPercent=1.0, trailStopPrice=102.0)
        assert (await opened(desk))[TRAIL_STOP : PERCENT + 1] == ["102.0", "1.0"]
        await desk.after(lambda: desk.show(trade=(99.99, 5)))
        assert (await opened(desk))[TRAIL_STOP] == "100.99"
        await desk.after(lambda: desk.show(trade=(100.50, 5)))
        assert (await opened(desk))[TRAIL_STOP] == "100.99"
        assert (await desk.after(lambda: desk.show(trade=(101.00, 5))))[:2] == TRIGGERED

    by_hand(body)


def test_a_trailing_limit_takes_its_limit_along() -> None:
    """From an offset, or from a limit and a stop price to begin with; both directions."""

    async def body(desk: Desk) -> None:
        desk.show(trade=(100.00, 5))
        await desk.place(1, "SELL", orderType="TRAIL LIMIT", auxPrice=0.5, lmtPriceOffset=0.05)
        await desk.place(2, orderType="TRAIL LIMIT", auxPrice=3.0, trailStopPrice=103.0, lmtPrice=103.1)
        desk.show(trade=(101.00, 5))
        sell, buy = await opened(desk), await opened(desk, 2)
        assert (sell[16], sell[TRAIL_STOP], sell[OFFSET]) == ("100.45", "100.5", "0.05")
        assert (buy[16], buy[TRAIL_STOP], buy[OFFSET]) == ("103.1", "103.0", "0.1")
        heard = await desk.after(lambda: desk.show(bid=100.40, ask=100.60, trade=(100.50, 5)))
        assert heard == TRIGGERED, "it rests at its limit, above the bid"
        assert await desk.after(lambda: desk.show(bid=100.45, ask=100.60)) == FILLED
        assert desk.client.of(11)[0][20] == "100.45"

    by_hand(body)


def test_a_trail_that_is_changed_goes_on_or_begins_anew() -> None:
    """The same distance goes on from where it is, another one begins at the market."""

    async def body(desk: Desk) -> None:
        desk.show(trade=(101.00, 5))
        trail: dict[str, Any] = {"orderType": "TRAIL", "auxPrice": 0.5}
        await desk.place(1, "SELL", **trail)
        desk.show(trade=(100.80, 5))
        assert await desk.place(1, "SELL", quantity=5, **trail) == ["5 PreSubmitted", "3 PreSubmitted 0/5"]
        assert (await opened(desk))[TRAIL_STOP] == "100.5"
        await desk.place(1, "SELL", quantity=5, orderType="TRAIL", auxPrice=1.0)
        assert (await opened(desk))[TRAIL_STOP] == "99.8"
        await desk.place(1, "SELL", quantity=5, orderType="TRAIL", auxPrice=1.0, trailStopPrice=100.0)
        assert (await opened(desk))[TRAIL_STOP] == "100.0"
        assert await desk.place(1, "SELL", quantity=5, orderType="STP", auxPrice=100.0) == ["4 329"]

    by_hand(body)


def test_a_trail_is_where_it_was_after_a_kill(tmp_path: Path) -> None:
    """What it has reached is on disk, not only what was asked for."""

    async def body(desk: Desk) -> None:
        desk.show(trade=(100.00, 5))
        await desk.place(1, "SELL", orderType="TRAIL LIMIT", auxPrice=0.5, lmtPriceOffset=0.1, tif="GTC")
        desk.show(trade=(102.00, 5))
        before = await opened(desk)
        assert before[TRAIL_STOP] == "101.5"
        await desk.restart()
        assert await opened(desk) == before
        start = len(desk.client.frames)
        await desk.after(lambda: desk.show(bid=101.40, trade=(101.50, 5)))
        assert story(desk.client.frames[start:]) == [*TRIGGERED, *FILLED]

    by_hand(body, state_path=tmp_path / "sim.db")


TRAILS = st.builds(Trail, st.sampled_from([0, 100, 5_000]), st.integers(1, 200_000), st.none())


@given(TRAILS, st.booleans(), st.lists(st.integers(10_000, 4_000_000), min_size=1, max_size=30))
def test_a_stop_never_goes_back_and_is_its_distance_from_the_best_there_was(
    trail: Trail, is_buy: bool, prices: list[int]
) -> None:
    """Within a cent, for any path of the market; following a price never triggers at it."""
    stop: int | None = None
    for price in prices:
        before, stop = stop, trail.follow(stop, is_buy, 2 * price)
        assert stop % 100 == 0
        if before is not None:
            assert stop <= before if is_buy else stop >= before
    assert stop is not None
    best = min(prices) if is_buy else max(prices)
    distance = trail.amount_e4 or best * trail.percent_e4 / 1_000_000
    assert abs(abs(stop - best) - distance) <= 100 or stop == 100


def test_touched_orders_wait_for_the_better_side() -> None:
    """A buy is triggered by a fall to its price, and then is a market or a limit order."""

    async def body(desk: Desk) -> None:
        assert await desk.place(1, orderType="MIT", auxPrice=99.90) == ACCEPTED
        await desk.place(2, "SELL", orderType="LIT", auxPrice=100.20, lmtPrice=100.30)
        assert await desk.after(lambda: desk.show(trade=(100.10, 1))) == []
        assert await desk.after(lambda: desk.show(bid=99.88, ask=99.90, trade=(99.90, 1))) == [
            *TRIGGERED,
            *FILLED,
        ]
        assert await desk.after(lambda: desk.show(bid=100.18, ask=100.22, trade=(100.20, 1))) == TRIGGERED
        assert await desk.after(lambda: desk.show(bid=100.30, ask=100.32)) == FILLED

    by_hand(body)
