"""Killed anywhere, the plane comes back as if nothing had happened: no intent twice, none lost, every share counted."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.strategy_plane.exchange import BarMaker, Exchange
from tests.strategy_plane.kit import (
    KEYS,
    LIMITS,
    QUICK,
    QUICK_BANDS,
    STEP_S,
    SYMBOLS,
    Market,
    World,
    everything,
    flow_of,
    ofi,
    open_bus,
    running,
    tick,
    tuned,
    window,
)

from algo_trade.bus import EmbeddedBus
from algo_trade.clock import Clock, run_virtual, utc
from algo_trade.contracts import BarEvent, OFIEvent, OrderIntent, TickEvent
from algo_trade.strategy_plane import (
    NOTHING,
    Decisions,
    Feeds,
    OfiBin,
    OfiBins,
    SessionView,
    Strategy,
    StrategyPlane,
)
from algo_trade.strategy_plane.bands import BandsStrategy

# Short bins and a small window, so that a few hundred quotes hold many decisions.
DENSE = tuned(
    QUICK, interval_s=0.4, window=4, entry_z=0.5, max_hold_s=1.5, cooldown_s=0.5, entry_spacing_s=0.6
)
QUOTES = 120
DURATION_S = 30.0

Log = dict[str, list[bytes]]


async def log_of(bus: EmbeddedBus) -> Log:
    return {
        topic: [record.value for record in await everything(bus, topic)]
        for topic in ("market_events", "ofi_events", "order_intents", "exec_reports", "session_events")
    }


@dataclass(frozen=True)
class Case:
    """A strategy in the world it needs: how many quotes, how far apart, and who answers."""

    strategy: Callable[[], Strategy]
    quotes: int
    duration_s: float
    world: Callable[[EmbeddedBus, Clock, int], World]


def resting_world(bus: EmbeddedBus, clock: Clock, delay: int) -> World:
    bars = BarMaker(utc(clock.now_ns()))
    market = Market(5, step_cents=5)
    return World(bus, clock, delay=delay, broker=Exchange(), bars=bars.quoted, market=market, step_s=0.5)


CASES = {
    "ofi": Case(
        lambda: ofi(DENSE), QUOTES, DURATION_S, lambda bus, clock, delay: World(bus, clock, delay=delay)
    ),
    "bands": Case(lambda: BandsStrategy(QUICK_BANDS, LIMITS), 240, 120.0, resting_world),
}


def lives(case: Case, directory: Path, quotes: list[int], *, delay: int) -> Log:
    """One life for each number of quotes; all but the last are killed when they have seen theirs."""

    async def main(clock: Clock) -> Log:
        world: World | None = None
        for number, count in enumerate(quotes):
            async with open_bus(directory, clock) as bus:
                world = world or case.world(bus, clock, delay)
                world.bus = bus
                async with running(bus, clock, case.strategy(), duration_s=case.duration_s) as plane:
                    await world.tick(count)
                    if number == len(quotes) - 1:
                        await plane.finish()
                log = await log_of(bus)
        return log

    return run_virtual(main)


@pytest.mark.parametrize(
    ("name", "delay", "every"), [("ofi", 5, 2), ("ofi", 0, 11), ("bands", 5, 8), ("bands", 0, 37)]
)
def test_a_crash_at_any_record_changes_nothing(tmp_path: Path, name: str, delay: int, every: int) -> None:
    case = CASES[name]
    through = lives(case, tmp_path / "through", [case.quotes], delay=delay)
    assert len(through["order_intents"]) >= 8 and not through["session_events"]
    for crash in range(1, case.quotes, every):
        directory = tmp_path / "killed"
        killed = lives(case, directory, [crash, case.quotes - crash], delay=delay)
        shutil.rmtree(directory)
        for topic, records in through.items():
            assert killed[topic] == records, f"killed after quote {crash}: {topic} differs"


@pytest.mark.parametrize("name", list(CASES))
def test_many_crashes_change_nothing_either(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    through = lives(case, tmp_path / "through", [case.quotes], delay=5)
    if name == "bands":
        assert any(b"order_amendment" in record for record in through["order_intents"])
    quotes = [1] * 15 + [5] * 10 + [case.quotes - 65]
    assert lives(case, tmp_path / "killed", quotes, delay=5) == through


def test_a_kill_that_loses_the_tail_of_the_log_loses_no_share_of_what_is_left(tmp_path: Path) -> None:
    """The files as they are on disk in the middle of a group commit's second; the market goes on elsewhere."""

    async def main(clock: Clock) -> None:
        world = None
        for number in range(20):
            here, there = tmp_path / str(number), tmp_path / str(number + 1)
            async with open_bus(here, clock) as bus:
                world = world or World(bus, clock)
                world.bus = bus
                async with running(bus, clock, ofi(DENSE), duration_s=DURATION_S) as plane:
                    await world.tick(13 + number)
                    if number == 19:
                        await plane.finish()
                        expected, logged = await flow_of(bus)
                        assert logged == expected
                        intents = [
                            OrderIntent.decode(r.value) for r in await everything(bus, "order_intents")
                        ]
                        assert len({intent.intent_id for intent in intents}) == len(intents) > 8
                        assert plane.fault is None
                shutil.copytree(here, there)  # before close makes the rest durable

    run_virtual(main)


def test_bins_that_closed_unlogged_are_logged_once(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        async with open_bus(tmp_path, clock) as bus:
            world = World(bus, clock)
            async with running(bus, clock, ofi(DENSE), duration_s=DURATION_S):
                await world.tick(60)
            await world.tick(60)  # nobody reads
            before = (await bus.head("ofi_events"))[0]
            async with running(bus, clock, ofi(DENSE), duration_s=DURATION_S) as plane:
                assert (await bus.head("ofi_events"))[0] > before
                assert plane.counts.intents == 0  # what was missed is not traded on
                await plane.finish()
            expected, logged = await flow_of(bus)
            assert logged == expected
            ends = [
                (event.symbol, event.timestamp)
                for event in (OFIEvent.decode(r.value) for r in await everything(bus, "ofi_events"))
            ]
            assert len(set(ends)) == len(ends)

    run_virtual(main)


def test_events_of_another_session_are_not_ours(tmp_path: Path) -> None:
    """An account's log goes on over sessions; each begins with empty hands and empty windows."""

    async def main(clock: Clock) -> None:
        async with open_bus(tmp_path, clock) as bus:
            async with running(bus, clock, ofi(DENSE), duration_s=DURATION_S) as plane:
                await World(bus, clock).tick(100)
                await plane.finish()
            later = replace(window(DURATION_S, clock.now_ns() + 1), session_id="another")
            fresh = StrategyPlane(bus, clock, ofi(DENSE), LIMITS, window=later)
            before = await bus.head("ofi_events")
            await fresh.start()
            assert fresh.flat and await bus.head("ofi_events") == before

    run_virtual(main)


class Memory(Strategy):
    """A strategy with a memory of the market: it notes what it is shown."""

    strategy_id = "MEMORY"

    def __init__(self, feeds: Feeds) -> None:
        self.feeds = feeds
        self.ticks: list[TickEvent] = []
        self.bins: list[OfiBin] = []
        self.bars: list[BarEvent] = []

    def on_ofi(self, closed: OfiBin, view: SessionView) -> Decisions:
        self.bins.append(closed)
        return NOTHING

    def on_tick(self, tick: TickEvent, view: SessionView) -> Decisions:
        self.ticks.append(tick)
        return NOTHING

    def on_bar(self, bar: BarEvent, view: SessionView) -> Decisions:
        self.bars.append(bar)
        return NOTHING


def ticks_and_bins(warm_up_s: float) -> Feeds:
    return Feeds(ticks=True, warm_up_s=warm_up_s, ofi=OfiBins(DENSE.interval_s, DENSE.window))


def test_a_strategy_is_shown_the_past_it_asks_for(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        async with open_bus(tmp_path, clock) as bus:
            first = Memory(ticks_and_bins(0.0))
            async with running(bus, clock, first, duration_s=DURATION_S):
                await World(bus, clock).tick(50)
                await asyncio.sleep(STEP_S)
            again = Memory(ticks_and_bins(1.0))
            async with running(bus, clock, again, duration_s=DURATION_S):
                shown = len(again.ticks)
                assert 1.0 / STEP_S - 2 <= shown < len(first.ticks)
                assert again.ticks == first.ticks[-shown:]
                assert again.bins == [one for one in first.bins if one in again.bins]
                for symbol in SYMBOLS:
                    mine = [one for one in first.bins if one.symbol == symbol]
                    assert [one for one in again.bins if one.symbol == symbol] == mine[-4:]

    run_virtual(main)


def test_a_strategy_that_fails_on_its_past_is_stopped_at_the_start(tmp_path: Path) -> None:
    class Forgetful(Memory):
        def on_tick(self, tick: TickEvent, view: SessionView) -> Decisions:
            raise KeyError("where was I")

    async def main(clock: Clock) -> None:
        async with open_bus(tmp_path, clock) as bus:
            async with running(bus, clock, Memory(ticks_and_bins(0.0)), duration_s=DURATION_S):
                await World(bus, clock).tick(50)
            async with running(bus, clock, Forgetful(ticks_and_bins(1.0)), duration_s=DURATION_S) as plane:
                assert plane.faulted.is_set() and plane.fault is not None and "where was I" in plane.fault
                assert len(await everything(bus, "session_events")) == 1
                await plane.finish()

    run_virtual(main)


def test_a_resumed_session_sees_its_position_and_leaves_it(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        async with open_bus(tmp_path, clock) as bus:
            world = World(bus, clock)
            async with running(bus, clock, ofi(DENSE), duration_s=DURATION_S) as plane:
                while not plane.positions:
                    await world.tick(1)
                held = plane.positions
            async with running(bus, clock, ofi(DENSE), duration_s=DURATION_S) as again:
                assert again.positions == held
                (symbol,) = held
                await world.tick(60)  # twice as long as it may be held
                assert again.positions.get(symbol) != held[symbol]
                await again.finish()

    run_virtual(main)


def test_a_quiet_symbol_keeps_its_flow(tmp_path: Path) -> None:
    """One that ticked only before the others' windows began, and one that has not closed a bin yet."""

    async def main(clock: Clock) -> None:
        def quote(symbol: str, size: int) -> None:
            at = utc(clock.now_ns())
            bus.append("market_events", tick(symbol, at, 10.0, 10.01, size, 5), key=KEYS[symbol])

        async with open_bus(tmp_path, clock) as bus:
            async with running(bus, clock, ofi(DENSE), duration_s=DURATION_S):
                quote("QQQ", 5)
                quote("QQQ", 9)  # never closes a bin in this life
                for size in range(100):
                    quote("SPY", size)
                    if size == 3:
                        quote("IWM", 7)
                    if size == 30:
                        quote("IWM", 8)
                    await asyncio.sleep(STEP_S)
            async with running(bus, clock, ofi(DENSE), duration_s=DURATION_S) as plane:
                for symbol in SYMBOLS:
                    quote(symbol, 200)
                await plane.finish()
            expected, logged = await flow_of(bus)
            assert logged == expected == {"QQQ": 195, "SPY": 200, "IWM": 193}

    run_virtual(main)


def test_a_poisoned_intent_does_not_stop_a_start(tmp_path: Path) -> None:
    """Somebody else's bytes on order_intents are not ours to fold; the order plane has put them aside."""

    async def main(clock: Clock) -> bool:
        async with open_bus(tmp_path, clock) as bus:
            await bus.publish("order_intents", b"not an intent", key="756733")
            async with running(bus, clock, ofi(DENSE), duration_s=DURATION_S) as plane:
                return plane.flat

    assert run_virtual(main)
