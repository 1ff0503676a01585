"""From an intent in the log to an order, or to the reason why not: identity, time, pace, and which log it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.order_plane.truth import check
from tests.order_plane.world import Life, World, in_world, wish

from algo_trade.bus.dead_letters import read
from algo_trade.contracts import ExecutionStatus, TimeInForce
from algo_trade.ibkr.errors import FieldRefused
from algo_trade.order_plane.lifecycle import OrderState
from algo_trade.order_plane.log_repair import where_to_read
from algo_trade.order_plane.order import OrderKind


async def start(world: World) -> Life:
    life = await world.begin()
    await life.start()
    return life


def offset(life: Life) -> int | None:
    return life.journal.offset(life.bus.log_id("order_intents"), "order_intents", 0)


def test_an_intent_that_expires_while_it_waits_for_the_pacer_is_never_sent(tmp_path: Path) -> None:
    """J alone, with the offset; then TIMEOUT."""

    async def body(world: World) -> None:
        life = await start(world)
        life.handler.pacer.hold(3.0)
        intent = wish(world, valid_s=1.0)
        await life.publish(intent)
        await asyncio.sleep(0.1)
        (waiting,) = life.journal.orders()
        assert (waiting.state, waiting.order_id, waiting.reports) == (OrderState.ACCEPTED, 0, 0)
        assert offset(life) == 1
        await life.settle(4.0)
        report = await life.last(intent)
        assert (report.status, report.order_id, report.sequence) == (ExecutionStatus.TIMEOUT, "", 0)
        assert "ID-02" in (report.reject_reason or "")
        assert world.simulator.placed_order_refs == []

    in_world(tmp_path, body)


def test_what_changed_while_an_intent_waited_is_checked_again(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        life.handler.pacer.hold(1.0)
        intent = wish(world)
        await life.publish(intent)
        await asyncio.sleep(0.1)
        life.plane.intake.halt("a person said so")
        await life.settle()
        assert "KS-01" in str((await life.last(intent)).reject_reason)
        assert world.simulator.placed_order_refs == []

    in_world(tmp_path, body)


def test_an_intent_is_answered_once_however_often_it_is_published(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        intent = wish(world)
        for _ in range(3):
            await life.publish(intent)
        await life.settle()
        await check(world, life)
        assert offset(life) == 3
        assert len(life.journal.orders()) == 1

    in_world(tmp_path, body)


def test_a_second_unresolved_intent_in_a_symbol_is_refused(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world, limit=99.0, tif=TimeInForce.DAY))
        second = await life.ask(wish(world, number=2))
        assert (second.status, second.order_id) == (ExecutionStatus.REJECTED, "")
        assert "ID-03" in (second.reject_reason or "")

    in_world(tmp_path, body)


def test_a_foreign_sessions_intent_is_refused_and_its_answer_is_not_lost(tmp_path: Path) -> None:
    """A crash keeps the answer from the log; the next life finds it, though it belongs to another session."""

    async def body(world: World) -> None:
        life = await start(world)
        life.posting.cancel()  # the answer is in the journal, and on its way to nowhere
        foreign = wish(world, session_id="session-0")
        await life.publish(foreign)
        await asyncio.sleep(0.5)
        assert await life.log() == []
        await life.die()
        again = await start(world)
        report = await again.last(foreign)
        assert (report.status, report.session_id) == (ExecutionStatus.REJECTED, "session-0")
        assert "ID-01" in (report.reject_reason or "")
        assert world.simulator.placed_order_refs == []

    in_world(tmp_path, body)


def test_intents_of_before_a_crash_are_answered_after_it(tmp_path: Path) -> None:
    """They are in the log and the journal never saw them."""

    async def body(world: World) -> None:
        life = await start(world)
        intents = [wish(world), wish(world, "DEEPER", valid_s=0.5)]
        life.plane._reading.cancel()
        for intent in intents:
            await life.publish(intent)
        await life.die()
        await asyncio.sleep(1.0)
        again = await start(world)
        await again.settle()
        last = await check(world, again)
        assert last[intents[0].intent_id].status.value in ("FILLED", "REJECTED")  # as quotes had come or not
        assert last[intents[1].intent_id].status is ExecutionStatus.TIMEOUT

    in_world(tmp_path, body)


def test_bytes_that_are_no_intent_go_aside_and_stop_nothing(tmp_path: Path) -> None:
    """Not the intake now, and not a later start, which reads the log again."""

    async def body(world: World) -> None:
        life = await start(world)
        for poison in (b"\xff\x00not json", b'{"event_type":"order_intent","quantity":-1}', b"null"):
            await life.bus.publish("order_intents", poison, key="DEEP")
        await life.bus.publish("exec_reports", b"not a report", key="DEEP")
        good = await life.ask(wish(world))
        assert good.status is ExecutionStatus.FILLED
        letters = [read(record) async for record in life.bus.replay("dlq_order_intents")]
        assert [(letter.offset, letter.validator) for letter in letters] == [
            (number, "OrderPlaneValidator") for number in range(3)
        ]
        assert letters[0].value == b"\xff\x00not json"
        assert offset(life) == 4
        await life.die()
        again = await start(world)
        assert (await again.ask(wish(world, number=2))).status is ExecutionStatus.FILLED

    in_world(tmp_path, body)


def test_an_unknown_log_starts_at_the_end_it_had_before_anything_else_was_done(tmp_path: Path) -> None:
    """Old intents are not answered; what a strategy publishes while we still reconcile is."""

    async def body(world: World) -> None:
        silent = True
        world.answer("positions", lambda real: None if silent else real())
        life = await world.begin()
        old, early = wish(world), wish(world, "DEEPER")
        await life.publish(old)
        starting = asyncio.ensure_future(life.start())
        await asyncio.sleep(8.0)
        assert offset(life) == 1
        await life.publish(early)
        silent = False
        await starting
        await life.settle()
        assert set(await life.last_reports()) == {early.intent_id}

    in_world(tmp_path, body)


def test_every_log_has_an_offset_of_its_own(tmp_path: Path) -> None:
    """The same journal over another log: an offset of the first means nothing in the second."""

    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world))
        await life.ask(wish(world, "DEEPER"))
        assert offset(life) == 2
        await life.end()
        (tmp_path / "log").rename(tmp_path / "first-log")
        again = await start(world)
        assert offset(again) == 0
        assert (await again.ask(wish(world, number=2))).status is ExecutionStatus.FILLED
        assert offset(again) == 1
        await again.end()
        (tmp_path / "log").rename(tmp_path / "second-log")
        (tmp_path / "first-log").rename(tmp_path / "log")
        third = await world.begin()
        assert (await where_to_read(third.bus, third.journal)).offsets == {("order_intents", 0): 2}

    in_world(tmp_path, body)


def test_an_order_that_cannot_be_written_is_told_and_blocks_nothing(tmp_path: Path) -> None:
    """The mark is durable, no byte left: an error, not an order that may exist."""

    async def body(world: World) -> None:
        life = await start(world)
        real = life._write

        def refuse(*_: Any) -> int:
            raise FieldRefused("no such field")

        life._write = refuse
        report = await life.ask(wish(world))
        assert (report.status, report.reject_reason) == (ExecutionStatus.ERROR, "not sent: no such field")
        life._write = real
        assert (await life.ask(wish(world, number=2))).status is ExecutionStatus.FILLED

    in_world(tmp_path, body)


def test_the_stop_that_falls_between_the_mark_and_the_bytes_holds_the_bytes_back(tmp_path: Path) -> None:
    """The report of the send mark may be what trips it."""

    async def body(world: World) -> None:
        life = await start(world)
        observe = life.plane.monitor.observe

        def trip(quoted: str | None = None) -> None:
            life.plane.intake.halt("the stop")
            observe(quoted)

        life.plane.monitor.observe = trip  # type: ignore[method-assign]
        report = await life.ask(wish(world))
        assert (report.status, report.reject_reason) == (
            ExecutionStatus.ERROR,
            "not sent: KS-01 trading is halted: the stop",
        )
        assert world.simulator.placed_order_refs == []

    in_world(tmp_path, body)


def test_intents_of_the_last_moment_are_answered_before_the_end(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        life = await start(world)
        intents = [wish(world), wish(world, "DEEPER")]
        for intent in intents:
            await life.publish(intent)
        await life.plane.stop()
        last = await check(world, life)
        assert {last[intent.intent_id].status for intent in intents} <= {
            ExecutionStatus.REJECTED,
            ExecutionStatus.SUBMITTED,
        }

    in_world(tmp_path, body)


def test_the_log_hears_of_a_flatten_order_whose_placing_was_cut_short(tmp_path: Path) -> None:
    """It was accepted; the end came while it waited for its turn."""

    async def body(world: World) -> None:
        life = await start(world)
        await life.ask(wish(world))

        def complain(real: Callable[[], None]) -> None:
            life.handler.pacer.hold(10.0)
            real()

        world.answer("positions", complain)
        leaving = asyncio.ensure_future(life.plane.get_out("over"))
        await asyncio.sleep(0.2)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        await asyncio.sleep(0.1)
        (flatten,) = [order for order in life.journal.orders() if order.kind is OrderKind.FLATTEN]
        assert flatten.intent_id in {intent.intent_id for intent in await life.intents()}

    in_world(tmp_path, body)
