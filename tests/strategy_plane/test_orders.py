"""Prices to the cent, quantities that fit, and identities that cannot be confused."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from algo_trade.clock import VIRTUAL_START_NS, utc
from algo_trade.contracts import Direction
from algo_trade.settings import load_settings
from algo_trade.strategy_plane import Decision, Purpose, StrategyLimits, intent_id
from algo_trade.strategy_plane.intents import IntentMaker, Trigger
from algo_trade.strategy_plane.sizing import (
    affordable_shares,
    exact,
    marketable_limit,
    tick_above,
    tick_below,
)

START = utc(VIRTUAL_START_NS)


@pytest.mark.parametrize(
    ("touch", "buy", "offset_bps", "limit"),
    [
        (500.00, True, 2.0, 500.10),  # exactly a tick: not one more
        (500.01, True, 2.0, 500.12),  # 500.110002 goes up
        (500.00, False, 2.0, 499.90),
        (499.99, False, 2.0, 499.89),  # 499.890002 goes down
        (0.29, True, 0.0, 0.29),  # 0.29 * 100 is 28.999999999999996
        (1.10, True, 0.0, 1.10),
        (0.5, True, 2.0, 0.5001),  # below a dollar the tick is smaller
        (0.0001, False, 100.0, 0.0001),  # never to nothing
    ],
)
def test_limits_are_rounded_away_from_the_touch(
    touch: float, buy: bool, offset_bps: float, limit: float
) -> None:
    assert marketable_limit(touch, buy=buy, offset_bps=offset_bps) == limit


@given(st.integers(100, 10_000_000), st.booleans(), st.decimals(0, 100, places=3).map(float))
def test_a_limit_is_whole_cents_and_at_least_as_marketable_as_asked(
    cents: int, buy: bool, offset_bps: float
) -> None:
    touch = cents / 100
    limit = exact(marketable_limit(touch, buy=buy, offset_bps=offset_bps))
    wanted = exact(touch) * Decimal(repr(offset_bps)) / 10_000
    moved = limit - exact(touch) if buy else exact(touch) - limit
    assert limit % Decimal("0.01") == 0
    assert wanted <= moved < wanted + Decimal("0.01") or limit == Decimal("0.01")


@given(st.integers(1, 10_000_000).map(lambda ten_thousandths: ten_thousandths / 10_000))
def test_a_price_is_rounded_to_one_that_can_be_quoted_and_not_further(price: float) -> None:
    tick = Decimal("0.01") if price >= 1 else Decimal("0.0001")
    below, above = exact(tick_below(price)), exact(tick_above(price))
    assert below % tick == above % tick == 0
    assert exact(price) - tick < below <= exact(price) <= above < exact(price) + tick


def test_no_limit_against_no_price() -> None:
    with pytest.raises(ValueError, match="touch"):
        marketable_limit(0.0, buy=True, offset_bps=2.0)


@given(st.decimals(0, 5000, places=2), st.integers(1, 200_000), st.integers(0, 20))
def test_shares_fit_the_money_and_one_more_would_not(money: Decimal, cents: int, most: int) -> None:
    shares = affordable_shares(money, cents / 100, max_shares=most)
    assert shares * Decimal(cents) / 100 <= money
    assert shares == most or (shares + 1) * Decimal(cents) / 100 > money


def test_the_identity_of_an_intent_is_its_cause() -> None:
    cause = ("s", "OFI", "SPY", "market_events", 0, 17, 0)
    assert str(intent_id(*cause)) == "f850a520-1656-5ac0-8815-f2b43fca4bce"
    others = [
        ("t", *cause[1:]),
        ("s", "X", *cause[2:]),
        ("s", "OFI", "QQQ", *cause[3:]),
        ("s", "OFI", "SPY", "ofi_events", 0, 17, 0),
        ("s", "OFI", "SPY", "market_events", 1, 17, 0),
        ("s", "OFI", "SPY", "market_events", 0, 18, 0),
        ("s", "OFI", "SPY", "market_events", 0, 17, 1),
        ("s,OFI", "SPY", "market_events", "", 0, 17, 0),
    ]
    assert len({intent_id(*cause), *(intent_id(*other) for other in others)}) == 1 + len(others)


def test_the_hash_seed_has_no_say() -> None:
    """The same sequence of quotes in processes with different hash seeds."""
    program = (
        "from tests.strategy_plane.test_behaviour import trade\n"
        "from tests.strategy_plane.test_ofi_strategy import *\n"
        "day = trade_a_day(3, QUICK, duration_s=120, broker=Broker())\n"
        "print(day.orders, day.filled_orders, day.entries, day.flat_at, day.most_exposed_usd)\n"
        "print([wish.encode() for wish in trade('bands', 3, delay=1).wishes])\n"
    )
    root = Path(__file__).parents[2]
    seen = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert seen[0] == seen[1] and len(seen[0]) > 100


def maker(max_exposure_usd: float = 1000.0) -> IntentMaker:
    return IntentMaker("s", "OFI", max_exposure_usd=max_exposure_usd)


def decision(purpose: Purpose = Purpose.ENTRY, *, quantity: int = 2) -> Decision:
    return Decision("SPY", Direction.SELL, quantity, purpose, mid=100.0, limit_price=99.5)


TRIGGER = Trigger("market_events", 0, 17, START)


def test_an_intent_says_when_why_and_for_how_long() -> None:
    (made,) = maker().make(decision(), TRIGGER, ordinal=0, sequence_number=4, position=0)
    assert made.valid_until - made.timestamp == timedelta(seconds=5) and made.timestamp == START
    assert (made.target_weight, made.current_weight, made.decision_mid) == (-0.199, 0.0, 100.0)
    assert made.metadata is not None
    assert (made.metadata.causation_id, made.metadata.sequence_number) == ("market_events/0/17", 4)


def test_exits_are_told_by_a_target_of_nothing_and_entries_never_have_it() -> None:
    (leave,) = maker().make(decision(Purpose.EXIT), TRIGGER, ordinal=0, sequence_number=0, position=2)
    assert leave.target_weight == 0.0 and leave.current_weight == 0.2
    (tiny,) = maker(1e12).make(decision(), TRIGGER, ordinal=0, sequence_number=0, position=0)
    (none,) = maker(0.0).make(decision(), TRIGGER, ordinal=0, sequence_number=0, position=0)
    assert tiny.target_weight == none.target_weight == -1e-6


def test_an_impossible_order_is_refused_when_made() -> None:
    with pytest.raises(ValidationError):
        maker().make(decision(quantity=0), TRIGGER, ordinal=0, sequence_number=0, position=0)


def test_limits_come_from_the_settings_and_one_that_is_not_set_is_none_at_all(tmp_path: Path) -> None:
    settings = load_settings("dev", env={"ALGOTRADE_DATA_DIR": str(tmp_path)})
    limits = StrategyLimits.from_settings(settings, ("SPY",))
    assert limits == StrategyLimits(("SPY",), 10, Decimal(1000))
    unset = settings.model_copy(
        update={"risk": settings.risk.model_copy(update={"max_net_usd": None, "max_order_shares": None})}
    )
    assert StrategyLimits.from_settings(unset, ("SPY",)) == StrategyLimits(("SPY",), 0, Decimal(0))
