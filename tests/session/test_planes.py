"""The three planes as processes of their own, as far as one process can tell: they share a bus and nothing else."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from tests.session.test_session import plan

from algo_trade.bus import Bus, EmbeddedBus, EmbeddedLogReader
from algo_trade.clock import Clock, SeededIds, rng, run_virtual
from algo_trade.contracts import OrderIntent, SessionEvent, SessionEventKind
from algo_trade.exit_codes import ExitCode
from algo_trade.order_plane.journal import Journal, JournalStop, LeaseLost
from algo_trade.session.data_process import DataProcess
from algo_trade.session.ending import Ending, exit_code
from algo_trade.session.gather import gather
from algo_trade.session.order_process import OrderProcess
from algo_trade.session.parts import make_simulator
from algo_trade.session.plan import SessionPlan, claim_directory, write_record
from algo_trade.session.plane_process import PlaneProcess
from algo_trade.session.report import build_report
from algo_trade.session.strategy_process import StrategyProcess

KINDS: tuple[type[PlaneProcess], ...] = (DataProcess, StrategyProcess, OrderProcess)


class OpenBus:
    """A bus that is there whether a plane is or not, as a cluster is: opening and closing it is somebody else's."""

    def __init__(self, bus: EmbeddedBus) -> None:
        self._bus = bus

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    async def open(self) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Nothing."""


class World:
    """A simulator, a bus, and planes that can be killed and started again."""

    def __init__(self, made: SessionPlan, clock: Clock, bus: EmbeddedBus) -> None:
        self.plan, self.clock, self.bus = made, clock, bus
        self.running: dict[str, tuple[PlaneProcess, asyncio.Task[BaseException | None]]] = {}

    def start(self, kind: type[PlaneProcess], *, resumed: bool = False) -> None:
        made = dataclasses.replace(self.plan, resumed=resumed)
        process = kind(made, self.clock, cast(Bus, OpenBus(self.bus)))
        self.running[kind.name] = process, asyncio.create_task(process.run())

    async def kill(self, kind: type[PlaneProcess]) -> None:
        """As kill -9 does, but for what a process's death closes: its sockets, its lock."""
        process, task = self.running.pop(kind.name)
        assert not task.done(), await task
        process.host.fail(asyncio.CancelledError())
        task.cancel()
        await asyncio.wait([task])

    async def end(self) -> OrderProcess:
        """Wait for all; the order plane."""
        for name, (_, task) in self.running.items():
            async with asyncio.timeout(600):
                assert await task is None, name
        order = self.running["order"][0]
        assert isinstance(order, OrderProcess)
        return order

    @staticmethod
    def ending(order: OrderProcess) -> Ending:
        assert order.ending is not None
        return order.ending


def in_world(made: SessionPlan, body: Callable[[World], Awaitable[None]]) -> None:
    """Run `body`; afterwards the session's log is gathered into its directory."""

    async def main(clock: Clock) -> None:
        ids = SeededIds(rng(made.seed, "ids"))
        bus = EmbeddedBus(made.directory / "cluster", clock=clock, ids=ids, hand_over=False)
        await bus.open()
        simulator = make_simulator(made, clock)
        assert simulator is not None
        host, port = await simulator.start("127.0.0.1", 0)
        ibkr = made.settings.ibkr.model_copy(update={"host": host, "port": port})
        settings = made.settings.model_copy(update={"ibkr": ibkr})
        write_record(made.directory, made.record())
        world = World(dataclasses.replace(made, settings=settings), clock, bus)
        await body(world)
        await gather(
            bus,
            made.log_directory,
            session_id=made.session_id,
            since_ns=made.started_ns,
            clock=clock,
            ids=ids,
        )
        await simulator.stop()
        await bus.close()

    run_virtual(main, start_ns=made.begins_ns)


def events(made: SessionPlan, kind: SessionEventKind) -> list[SessionEvent]:
    with EmbeddedLogReader(made.log_directory) as log:
        found = [SessionEvent.decode(record.value) for record in log.replay("session_events")]
    return [event for event in found if event.kind is kind]


def test_three_planes_trade_a_session_and_its_log_is_its_evidence(tmp_path: Path) -> None:
    made = plan(tmp_path / "session")

    async def body(world: World) -> None:
        for kind in KINDS:
            world.start(kind)
        order = await world.end()
        assert exit_code(world.ending(order), []) is ExitCode.OK

    in_world(made, body)
    summary = build_report(made.directory).summary
    assert summary.filled_orders > 20
    assert (summary.unknown, summary.final_positions) == (0, {})
    assert summary.positions_match_broker is not False
    states = [
        (event.data["plane"], event.data["state"]) for event in events(made, SessionEventKind.PLANE_STATE)
    ]
    told = [(kind.name, state) for kind in KINDS for state in ("started", "ended")]
    assert sorted(states) == sorted([*told, ("order", "ending")])
    assert len(events(made, SessionEventKind.SESSION_STARTED)) == 1


@pytest.mark.parametrize("victim", KINDS, ids=lambda kind: kind.name)
def test_a_plane_that_is_killed_and_started_again_goes_on(tmp_path: Path, victim: type[PlaneProcess]) -> None:
    made = plan(tmp_path / "session")

    async def body(world: World) -> None:
        for kind in KINDS:
            world.start(kind)
        for _ in range(4):
            await asyncio.sleep(40.3)
            await world.kill(victim)
            await asyncio.sleep(3)
            world.start(victim, resumed=True)
        order = await world.end()
        assert exit_code(world.ending(order), []) is ExitCode.OK

    in_world(made, body)
    summary = build_report(made.directory).summary
    assert summary.filled_orders > 10
    assert (summary.unknown, summary.final_positions) == (0, {})
    assert summary.positions_match_broker is not False
    with EmbeddedLogReader(made.log_directory) as log:
        asked = [OrderIntent.decode(record.value).intent_id for record in log.replay("order_intents")]
    assert len(asked) == len(set(asked))


def test_a_second_order_plane_refuses_to_start(tmp_path: Path) -> None:
    made = plan(tmp_path / "session", duration_s=60)

    async def body(world: World) -> None:
        for kind in KINDS:
            world.start(kind)
        await asyncio.sleep(20)
        second = OrderProcess(world.plan, world.clock, cast(Bus, OpenBus(world.bus)))
        with pytest.raises(JournalStop, match="another session trades this account"):
            await second.run()
        await world.end()

    in_world(made, body)


def test_an_order_plane_that_was_taken_over_stops_and_sends_nothing(tmp_path: Path) -> None:
    """Its lock file is gone, as on a file system without locks; its orders are the new one's to end."""
    made = plan(tmp_path / "session", duration_s=600)

    async def body(world: World) -> None:
        for kind in KINDS:
            world.start(kind)
        await asyncio.sleep(60)
        path = made.journal_path
        path.with_name(path.name + ".lock").unlink()
        usurper = Journal(path, made.settings.ibkr.account_id)
        before = [(order.intent_id, order.state, order.sent_ns) for order in usurper.orders()]
        _, task = world.running.pop("order")
        async with asyncio.timeout(120):
            assert isinstance(await task, LeaseLost)
        assert [(order.intent_id, order.state, order.sent_ns) for order in usurper.orders()] == before
        usurper.close()
        for process, _ in world.running.values():
            process.interrupt()
        for _, task in world.running.values():
            await task

    in_world(made, body)
    assert events(made, SessionEventKind.SESSION_ENDED) == []


def test_the_order_plane_ends_the_session_when_it_is_stopped(tmp_path: Path) -> None:
    made = plan(tmp_path / "session", duration_s=600)

    async def body(world: World) -> None:
        for kind in KINDS:
            world.start(kind)
        await asyncio.sleep(60)
        world.running["order"][0].interrupt()
        order = await world.end()
        assert exit_code(world.ending(order), []) is ExitCode.INTERRUPTED
        assert world.ending(order).outcome.flat
        assert (world.clock.now_ns() - made.started_ns) / 1e9 < 120

    in_world(made, body)


def test_a_directory_is_claimed_once(tmp_path: Path) -> None:
    """Three planes start at the same moment, and one session comes of it."""
    first, second = plan(tmp_path / "session"), plan(tmp_path / "session", seed=8)
    assert claim_directory(first)
    assert not claim_directory(second)
    assert plan(tmp_path / "session").session_id == first.session_id
