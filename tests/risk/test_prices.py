"""Prices: what an order is valued at, and which are too far away or on the wrong side."""

from __future__ import annotations

from typing import Any

import pytest
from tests.order_plane.make import intent

from algo_trade.clock import VIRTUAL_START_NS
from algo_trade.portfolio import MICROS
from algo_trade.risk import Mark, Terms
from algo_trade.risk.prices import Market, collar_objections, share_price_micros

MARK = Mark("SPY", 99_990_000, 100_010_000, VIRTUAL_START_NS)


def objections(side: str, *, limit: float | None = None, stop: float | None = None, **more: Any) -> str:
    """Against a mid of 100 and a collar of 1 %."""
    entry = more.pop("entry", None)
    market = Market.of(MARK) if entry is None else Market.after(entry, MARK)
    found = collar_objections(
        intent(direction=side),
        Terms(2, limit, stop),
        market,
        1.0,
        is_exit=more.pop("is_exit", entry is not None),
    )
    return "; ".join(found)


@pytest.mark.parametrize(
    ("side", "limit", "stop", "price"),
    [
        ("BUY", 99.0, None, 99.0),
        ("SELL", 101.0, None, 101.0),
        ("BUY", 101.5, 101.0, 101.5),  # a stop limit order costs its limit
        ("BUY", None, 102.0, 103.02),  # a buy stop may fill above its stop: the collar on top
        ("SELL", None, 98.0, 98.0),
        ("BUY", None, None, 101.0101),  # at market: the ask and the collar
    ],
)
def test_an_order_is_valued_at_the_most_a_share_may_cost(
    side: str, limit: float | None, stop: float | None, price: float
) -> None:
    wish = intent(direction=side)
    assert share_price_micros(wish, Terms(2, limit, stop), MARK, 1.0) == round(price * MICROS)


def test_nobody_can_say_what_a_market_order_costs_without_a_quote() -> None:
    assert share_price_micros(intent(), Terms(2, None, None), None, 1.0) is None
    assert share_price_micros(intent(), Terms(2, None, 102.0), None, None) is None
    assert share_price_micros(intent(), Terms(2, None, 102.0), None, 1.0) == 103_020_000


@pytest.mark.parametrize(
    ("side", "prices", "why"),
    [
        ("BUY", {"limit": 101.0}, ""),
        ("BUY", {"limit": 98.9}, "limit 98.9 is 1.10 % from the mid, at most 1 %"),
        ("BUY", {"stop": 104.9}, ""),
        ("BUY", {"stop": 105.1}, "stop 105.1 is 5.10 % from the mid, at most 5 %"),
        ("BUY", {"stop": 100.01}, "would trigger at once"),
        ("SELL", {"stop": 99.98}, ""),
        ("SELL", {"stop": 99.99}, "would trigger at once"),
        ("SELL", {"stop": 10.0}, "stop 10.0 is 90.00 %"),  # a slipped decimal point
        ("BUY", {"stop": 104.0, "limit": 104.9}, ""),
        ("BUY", {"stop": 104.0, "limit": 105.1}, "limit 105.1 is 1.06 % from its stop, at most 1 %"),
    ],
)
def test_a_price_keeps_within_its_collar_and_a_stop_beyond_the_market(
    side: str, prices: dict[str, float], why: str
) -> None:
    found = objections(side, **prices)
    assert (why in found) if why else found == ""


@pytest.mark.parametrize(
    ("prices", "why"),
    [
        ({"limit": 94.4}, ""),  # the market has to come to it: five collars from the entry's 90
        ({"limit": 94.6}, "limit 94.6 is 5.11 % from its entry's price, at most 5 %"),
        ({"limit": 89.2}, ""),  # it would sell at once when the entry fills: one collar
        ({"limit": 89.0}, "limit 89.0 is 1.11 % from its entry's price, at most 1 %"),
        ({"stop": 88.0}, ""),
        ({"stop": 91.0}, "would trigger at once"),
    ],
)
def test_an_exit_is_measured_from_where_its_entry_fills(prices: dict[str, float], why: str) -> None:
    found = objections("SELL", entry=Terms(2, 90.0, None), **prices)
    assert (why in found) if why else found == ""


def test_once_its_entry_has_filled_an_exit_is_measured_from_the_market() -> None:
    assert objections("SELL", limit=104.9, is_exit=True) == ""
    assert "1.10 %" in objections("SELL", limit=98.9, is_exit=True)
    assert "5.10 %" in objections("SELL", limit=105.1, is_exit=True)


def test_a_market_entry_fills_where_the_market_is() -> None:
    assert Market.after(Terms(2, None, None), MARK) == Market.of(MARK)
    assert Market.after(Terms(2, None, 101.0), MARK).mid_micros == 101_000_000
