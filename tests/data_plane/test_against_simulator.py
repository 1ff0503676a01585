"""The whole way of market data: simulator, wire, client, data plane, log; held against the simulator's own quotes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway_sim.bar_checker import five_seconds, longer, write_quotes
from tests.ibkr.helpers import settings as ibkr_settings

from algo_trade.bus import EmbeddedBus, Record
from algo_trade.clock import VIRTUAL_START_NS, Clock, SeededIds, rng, run_virtual
from algo_trade.contracts import BarDuration, BarEvent, SessionEvent, TickEvent
from algo_trade.data_plane import BarFeed, RealTimeProducer
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.ibkr import IBKRHandler, Source
from algo_trade.ibkr.events import GatewayMessage

OPEN_S = VIRTUAL_START_NS // 10**9
NS = 10**9
M1, M5, D1 = BarDuration.M1, BarDuration.M5, BarDuration.D1


def a_market(seed: int, minutes: int, lull_s: float = 30.0) -> list[Quote]:
    """Quotes and trades, two a second in the mean, with lulls."""
    draw, quotes, bid, at_ns = rng(seed, "a-market"), [Quote(0, 5_000_000, 5_000_100, 100, 100)], 5_000_000, 0
    while at_ns < minutes * 60 * NS:
        at_ns += (
            round(lull_s * 1e9 * draw.random()) if draw.random() < 0.01 else round(draw.expovariate(2) * 1e9)
        )
        bid += draw.randrange(-3, 4) * 100
        size = draw.choice((0, 0, 100, 200))
        quotes.append(Quote(at_ns, bid, bid + 100, 100 + draw.randrange(900), 200, bid if size else 0, size))
    return quotes


class World:
    """A simulator with a recorded AAPL that began at 9:30, and everything up to the log."""

    def __init__(self, clock: Clock, directory: Path, quotes: list[Quote], **config: Any) -> None:
        self.clock = clock
        self._config = SimulatorConfig(
            seed=7,
            quotes={"AAPL": write_quotes(directory / "q.csv", quotes)},
            market_open_ns=VIRTUAL_START_NS,
            state_path=directory / "sim.db",
            **config,
        )
        self.simulator = GatewaySimulator(self._config, clock=clock)
        self.bus = EmbeddedBus(directory / "log", clock=clock, ids=SeededIds(rng(1, "ids")))
        self.handler: IBKRHandler | None = None
        self.port = 0

    async def start(self) -> IBKRHandler:
        """A subscription begins the recorded day."""
        await self.bus.open()
        host, self.port = await self.simulator.start()
        self.handler = IBKRHandler(
            ibkr_settings(host=host, port=self.port, account_id="DSIM001"), self.clock, rng(3, "ibkr")
        )
        await self.handler.start()
        await self.handler.market.subscribe_rt("AAPL", Source.TOP_OF_BOOK)
        return self.handler

    async def restart(self, down_s: float) -> None:
        """The gateway goes away and comes back, as a nightly restart does."""
        await self.simulator.stop()
        await asyncio.sleep(down_s)
        self.simulator = GatewaySimulator(self._config, clock=self.clock)
        await self.simulator.start(port=self.port)

    async def stop(self) -> dict[str, list[Record]]:
        assert self.handler is not None
        await self.handler.close()
        await self.simulator.stop()
        topics = ("market_raw", "market_events", "session_events", "dlq_market_events")
        records = {topic: [record async for record in self.bus.replay(topic)] for topic in topics}
        await self.bus.close()
        return records


Body = Callable[[World, IBKRHandler], Awaitable[None]]


def live(directory: Path, quotes: list[Quote], body: Body, **config: Any) -> dict[str, list[Record]]:
    """Run `body` in virtual time; what is on the bus afterwards."""

    async def main(clock: Clock) -> dict[str, list[Record]]:
        world = World(clock, directory, quotes, **config)
        handler = await world.start()
        await body(world, handler)
        return await world.stop()

    return run_virtual(main)


def bars_of(records: dict[str, list[Record]], size: BarDuration) -> dict[int, tuple[float, ...]]:
    """Published bars of a size by close; each close once and in order."""
    events = [BarEvent.decode(r.value) for r in records["market_events"] if b'"bar_event"' in r.value]
    bars = [event for event in events if event.bar_duration is size]
    closes = [int(bar.timestamp.timestamp()) for bar in bars]
    assert closes == sorted(set(closes))
    return {
        close_s: (bar.open, bar.high, bar.low, bar.close, bar.volume)
        for close_s, bar in zip(closes, bars, strict=True)
    }


def expected(quotes: list[Quote], step_s: int, until_s: int) -> dict[int, tuple[float, ...]]:
    """By close, from the quotes themselves. The day began with the subscription, some hundredths after 9:30."""
    fine = five_seconds(quotes, VIRTUAL_START_NS, "TRADES", OPEN_S + until_s)
    return {
        bar.start_s + step_s: (*map(float, bar[1:5]), float(bar.volume))
        for bar in longer(fine, step_s, OPEN_S)
        if bar.start_s + step_s <= OPEN_S + until_s
    }


MISHAPS = st.lists(
    st.tuples(
        st.sampled_from(["drop", "restart", "1101"]), st.floats(1, 200), st.sampled_from([0.0, 3.0, 45.0])
    ),
    max_size=3,
)


@given(st.integers(0, 1_000), st.floats(0.5, 400), MISHAPS, st.sampled_from([0.0, 100.0, 4_000.0]))
@settings(
    deadline=None,
    max_examples=6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_bars_in_the_log_are_the_simulators_own(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    start_s: float,
    mishaps: list[tuple[str, float, float]],
    history_ms: float,
) -> None:
    """Started at any moment, through links that drop, restarts and 1101: no gap, no overlap, every number."""
    quotes = a_market(seed, 25)

    async def body(world: World, handler: IBKRHandler) -> None:
        feed = BarFeed(world.bus, world.clock, handler.market, session_id="s")
        running = asyncio.ensure_future(feed.run())
        await asyncio.sleep(start_s)
        await feed.start("AAPL", (M1, M5), "1 D")
        for what, after_s, for_s in mishaps:
            await asyncio.sleep(after_s)
            if what == "restart":
                await world.restart(for_s)
            elif what == "drop":
                handler.connection.drop("a mishap")
            else:
                for code in (1100, 1101):
                    notice = GatewayMessage(-1, code, "data lost", "", world.clock.now_ns())
                    handler.connection.router.route(notice)
        left_s = 1_440 - (world.clock.now_ns() / NS - OPEN_S)
        await asyncio.sleep(left_s)
        handler.market.close()
        await running

    records = live(tmp_path_factory.mktemp("world"), quotes, body, history_ms=history_ms)
    for size, step_s in ((M1, 60), (M5, 300)):
        bars = bars_of(records, size)
        wanted = expected(quotes, step_s, 1_380)
        assert {close_s: bar for close_s, bar in bars.items() if close_s in wanted} == wanted
        assert not [close_s for close_s in bars if close_s < min(wanted)]
    assert not records["dlq_market_events"]


def test_the_seeded_market_has_bars_of_days_before_and_of_today(tmp_path: Path) -> None:
    """1d bars of the past, 1m bars over the weekend, and the minute under way goes on live."""

    async def body(world: World, handler: IBKRHandler) -> None:
        feed = BarFeed(world.bus, world.clock, handler.market, session_id="s")
        running = asyncio.ensure_future(feed.run())
        await asyncio.sleep(130)
        await feed.start("SPY", (M1, D1), "2 D")
        await asyncio.sleep(200)
        handler.market.close()
        await running

    records = live(tmp_path, a_market(1, 1), body)
    minutes = bars_of(records, M1)
    assert sorted(minutes) == [
        *range(OPEN_S - 259_200 + 60, OPEN_S - 259_200 + 23_401, 60),
        *range(OPEN_S + 60, OPEN_S + 301, 60),
    ]
    days = bars_of(records, D1)
    assert [close_s - OPEN_S for close_s in days] == [-259_200 + 23_400]
    assert not records["session_events"] and not records["dlq_market_events"]
    raw = [record.value[:3] for record in records["market_raw"]]
    assert raw.count(b"50\0") == 40 and raw.count(b"17\0") >= 2


def test_ticks_and_trades_in_the_log_are_the_simulators_own(tmp_path: Path) -> None:
    """Every quote and every trade, each an event, the newest trade beside every quote."""
    quotes = a_market(5, 5, lull_s=10.0)  # after 15 s a trade waits for its quote

    async def body(world: World, handler: IBKRHandler) -> None:
        producer = RealTimeProducer(world.bus, world.clock, handler.market, session_id="s")
        running = asyncio.ensure_future(producer.run())
        await handler.market.unsubscribe_rt("AAPL")
        await handler.market.subscribe_rt("AAPL")
        await handler.market.subscribe_trades("AAPL")
        await asyncio.sleep(340)
        handler.market.close()
        await running
        assert producer.counts.dead_lettered == 0

    records = live(tmp_path, quotes, body)
    events = [TickEvent.decode(record.value) for record in records["market_events"]]
    told = [(round(e.bid * 1e4), e.bid_size, e.last and round(e.last * 1e4), e.last_size) for e in events]
    wanted: list[tuple[int, float, int | None, float | None]] = []
    last: tuple[int | None, float | None] = (None, None)
    standing = quotes[0]
    wanted.append((standing.bid_e4, standing.bid_size, *last))
    for quote in quotes[1:]:
        if quote.trade_size:
            last = (quote.trade_e4, quote.trade_size)
            wanted.append((standing.bid_e4, standing.bid_size, *last))
        standing = quote
        wanted.append((standing.bid_e4, standing.bid_size, *last))
    first_trade = next(index for index, quote in enumerate(quotes) if quote.trade_size)
    assert told[-len(wanted) + first_trade :] == wanted[first_trade:]


def test_a_day_without_recorded_trades_has_bars_of_its_mids(tmp_path: Path) -> None:
    """No volume, and that there is no history before it is told."""
    path = tmp_path / "quotes-only.csv"
    path.write_text("ask_price,ask_volume,bid_price,bid_volume\n" + "5000300,1,5000000,1\n" * 100)

    async def main(clock: Clock) -> list[bytes]:
        config = SimulatorConfig(seed=7, quotes={"AAPL": path}, market_open_ns=VIRTUAL_START_NS)
        simulator = GatewaySimulator(config, clock=clock)
        host, port = await simulator.start()
        handler = IBKRHandler(
            ibkr_settings(host=host, port=port, account_id="DSIM001"), clock, rng(3, "ibkr")
        )
        await handler.start()
        bus = EmbeddedBus(tmp_path / "log", clock=clock, ids=SeededIds(rng(1, "ids")))
        await bus.open()
        feed = BarFeed(bus, clock, handler.market, session_id="s")
        running = asyncio.ensure_future(feed.run())
        await feed.start("AAPL", [M1], "1 D")
        await asyncio.sleep(130)
        await handler.close()
        await running
        events = [record.value async for record in bus.replay("market_events")]
        told = [SessionEvent.decode(record.value) async for record in bus.replay("session_events")]
        assert [each.data["trouble"] for each in told] == ["history_missing"]
        await simulator.stop()
        await bus.close()
        return events

    bars = [BarEvent.decode(value) for value in run_virtual(main)]
    assert [(bar.open, bar.close, bar.volume) for bar in bars] == [(500.015, 500.015, 0.0)] * 2
