"""An entry and its exits: sent together or not at all, and of one life."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.order_plane.broker import Broker
from tests.order_plane.truth import reports_are_whole
from tests.order_plane.world import Life, World, amend, bracket, in_world, wish

from algo_trade.contracts import Direction, ExecutionStatus, OrderIntent, OrderType, TimeInForce
from algo_trade.ibkr import Lane
from algo_trade.order_plane.lifecycle import OrderState
from algo_trade.risk import Reservation

Family = tuple[OrderIntent, OrderIntent, OrderIntent]


async def start(world: World) -> Life:
    life = await world.begin()
    await life.start()
    return life


async def placed(world: World, life: Life, **changes: Any) -> Family:
    """A bracket whose three orders work at the broker."""
    family = bracket(world, **changes)
    await life.publish(*family)
    await life.settle(1.0)
    return family


async def statuses(life: Life, family: Family) -> list[str]:
    last = await life.last_reports()
    return [last[intent.intent_id].status.value if intent.intent_id in last else "" for intent in family]


def offset(life: Life) -> int | None:
    return life.journal.offset(life.bus.log_id("order_intents"), "order_intents", 0)


def held(life: Life) -> list[Reservation]:
    return life.plane.ledger.reservations()


def test_a_bracket_is_three_orders_sent_as_one(tmp_path: Path) -> None:
    """Entry first, exits under its id, only the last transmits; each has its reference, its id and its reports."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        _, profit, loss = family = await placed(world, life)
        first, second, third = broker.frames
        assert [frame["orderRef"] for frame in broker.frames] == [str(one.intent_id) for one in family]
        assert [frame["transmit"] for frame in broker.frames] == ["0", "0", "1"]
        ids = [broker.of(intent).order_id for intent in family]
        assert [frame["parentId"] for frame in broker.frames] == ["0", str(ids[0]), str(ids[0])]
        assert (first["orderType"], first["lmtPrice"], first["auxPrice"]) == ("LMT", "99.5", "")
        assert (second["orderType"], second["action"], second["lmtPrice"]) == ("LMT", "SELL", "101.0")
        assert (third["orderType"], third["auxPrice"], third["lmtPrice"]) == ("STP", "98.0", "")
        assert await statuses(life, family) == ["ACKNOWLEDGED", "SUBMITTED", "SUBMITTED"]
        last = await life.last_reports()
        assert [int(last[intent.intent_id].order_id) for intent in family] == ids
        assert (last[loss.intent_id].stop_price, last[profit.intent_id].limit_price) == (98.0, 101.0)
        assert held(life) == [Reservation("DEEP", 5, 99_500_000)]  # the exits have nothing to take back yet
        assert offset(life) == 3
        reports_are_whole(await life.log())

    in_world(tmp_path, body)


def test_one_exit_takes_the_position_back_and_the_other_goes(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        entry, profit, _ = family = await placed(world, life)
        broker.fill(broker.of(entry), 2)
        await life.settle(0.1)
        assert held(life) == [Reservation("DEEP", 3, 99_500_000), Reservation("DEEP", -2, 0)]
        broker.fill(broker.of(entry), 3)
        await life.settle(0.1)
        assert held(life) == [Reservation("DEEP", -5, 0)]
        broker.fill(broker.of(profit), 5, 101.0)
        await life.settle()
        assert await statuses(life, family) == ["FILLED", "FILLED", "CANCELED"]
        assert held(life) == []
        assert life.plane.ledger.account_positions() == {}
        assert life.plane.ledger.frozen == {}
        await life.ask(wish(world, limit=99.0, tif=TimeInForce.DAY))
        assert len(broker.frames) == 4  # the symbol is free again

    in_world(tmp_path, body)


def test_an_entry_that_ends_empty_takes_its_exits_with_it(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        entry, *_ = family = await placed(world, life)
        report = await life.ask(amend(world, entry))
        assert report.status is ExecutionStatus.CANCELED
        assert await statuses(life, family) == ["CANCELED"] * 3
        assert len(broker.cancels) == 1
        assert held(life) == []

    in_world(tmp_path, body)


def test_a_bracket_of_an_empty_entry_whose_exits_stay_silent_is_asked_about(tmp_path: Path) -> None:
    """Their end is not told: nothing is left for them to take back, so they should be over."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        entry, *_ = family = await placed(world, life)
        broker.end(broker.of(entry), "Cancelled", silent=True)
        broker.tell(broker.of(entry))
        await life.settle(0.1)
        assert await statuses(life, family) == ["CANCELED", "SUBMITTED", "SUBMITTED"]
        await life.settle(15.0)
        assert await statuses(life, family) == ["CANCELED"] * 3

    in_world(tmp_path, body)


def test_a_partly_filled_entry_that_is_cancelled_leaves_its_exits_what_it_brought(tmp_path: Path) -> None:
    """The gateway adjusts the exits; nobody else's hand is suspected."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        entry, profit, loss = family = await placed(world, life)
        broker.fill(broker.of(entry), 2)
        await life.settle(0.1)
        await life.ask(amend(world, entry))
        assert held(life) == [Reservation("DEEP", -2, 0)]
        for leg in (profit, loss):
            broker.of(leg).quantity = 2
            broker.tell(broker.of(leg))
        broker.fill(broker.of(loss), 2, 98.0)
        await life.settle()
        assert await statuses(life, family) == ["CANCELED", "CANCELED", "FILLED"]
        assert (await life.last(loss)).requested_quantity == 2
        assert life.plane.ledger.account_positions() == {}
        assert world.alarms() == []

    in_world(tmp_path, body)


def test_the_exits_are_moved_before_and_after_the_entry_fills(tmp_path: Path) -> None:
    """A change keeps what was sent, the parent's id included, and transmits."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        entry, profit, loss = await placed(world, life)
        assert (await life.ask(amend(world, loss, stop_price=98.5))).stop_price == 98.5
        broker.fill(broker.of(entry), 5)
        assert (await life.ask(amend(world, loss, number=2, stop_price=99.0))).stop_price == 99.0
        assert (await life.ask(amend(world, profit, limit_price=100.5))).limit_price == 100.5
        sent = broker.frames[2]
        for frame in broker.frames[3:5]:
            changed = {name for name, value in frame.items() if sent[name] != value}
            assert changed == {"auxPrice"}
        assert {name for name, value in broker.frames[5].items() if broker.frames[1][name] != value} == {
            "lmtPrice",
            "transmit",
        }
        report = await life.ask(amend(world, loss, number=3, quantity=3))
        assert "AM-04" in (report.error_message or "")
        report = await life.ask(amend(world, loss, number=4, stop_price=101.0))
        assert "PT-03 stop 101.0 would trigger at once" in (report.error_message or "")
        assert held(life) == [Reservation("DEEP", -5, 0)]

    in_world(tmp_path, body)


@pytest.mark.parametrize("number_of_exits", [0, 1])
def test_half_a_bracket_is_never_sent(tmp_path: Path, number_of_exits: int) -> None:
    """The exits do not come in time; others are answered meanwhile, and one that comes later is refused."""

    async def body(world: World) -> None:
        life = await start(world)
        entry, *exits = bracket(world)
        await life.publish(entry, *exits[:number_of_exits])
        other = await life.ask(wish(world, "FAR"), 0.5)
        assert other.status is ExecutionStatus.FILLED
        # Nothing beyond the entry is behind us.
        assert (offset(life), await life.plane.intake.caught_up()) == (0, False)
        await life.settle(3.0)
        last = await life.last_reports()
        for intent in (entry, *exits[:number_of_exits]):
            assert last[intent.intent_id].status is ExecutionStatus.REJECTED
            assert f"BR-01 {number_of_exits} of 2 exits came" in str(last[intent.intent_id].reject_reason)
        late = await life.ask(exits[1])
        assert "BR-04" in (late.reject_reason or "")
        assert await life.plane.intake.caught_up()
        assert len(world.frames) == 1
        reports_are_whole(await life.log())

    in_world(tmp_path, body)


def test_an_entry_that_waits_for_its_exits_is_read_again_after_a_death(tmp_path: Path) -> None:
    """And what was accepted behind it in the meantime is not taken twice."""

    async def body(world: World) -> None:
        life = await start(world)
        entry, *exits = family = bracket(world)
        other = wish(world, "FAR")
        await life.publish(entry, other, exits[0])
        await life.settle(0.5)
        await life.die()
        again = await world.begin()
        broker = Broker(world)
        await again.start()
        await again.publish(exits[1])
        await again.settle()
        assert await statuses(again, family) == ["ACKNOWLEDGED", "SUBMITTED", "SUBMITTED"]
        assert [frame["orderRef"] for frame in broker.frames] == [str(one.intent_id) for one in family]
        assert offset(again) == 4

    in_world(tmp_path, body)


def _with(family: Family, at: int, **changes: Any) -> list[OrderIntent]:
    changed = OrderIntent(**{**family[at].model_dump(), **changes})
    return [changed if n == at else one for n, one in enumerate(family)]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"quantity": 6}, "BR-02 an exit takes back its entry's 5 shares"),
    ({"direction": Direction.BUY}, "BR-02 an exit takes back"),
    ({"strategy_id": "ANOTHER"}, "BR-02 an exit has its entry's"),
    ({"session_id": "another"}, "ID-01"),
    ({"symbol": "FAR"}, "BR-02 an exit has its entry's"),
    ({"order_type": OrderType.MARKET, "limit_price": None}, "BR-02 an exit waits"),
    ({"time_in_force": TimeInForce.IOC}, "BR-02 an exit waits"),
    ({"attached_exits": 1}, "BR-02 an exit has no exits"),
    ({"limit_price": 140.0}, "PT-03 limit 140.0 is 40.70 % from its entry's price, at most 25 %"),
]


@pytest.mark.parametrize(("changes", "why"), WRONG)
def test_a_bracket_with_a_wrong_exit_is_refused_whole(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        family = _with(bracket(world), 1, **changes)
        await life.publish(*family)
        await life.settle(3.0)
        last = await life.last_reports()
        assert {last[one.intent_id].status for one in family} == {ExecutionStatus.REJECTED}
        assert why in str(last[family[1].intent_id].reject_reason)
        others = [str(last[one.intent_id].reject_reason) for one in (family[0], family[2])]
        assert all("BR-03" in other or "ID-01" in other for other in others)
        assert world.frames == []

    in_world(tmp_path, body)


def test_a_bracket_needs_as_many_tokens_as_orders_and_takes_none_before_it_has_them(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        family = bracket(world)
        life.handler.pacer.hold(1.0)
        await life.publish(*family)
        await asyncio.sleep(0.1)
        waiting = life.journal.orders()
        assert [order.state for order in waiting] == [OrderState.ACCEPTED] * 3
        assert offset(life) == 3
        assert broker.frames == []
        await life.settle()
        assert len(broker.frames) == 3
        assert await statuses(life, family) == ["ACKNOWLEDGED", "SUBMITTED", "SUBMITTED"]

    in_world(tmp_path, body)


def test_a_bracket_that_never_gets_its_tokens_is_refused(tmp_path: Path) -> None:
    """With IBKR_ORDER_RATE_LIMIT near its minimum there are fewer a second than it has orders."""

    async def body(world: World) -> None:
        life = await start(world)
        life.handler.pacer._ceilings[Lane.ORDER] = 2
        family = bracket(world)
        await life.publish(*family)
        await life.settle(1.0)
        assert await statuses(life, family) == ["REJECTED"] * 3
        assert "BR-05 3 messages" in str((await life.last(family[0])).reject_reason)
        assert (await life.ask(wish(world, number=2))).status is ExecutionStatus.FILLED

    in_world(tmp_path, body)


def test_a_bracket_accepted_and_not_sent_goes_or_expires_whole_in_the_next_life(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        families = [bracket(world), bracket(world, "FAR", valid_s=1.0)]
        life.handler.pacer.hold(30.0)
        for family in families:
            await life.publish(*family)
        await asyncio.sleep(0.1)
        assert len(life.journal.orders()) == 3  # the second waits in the log behind the first
        await life.die()
        await asyncio.sleep(2.0)
        again = await start(world)
        await again.settle()
        assert await statuses(again, families[0]) == ["ACKNOWLEDGED", "SUBMITTED", "SUBMITTED"]
        assert await statuses(again, families[1]) == ["TIMEOUT"] * 3
        assert len(broker.frames) == 3

    in_world(tmp_path, body)


def test_a_bracket_whose_bytes_are_lost_is_unknown_as_any_order_is(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        family = bracket(world)
        await life.publish(*family)
        while not life.plane.ledger.known(family[0].intent_id):
            await asyncio.sleep(0)
        await life.die()
        again = await start(world)
        assert await statuses(again, family) == ["UNKNOWN"] * 3
        assert "DEEP" in again.plane.ledger.frozen
        assert held(again) == [Reservation("DEEP", 5, 99_500_000)]
        await again.settle(60.0)
        assert broker.frames == []

    in_world(tmp_path, body)


@pytest.mark.parametrize("filled", [0, 2, 5])
def test_a_bracket_is_found_again_after_a_death(tmp_path: Path, filled: int) -> None:
    """Each by its reference; an exit whose entry has not filled is open like any other order."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        entry, *_ = family = await placed(world, life)
        await life.die()
        if filled:
            broker.fill(broker.of(entry), filled, silent=True)
        again = await start(world)
        assert world.alarms() == []
        assert again.plane.ledger.frozen == {}
        entry_status = {0: "ACKNOWLEDGED", 2: "PARTIAL_FILL", 5: "FILLED"}[filled]
        assert (await statuses(again, family))[0] == entry_status
        assert sum(one.signed_quantity for one in held(again)) == (5 - 2 * filled)
        await again.plane.get_out("over", patience_s=5.0)
        ours = [broker.of(one).order_id for one in family if one is not entry or filled < 5]
        assert [order_id for order_id in broker.cancels if order_id <= max(ours)] == ours
        assert "CANCELED" in (await statuses(again, family))[1]

    in_world(tmp_path, body)


def test_an_exit_the_broker_refuses_takes_the_entry_back(tmp_path: Path) -> None:
    """An entry that could fill without its stop is not what was wanted."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        entry, _, loss = family = await placed(world, life)
        broker.end(broker.of(loss), "Inactive", silent=True)
        broker.refuse(broker.of(loss), 201)
        await life.settle()
        assert await statuses(life, family) == ["CANCELED", "CANCELED", "REJECTED"]
        assert broker.cancels == [broker.of(entry).order_id]
        assert world.alarms("its exit")

    in_world(tmp_path, body)


def test_a_withdrawal_that_got_lost_is_asked_for_again(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        entry, _, loss = family = await placed(world, life)
        real, broker.on_cancel = broker.on_cancel, lambda order, asked: None
        broker.refuse(broker.of(loss), 201)
        await life.settle(2.0)
        broker.on_cancel = real
        await life.settle(10.0)
        assert broker.cancels == [broker.of(entry).order_id] * 2
        assert (await statuses(life, family))[0] == "CANCELED"

    in_world(tmp_path, body)


def test_exits_that_take_back_more_than_there_was_freeze_the_symbol(tmp_path: Path) -> None:
    """Both fill before the broker cancels one. An execution that only overtakes its entry's freezes for a moment."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        entry, profit, loss = await placed(world, life)
        with broker.silent():
            broker.of(profit).status = "Submitted"
            broker.fill(broker.of(profit), 5)
            await asyncio.sleep(0.1)
            assert "exits" in life.plane.ledger.frozen["DEEP"]
            broker.fill(broker.of(entry), 5)
            await asyncio.sleep(0.1)
            assert life.plane.ledger.frozen == {}
            broker.fill(broker.of(loss), 5)
        await life.settle(0.1)
        assert "filled more than its 5 shares" in life.plane.ledger.frozen["DEEP"]
        assert life.plane.ledger.account_positions() == {"DEEP": -5}

    in_world(tmp_path, body)


def test_a_symbol_with_a_bracket_takes_no_other_order_and_is_got_out_of_whole(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        entry, *_ = family = await placed(world, life)
        broker.fill(broker.of(entry), 5)
        refused = await life.ask(wish(world, number=2))
        assert "ID-03" in (refused.reject_reason or "")
        leaving = asyncio.ensure_future(life.plane.get_out("over"))
        await life.settle(1.0)
        assert await statuses(life, family) == ["FILLED", "CANCELED", "CANCELED"]
        (flatten,) = broker.frames[3:]
        assert (flatten["action"], flatten["totalQty"], flatten["parentId"]) == ("SELL", "5", "0")
        broker.fill(list(broker.orders.values())[-1], 5)
        assert (await leaving).flat

    in_world(tmp_path, body)


def test_a_bracket_that_waits_when_the_stop_falls_is_refused(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        entry, *exits = bracket(world)
        await life.publish(entry, exits[0])
        await life.settle(0.1)
        life.plane.intake.halt("a person said so")
        await life.publish(exits[1])
        await life.settle(1.0)
        last = await life.last_reports()
        assert all("KS-01" in str(last[one.intent_id].reject_reason) for one in (entry, *exits))
        assert world.frames == []

    in_world(tmp_path, body)
