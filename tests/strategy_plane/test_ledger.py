"""Folding intents and reports: cumulative, idempotent, and the same in every order a restart may read them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategy_plane.kit import SESSION, report

from algo_trade.clock import VIRTUAL_START_NS, utc
from algo_trade.contracts import Direction, ExecutionReport, ExecutionStatus, OrderIntent, OrderType
from algo_trade.strategy_plane.intents import intent_id
from algo_trade.strategy_plane.ledger import Ledger, UnattributableReport

START = utc(VIRTUAL_START_NS)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def intent(
    number: int, *, sells: bool = False, exit_: bool = False, symbol: str = "SPY", quantity: int = 3
) -> OrderIntent:
    return OrderIntent(
        intent_id=intent_id(SESSION, "OFI", symbol, "market_events", 0, number, 0),
        session_id=SESSION,
        symbol=symbol,
        direction=Direction.SELL if sells else Direction.BUY,
        quantity=quantity,
        order_type=OrderType.LIMIT,
        timestamp=at(number),
        valid_until=at(number + 5),
        strategy_id="OFI",
        limit_price=100.5,
        target_weight=0.0 if exit_ else 0.3,
    )


def state_of(ledger: Ledger) -> tuple[object, ...]:
    """Everything a strategy can read."""
    symbols = ("SPY", "QQQ")
    return (
        ledger.positions,
        ledger.flat,
        ledger.orders,
        sorted(ledger.unresolved_symbols()),
        [(state.at, state.filled) for state in ledger.entries()],
        [
            (
                ledger.position(s),
                ledger.held_since(s),
                ledger.unresolved(s),
                ledger.resolved_at(s),
                ledger.exiting(s),
                ledger.failed_exits(s),
                ledger.open_entry_usd(s),
                ledger.last_price(s),
            )
            for s in symbols
        ],
    )


def test_a_life_of_an_order() -> None:
    ledger, entry = Ledger(), intent(0)
    ledger.add_intent(entry)
    assert ledger.unresolved_symbols() == ["SPY"]
    assert ledger.open_entry_usd("SPY") == Decimal("301.5")
    ledger.fold(report(entry, 0, ExecutionStatus.ACKNOWLEDGED, 0, at(1)))
    ledger.fold(report(entry, 1, ExecutionStatus.PARTIAL_FILL, 1, at(2)))
    assert ledger.position("SPY") == 1 and ledger.open_entry_usd("SPY") == Decimal("201.0")
    ledger.fold(report(entry, 2, ExecutionStatus.FILLED, 3, at(3)))
    assert ledger.positions == {"SPY": 3} and ledger.unresolved_symbols() == []
    assert ledger.held_since("SPY") == at(2) and ledger.resolved_at("SPY") == at(3)
    leave = intent(4, sells=True, exit_=True)
    ledger.add_intent(leave)
    assert ledger.exiting("SPY")
    ledger.fold(report(leave, 0, ExecutionStatus.FILLED, 3, at(5)))
    assert ledger.flat and ledger.held_since("SPY") is None and not ledger.exiting("SPY")


def test_a_report_told_twice_or_late_changes_nothing() -> None:
    ledger, entry = Ledger(), intent(0)
    ledger.add_intent(entry)
    ledger.add_intent(entry)
    done = report(entry, 1, ExecutionStatus.FILLED, 3, at(3))
    assert ledger.fold(done)
    before = state_of(ledger)
    assert not ledger.fold(done)
    assert not ledger.fold(report(entry, 0, ExecutionStatus.ACKNOWLEDGED, 0, at(1)))
    assert state_of(ledger) == before


def test_a_fill_after_the_end_moves_the_position_all_the_same() -> None:
    ledger, entry = Ledger(), intent(0)
    ledger.add_intent(entry)
    ledger.fold(report(entry, 0, ExecutionStatus.CANCELED, 0, at(1)))
    assert ledger.flat and not ledger.entries()
    ledger.fold(report(entry, 1, ExecutionStatus.CANCELED, 2, at(2)))
    assert ledger.positions == {"SPY": 2} and len(ledger.entries()) == 1


def test_a_busted_trade_takes_the_shares_back() -> None:
    ledger, entry = Ledger(), intent(0)
    ledger.add_intent(entry)
    ledger.fold(report(entry, 0, ExecutionStatus.FILLED, 3, at(1)))
    ledger.fold(report(entry, 1, ExecutionStatus.FILLED, 2, at(2)))
    assert ledger.positions == {"SPY": 2}


def test_unknown_is_no_end_and_no_fill_said_is_not_none_filled() -> None:
    ledger, entry = Ledger(), intent(0)
    ledger.add_intent(entry)
    ledger.fold(report(entry, 0, ExecutionStatus.PARTIAL_FILL, 1, at(1)))
    silent = report(entry, 1, ExecutionStatus.UNKNOWN, 0, at(2)).model_copy(update={"filled_quantity": None})
    ledger.fold(silent)
    assert ledger.positions == {"SPY": 1} and ledger.unresolved("SPY")


def test_an_exit_without_a_share_counts_as_failed_until_one_comes() -> None:
    ledger = Ledger()
    entry, first, second = intent(0), intent(1, sells=True, exit_=True), intent(2, sells=True, exit_=True)
    for each, filled in ((entry, 3), (first, 0), (second, 0)):
        ledger.add_intent(each)
        ledger.fold(report(each, 0, ExecutionStatus.CANCELED, filled, at(5)))
    assert ledger.failed_exits("SPY") == 2
    third = intent(3, sells=True, exit_=True)
    ledger.add_intent(third)
    ledger.fold(report(third, 0, ExecutionStatus.CANCELED, 1, at(9)))
    assert ledger.failed_exits("SPY") == 0 and ledger.exiting("SPY")


def test_refused_by_ourselves_is_no_order_and_refused_by_the_broker_is_one() -> None:
    ledger = Ledger()
    for number, order_id in enumerate(("", "12")):
        each = intent(number)
        ledger.add_intent(each)
        ledger.fold(report(each, 0, ExecutionStatus.REJECTED, 0, at(5), order_id=order_id))
    assert (ledger.intents, ledger.orders, ledger.flat) == (2, 1, True)


def test_a_report_of_nobodys_intent_must_say_its_direction() -> None:
    ledger, stop = Ledger(), intent(0, sells=True)
    told = report(stop, 0, ExecutionStatus.FILLED, 3, at(1))
    assert ledger.fold(told) and ledger.positions == {"SPY": -3}
    with pytest.raises(UnattributableReport):
        Ledger().fold(told.model_copy(update={"direction": None}))


steps = st.lists(
    st.tuples(
        st.sampled_from(["SPY", "QQQ"]),
        st.booleans(),  # sells
        st.booleans(),  # exit
        st.lists(
            st.tuples(st.sampled_from(list(ExecutionStatus)), st.integers(0, 3)), min_size=0, max_size=4
        ),
    ),
    max_size=8,
)


@given(steps)
@settings(deadline=None)
def test_refolding_gives_what_living_through_it_gave(
    life: list[tuple[str, bool, bool, list[tuple[ExecutionStatus, int]]]],
) -> None:
    """Intents first, then reports, some of them twice: what a restart reads."""
    lived, intents, reports = Ledger(), [], list[ExecutionReport]()
    for number, (symbol, sells, exit_, news) in enumerate(life):
        each = intent(number, sells=sells, exit_=exit_, symbol=symbol)
        intents.append(each)
        lived.add_intent(each)
        for sequence, (status, filled) in enumerate(news):
            told = report(each, sequence, status, filled, at(number + sequence / 10))
            reports.append(told)
            lived.fold(told)
    again = Ledger()
    for each in intents:
        again.add_intent(each)
    for told in reports:
        again.fold(told)
        again.fold(told)
    assert state_of(again) == state_of(lived)
