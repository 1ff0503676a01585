"""What the broker says, in every order it may say it: the books end the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.order_plane.make import intent

from algo_trade.clock import VIRTUAL_START_NS, Clock, run_virtual
from algo_trade.contracts import ExecutionReport, ExecutionStatus
from algo_trade.ibkr.events import (
    CommissionReport,
    CompletedOrder,
    Execution,
    GatewayMessage,
    OpenOrder,
    OrderStatus,
)
from algo_trade.order_plane.broker_events import BrokerEvents
from algo_trade.order_plane.journal import Journal
from algo_trade.order_plane.ledger import Ledger
from algo_trade.order_plane.lifecycle import OrderState, Trigger
from algo_trade.order_plane.order import Order, OrderKind

ORDER_ID, PERM_ID, CLIENT = 7, 4711, 1
REF = str(intent().intent_id)

Event = OpenOrder | OrderStatus | Execution | CommissionReport | GatewayMessage | CompletedOrder


def status(word: str, filled: int = 0, *, why_held: str = "") -> OrderStatus:
    return OrderStatus(ORDER_ID, word, filled, 2 - filled, 100.0, PERM_ID, 0, 100.0, CLIENT, why_held, 20)


def open_order(word: str) -> OpenOrder:
    return OpenOrder(
        ORDER_ID,
        CLIENT,
        PERM_ID,
        756733,
        "SPY",
        "BUY",
        2,
        "LMT",
        100.0,
        None,
        "IOC",
        "DSIM001",
        REF,
        0,
        False,
        word,
        "",
        20,
    )


def execution(name: str, shares: int, cumulative: int, *, ref: str = REF) -> Execution:
    return Execution(
        -1, ORDER_ID, CLIENT, PERM_ID, 756733, "SPY", name, None, "", "DSIM001", "SMART", "BUY", shares, 100.01,
        cumulative, 100.01, ref, 30,
    )  # fmt: skip


def commission(name: str) -> CommissionReport:
    return CommissionReport(name, 1.0, "USD", None, 40)


def message(code: int) -> GatewayMessage:
    return GatewayMessage(ORDER_ID, code, "said the gateway", "", 25)


def completed(word: str, filled: int) -> CompletedOrder:
    return CompletedOrder(
        PERM_ID, 756733, "SPY", "BUY", 2, "LMT", 100.0, "DSIM001", REF, word, filled, "", "", 50
    )


class Desk:
    """A ledger with one order that has just been sent, and everything it reported since."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.reports: list[ExecutionReport] = []
        self.alarms: list[str] = []
        self.journal = Journal(path, "DSIM001")
        self.ledger = Ledger(self.journal, clock, "DSIM001", "session-1", self.reports.append)
        self.events = BrokerEvents(self.ledger, CLIENT, self._notify)
        if not self.ledger.known(intent().intent_id):
            sent = Order.accept(intent(), OrderKind.STRATEGY, VIRTUAL_START_NS)
            sent.price_micros = 100_000_000
            sent.order_id, sent.sent_ns = ORDER_ID, VIRTUAL_START_NS
            sent.apply(Trigger.SEND)
            self.ledger.commit(sent)

    @property
    def order(self) -> Order:
        found = self.ledger.find(order_ref=REF)
        assert found is not None
        return found

    def _notify(self, kind: object, text: str, **_: Any) -> None:
        self.alarms.append(text)

    def hear(self, *events: Event) -> None:
        handlers: dict[type, Callable[[Any], None]] = {
            OpenOrder: self.events.on_open_order,
            OrderStatus: self.events.on_status,
            Execution: self.events.on_execution,
            CommissionReport: self.events.on_commission,
            GatewayMessage: self.events.on_message,
            CompletedOrder: self.events.on_completed,
        }
        for event in events:
            handlers[type(event)](event)

    @property
    def told(self) -> list[ExecutionStatus]:
        return [report.status for report in self.reports]


def state(desk: Desk) -> OrderState:
    return desk.order.state


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    def make(clock: Clock) -> Desk:
        return Desk(tmp_path / "j.db", clock)

    async def main(clock: Clock) -> Desk:
        return make(clock)

    made = run_virtual(main)
    yield made
    made.journal.close()


FILLED_ONCE: list[Event] = [
    open_order("PreSubmitted"),
    status("PreSubmitted"),
    execution("e1.01", 2, 2),
    open_order("Filled"),
    status("Filled", 2),
    commission("e1.01"),
]


def test_the_sequence_of_a_live_market_order(desk: Desk) -> None:
    """Reports: sent, presubmitted, filled, and once more when the commission is known."""
    desk.hear(*FILLED_ONCE)
    assert desk.told == ["SUBMITTED", "SUBMITTED", "FILLED", "FILLED"]
    assert desk.reports[-1].commission == 1.0
    assert [report.sequence for report in desk.reports] == [0, 1, 2, 3]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.permutations(FILLED_ONCE * 2))
def test_any_order_and_any_repetition_end_the_same(
    tmp_path_factory: pytest.TempPathFactory, events: list[Event]
) -> None:
    """Messages repeat and overtake each other; two shares were bought for one dollar's commission."""

    async def main(clock: Clock) -> Desk:
        made = Desk(tmp_path_factory.mktemp("journal") / "j.db", clock)
        made.hear(*events)
        return made

    made = run_virtual(main)
    made.journal.close()
    assert state(made) is OrderState.FILLED
    assert made.ledger.account_positions() == {"SPY": 2}
    assert made.ledger.portfolio.commission_micros == 1_000_000
    assert made.alarms == []


def test_filled_is_not_believed_before_the_execution(desk: Desk) -> None:
    desk.hear(status("Filled", 2))
    assert state(desk) is OrderState.WORKING
    assert desk.order.ending is Trigger.ALL
    desk.hear(execution("e1.01", 2, 2))
    assert state(desk) is OrderState.FILLED


def test_cancelled_waits_for_the_part_that_filled(desk: Desk) -> None:
    desk.hear(status("Cancelled", 1))
    assert desk.order.unresolved
    desk.hear(execution("e1.01", 1, 1))
    assert state(desk) is OrderState.CANCELED
    assert desk.reports[-1].filled_quantity == 1


def test_a_fill_after_the_cancel_still_counts(desk: Desk) -> None:
    desk.hear(status("Cancelled"), execution("e1.01", 2, 2))
    assert state(desk) is OrderState.FILLED
    assert desk.ledger.account_positions() == {"SPY": 2}


def test_a_correction_replaces(desk: Desk) -> None:
    desk.hear(execution("e1.01", 2, 2), execution("e1.02", 1, 1))
    assert desk.ledger.account_positions() == {"SPY": 1}
    assert desk.ledger.portfolio.positions() == {"SPY": 1}


def test_more_filled_than_asked_for_freezes_the_symbol(desk: Desk) -> None:
    desk.hear(execution("e1.01", 2, 2), execution("e2.01", 1, 3))
    assert "SPY" in desk.ledger.frozen
    assert desk.ledger.account_positions() == {"SPY": 3}


@pytest.mark.parametrize("code", [103, 110, 200, 201, 321, 387, 434, 442, 10006])
def test_a_reject_without_a_status_ends_a_new_order(desk: Desk, code: int) -> None:
    desk.hear(message(code))
    assert state(desk) is OrderState.REJECTED
    assert desk.reports[-1].reject_reason == f"{code} said the gateway"
    assert desk.reports[-1].order_id == str(ORDER_ID)


@pytest.mark.parametrize("code", [110, 321, 105])
def test_a_refused_change_leaves_a_working_order_working(desk: Desk, code: int) -> None:
    desk.hear(status("Submitted"), message(code))
    assert state(desk) is OrderState.WORKING


@pytest.mark.parametrize("code", [399, 404, 2109, 10349, 202])
def test_warnings_end_nothing(desk: Desk, code: int) -> None:
    desk.hear(message(code))
    assert state(desk) is OrderState.SENDING


@pytest.mark.parametrize("code", [10147, 10148, 161, 104])
def test_a_refused_cancel_is_no_proof_of_anything(desk: Desk, code: int) -> None:
    desk.hear(status("Submitted"), message(code))
    assert state(desk) is OrderState.WORKING
    assert desk.events.resync_wanted


def test_inactive_is_a_reject_unless_held(desk: Desk) -> None:
    desk.hear(status("Inactive", why_held="locate"))
    assert state(desk) is OrderState.WORKING
    desk.hear(status("Inactive"))
    assert state(desk) is OrderState.REJECTED


def test_unknown_keeps_its_risk_and_freezes_until_evidence_comes(desk: Desk) -> None:
    desk.events.lost(desk.order, "nobody knows it")
    assert desk.told[-1] == "UNKNOWN"
    assert "SPY" in desk.ledger.frozen
    assert [one.signed_quantity for one in desk.ledger.reservations()] == [2]
    desk.hear(execution("e1.01", 2, 2), status("Filled", 2))
    assert state(desk) is OrderState.FILLED
    assert desk.ledger.frozen == {}
    assert desk.ledger.reservations() == []


def test_somebody_elses_execution_is_never_adopted(desk: Desk) -> None:
    desk.hear(replace(execution("x.01", 5, 5, ref="manual"), client_id=0, order_id=-1, perm_id=99))
    assert desk.ledger.account_positions() == {}
    assert "EXTERNAL" in desk.ledger.frozen["SPY"]


def test_another_programs_order_id_is_not_ours(desk: Desk) -> None:
    """The same number from another client names another order."""
    desk.hear(replace(status("Cancelled"), client_id=2, perm_id=99))
    assert state(desk) is OrderState.SENDING


def test_a_completed_order_tells_the_end(desk: Desk) -> None:
    desk.hear(completed("Cancelled", 0))
    assert state(desk) is OrderState.CANCELED


def test_reports_are_the_same_again_after_a_crash(desk: Desk, tmp_path: Path) -> None:
    """Everything told is in the journal, byte for byte, and the ledger starts where it stopped."""
    desk.hear(*FILLED_ONCE[:3])
    assert desk.journal.reports("session-1") == desk.reports
    desk.journal.close()

    async def main(clock: Clock) -> Desk:
        return Desk(tmp_path / "j.db", clock)

    again = run_virtual(main)
    again.hear(*FILLED_ONCE)
    again.journal.close()
    assert again.ledger.account_positions() == {"SPY": 2}
    assert again.ledger.portfolio.positions() == {"SPY": 2}
    assert [report.sequence for report in again.reports] == [3]


def test_a_corrected_price_is_told_though_the_shares_are_the_same(desk: Desk) -> None:
    desk.hear(execution("e1.01", 2, 2))
    desk.hear(replace(execution("e1.02", 2, 2), price=99.5))
    assert desk.reports[-1].average_fill_price == 99.5
    assert desk.ledger.portfolio.view("SPY").cost_micros == 199_000_000
    assert desk.journal.orders()[0].fills["e1"].price_micros == 99_500_000


@pytest.mark.parametrize("changes", [{"shares": 0}, {"shares": 0.5}, {"price": 0.0}])
def test_an_execution_that_cannot_be_booked_freezes_and_ends_nothing(
    desk: Desk, changes: dict[str, Any]
) -> None:
    """A bust comes as a correction to no shares; the contract has no fill of nothing."""
    desk.hear(execution("e1.01", 2, 2), replace(execution("e1.02", 0, 0), **changes))
    assert "nothing we can book" in desk.ledger.frozen["SPY"]
    assert desk.ledger.account_positions() == {"SPY": 2}


def test_a_symbol_is_free_again_only_when_every_cause_is_gone(desk: Desk) -> None:
    """First an order in doubt, then a stranger: the order's return does not excuse the stranger."""
    desk.events.lost(desk.order, "nobody knows it")
    desk.events.external("SPY", "open order 99 of client 0")
    desk.hear(execution("e1.01", 2, 2))
    assert desk.ledger.frozen == {"SPY": "EXTERNAL open order 99 of client 0"}


def test_a_part_filled_ends_the_doubt_as_well(desk: Desk) -> None:
    desk.events.lost(desk.order, "nobody knows it")
    desk.hear(execution("e1.01", 1, 1))
    assert state(desk) is OrderState.WORKING
    assert desk.ledger.frozen == {}
    assert desk.reports[-1].error_message is None


def test_a_late_reject_ends_the_doubt(desk: Desk) -> None:
    """The gateway's refusal of a new order, heard after we had given up on it."""
    desk.events.lost(desk.order, "nobody knows it")
    desk.hear(message(110))
    assert desk.reports[-1].reject_reason == "110 said the gateway"
    assert desk.ledger.frozen == {}


@pytest.mark.parametrize("event", [open_order("Submitted"), execution("e1.01", 2, 2), completed("Filled", 2)])
def test_what_the_broker_has_of_an_order_that_never_left_is_not_ours(
    tmp_path: Path, event: OpenOrder | Execution | CompletedOrder
) -> None:
    """A journal from a backup, or a reference used twice: an alarm, not a defect of the table."""

    async def main(clock: Clock) -> Desk:
        journal = Journal(tmp_path / "j.db", "DSIM001")
        waiting = Order.accept(intent(), OrderKind.STRATEGY, VIRTUAL_START_NS)
        Ledger(journal, clock, "DSIM001", "session-1", lambda _report: None).commit(waiting, report=False)
        journal.close()
        made = Desk(tmp_path / "j.db", clock)
        made.hear(event)
        made.journal.close()
        return made

    made = run_virtual(main)
    assert state(made) is OrderState.ACCEPTED
    assert made.ledger.account_positions() == {}
    assert ("SPY" in made.ledger.frozen) == (not isinstance(event, CompletedOrder))


def test_an_end_that_speaks_of_more_than_came_stays_incomplete(desk: Desk) -> None:
    """Cancelled, and then Cancelled with a fill: the order is over, its execution is still to be asked for."""
    desk.hear(status("Cancelled"), status("Cancelled", 1))
    assert desk.ledger.incomplete() == [desk.order]
    desk.hear(execution("e1.01", 1, 1), commission("e1.01"))
    assert desk.ledger.incomplete() == []
