"""Every pre-trade check: lets through what it should, refuses what it should, and refuses when it cannot know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.order_plane.make import NOW, intent

from algo_trade.clock import VIRTUAL_START_NS
from algo_trade.contracts import OrderIntent
from algo_trade.ibkr.instruments import Instrument
from algo_trade.portfolio import MICROS
from algo_trade.risk import Approved, Exposure, Limits, Mark, PreTradeCheck, Refused, Reservation

LIMITS = Limits(
    allocated_capital_micros=10_000 * MICROS,
    max_position_shares=10,
    max_order_shares=10,
    max_gross_micros=1000 * MICROS,
    max_net_micros=1000 * MICROS,
    price_collar_pct=1.0,
    max_data_age_ns=2_000_000_000,
    stop_pnl_micros=-100 * MICROS,
    stop_drawdown_pct=5.0,
)
SPY = Instrument(756733, "SPY", "ARCA", "USD", 0.01, "SPDR", "US/Eastern", ())
FLAT = Exposure({}, [], {})
FRESH = Mark("SPY", 99_990_000, 100_010_000, VIRTUAL_START_NS)


def check(
    wish: OrderIntent,
    *,
    limits: Limits = LIMITS,
    mark: Mark | None = FRESH,
    exposure: Exposure = FLAT,
    instrument: Instrument | None = SPY,
    reduce_only: bool = False,
) -> Approved | Refused:
    checks = PreTradeCheck(limits, "DSIM001")
    return checks.check(wish, instrument, mark, exposure, VIRTUAL_START_NS, reduce_only=reduce_only)


def reasons(verdict: Approved | Refused) -> str:
    return "; ".join(verdict.reasons) if isinstance(verdict, Refused) else ""


def test_a_good_order_is_approved_in_the_brokers_words() -> None:
    verdict = check(intent())
    assert isinstance(verdict, Approved)
    order = verdict.order
    assert (order.order_type, order.tif, order.side, order.quantity, order.limit_price) == (
        "LMT",
        "IOC",
        "BUY",
        2,
        100.0,
    )
    assert (order.account, order.con_id, order.order_ref) == ("DSIM001", 756733, str(intent().intent_id))
    assert verdict.reservation == Reservation("SPY", 2, 100 * MICROS)


@pytest.mark.parametrize(
    ("verdict", "control"),
    [
        (
            check(
                intent(quantity=11, limit_price=1.0), mark=Mark("SPY", 990_000, 1_010_000, VIRTUAL_START_NS)
            ),
            "PT-01",
        ),
        (check(intent(quantity=10, limit_price=100.5)), "PT-05"),
        (check(intent(limit_price=101.2)), "PT-03"),
        (check(intent(limit_price=98.8)), "PT-03"),
        (check(intent(), mark=None), "PT-12"),
        (check(intent(), mark=replace(FRESH, arrival_ns=VIRTUAL_START_NS - 2_000_000_001)), "PT-12"),
        (check(intent(), instrument=None), "PT-11"),
        (check(intent(quantity=6), exposure=Exposure({"SPY": 5}, [], {"SPY": MICROS})), "PT-04"),
        (check(intent(quantity=6), exposure=Exposure({}, [Reservation("SPY", 5, MICROS)], {})), "PT-04"),
        (check(intent(quantity=5), exposure=Exposure({"QQQ": 5}, [], {"QQQ": 101 * MICROS})), "PT-05"),
        (check(intent(quantity=5), exposure=Exposure({"QQQ": 5}, [], {})), "PT-05"),
    ],
)
def test_each_limit_refuses_with_its_id(verdict: Approved | Refused, control: str) -> None:
    assert control in reasons(verdict)


@pytest.mark.parametrize(
    "limit",
    [
        "max_position_shares",
        "max_order_shares",
        "max_gross_micros",
        "max_net_micros",
        "price_collar_pct",
        "max_data_age_ns",
    ],
)
def test_a_limit_that_is_not_set_refuses(limit: str) -> None:
    unset: dict[str, Any] = {limit: None}
    assert "is set" in reasons(check(intent(), limits=replace(LIMITS, **unset)))


def test_every_reason_is_told_at_once() -> None:
    told = reasons(check(intent(quantity=11, limit_price=120.0)))
    assert all(control in told for control in ("PT-01", "PT-03", "PT-04", "PT-05"))


def test_an_order_that_makes_a_position_smaller_passes_a_broken_limit() -> None:
    """Positions grow past a limit by themselves when prices move; getting out must stay possible."""
    over = Exposure({"SPY": 10}, [], {"SPY": 150 * MICROS})
    assert isinstance(check(intent(direction="SELL", quantity=10), exposure=over), Approved)


def test_a_flatten_order_never_crosses_zero() -> None:
    held = Exposure({"SPY": 2}, [], {"SPY": 100 * MICROS})
    assert isinstance(
        check(intent(direction="SELL", quantity=2, limit_price=None), exposure=held, reduce_only=True),
        Approved,
    )
    told = reasons(
        check(intent(direction="SELL", quantity=5, limit_price=None), exposure=held, reduce_only=True)
    )
    assert "KS-02" in told


@given(
    held=st.integers(-10, 10),
    working=st.lists(st.integers(-5, 5).filter(bool), max_size=3),
    quantity=st.integers(1, 10),
    buy=st.booleans(),
)
def test_no_approved_flatten_order_can_cross_zero(
    held: int, working: list[int], quantity: int, buy: bool
) -> None:
    """Whatever else is working and fills first. A largest extreme that does not grow is not enough: 5 held, 10 sold."""
    exposure = Exposure(
        {"SPY": held}, [Reservation("SPY", one, 100 * MICROS) for one in working], {"SPY": 100 * MICROS}
    )
    wish = intent(direction="BUY" if buy else "SELL", quantity=quantity, limit_price=None)
    if isinstance(check(wish, exposure=exposure, reduce_only=True), Approved):
        signed = quantity if buy else -quantity
        against = sum(one for one in working if one * signed > 0)
        assert held * signed < 0
        assert (held + against + signed) * held >= 0


def test_what_is_held_can_be_let_go_of_without_a_limit_on_order_size() -> None:
    held = Exposure({"SPY": 2}, [], {"SPY": 100 * MICROS})
    wish = intent(direction="SELL", quantity=2, limit_price=None)
    unlimited = replace(LIMITS, max_order_shares=None)
    assert isinstance(check(wish, exposure=held, limits=unlimited, reduce_only=True), Approved)
    assert "PT-01" in reasons(check(wish, exposure=held, limits=unlimited))


def test_a_flatten_order_leaves_on_an_old_quote() -> None:
    held = Exposure({"SPY": 2}, [], {"SPY": 100 * MICROS})
    wish = intent(direction="SELL", quantity=2, limit_price=None)
    assert isinstance(check(wish, exposure=held, reduce_only=True, mark=None), Approved)


@given(
    held=st.integers(-10, 10),
    working=st.lists(st.integers(-5, 5).filter(bool), max_size=4),
    quantity=st.integers(1, 10),
    buy=st.booleans(),
)
def test_no_approved_order_can_end_beyond_the_limits(
    held: int, working: list[int], quantity: int, buy: bool
) -> None:
    """Whatever subset of working orders fills: if the limits held before, they hold after an approval."""
    exposure = Exposure(
        {"SPY": held}, [Reservation("SPY", one, 100 * MICROS) for one in working], {"SPY": 100 * MICROS}
    )
    side = "BUY" if buy else "SELL"
    verdict = check(intent(direction=side, quantity=quantity), exposure=exposure)
    if isinstance(verdict, Approved):
        signed = quantity if buy else -quantity
        before = max(
            abs(held + sum(w for w in working if w > 0)), abs(held + sum(w for w in working if w < 0))
        )
        for way in (1, -1):
            end = held + sum(one for one in [*working, signed] if one * way > 0)
            assert abs(end) <= max(10, before)


def test_validity_is_not_the_risk_checks_business() -> None:
    assert isinstance(check(intent(valid_s=-1)), Approved)
    assert intent(valid_s=-1).valid_until < NOW + timedelta(0)
