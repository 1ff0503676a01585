"""What a strategy may not decide: each breach by its reason, and what is no breach."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from tests.strategy_plane.kit import KEYS, LIMITS, report, tick, window

from algo_trade.bus import Record
from algo_trade.clock import VIRTUAL_START_NS, utc
from algo_trade.contracts import (
    Direction,
    ExecutionStatus,
    OrderAmendment,
    OrderIntent,
    OrderType,
    TickEvent,
    TimeInForce,
)
from algo_trade.strategy_plane import (
    NOTHING,
    Cancel,
    Decision,
    Decisions,
    Desk,
    Feeds,
    Purpose,
    Replace,
    SessionView,
    Strategy,
    amendment_id,
    intent_id,
)

START = utc(VIRTUAL_START_NS)
SESSION = "a-session"


class Told(Strategy):
    """Does what it is told to at the next quote."""

    strategy_id = "TOLD"
    feeds = Feeds(ticks=True)

    def __init__(self) -> None:
        self.next: Decisions = NOTHING

    def on_tick(self, tick: TickEvent, view: SessionView) -> Decisions:
        said, self.next = self.next, NOTHING
        return said


class Talk:
    """A desk whose strategy says what a test says."""

    def __init__(self) -> None:
        self.strategy = Told()
        self.desk = Desk(self.strategy, LIMITS, window(600))
        self.second = 0
        self.sequences: dict[UUID, int] = {}

    def say(self, *actions: Decision | Cancel | Replace) -> list[OrderIntent | OrderAmendment]:
        """The wishes that came of it; a breach is in `desk.fault`."""
        self.strategy.next = actions
        quote = tick("SPY", START + timedelta(seconds=self.second), 100.0, 100.02, 5, 5)
        record = Record("market_events", 0, self.second, KEYS["SPY"], b"", 0)
        self.second += 1
        return list(self.desk.on_tick(record, quote, None))

    def hear(self, intent: OrderIntent, status: ExecutionStatus, filled: int = 0) -> None:
        number = self.sequences.get(intent.intent_id, 0)
        self.sequences[intent.intent_id] = number + 1
        self.desk.on_report(report(intent, number, status, filled, START + timedelta(seconds=self.second)))

    def enter(self, decision: Decision) -> list[OrderIntent]:
        """Say it, and have it acknowledged."""
        made = [wish for wish in self.say(decision) if isinstance(wish, OrderIntent)]
        for intent in made:
            self.hear(intent, ExecutionStatus.ACKNOWLEDGED)
        return made

    def held(self, quantity: int = 3) -> None:
        (entry,) = self.enter(replace(BUY, quantity=quantity))
        self.hear(entry, ExecutionStatus.FILLED, quantity)


BUY = Decision(
    "SPY", Direction.BUY, 3, Purpose.ENTRY, 100.01, limit_price=99.9, time_in_force=TimeInForce.DAY
)
SELL = replace(BUY, direction=Direction.SELL, limit_price=100.1)
LEAVE = replace(SELL, purpose=Purpose.EXIT)
BRACKET = replace(BUY, take_profit_price=101.0, stop_loss_price=99.0)
NOBODY = UUID(int=5)


@pytest.mark.parametrize(
    ("decision", "why"),
    [
        (replace(BUY, symbol="AAPL"), "AAPL: not traded in this session"),
        (LEAVE, "an exit of 3 with 0 held"),
        (replace(BRACKET, take_profit_price=99.9), "a take profit at 99.9 of an entry at 99.9"),
        (replace(BRACKET, stop_loss_price=99.9), "a stop loss at 99.9"),
        (replace(SELL, take_profit_price=100.2), "a take profit at 100.2"),
        (replace(SELL, stop_loss_price=100.0), "a stop loss at 100.0"),
        (replace(BUY, limit_price=None), "LIMIT needs a limit_price"),
        (replace(BUY, quantity=0), "quantity"),
        (replace(BUY, limit_price=float("nan")), "limit_price"),
    ],
)
def test_orders_that_may_not_be_decided(decision: Decision, why: str) -> None:
    talk = Talk()
    assert talk.say(decision) == []
    assert talk.desk.fault is not None and why in talk.desk.fault
    assert talk.say(BUY) == []  # it is not asked any more


@pytest.mark.parametrize("second", [BUY, SELL, LEAVE])
def test_one_family_of_a_symbol_at_a_time(second: Decision) -> None:
    """Entry, exits and whatever a bracket still has working: no other order of that symbol."""
    talk = Talk()
    entry, *_exits = talk.enter(BRACKET)
    talk.hear(entry, ExecutionStatus.FILLED, 3)
    assert talk.say(replace(BUY, symbol="QQQ"))
    assert talk.say(second) == []
    assert talk.desk.fault is not None and "unresolved" in talk.desk.fault


def test_an_exit_is_never_larger_than_what_is_held_and_has_no_exits_of_its_own() -> None:
    talk = Talk()
    talk.held(3)
    (out,) = talk.enter(LEAVE)
    talk.hear(out, ExecutionStatus.CANCELED, 1)
    assert talk.say(LEAVE) == [] and "an exit of 3 with 2 held" in str(talk.desk.fault)
    talk = Talk()
    talk.held(3)
    assert talk.say(replace(LEAVE, take_profit_price=99.0)) == []
    assert "an exit has no exits" in str(talk.desk.fault)


def test_a_bracket_is_an_intent_an_order_in_one_chain_of_identities() -> None:
    talk = Talk()
    entry, profit, stop = talk.enter(BRACKET)
    assert (entry.attached_exits, profit.parent_intent_id, stop.parent_intent_id) == (
        2,
        *2 * [entry.intent_id],
    )
    cause = (SESSION, "TOLD", "SPY", "market_events", 0, 0)
    assert [one.intent_id for one in (entry, profit, stop)] == [intent_id(*cause, n) for n in range(3)]
    assert {one.direction for one in (profit, stop)} == {Direction.SELL}
    assert (profit.order_type, profit.limit_price, profit.stop_price) == (OrderType.LIMIT, 101.0, None)
    assert (stop.order_type, stop.limit_price, stop.stop_price) == (OrderType.STOP, None, 99.0)
    assert {one.quantity for one in (profit, stop)} == {
        3
    } and profit.target_weight == stop.target_weight == 0.0
    numbers = [one.metadata.sequence_number for one in (entry, profit, stop) if one.metadata]
    assert numbers == [0, 1, 2]
    assert entry.timestamp == profit.timestamp and entry.valid_until == stop.valid_until


@pytest.mark.parametrize(
    ("entry", "exits"),
    [
        (TimeInForce.IOC, TimeInForce.DAY),
        (TimeInForce.FOK, TimeInForce.DAY),
        (TimeInForce.DAY, TimeInForce.DAY),
        (TimeInForce.GTC, TimeInForce.GTC),
    ],
)
def test_attached_exits_rest_as_long_as_their_entry_may_or_for_the_day(
    entry: TimeInForce, exits: TimeInForce
) -> None:
    _, profit, stop = Talk().enter(replace(BRACKET, time_in_force=entry))
    assert profit.time_in_force is stop.time_in_force is exits


def test_a_bracket_may_have_one_exit() -> None:
    entry, stop = Talk().enter(replace(BRACKET, take_profit_price=None))
    assert entry.attached_exits == 1 and stop.order_type is OrderType.STOP


def test_amendments_have_identities_of_their_own_and_keep_the_order_of_actions() -> None:
    talk = Talk()
    entry, _, stop = talk.enter(BRACKET)
    first, order, second = talk.say(
        Replace(entry.intent_id, limit_price=99.95), replace(BUY, symbol="QQQ"), Cancel(stop.intent_id)
    )
    assert isinstance(first, OrderAmendment) and isinstance(second, OrderAmendment)
    assert isinstance(order, OrderIntent)
    assert (first.action, first.limit_price, first.quantity) == ("REPLACE", 99.95, None)
    assert (second.action, second.intent_id) == ("CANCEL", stop.intent_id)
    cause = ("TOLD", "SPY", "market_events", 0, 1)
    assert first.amendment_id == amendment_id(SESSION, *cause, 0)
    assert second.amendment_id == amendment_id(SESSION, *cause, 1)
    assert order.intent_id == intent_id(SESSION, "TOLD", "QQQ", "market_events", 0, 1, 0)
    assert first.metadata is not None and first.metadata.causation_id == "market_events/0/1"
    assert [wish.metadata and wish.metadata.sequence_number for wish in (first, order, second)] == [3, 4, 5]
    assert talk.desk.fault is None


def test_only_own_working_orders_are_amended() -> None:
    talk = Talk()
    assert talk.say(Cancel(NOBODY)) == [] and "none of this strategy's" in str(talk.desk.fault)
    talk = Talk()
    talk.held()
    foreign = talk.enter(replace(BUY, symbol="QQQ"))[0].model_copy(update={"intent_id": NOBODY})
    talk.hear(foreign, ExecutionStatus.ACKNOWLEDGED)  # the stop's own order
    assert talk.say(Cancel(NOBODY)) == [] and "none of this strategy's" in str(talk.desk.fault)


@pytest.mark.parametrize(
    ("status", "why"), [(ExecutionStatus.CANCELED, "is over"), (ExecutionStatus.UNKNOWN, "of unknown fate")]
)
def test_what_is_over_or_unknown_is_not_amended(status: ExecutionStatus, why: str) -> None:
    talk = Talk()
    (entry,) = talk.enter(BUY)
    talk.hear(entry, status)
    assert talk.say(Cancel(entry.intent_id)) == [] and why in str(talk.desk.fault)


def test_one_amendment_of_an_order_at_a_time() -> None:
    talk = Talk()
    (entry,) = talk.enter(BUY)
    assert len(talk.say(Replace(entry.intent_id, quantity=2))) == 1
    assert talk.say(Cancel(entry.intent_id)) == []
    assert "has an amendment without an answer" in str(talk.desk.fault)


@pytest.mark.parametrize(
    ("action", "why"),
    [
        ({"stop_price": 99.0}, "has no stop price"),
        ({"quantity": 1}, "more is needed than 1"),
        ({}, "a REPLACE needs"),
    ],
)
def test_terms_that_make_no_sense(action: dict[str, float], why: str) -> None:
    talk = Talk()
    (entry,) = talk.enter(BUY)
    talk.hear(entry, ExecutionStatus.PARTIAL_FILL, 1)
    assert talk.say(Replace(entry.intent_id, **action)) == []  # type: ignore[arg-type]  # a dictionary has one type
    assert why in str(talk.desk.fault)


def test_the_quantity_of_a_bracket_stays_and_that_of_an_exit_fits_what_is_held() -> None:
    for member in range(3):
        talk = Talk()
        order = talk.enter(BRACKET)[member]
        assert talk.say(Replace(order.intent_id, quantity=4)) == []
        assert "of a bracket, whose quantity stays" in str(talk.desk.fault)
    talk = Talk()
    talk.held(3)
    (out,) = talk.enter(replace(LEAVE, quantity=1))
    assert len(talk.say(Replace(out.intent_id, quantity=3))) == 1
    talk = Talk()
    talk.held(3)
    (out,) = talk.enter(LEAVE)
    talk.hear(out, ExecutionStatus.PARTIAL_FILL, 1)
    assert talk.say(Replace(out.intent_id, quantity=4)) == []
    assert "an exit of 3 more with 2 held" in str(talk.desk.fault)
