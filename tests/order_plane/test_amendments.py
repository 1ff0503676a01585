"""Changing and withdrawing orders that work: against the simulator, and a broker that answers as it likes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.order_plane.broker import Broker, Theirs
from tests.order_plane.truth import check
from tests.order_plane.world import ASK, Life, World, amend, in_world, wish

from algo_trade.bus.dead_letters import read
from algo_trade.contracts import ExecutionStatus, OrderIntent, TimeInForce
from algo_trade.order_plane.amendment import AmendmentState
from algo_trade.risk import Reservation

DAY = TimeInForce.DAY


async def start(world: World) -> Life:
    life = await world.begin()
    await life.start()
    return life


async def resting(world: World, life: Life, **changes: Any) -> OrderIntent:
    """An order that works and does not fill."""
    intent = wish(world, **{"limit": 99.0, "tif": DAY, **changes})
    await life.ask(intent)
    return intent


def reserved(life: Life) -> list[tuple[int, int]]:
    """Shares and dollars a share, of everything that works."""
    return [(one.signed_quantity, one.price_micros // 10**6) for one in life.plane.ledger.reservations()]


def words(life: Life) -> list[tuple[str, str]]:
    """Every amendment as the journal has it."""
    rows = life.journal._db.execute("SELECT state, reason FROM amendments ORDER BY number")
    return [(state, reason) for state, reason in rows]


# -- against the simulator -------------------------------------------------------------------------
def test_a_resting_order_is_moved_and_withdrawn(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        intent = await resting(world, life)
        moved = amend(world, intent, limit_price=99.5, quantity=7)
        report = await life.ask(moved)
        assert (report.amendment_id, report.error_message) == (moved.amendment_id, None)
        assert (report.status, report.limit_price, report.requested_quantity, report.remaining_quantity) == (
            ExecutionStatus.ACKNOWLEDGED, 99.5, 7, 7,
        )  # fmt: skip
        order = world.broker_orders[0]
        assert (order.quantity, order.limit_e4, order.order_ref) == (7, 995_000, str(intent.intent_id))
        assert reserved(life) == [(7, 99)]
        gone = amend(world, intent, number=2)
        report = await life.ask(gone)
        assert (report.status, report.amendment_id) == (ExecutionStatus.CANCELED, gone.amendment_id)
        assert report.error_message is None
        assert reserved(life) == []
        assert words(life) == [("CARRIED_OUT", ""), ("CARRIED_OUT", "")]
        await check(world, life)

    in_world(tmp_path, body)


def test_an_order_moved_into_the_market_fills_at_its_new_price_and_is_told_once(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        intent = await resting(world, life)
        report = await life.ask(amend(world, intent, limit_price=ASK))
        assert (report.status, report.filled_quantity, report.limit_price) == (ExecutionStatus.FILLED, 5, ASK)
        await check(world, life)

    in_world(tmp_path, body)


def test_an_amendment_is_carried_out_once_however_often_it_is_published(tmp_path: Path) -> None:
    """Also over a restart: the journal knows it."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        intent = await resting(world, life)
        moved = amend(world, intent, limit_price=99.5)
        await life.publish(moved, moved)
        await life.settle()
        await life.publish(moved)
        await life.settle()
        await life.end()
        again = await start(world)
        await again.publish(moved)
        await again.settle()
        assert len(broker.frames) == 2
        assert len(await again.answers(moved)) == 1

    in_world(tmp_path, body)


# -- what is refused -------------------------------------------------------------------------------
def test_a_change_that_may_not_be_is_refused_and_the_order_is_as_it_was(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        intent = await resting(world, life)
        other = wish(world, number=99)
        refused = {
            "AM-01": amend(world, intent, limit_price=99.5).model_copy(update={"strategy_id": "ANOTHER"}),
            "PT-01": amend(world, intent, number=4, quantity=200_000),
            "PT-03": amend(world, intent, number=5, limit_price=50.0),
            "PT-11": amend(world, intent, number=6, stop_price=98.0),
            "ID-02": amend(world, intent, number=7, limit_price=99.5, valid_s=0.0),
        }
        for control, amendment in refused.items():
            report = await life.ask(amendment)
            assert report.amendment_id == amendment.amendment_id
            assert control in (report.error_message or "")
            assert (report.status, report.limit_price) == (ExecutionStatus.ACKNOWLEDGED, 99.0)
        assert [order.limit_e4 for order in world.broker_orders] == [990_000]
        await life.publish(amend(world, other, limit_price=99.5))
        await life.settle()
        letters = [read(record) async for record in life.bus.replay("dlq_order_intents")]
        assert ["no order of intent" in letter.reasons[0] for letter in letters] == [True]

    in_world(tmp_path, body)


def test_halted_or_not_reconciled_a_change_is_refused_and_a_cancel_passes(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        intent = await resting(world, life)
        second = await resting(world, life, symbol="FAR")
        world.say(1100, "Connectivity has been lost")
        await asyncio.sleep(0)
        report = await life.ask(amend(world, intent, limit_price=99.5))
        assert "RC-02" in (report.error_message or "")
        assert (await life.ask(amend(world, intent, number=2))).status is ExecutionStatus.CANCELED
        world.say(1102, "Connectivity is back")
        await life.settle()
        life.plane.intake.halt("a person said so")
        report = await life.ask(amend(world, second, limit_price=99.5))
        assert "KS-01" in (report.error_message or "")
        assert (await life.ask(amend(world, second, number=2))).status is ExecutionStatus.CANCELED

    in_world(tmp_path, body)


def test_a_cancel_of_an_order_that_is_over_answers_with_its_state(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        intent = wish(world)
        await life.ask(intent)
        report = await life.ask(amend(world, intent))
        assert (report.status, report.error_message) == (ExecutionStatus.FILLED, "the order is over: FILLED")
        report = await life.ask(amend(world, intent, number=2, limit_price=99.5))
        assert "AM-02 the order is FILLED" in (report.error_message or "")

    in_world(tmp_path, body)


def test_new_terms_are_held_against_the_limits_with_the_old_ones_still_reserved(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        intent = await resting(world, life)  # 5 at 99
        broker.on_change = lambda order, asked: None
        report = await life.ask(amend(world, intent, quantity=11))
        assert "PT-04" in (report.error_message or "")
        report = await life.ask(amend(world, intent, number=2, quantity=9, limit_price=100.0))
        assert "PT-05 gross" in (report.error_message or "")
        await life.publish(amend(world, intent, number=3, quantity=8, limit_price=98.0))
        await life.settle()
        assert reserved(life) == [(8, 99)]  # the most shares at the higher price, until the broker tells

    in_world(tmp_path, body, max_position_shares=10, max_gross_micros=850 * 10**6)


# -- a broker that answers as it likes ---------------------------------------------------------------
@pytest.mark.parametrize("code", [103, 104, 110, 201, 2102])
def test_a_change_the_broker_refuses_leaves_the_order_as_it_was(tmp_path: Path, code: int) -> None:
    """Whatever a local state machine would make of the code."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        broker.on_change = lambda order, asked: broker.refuse(order, code)
        intent = await resting(world, life)
        refused = amend(world, intent, limit_price=99.5, quantity=9)
        report = await life.ask(refused, 30.0)
        assert (report.status, report.limit_price, report.requested_quantity) == ("ACKNOWLEDGED", 99.0, 5)
        (answer,) = await life.answers(refused)
        assert answer.error_message == f"{code} said the gateway"
        assert reserved(life) == [(5, 99)]
        broker.on_change = broker.accept_change
        assert (await life.ask(amend(world, intent, number=2, limit_price=99.5))).limit_price == 99.5

    in_world(tmp_path, body)


def test_a_second_change_is_refused_while_the_first_is_under_way(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        broker.on_change = lambda order, asked: None
        intent = await resting(world, life)
        await life.publish(amend(world, intent, limit_price=99.5))
        report = await life.ask(amend(world, intent, number=2, limit_price=99.6))
        assert "AM-03" in (report.error_message or "")
        assert len(broker.frames) == 2

    in_world(tmp_path, body)


def test_a_cancel_passes_a_change_that_is_under_way(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        broker.on_change = lambda order, asked: None
        intent = await resting(world, life)
        change, cancel = amend(world, intent, limit_price=99.5), amend(world, intent, number=2)
        await life.publish(change, cancel)
        await life.settle()
        assert (await life.last(intent)).status is ExecutionStatus.CANCELED
        assert [report.error_message for report in await life.answers(change)] == [
            "the order is over: CANCELED"
        ]
        assert [report.error_message for report in await life.answers(cancel)] == [None]

    in_world(tmp_path, body)


def test_a_change_without_an_answer_is_asked_about_told_and_kept_reserved(tmp_path: Path) -> None:
    """It may still take effect, so the larger terms stay reserved; and it is never sent again."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        broker.on_change = lambda order, asked: None
        intent = await resting(world, life)
        lost = amend(world, intent, quantity=9)
        report = await life.ask(lost, 60.0)
        assert "not confirmed" in (report.error_message or "")
        assert (report.status, report.requested_quantity) == (ExecutionStatus.ACKNOWLEDGED, 5)
        assert reserved(life) == [(9, 99)]
        assert world.alarms("not confirmed")
        await life.end()
        again = await start(world)
        assert reserved(again) == [(9, 99)]
        assert len(broker.frames) == 2
        return await later(world, again, broker, intent)

    async def later(world: World, life: Life, broker: Broker, intent: OrderIntent) -> None:
        """The next change settles it: the gateway takes one order's messages in their order."""
        broker.on_change = broker.accept_change
        await life.ask(amend(world, intent, number=2, limit_price=98.5))
        assert reserved(life) == [(5, 98)]
        assert [state for state, _ in words(life)] == ["REFUSED", "CARRIED_OUT"]

    in_world(tmp_path, body)


def test_a_lost_change_that_takes_effect_after_all_is_told(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        asked: list[Any] = []
        broker.on_change = lambda order, request: asked.append(request)
        intent = await resting(world, life)
        lost = amend(world, intent, quantity=9)
        await life.ask(lost, 60.0)
        broker.apply(broker.of(intent), asked[0])
        broker.tell(broker.of(intent))
        await life.settle()
        assert [report.requested_quantity for report in await life.answers(lost)] == [5, 9]
        assert reserved(life) == [(9, 99)]

    in_world(tmp_path, body)


def test_an_echo_that_was_lost_is_found_by_asking(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        broker.on_change = broker.apply
        intent = await resting(world, life)
        moved = amend(world, intent, limit_price=99.5)
        report = await life.ask(moved, 15.0)
        assert (report.limit_price, report.amendment_id, report.error_message) == (
            99.5,
            moved.amendment_id,
            None,
        )

    in_world(tmp_path, body)


def test_a_larger_order_is_not_over_when_the_old_quantity_has_filled(tmp_path: Path) -> None:
    """5 become 9; 5 fill before the echo: the order lives, and its rest is reserved."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        broker.on_change = broker.apply
        intent = await resting(world, life)
        await life.publish(amend(world, intent, quantity=9))
        await asyncio.sleep(0.001)
        order = broker.of(intent)
        with broker.silent():
            broker.fill(order, 5)
        await asyncio.sleep(0.1)
        assert (await life.last(intent)).status is ExecutionStatus.PARTIAL_FILL
        assert reserved(life) == [(4, 99)]
        with broker.silent():
            broker.fill(order, 2)  # more than the old terms had: the new ones are in effect
        await asyncio.sleep(0.1)
        report = await life.last(intent)
        assert (report.filled_quantity, report.requested_quantity) == (7, 9)
        broker.fill(order, 2)
        await life.settle()
        assert (await life.last(intent)).status is ExecutionStatus.FILLED
        assert life.plane.ledger.frozen == {}

    in_world(tmp_path, body)


def test_a_smaller_order_is_over_when_the_broker_says_filled(tmp_path: Path) -> None:
    """5 become 3; the echo is lost, 3 fill, and the status speaks of 3."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        broker.on_change = broker.apply
        intent = await resting(world, life)
        smaller = amend(world, intent, quantity=3)
        await life.publish(smaller)
        await asyncio.sleep(0.001)
        broker.fill(broker.of(intent), 3)
        await life.settle()
        report = await life.last(intent)
        assert (report.status, report.filled_quantity, report.requested_quantity) == (
            ExecutionStatus.FILLED,
            3,
            3,
        )
        assert [one.error_message for one in await life.answers(smaller)] == [None]
        assert reserved(life) == []

    in_world(tmp_path, body)


def test_what_somebody_else_changed_is_taken_and_said(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        intent = await resting(world, life)
        order = broker.of(intent)
        order.quantity, order.sent = 8, order.sent | {"lmtPrice": "97.0"}
        broker.tell(order)
        await life.settle()
        report = await life.last(intent)
        assert (report.requested_quantity, report.limit_price, report.amendment_id) == (8, 97.0, None)
        assert reserved(life) == [(8, 99)]
        assert world.alarms("changed by somebody else")

    in_world(tmp_path, body)


def test_an_order_is_not_done_with_because_somebody_says_it_is_smaller(tmp_path: Path) -> None:
    """An echo with fewer shares, which nobody of ours asked for: the rest stays reserved until the word Filled."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        intent = await resting(world, life)
        order = broker.of(intent)
        order.quantity = 3
        broker.tell(order)
        await life.settle(0.1)
        assert (await life.last(intent)).requested_quantity == 3
        assert reserved(life) == [(5, 99)]
        with broker.silent():
            broker.fill(order, 3)
        await life.settle(0.1)
        assert (await life.last(intent)).status is ExecutionStatus.PARTIAL_FILL
        assert reserved(life) == [(2, 99)]
        broker.tell(order)
        await life.settle(0.1)
        assert (await life.last(intent)).status is ExecutionStatus.FILLED
        assert reserved(life) == []

    in_world(tmp_path, body)


@pytest.mark.parametrize("code", [161, 10147, 10148])
def test_a_refused_cancel_is_answered_when_the_order_is_seen_to_work_on(tmp_path: Path, code: int) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        broker.on_cancel = lambda order, asked: broker.refuse(order, code)
        intent = await resting(world, life)
        refused = amend(world, intent)
        report = await life.ask(refused, 5.0)
        assert (report.status, report.error_message) == ("ACKNOWLEDGED", f"{code} said the gateway")
        assert len(broker.cancels) == 1

    in_world(tmp_path, body)


def test_a_cancel_refused_because_the_order_filled_is_answered_by_the_fill(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)

        def too_late(order: Theirs, _asked: Any) -> None:
            broker.refuse(
                order, 10148, "OrderId 1 that needs to be cancelled can not be cancelled, state: Filled."
            )
            broker.later(lambda: broker.fill(order, 5))

        broker.on_cancel = too_late
        intent = await resting(world, life)
        cancel = amend(world, intent)
        report = await life.ask(cancel, 20.0)
        assert (report.status, report.filled_quantity) == (ExecutionStatus.FILLED, 5)
        assert [one.error_message for one in await life.answers(cancel)] == ["the order is over: FILLED"]

    in_world(tmp_path, body)


def test_a_cancel_that_got_lost_is_sent_again_and_a_change_never(tmp_path: Path) -> None:
    """The link breaks with both on the way."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        intent = await resting(world, life)
        second = await resting(world, life, symbol="FAR")
        broker.on_cancel = lambda order, asked: None
        broker.on_change = lambda order, asked: None
        await life.publish(amend(world, intent), amend(world, second, limit_price=99.5))
        await asyncio.sleep(0.001)
        world.cut()
        broker.on_cancel = lambda order, asked: broker.end(order, "Cancelled")
        await life.settle(30.0)
        assert (await life.last(intent)).status is ExecutionStatus.CANCELED
        assert (len(broker.cancels), len(broker.frames)) == (2, 3)
        assert "not confirmed" in str((await life.last(second)).error_message)

    in_world(tmp_path, body)


def test_a_cancel_without_a_connection_waits_for_one(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        intent = await resting(world, life)
        world.cut()
        await asyncio.sleep(0)
        await life.publish(amend(world, intent))
        await life.settle(10.0)
        assert (await life.last(intent)).status is ExecutionStatus.CANCELED
        assert len(broker.cancels) == 1

    in_world(tmp_path, body)


def test_an_order_that_ends_while_its_amendments_wait_answers_them(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        intent = await resting(world, life)
        life.handler.pacer.hold(1.0)
        change = amend(world, intent, quantity=9)
        await life.publish(change)
        await asyncio.sleep(0.1)
        assert words(life) == [(AmendmentState.ACCEPTED.value, "")]
        assert life.plane.ledger.reservations() == [Reservation("DEEP", 9, 99_000_000)]
        broker.fill(broker.of(intent), 5)
        await life.settle()
        assert (await life.last(intent)).status is ExecutionStatus.FILLED
        assert [one.error_message for one in await life.answers(change)] == ["the order is over: FILLED"]
        assert len(broker.frames) == 1

    in_world(tmp_path, body)


def test_a_change_accepted_and_not_sent_goes_in_the_next_life_when_it_still_may(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        intent = await resting(world, life)
        second = await resting(world, life, symbol="FAR")
        life.handler.pacer.hold(20.0)
        await life.publish(amend(world, intent, limit_price=99.5))
        await asyncio.sleep(0.1)
        await life.die()
        again = await start(world)
        await again.settle()
        assert (await again.last(intent)).limit_price == 99.5
        again.handler.pacer.hold(20.0)
        await again.publish(amend(world, second, limit_price=99.5, valid_s=1.0))
        await asyncio.sleep(0.1)
        await again.die()
        await asyncio.sleep(2.0)
        third = await start(world)
        await third.settle()
        report = await third.last(second)
        assert (report.limit_price, "ID-02" in (report.error_message or "")) == (99.0, True)
        assert len(broker.frames) == 3

    in_world(tmp_path, body)


def test_an_amendment_of_an_earlier_sessions_order_is_refused_and_the_answer_is_not_lost(
    tmp_path: Path,
) -> None:
    """A crash keeps the answer from the log; the next life finds it, though it belongs to another session."""

    async def body(world: World) -> None:
        life = await start(world)
        Broker(world)
        old = await resting(world, life)
        await life.die()
        world.session_id = "session-2"
        again = await start(world)
        again.posting.cancel()
        meddling = amend(world, old, limit_price=99.5).model_copy(update={"session_id": "session-2"})
        await again.publish(meddling)
        await asyncio.sleep(0.5)
        assert await again.answers(meddling) == []
        await again.die()
        third = await start(world)
        (answer,) = await third.answers(meddling)
        assert (answer.session_id, "AM-01" in (answer.error_message or "")) == ("session-1", True)

    in_world(tmp_path, body)
