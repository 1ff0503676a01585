"""Every order type and time in force, from intent to wire and back, at a broker that does as it is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.order_plane.broker import Broker
from tests.order_plane.world import ASK, Life, World, amend, bracket, in_world, wish

from algo_trade.contracts import ExecutionStatus, OrderType, TimeInForce, Urgency
from algo_trade.order_plane.lifecycle import OrderState

DAY, GTC, IOC, FOK = TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK
ALGOS = frozenset({"MKT", "LMT", "ALGO"})


async def start(world: World, *, algos: bool = False) -> Life:
    life = await world.begin()
    if algos:
        life.instruments = {
            symbol: replace(instrument, order_types=ALGOS) for symbol, instrument in life.instruments.items()
        }
    await life.start()
    return life


TYPES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"limit": None, "tif": DAY}, {"orderType": "MKT", "tif": "DAY", "lmtPrice": "", "auxPrice": ""}),
    ({"limit": 99.0, "tif": GTC}, {"orderType": "LMT", "tif": "GTC", "lmtPrice": "99.0", "auxPrice": ""}),
    ({"limit": ASK, "tif": FOK}, {"orderType": "LMT", "tif": "FOK", "lmtPrice": "100.02"}),
    ({"limit": None, "tif": FOK}, {"orderType": "MKT", "tif": "FOK", "lmtPrice": ""}),
    (
        {"limit": None, "stop": 101.0, "tif": DAY},
        {"orderType": "STP", "tif": "DAY", "lmtPrice": "", "auxPrice": "101.0"},
    ),
    (
        {"limit": 101.5, "stop": 101.0, "tif": GTC},
        {"orderType": "STP LMT", "tif": "GTC", "lmtPrice": "101.5", "auxPrice": "101.0"},
    ),
    ({"limit": None, "stop": 99.0, "side": "SELL", "tif": None}, {"orderType": "STP", "tif": "DAY"}),
]


@pytest.mark.parametrize(("wanted", "sent"), TYPES)
def test_an_order_goes_out_as_it_was_asked_for(
    tmp_path: Path, wanted: dict[str, Any], sent: dict[str, str]
) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        intent = wish(world, **wanted)
        report = await life.ask(intent)
        (frame,) = broker.frames
        assert {name: frame[name] for name in sent} == sent
        assert (frame["transmit"], frame["parentId"], frame["algoStrategy"]) == ("1", "0", "")
        assert (report.limit_price, report.stop_price) == (intent.limit_price, intent.stop_price)
        assert report.status in (ExecutionStatus.SUBMITTED, ExecutionStatus.ACKNOWLEDGED)
        broker.fill(broker.of(intent), 5)
        assert (await life.ask(wish(world, "FAR"))).status is ExecutionStatus.ACKNOWLEDGED
        assert (await life.last(intent)).status is ExecutionStatus.FILLED

    in_world(tmp_path, body)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"limit": None, "stop": 101.0, "tif": IOC}, "PT-11 STOP waits"),
    ({"limit": 101.5, "stop": 101.0, "tif": FOK}, "PT-11 STOP_LIMIT waits"),
    ({"limit": None, "order_type": OrderType.ADAPTIVE, "tif": IOC}, "PT-11 ADAPTIVE waits"),
    ({"limit": 99.0, "order_type": OrderType.MARKET}, "PT-11 a MARKET order has no limit price"),
    ({"limit": 99.0, "stop": 98.0, "order_type": OrderType.LIMIT}, "PT-11 a LIMIT order has no stop price"),
    ({"limit": None, "stop": 99.0, "tif": DAY}, "PT-03 stop 99.0 would trigger at once"),
    ({"limit": None, "stop": 130.0, "tif": DAY}, "PT-03 stop 130.0 is 29.99 % from the mid, at most 25 %"),
    ({"limit": 115.0, "stop": 101.0, "tif": DAY}, "PT-03 limit 115.0 is 13.86 % from its stop, at most 5 %"),
]


@pytest.mark.parametrize(("wanted", "why"), REFUSED)
def test_what_does_not_go_together_is_refused(tmp_path: Path, wanted: dict[str, Any], why: str) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        report = await life.ask(wish(world, **wanted))
        assert why in (report.reject_reason or "")
        assert world.frames == []

    in_world(tmp_path, body)


# -- ADAPTIVE --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("urgency", "limit", "priority"),
    [
        (Urgency.LOW, None, "Patient"),
        (None, None, "Normal"),
        (Urgency.NORMAL, 100.0, "Normal"),
        (Urgency.HIGH, 100.0, "Urgent"),
        (Urgency.URGENT, None, "Urgent"),
    ],
)
def test_adaptive_is_the_algo_with_a_priority(
    tmp_path: Path, urgency: Urgency | None, limit: float | None, priority: str
) -> None:
    async def body(world: World) -> None:
        life = await start(world, algos=True)
        Broker(world)
        sent: list[Any] = []
        real = life._write

        def write(approved: Any, *more: Any, **named: Any) -> int:
            sent.append(approved)
            return real(approved, *more, **named)

        life._write = write
        intent = wish(world, limit=limit, order_type=OrderType.ADAPTIVE, tif=DAY, urgency=urgency)
        report = await life.ask(intent)
        (frame,) = world.frames
        assert (frame.text("algoStrategy"), frame.text("orderType")) == (
            "Adaptive",
            "LMT" if limit else "MKT",
        )
        assert sent[0].adaptive == priority
        assert report.error_message is None
        assert life.journal.orders()[0].adaptive == priority

    in_world(tmp_path, body)


@pytest.mark.parametrize("limit", [None, 100.0])
def test_where_no_algos_are_taken_adaptive_goes_as_a_plain_order_and_that_is_told(
    tmp_path: Path, limit: float | None
) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        life.instruments["DEEP"] = replace(life.instruments["DEEP"], order_types=frozenset({"LMT", "MKT"}))
        life.plane._instruments["DEEP"] = life.instruments["DEEP"]
        broker = Broker(world)
        report = await life.ask(wish(world, limit=limit, order_type=OrderType.ADAPTIVE, tif=DAY))
        (frame,) = broker.frames
        assert (frame["algoStrategy"], frame["orderType"]) == ("", "LMT" if limit else "MKT")
        kind = "limit" if limit else "market"
        assert report.error_message == f"ADAPTIVE went as a plain {kind} order: DEEP takes no algo orders"

    in_world(tmp_path, body)


def test_an_adaptive_order_that_is_refused_is_not_sent_again_and_the_next_goes_plain(tmp_path: Path) -> None:
    """Only in that symbol, also in the session's next life, and not in the next session."""

    async def body(world: World) -> None:
        life = await start(world, algos=True)
        broker = Broker(world)
        intent = wish(world, limit=100.0, order_type=OrderType.ADAPTIVE, tif=DAY)
        await life.publish(intent)
        await asyncio.sleep(0.01)
        broker.refuse(broker.of(intent), 387, "Unsupported order type")
        del broker.orders[broker.of(intent).order_id]
        await life.settle(15.0)
        report = await life.last(intent)
        assert (report.status, report.reject_reason) == (
            ExecutionStatus.REJECTED,
            "387 Unsupported order type",
        )
        assert len(broker.frames) == 1
        await life.die()
        again = await start(world, algos=True)
        for symbol, number in (("DEEP", 2), ("FAR", 1)):
            await again.ask(
                wish(world, symbol, number=number, limit=99.0, order_type=OrderType.ADAPTIVE, tif=DAY)
            )
        assert [frame["algoStrategy"] for frame in broker.frames] == ["Adaptive", "", "Adaptive"]
        report = (await again.last_reports())[wish(world, number=2).intent_id]
        assert "387 Unsupported order type" in (report.error_message or "")
        for order in list(broker.orders.values()):
            broker.end(order, "Cancelled")
        await again.settle()
        await again.end()
        world.session_id = "session-2"
        third = await start(world, algos=True)
        await third.ask(wish(world, limit=99.0, order_type=OrderType.ADAPTIVE, tif=DAY))
        assert broker.frames[-1]["algoStrategy"] == "Adaptive"

    in_world(tmp_path, body)


def test_a_change_of_an_adaptive_order_keeps_its_algo(tmp_path: Path) -> None:
    """And one that went plain stays plain, though algos are taken by now."""

    async def body(world: World) -> None:
        life = await start(world, algos=True)
        life.plane._instruments["FAR"] = replace(life.instruments["FAR"], order_types=frozenset())
        broker = Broker(world)
        intents = [
            wish(world, symbol, limit=99.0, order_type=OrderType.ADAPTIVE, tif=GTC)
            for symbol in ("DEEP", "FAR")
        ]
        for intent in intents:
            await life.ask(intent)
        life.plane._instruments["FAR"] = life.instruments["FAR"]
        for intent in intents:
            await life.ask(amend(world, intent, limit_price=99.5))
        for before, after in zip(broker.frames[:2], broker.frames[2:], strict=True):
            assert {name for name in before if before[name] != after[name]} == {"lmtPrice"}

    in_world(tmp_path, body)


# -- how orders end, and how long they may not ---------------------------------------------------------
@pytest.mark.parametrize("word", ["Inactive", "Cancelled"])
def test_a_fill_or_kill_order_that_is_killed_is_cancelled(tmp_path: Path, word: str) -> None:
    """Paper gateways call it Inactive, which elsewhere is a reject."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        intent = wish(world, tif=FOK)
        await life.ask(intent)
        broker.end(broker.of(intent), word)
        await life.settle(0.1)
        report = await life.last(intent)
        assert (report.status, report.reject_reason) == (ExecutionStatus.CANCELED, None)

    in_world(tmp_path, body)


def test_a_fill_or_kill_order_that_is_rejected_is_rejected(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        intent = wish(world, tif=FOK)
        await life.ask(intent)
        broker.refuse(broker.of(intent), 201, "Order rejected - reason:")
        broker.end(broker.of(intent), "Inactive")
        await life.settle(0.1)
        assert (await life.last(intent)).status is ExecutionStatus.REJECTED

    in_world(tmp_path, body)


@pytest.mark.parametrize(
    ("wanted", "rests"),
    [
        ({"limit": 99.0, "tif": GTC}, True),
        ({"limit": None, "stop": 101.0, "tif": DAY}, True),
        ({"limit": None, "order_type": OrderType.ADAPTIVE, "tif": DAY}, True),
        ({"limit": None, "tif": DAY}, False),
        ({"limit": 99.0, "tif": FOK}, False),
        ({"limit": 99.0, "tif": IOC}, False),
    ],
)
def test_what_may_rest_is_left_to_rest_and_what_may_not_is_asked_about(
    tmp_path: Path, wanted: dict[str, Any], rests: bool
) -> None:
    async def body(world: World) -> None:
        life = await start(world, algos=True)
        Broker(world)
        await life.ask(wish(world, **wanted))
        asked: list[int] = []

        def count(real: Any) -> None:
            asked.append(1)
            real()

        world.answer("positions", count)
        await life.settle(600.0)
        assert (asked == []) is rests
        assert life.plane.ledger.unresolved()[0].state is OrderState.WORKING

    in_world(tmp_path, body)


def test_orders_that_rest_stay_known_over_lost_links_and_gateways_cut_off(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        intents = [
            wish(world, limit=99.0, tif=GTC),
            wish(world, "FAR", limit=None, stop=101.0, tif=DAY),
            wish(world, "THIN", limit=101.5, stop=101.0, tif=GTC),
        ]
        for intent in intents:
            await life.ask(intent)
        world.cut()
        await life.settle(30.0)
        world.say(1100, "Connectivity has been lost")
        await life.settle(120.0)
        broker.fill(broker.of(intents[1]), 5, silent=True)
        world.say(1102, "Connectivity is back")
        await life.settle(30.0)
        statuses = [(await life.last(intent)).status.value for intent in intents]
        assert statuses == ["ACKNOWLEDGED", "FILLED", "SUBMITTED"]
        assert (world.alarms(), life.plane.ledger.frozen) == ([], {})
        assert len(broker.frames) == 3

    in_world(tmp_path, body)


def test_an_order_of_an_earlier_session_is_withdrawn_and_keeps_its_symbol_till_it_is_gone(
    tmp_path: Path,
) -> None:
    """A good-till-cancelled order outlives its session: the process died before it could cancel it."""

    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        old = wish(world, limit=99.0, tif=GTC)
        await life.ask(old)
        await life.die()
        world.session_id = "session-2"
        broker.on_cancel = lambda order, asked: None  # the broker takes its time
        again = await start(world)
        assert world.alarms("it is of session session-1")
        assert broker.cancels == [broker.of(old).order_id]
        assert [one.signed_quantity for one in again.plane.ledger.reservations()] == [5]
        refused = await again.ask(wish(world))
        assert "ID-03" in (refused.reject_reason or "")
        broker.end(broker.of(old), "Cancelled")
        await again.settle(0.1)
        taken = await again.ask(wish(world, number=2, limit=99.0, tif=DAY))
        assert taken.status is ExecutionStatus.ACKNOWLEDGED
        assert again.plane.ledger.frozen == {}

    in_world(tmp_path, body)


def test_the_end_of_a_session_cancels_what_rests(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        broker = Broker(world)
        intents = [wish(world, limit=99.0, tif=GTC), wish(world, "FAR", limit=None, stop=101.0, tif=GTC)]
        for intent in intents:
            await life.ask(intent)
        assert (await life.plane.get_out("over")).flat
        assert sorted(broker.cancels) == sorted(broker.of(intent).order_id for intent in intents)

    in_world(tmp_path, body)


@pytest.mark.parametrize("theirs", [5, 3])
def test_books_are_compared_while_orders_rest(tmp_path: Path, theirs: int) -> None:
    """A bracket rests for as long as its position is held: not to compare then would be never to compare."""

    async def body(world: World) -> None:
        life = await start(world)
        check = life.plane.check
        assert check is not None
        broker = Broker(world)
        entry, *_ = family = bracket(world)
        await life.publish(*family)
        await life.settle(1.0)
        assert life.plane.ledger.account_positions() == {}
        broker.fill(broker.of(entry), 5, 100.0)
        await life.settle(1.0)
        assert life.plane.ledger.holding_quietly
        world._gateway.booking.account.cash_micros -= 501 * 10**6  # five shares and the commission
        broker.positions["DEEP"] = theirs
        assert await check.compare("position open") is (theirs == 5)
        world.cut()
        await life.settle(20.0)
        assert ("DEEP" in life.plane.ledger.frozen) is (theirs != 5)

    in_world(tmp_path, body)
