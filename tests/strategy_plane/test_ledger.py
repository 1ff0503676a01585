"""Folding intents and reports: cumulative, idempotent, and the same in every order a restart may read them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategy_plane.kit import SESSION, report

from algo_trade.clock import VIRTUAL_START_NS, utc
from algo_trade.contracts import (
    AmendmentAction,
    Direction,
    ExecutionReport,
    ExecutionStatus,
    OrderAmendment,
    OrderIntent,
    OrderType,
)
from algo_trade.strategy_plane import Purpose, amendment_id, intent_id
from algo_trade.strategy_plane.ledger import Ledger, UnattributableReport

START = utc(VIRTUAL_START_NS)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def intent(
    number: int,
    *,
    sells: bool = False,
    exit_: bool = False,
    symbol: str = "SPY",
    quantity: int = 3,
    **more: Any,
) -> OrderIntent:
    fields: dict[str, Any] = {
        "intent_id": intent_id(SESSION, "OFI", symbol, "market_events", 0, number, 0),
        "session_id": SESSION,
        "symbol": symbol,
        "direction": Direction.SELL if sells else Direction.BUY,
        "quantity": quantity,
        "order_type": OrderType.LIMIT,
        "timestamp": at(number),
        "valid_until": at(number + 5),
        "strategy_id": "OFI",
        "limit_price": 100.5,
        "target_weight": 0.0 if exit_ else 0.3,
    }
    return OrderIntent(**(fields | more))


def bracket(number: int, *, sells: bool = False, symbol: str = "SPY", exits: int = 2) -> list[OrderIntent]:
    """An entry and its attached exits: a take profit, and a stop."""
    entry = intent(number, sells=sells, symbol=symbol, attached_exits=exits or None)
    family = [entry]
    for child in range(exits):
        stops = child == 1
        family.append(
            intent(
                number,
                sells=not sells,
                exit_=True,
                symbol=symbol,
                intent_id=intent_id(SESSION, "OFI", symbol, "market_events", 0, number, child + 1),
                parent_intent_id=entry.intent_id,
                order_type=OrderType.STOP if stops else OrderType.LIMIT,
                limit_price=None if stops else 101.0,
                stop_price=99.0 if stops else None,
            )
        )
    return family


def amendment(order: OrderIntent, number: int, **terms: Any) -> OrderAmendment:
    """A REPLACE where there are new terms, else a CANCEL."""
    return OrderAmendment(
        amendment_id=amendment_id(SESSION, "OFI", order.symbol, "market_events", 0, number, 0),
        intent_id=order.intent_id,
        session_id=SESSION,
        symbol=order.symbol,
        strategy_id="OFI",
        action=AmendmentAction.REPLACE if terms else AmendmentAction.CANCEL,
        timestamp=at(number),
        valid_until=at(number + 5),
        **terms,
    )


def state_of(ledger: Ledger) -> tuple[object, ...]:
    """Everything a strategy can read."""
    symbols = ("SPY", "QQQ")
    return (
        ledger.positions,
        ledger.flat,
        ledger.orders,
        ledger.messages,
        [(state.at, state.filled, state.quantity, state.price) for state in ledger.entries()],
        [
            (
                ledger.position(s),
                ledger.held_since(s),
                ledger.unresolved(s),
                sorted(ledger.working(s), key=lambda order: order.intent_id),
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
    assert ledger.unresolved("SPY") and not ledger.unresolved("QQQ")
    assert ledger.open_entry_usd("SPY") == Decimal("301.5")
    ledger.fold(report(entry, 0, ExecutionStatus.ACKNOWLEDGED, 0, at(1)))
    ledger.fold(report(entry, 1, ExecutionStatus.PARTIAL_FILL, 1, at(2)))
    assert ledger.position("SPY") == 1 and ledger.open_entry_usd("SPY") == Decimal("201.0")
    ledger.fold(report(entry, 2, ExecutionStatus.FILLED, 3, at(3)))
    assert ledger.positions == {"SPY": 3} and not ledger.unresolved("SPY")
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
    assert (ledger.messages, ledger.orders, ledger.flat) == (2, 1, True)


def test_a_report_of_nobodys_intent_must_say_its_direction() -> None:
    ledger, stop = Ledger(), intent(0, sells=True)
    told = report(stop, 0, ExecutionStatus.FILLED, 3, at(1))
    assert ledger.fold(told) and ledger.positions == {"SPY": -3}
    with pytest.raises(UnattributableReport):
        Ledger().fold(told.model_copy(update={"direction": None}))


def test_attached_exits_are_exits_of_their_entry_and_nobody_asked_for_them_yet() -> None:
    ledger = Ledger()
    entry, profit, stop = family = bracket(0)
    for each in family:
        ledger.add_intent(each)
    assert ledger.open_entry_usd("SPY") == Decimal("301.5")  # the exits reserve nothing
    assert [(o.purpose, o.parent_intent_id) for o in ledger.working("SPY")] == [
        (Purpose.ENTRY, None),
        (Purpose.EXIT, entry.intent_id),
        (Purpose.EXIT, entry.intent_id),
    ]
    ledger.fold(report(entry, 0, ExecutionStatus.FILLED, 3, at(1)))
    assert ledger.unresolved("SPY") and not ledger.exiting("SPY")
    assert [o.intent_id for o in ledger.working("SPY")] == [profit.intent_id, stop.intent_id]
    ledger.fold(report(profit, 0, ExecutionStatus.FILLED, 3, at(2)))
    assert ledger.positions == {} and ledger.unresolved("SPY")  # until the other one is gone
    ledger.fold(report(stop, 0, ExecutionStatus.CANCELED, 0, at(3)))
    assert ledger.flat and ledger.failed_exits("SPY") == 0 and len(ledger.entries()) == 1


def test_an_amendment_is_pending_until_it_is_answered_and_reserves_the_dearer_terms() -> None:
    ledger, entry = Ledger(), intent(0)
    ledger.add_intent(entry)
    ledger.fold(report(entry, 0, ExecutionStatus.ACKNOWLEDGED, 0, at(1)))
    up = amendment(entry, 2, limit_price=101.5)
    ledger.add_amendment(up)
    ledger.add_amendment(up)
    (order,) = ledger.working("SPY")
    assert order.amending and order.limit_price == 100.5 and ledger.messages == 2
    assert ledger.open_entry_usd("SPY") == Decimal("304.5")
    ledger.fold(
        report(
            entry, 1, ExecutionStatus.ACKNOWLEDGED, 0, at(3), limit_price=101.5, amendment_id=up.amendment_id
        )
    )
    (order,) = ledger.working("SPY")
    assert not order.amending and order.limit_price == 101.5 and ledger.last_price("SPY") == Decimal("101.5")
    down = amendment(entry, 4, quantity=1)
    ledger.add_amendment(down)
    assert ledger.open_entry_usd("SPY") == Decimal("304.5")  # the old terms may still fill
    ledger.fold(report(entry, 2, ExecutionStatus.ACKNOWLEDGED, 0, at(5), limit_price=101.5))
    assert ledger.working("SPY")[0].amending  # news of the order, not of the amendment
    refused: dict[str, Any] = {"amendment_id": down.amendment_id, "error_message": "no", "limit_price": 101.5}
    ledger.fold(report(entry, 3, ExecutionStatus.ACKNOWLEDGED, 0, at(6), **refused))
    (order,) = ledger.working("SPY")
    assert not order.amending and order.quantity == 3


def test_the_end_of_an_order_answers_its_amendments() -> None:
    ledger, entry = Ledger(), intent(0)
    ledger.add_intent(entry)
    ledger.add_amendment(amendment(entry, 1))
    ledger.fold(report(entry, 0, ExecutionStatus.FILLED, 3, at(2)))
    ledger.add_amendment(amendment(entry, 3))  # decided before the fill was known
    assert not ledger.working("SPY") and ledger.open_entry_usd("SPY") == 0


Op = tuple[Any, ...]
ops: st.SearchStrategy[list[Op]] = st.lists(
    st.one_of(
        st.tuples(
            st.just("intent"),
            st.sampled_from(["SPY", "QQQ"]),
            st.booleans(),
            st.booleans(),
            st.integers(0, 2),
        ),
        st.tuples(
            st.just("amend"), st.integers(0, 9), st.sampled_from([None, 2, 5]), st.sampled_from([None, 99.5])
        ),
        st.tuples(
            st.just("report"),
            st.integers(0, 9),
            st.sampled_from(list(ExecutionStatus)),
            st.integers(0, 3),
            st.booleans(),  # answers the oldest amendment without an answer
        ),
    ),
    max_size=30,
)


@given(ops)
@settings(deadline=None)
def test_refolding_gives_what_living_through_it_gave(life: list[Op]) -> None:
    """Everything of order_intents first, then reports, each of them twice: what a restart reads."""
    lived, wishes, reports = Ledger(), list[OrderIntent | OrderAmendment](), list[ExecutionReport]()
    orders: list[OrderIntent] = []
    asked: dict[UUID, list[OrderAmendment]] = {}
    for number, (kind, *what) in enumerate(life):
        if kind == "intent":
            symbol, sells, exit_, exits = what
            family = [intent(number, sells=sells, exit_=True, symbol=symbol)]
            if not exit_:
                family = bracket(number, sells=sells, symbol=symbol, exits=exits)
            for each in family:
                lived.add_intent(each)
            orders += family
            wishes += family
        elif orders and kind == "amend":
            order = orders[what[0] % len(orders)]
            terms = {"quantity": what[1], "limit_price": what[2] if order.limit_price else None}
            change = amendment(
                order, number, **{name: term for name, term in terms.items() if term is not None}
            )
            lived.add_amendment(change)
            asked.setdefault(order.intent_id, []).append(change)
            wishes.append(change)
        elif orders:
            order, told = orders[what[0] % len(orders)], len(reports)
            waiting = asked.get(order.intent_id, [])
            answer = waiting.pop(0) if what[3] and waiting else None
            news = report(
                order, told, what[1], what[2], at(number), amendment_id=answer and answer.amendment_id
            )
            reports.append(news)
            lived.fold(news)
    again = Ledger()
    for wish in wishes:
        if isinstance(wish, OrderIntent):
            again.add_intent(wish)
        else:
            again.add_amendment(wish)
    for news in reports:
        again.fold(news)
        again.fold(news)
    assert state_of(again) == state_of(lived)
    assert lived.flat == (not lived.positions and not lived.unresolved("SPY") and not lived.unresolved("QQQ"))
