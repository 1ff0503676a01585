"""The plane on a real bus: both paths alike, nothing lost, faults told, each strategy told what it asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.strategy_plane.exchange import Exchange
from tests.strategy_plane.kit import (
    KEYS,
    LIMITS,
    QUICK,
    SESSION,
    SYMBOLS,
    World,
    everything,
    flow_of,
    messages,
    ofi,
    open_bus,
    report,
    running,
    tick,
)

from algo_trade.bus import EmbeddedBus
from algo_trade.clock import Clock, run_virtual, utc
from algo_trade.contracts import (
    BarDuration,
    BarEvent,
    Direction,
    ExecutionReport,
    ExecutionStatus,
    OFIEvent,
    OrderAmendment,
    OrderIntent,
    SessionEvent,
    TickEvent,
    TimeInForce,
)
from algo_trade.strategy_plane import (
    NOTHING,
    BrokenPromise,
    Decision,
    Decisions,
    Feeds,
    OfiBin,
    OfiBins,
    Phase,
    PlaneEnded,
    Purpose,
    Replace,
    SessionView,
    Strategy,
    StrategyPlane,
    intent_id,
)
from algo_trade.strategy_plane.ofi_strategy import OfiStrategy

DAY = TimeInForce.DAY


def in_session(
    tmp_path: Path, body: Callable[[EmbeddedBus, Clock], Awaitable[None]], *, hand_over: bool = True
) -> None:
    async def main(clock: Clock) -> None:
        async with open_bus(tmp_path, clock, hand_over=hand_over) as bus:
            await body(bus, clock)

    run_virtual(main)


async def trade(bus: EmbeddedBus, clock: Clock) -> StrategyPlane:
    async with running(bus, clock, ofi(), duration_s=60) as plane:
        await World(bus, clock).live(60)
        await plane.finish()
    return plane


def test_a_session_trades_and_is_flat_at_its_end(tmp_path: Path) -> None:
    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        plane = await trade(bus, clock)
        assert plane.fault is None and plane.flat and plane.positions == {}
        assert plane.counts.read == plane.counts.processed and plane.counts.intents > 10
        intents = await messages(bus, "order_intents", OrderIntent)
        assert len(intents) == plane.counts.intents
        assert len({intent.intent_id for intent in intents if isinstance(intent, OrderIntent)}) == len(
            intents
        )

    in_session(tmp_path, body)


def test_bytes_and_objects_give_the_same_intents_and_bins(tmp_path: Path) -> None:
    logs: list[tuple[list[bytes], list[bytes]]] = []

    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        await trade(bus, clock)
        intents, bins = await everything(bus, "order_intents"), await everything(bus, "ofi_events")
        logs.append(([record.value for record in intents], [record.value for record in bins]))

    for hand_over in (True, False):
        in_session(tmp_path / str(hand_over), body, hand_over=hand_over)
    assert logs[0] == logs[1] and len(logs[0][0]) > 10


def test_every_intent_names_the_event_that_caused_it(tmp_path: Path) -> None:
    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        await trade(bus, clock)
        events = await everything(bus, "market_events")
        for record in await everything(bus, "order_intents"):
            intent = OrderIntent.decode(record.value)
            assert intent.metadata is not None and intent.metadata.causation_id is not None
            topic, partition, offset = intent.metadata.causation_id.split("/")
            cause = TickEvent.decode(events[int(offset)].value)
            assert intent.intent_id == intent_id(
                SESSION, "OFI", intent.symbol, topic, int(partition), int(offset), 0
            )
            assert (cause.symbol, cause.timestamp) == (intent.symbol, intent.timestamp)
            assert record.key == KEYS[intent.symbol]

    in_session(tmp_path, body)


def test_the_log_of_order_flow_sums_to_that_of_the_market(tmp_path: Path) -> None:
    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        await trade(bus, clock)
        expected, logged = await flow_of(bus)
        assert logged == expected and len(logged) == len(SYMBOLS)
        numbers = [OFIEvent.decode(record.value).metadata for record in await everything(bus, "ofi_events")]
        assert [m.sequence_number for m in numbers if m is not None] == list(range(len(numbers)))

    in_session(tmp_path, body)


def test_what_cannot_be_read_is_put_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        async with running(bus, clock, ofi(), duration_s=60) as plane:
            world = World(bus, clock)
            await world.live(5)
            bus.append("market_events", b'{"event_type":"tick_event","symbol":"SPY"}', key="756733")
            await world.live(5)
            await plane.finish()
        assert (plane.counts.dead_letters, plane.fault) == (1, None)
        assert plane.counts.read == plane.counts.processed + 1
        (letter,) = await everything(bus, "dlq_market_events")
        assert letter.value == b'{"event_type":"tick_event","symbol":"SPY"}'

    in_session(tmp_path, body)


def test_a_report_that_cannot_be_read_stops_the_strategy(tmp_path: Path) -> None:
    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        async with running(bus, clock, ofi(), duration_s=60) as plane:
            world = World(bus, clock)
            await world.live(5)
            await bus.publish("exec_reports", b"{}", key="756733")
            await asyncio.wait_for(plane.faulted.wait(), 1)
            before = plane.counts.intents
            await world.live(15)
            assert plane.counts.intents == before and plane.phase is Phase.STOPPED
            await plane.finish()
        assert len(await everything(bus, "dlq_execution_reports")) == 1

    in_session(tmp_path, body)


class Scripted(Strategy):
    """A strategy that does what a test says, at each quote."""

    strategy_id = "SCRIPT"
    feeds = Feeds(ticks=True, ofi=OfiBins(1.0, 20))

    def __init__(self, act: Callable[[TickEvent, SessionView], Decisions]) -> None:
        self._act = act
        self.reports: list[ExecutionReport] = []

    def on_tick(self, tick: TickEvent, view: SessionView) -> Decisions:
        return self._act(tick, view)

    def on_report(self, report: ExecutionReport, view: SessionView) -> None:
        self.reports.append(report)


def buy(tick: TickEvent, *, exit_: bool = False, quantity: int = 1) -> Decision:
    return Decision(
        tick.symbol,
        Direction.BUY,
        quantity,
        Purpose.EXIT if exit_ else Purpose.ENTRY,
        mid=tick.bid,
        limit_price=tick.ask,
    )


def explode(tick: TickEvent, view: SessionView) -> Decisions:
    raise ZeroDivisionError("a bug")


def buy_twice(tick: TickEvent, view: SessionView) -> Decisions:
    return (buy(tick), buy(tick))


def exit_of_nothing(tick: TickEvent, view: SessionView) -> Decisions:
    return (buy(tick, exit_=True),)


def none_of_it(tick: TickEvent, view: SessionView) -> Decisions:
    return (buy(tick, quantity=0),)


@pytest.mark.parametrize(
    ("act", "said", "intents"),
    [
        (explode, "ZeroDivisionError: a bug", 0),
        (buy_twice, f"{BrokenPromise.__name__}: IWM: decided while an intent is unresolved", 1),
        (exit_of_nothing, "an exit of 1 with 0 held", 0),
        (none_of_it, "quantity", 0),
    ],
)
def test_a_strategy_at_fault_is_stopped_and_everybody_hears_of_it(
    tmp_path: Path, act: Callable[[TickEvent, SessionView], Decisions], said: str, intents: int
) -> None:
    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        async with running(bus, clock, Scripted(act), duration_s=60) as plane:
            world = World(bus, clock)
            await world.quote("IWM")
            await asyncio.wait_for(plane.faulted.wait(), 1)
            await world.live(5)
            await plane.finish()
        assert plane.fault is not None and said in plane.fault
        assert plane.counts.intents == intents  # what was decided before it counts as decided
        (told,) = await messages(bus, "session_events", SessionEvent)
        assert isinstance(told, SessionEvent) and said in told.text and told.severity == "ERROR"
        expected, logged = await flow_of(bus)
        assert logged == expected  # order flow is measured on

    in_session(tmp_path, body)


def test_after_halt_order_flow_runs_on_and_no_intent_is_made(tmp_path: Path) -> None:
    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        async with running(bus, clock, ofi(), duration_s=60) as plane:
            world = World(bus, clock)
            await world.live(20)
            plane.halt()
            before = plane.counts.intents
            await world.live(20)
            assert before > 0 and plane.counts.intents == before
            await plane.finish()
        expected, logged = await flow_of(bus)
        assert logged == expected

    in_session(tmp_path, body)


def bar(
    closed_at: datetime, *, size: BarDuration | None = BarDuration.M1, symbol: str = "SPY", close: float = 2.0
) -> BarEvent:
    return BarEvent(
        symbol=symbol, timestamp=closed_at, open=2, high=2, low=1, close=close, volume=3, bar_duration=size
    )


def test_reports_reach_the_strategy_and_those_of_others_do_not(tmp_path: Path) -> None:
    strategy = Scripted(lambda tick, view: NOTHING if view.orders.messages else (buy(tick),))

    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        async with running(bus, clock, strategy, duration_s=60) as plane:
            at = utc(clock.now_ns())
            await World(bus, clock).live(1)
            (record,) = await everything(bus, "order_intents")
            intent = OrderIntent.decode(record.value)
            foreign = report(intent, 9, ExecutionStatus.FILLED, 1, at).model_copy(
                update={"session_id": "another"}
            )
            await bus.publish("exec_reports", foreign, key="1")
            await plane.finish()
        assert [news.sequence for news in strategy.reports] == [0, 1]

    in_session(tmp_path, body)


class OnBars(Strategy):
    """Buys at every bar while it has nothing; notes what it was called with, and the time it was then."""

    strategy_id = "BARS"
    feeds = Feeds(bars=(BarDuration.M1, BarDuration.M5))

    def __init__(self) -> None:
        self.seen: list[tuple[BarEvent, datetime]] = []

    def on_tick(self, tick: TickEvent, view: SessionView) -> Decisions:
        raise AssertionError("it did not ask for ticks")

    def on_ofi(self, closed: OfiBin, view: SessionView) -> Decisions:
        raise AssertionError("it did not ask for order flow")

    def on_bar(self, bar: BarEvent, view: SessionView) -> Decisions:
        self.seen.append((bar, view.now))
        quote = view.quote(bar.symbol)
        if view.unresolved(bar.symbol) or view.position(bar.symbol) or quote is None:
            return NOTHING
        return (buy(quote),)


def test_a_bar_strategy_gets_the_bars_it_asked_for_and_quotes_in_its_view(tmp_path: Path) -> None:
    """Sizes and symbols nobody asked for are let pass; order flow is not measured; the quote is in the view."""

    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        strategy, start = OnBars(), utc(clock.now_ns())
        async with running(bus, clock, strategy, duration_s=600) as plane:
            world = World(bus, clock, step_s=1.0)
            await world.live(61)
            wanted = [
                bar(start + timedelta(seconds=60)),
                bar(start + timedelta(seconds=60), size=BarDuration.M5),
            ]
            others = [
                bar(start + timedelta(seconds=60), size=BarDuration.H1),
                bar(start + timedelta(seconds=60), size=None),
                bar(start + timedelta(seconds=60), symbol="AAPL"),
            ]
            for one in (*others, *wanted):
                bus.append("market_events", one, key="756733")
            await world.live(3)
            await plane.finish()
        assert [seen for seen, _ in strategy.seen] == wanted and plane.fault is None
        (record,) = await everything(bus, "order_intents")
        intent = OrderIntent.decode(record.value)
        # Decided on the quotes of the moment, so no older than they are: it must not be born expired.
        assert intent.timestamp == start + timedelta(seconds=60) and record.key == KEYS["SPY"]
        assert not await everything(bus, "ofi_events")

    in_session(tmp_path, body)


def test_bars_of_the_past_are_shown_and_answers_to_them_thrown_away(tmp_path: Path) -> None:
    """Closed before the session, or overtaken by the next of their size; and time never goes back for them."""

    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        strategy, start = OnBars(), utc(clock.now_ns())
        minutes = [start + timedelta(minutes=number) for number in range(-3, 5)]
        async with running(bus, clock, strategy, duration_s=600) as plane:
            world = World(bus, clock, step_s=1.0)
            await world.live(3)
            for closed_at in minutes[:4]:
                bus.append("market_events", bar(closed_at), key=KEYS["SPY"])
            await world.live(242)
            for closed_at in minutes[4:7]:
                bus.append("market_events", bar(closed_at), key=KEYS["SPY"])
            await world.live(1)
            assert plane.counts.intents == 0 and len(strategy.seen) == 7
            bus.append("market_events", bar(minutes[7]), key=KEYS["SPY"])  # four minutes: the newest there is
            await world.live(3)
            assert plane.counts.intents == 1
            await plane.finish()
        assert [seen.timestamp for seen, _ in strategy.seen] == minutes
        times = [now for _, now in strategy.seen]
        assert times == sorted(times) and times[0] >= start

    in_session(tmp_path, body)


def test_a_tick_strategy_gets_no_bars(tmp_path: Path) -> None:
    class Ticks(OnBars):
        feeds = Feeds(ticks=True)

        def on_tick(self, tick: TickEvent, view: SessionView) -> Decisions:
            return NOTHING

    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        strategy = Ticks()
        async with running(bus, clock, strategy, duration_s=600) as plane:
            bus.append("market_events", bar(utc(clock.now_ns()) + timedelta(seconds=1)), key="756733")
            await World(bus, clock).live(1)
            await plane.finish()
        assert not strategy.seen and plane.fault is None

    in_session(tmp_path, body)


def test_all_bars_of_the_session_are_shown_again_after_a_crash(tmp_path: Path) -> None:
    """However long ago they came: the warm-up was published at the session's start."""

    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        first, start = OnBars(), utc(clock.now_ns())
        async with running(bus, clock, first, duration_s=6000):
            for number in range(-5, 1):
                bus.append("market_events", bar(start + timedelta(minutes=number)), key=KEYS["SPY"])
            world = World(bus, clock, step_s=60.0)
            await world.live(1800)
        again = OnBars()
        async with running(bus, clock, again, duration_s=6000) as plane:
            assert [seen for seen, _ in again.seen] == [seen for seen, _ in first.seen]
            assert len(again.seen) == 6 and plane.counts.intents == 0

    in_session(tmp_path, body)


def test_amendments_follow_their_intent_under_its_key(tmp_path: Path) -> None:
    """And what came of them is in the view when the strategy is asked next."""
    said: list[tuple[int, float | None, bool]] = []

    def rest_then_move(tick: TickEvent, view: SessionView) -> Decisions:
        if tick.symbol != "SPY":
            return NOTHING
        working = view.working("SPY")
        if not working:
            return (
                NOTHING if view.orders.messages else (replace(buy(tick), limit_price=1.0, time_in_force=DAY),)
            )
        said.append((len(working), working[0].limit_price, working[0].amending))
        if working[0].amending or working[0].limit_price == 2.0:
            return NOTHING
        return (Replace(working[0].intent_id, limit_price=2.0),)

    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        async with running(bus, clock, Scripted(rest_then_move), duration_s=60) as plane:
            await World(bus, clock, broker=Exchange(), delay=4).live(2)
            await plane.finish()
        intent, amendment = await everything(bus, "order_intents")
        assert intent.key == amendment.key == KEYS["SPY"]
        assert OrderAmendment.decode(amendment.value).intent_id == OrderIntent.decode(intent.value).intent_id
        assert (plane.counts.intents, plane.counts.amendments, plane.fault) == (1, 1, None)
        assert said[0] == (1, 1.0, False) and said[1] == (1, 1.0, True) and said[-1] == (1, 2.0, False)

    in_session(tmp_path, body)


def test_positions_moved_by_the_stop_are_seen(tmp_path: Path) -> None:
    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        strategy = Scripted(lambda tick, view: NOTHING if view.orders.messages else (buy(tick, quantity=2),))
        async with running(bus, clock, strategy, duration_s=60) as plane:
            await World(bus, clock).live(1)
            assert plane.positions == {"SPY": 2}
            (record,) = await everything(bus, "order_intents")
            bought = OrderIntent.decode(record.value)
            stop = bought.model_copy(
                update={
                    "intent_id": intent_id(SESSION, "KILL", "SPY", "t", 0, 0, 0),
                    "direction": "SELL",
                    "strategy_id": "KILL",
                }
            )
            filled = report(stop, 0, ExecutionStatus.FILLED, 2, utc(clock.now_ns()))
            await bus.publish("exec_reports", filled, key="1")
            await plane.finish()
        assert plane.flat and plane.fault is None

    in_session(tmp_path, body)


def test_a_report_of_nobodys_intent_without_a_direction_stops_the_strategy(tmp_path: Path) -> None:
    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        async with running(bus, clock, ofi(), duration_s=60) as plane:
            orphan = ExecutionReport(
                report_id=intent_id("a", "b", "c", "d", 0, 0, 0),
                intent_id=intent_id("a", "b", "c", "d", 0, 0, 1),
                session_id=SESSION,
                sequence=0,
                order_id="5",
                symbol="SPY",
                status=ExecutionStatus.FILLED,
                timestamp=utc(clock.now_ns()),
            )
            await bus.publish("exec_reports", orphan, key="1")
            await asyncio.wait_for(plane.faulted.wait(), 1)
            await plane.finish()
        assert plane.fault is not None and "unknown intent" in plane.fault

    in_session(tmp_path, body)


def test_nobody_waits_for_a_plane_that_has_ended(tmp_path: Path) -> None:
    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        async with running(bus, clock, ofi(), duration_s=60) as plane:
            await plane.finish()
        bus.append("market_events", tick("SPY", utc(clock.now_ns()), 1.0, 1.01, 1, 1), key="1")
        with pytest.raises(PlaneEnded):
            await plane.finish()

    in_session(tmp_path, body)


def test_a_strategy_without_money_makes_no_intent(tmp_path: Path) -> None:
    async def body(bus: EmbeddedBus, clock: Clock) -> None:
        limits = replace(LIMITS, max_shares=0)
        async with running(bus, clock, OfiStrategy(QUICK, limits), limits=limits, duration_s=60) as plane:
            await World(bus, clock).live(30)
            await plane.finish()
        assert plane.counts.intents == 0

    in_session(tmp_path, body)
