"""Markets played against the clock: hours, halts, late starts, and who hears of what."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.gateway_sim.measures import NS, seeded, until
from tests.gateway_sim.wire_client import SPY, WireClient, contract, with_simulator

from algo_trade.clock import VIRTUAL_START_NS, Clock, from_utc, new_york, run_virtual
from algo_trade.gateway_sim import GatewaySimulator, HaltError, SimulatorConfig, parse_halt
from algo_trade.gateway_sim.catalogue import Catalogue, derived_instrument
from algo_trade.gateway_sim.catalogue_file import load_listing
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.hours import TradingHours
from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.markets import Markets, load_recorded
from algo_trade.gateway_sim.quotes import Quote

NEW_YORK = new_york(VIRTUAL_START_NS).tzinfo
HOUR_S = 3600
SLOW = """
instruments:
  SLOW: {base_price: 50, quotes_per_s: 0.5, depth_shares: 100}
  WILD: {base_price: 50, quotes_per_s: 2, depth_shares: 100, daily_volatility: 0.1, price_band_pct: 0.5}
"""


def local_ns(day: int, hour: int, minute: int = 0) -> int:
    """A moment of March 2026 in New York; the 2nd is a Monday."""
    return from_utc(datetime(2026, 3, day, hour, minute, tzinfo=NEW_YORK))


def in_market(
    body: Callable[[SymbolMarket, Clock], Awaitable[None]],
    symbol: str = "SPY",
    *,
    start_ns: int = VIRTUAL_START_NS,
    **config: Any,
) -> None:
    """Run `body(market, clock)` in virtual time with the market of one symbol, not yet started."""

    async def main(clock: Clock) -> None:
        told = SimulatorConfig(**({"seed": 7} | config))
        listing = load_listing(told.catalogue)
        catalogue = Catalogue(told.all_symbols(), listing.instruments, listing.patterns)
        markets = Markets(
            told,
            catalogue,
            load_recorded(told),
            clock=clock,
            hours=TradingHours(start_ns, told.market_open_ns, regular=told.regular_hours),
            origin_ns=start_ns,
            recorded_origins_ns={},
            on_started=lambda _market: None,
        )
        await body(markets.of(catalogue.by_symbol[symbol]), clock)
        markets.stop()

    run_virtual(main, start_ns=start_ns)


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A catalogue with two symbols that cost little."""
    path = tmp_path / "mine.yaml"
    path.write_text(SLOW, encoding="utf-8")
    return path


# -- listeners -----------------------------------------------------------------------------------------
def test_a_late_start_passes_quotes_over_and_only_listen_all_hears_them() -> None:
    """`listen` begins with the quote that stands; `listen_all` has the whole path, in order."""

    async def body(market: SymbolMarket, _: Clock) -> None:
        shown: list[Quote] = []
        everything: list[Quote] = []
        market.listen(shown.append)
        market.listen_all(everything.append)
        await asyncio.sleep(100)
        market.start()
        assert len(shown) == 1 and shown[0] == market.quote == everything[-1]
        await asyncio.sleep(20)
        path = list(until(seeded(7, "SPY").quotes(), 120 * NS))
        assert everything == path
        assert shown == path[-len(shown) :]
        assert shown[0].offset_ns <= 100 * NS < shown[1].offset_ns

    in_market(body, market_open_ns=VIRTUAL_START_NS)


class Bursty:
    """A recorded day of five quotes, three of them at one moment; their bid sizes count them."""

    waits_for_subscriber, has_trades, previous_close_e4 = True, False, 1_000_000

    def quotes(self) -> Iterator[Quote]:
        at_s = (0, 1, 1, 1, 2)
        return (Quote(second * NS, 1_000_000, 1_000_100, size, 1) for size, second in enumerate(at_s, 1))


def test_what_is_due_in_one_turn_is_told_as_a_burst() -> None:
    """From the second quote on, so that the first waits for nobody; and the end is told."""

    async def body(market: SymbolMarket, _: Clock) -> None:
        heard: list[int | bool] = []
        market.listen(lambda quote: heard.append(quote.bid_size))
        market.listen_burst(heard.append)
        market.start()
        await asyncio.sleep(3)
        assert heard == [1, 2, True, 3, 4, False, 5]

    in_market(body, quotes={"SPY": Bursty()})


def test_a_burst_reaches_a_client_whole_in_order_and_in_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    write = ClientConnection._write

    def counted(connection: ClientConnection, data: bytes) -> None:
        writes.append(data.count(b"99\x005\x003\x00"))
        write(connection, data)

    monkeypatch.setattr(ClientConnection, "_write", counted)
    ticks = ticks_of(3, quotes={"SPY": Bursty()})
    assert [fields[2] for _, fields in ticks] == ["1", "2", "3", "4", "5"]
    assert [quotes for quotes in writes if quotes] == [1, 1, 2, 1]


def test_a_market_knows_whether_it_tells_trades(tmp_path: Path) -> None:
    """A seeded one does; a recorded one where its file does."""
    path = tmp_path / "q.csv"
    path.write_text("ask_price,ask_volume,bid_price,bid_volume\n2,1,1,1\n")

    async def seeded_body(market: SymbolMarket, _: Clock) -> None:
        assert market.has_trades

    async def recorded_body(market: SymbolMarket, _: Clock) -> None:
        assert not market.has_trades

    in_market(seeded_body)
    in_market(recorded_body, quotes={"SPY": path})


# -- halts ---------------------------------------------------------------------------------------------
def ticks_of(seconds: float, **config: Any) -> list[tuple[float, tuple[str, ...]]]:
    """What a tick-by-tick subscription to SPY from the opening on gets, with the seconds it came after."""

    async def body(_: GatewaySimulator, client: WireClient) -> list[tuple[float, tuple[str, ...]]]:
        began = asyncio.get_running_loop().time()
        client.send(97, 5, *contract(SPY), "BidAsk", 0, 0)
        await asyncio.sleep(seconds)
        return [
            (at - began, tuple(fields[4:8]))
            for fields, at in zip(client.frames, client.times, strict=True)
            if fields[0] == "99"
        ]

    return with_simulator(body, **config)


def test_a_halted_symbol_is_silent_and_comes_back_where_it_would_be() -> None:
    """No tick for a minute; then the same path as without the halt, from the quote that stands there."""
    halted = ticks_of(180, halts=(parse_halt("SPY=09:31+1m"),))
    plain = ticks_of(180)
    silence = max(itertools.pairwise(at for at, _ in halted), key=lambda pair: pair[1] - pair[0])
    (_, reopening), *rest = [tick for tick in halted if tick[0] >= silence[1]]
    assert silence[1] == pytest.approx(120, abs=0.05)
    assert [tick for tick in halted if tick[0] <= silence[0]] == [
        tick for tick in plain if tick[0] <= silence[0]
    ]
    assert reopening == [fields for at, fields in plain if at < silence[1]][-1]
    assert rest == [tick for tick in plain if tick[0] > silence[1]]
    assert 0 < 60 - silence[0] < 5


def test_while_halted_there_is_no_quote_but_a_mark() -> None:
    """Listeners are told of both ends; the reopening's quote comes after the word that trading goes on."""

    async def body(market: SymbolMarket, _: Clock) -> None:
        heard: list[bool | Quote] = []
        market.listen_halt(heard.append)
        market.listen(heard.append)
        market.start()
        await asyncio.sleep(90)
        assert (market.halted, market.quote) == (True, None)
        last = [event for event in heard if isinstance(event, Quote)][-1]
        assert heard[-1] is True
        assert market.mark_e4_twice == last.bid_e4 + last.ask_e4
        await asyncio.sleep(60)
        assert not market.halted and market.quote is not None
        after = heard[heard.index(True) + 1 :]
        assert after[0] is False
        assert isinstance(after[1], Quote) and after[1].offset_ns == 120 * NS

    in_market(body, market_open_ns=VIRTUAL_START_NS, halts=(parse_halt("SPY=09:31+1m"),))


def test_a_market_that_starts_in_a_halt_says_so() -> None:
    """Nothing is shown before the reopening, though it has a mark; `listen_all` has what was shown before the halt."""

    async def body(market: SymbolMarket, _: Clock) -> None:
        halts: list[bool] = []
        shown: list[Quote] = []
        everything: list[Quote] = []
        market.listen_halt(halts.append)
        market.listen(shown.append)
        market.listen_all(everything.append)
        await asyncio.sleep(90)
        market.start()
        assert (market.halted, market.quote, halts, shown) == (True, None, [True], [])
        assert everything == list(until(seeded(7, "SPY").quotes(), 60 * NS))
        assert market.mark_e4_twice == everything[-1].bid_e4 + everything[-1].ask_e4
        await asyncio.sleep(31)
        assert halts == [True, False]
        assert shown[0].offset_ns == 120 * NS

    in_market(body, market_open_ns=VIRTUAL_START_NS, halts=(parse_halt("SPY=09:31+1m"),))


def test_a_price_that_runs_away_pauses_the_symbol_for_five_minutes(slow: Path) -> None:
    """And again, if it goes on: a volatility of 10 % in a band of half a percent."""

    async def body(market: SymbolMarket, _: Clock) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        times: list[float] = []
        market.listen_halt(lambda _halted: times.append(loop.time() - began))
        market.start()
        await asyncio.sleep(2 * HOUR_S)
        pauses = [end - start for start, end in zip(times[::2], times[1::2], strict=False)]
        assert len(pauses) > 2
        assert pauses == pytest.approx([300] * len(pauses))

    in_market(body, "WILD", market_open_ns=VIRTUAL_START_NS, catalogue=slow)


def test_a_recorded_day_cannot_be_halted(tmp_path: Path) -> None:
    """It is refused before anything runs."""
    path = tmp_path / "q.csv"
    path.write_text("ask_price,ask_volume,bid_price,bid_volume\n2,1,1,1\n")

    async def main(clock: Clock) -> None:
        config = SimulatorConfig(quotes={"AAPL": path}, halts=(parse_halt("AAPL=11:00+5m"),))
        with pytest.raises(HaltError, match="AAPL is recorded"):
            GatewaySimulator(config, clock=clock)

    run_virtual(main)


# -- hours ---------------------------------------------------------------------------------------------
def test_quotes_flow_only_while_the_exchange_is_open(slow: Path) -> None:
    """After the close the last one stands; the next day has a new price, and the close before it is the last trade."""

    async def body(market: SymbolMarket, clock: Clock) -> None:
        heard: list[tuple[int, Quote]] = []
        market.listen(lambda quote: heard.append((clock.now_ns(), quote)))
        market.start()
        first_close_e4 = market.previous_close_e4
        await asyncio.sleep(20 * HOUR_S)
        assert heard[-1][0] < local_ns(2, 16)
        assert market.quote == heard[-1][1]
        assert market.previous_close_e4 == first_close_e4
        await asyncio.sleep(4 * HOUR_S + 60)
        traded = [quote.trade_e4 for at, quote in heard if at < local_ns(2, 16) and quote.trade_e4]
        assert market.previous_close_e4 == traded[-1]
        (opened_ns, opening), *_ = [event for event in heard if event[0] > local_ns(2, 16)]
        assert opened_ns == pytest.approx(local_ns(3, 9, 30), abs=1000)
        assert abs(opening.bid_e4 - traded[-1]) > 100

    in_market(body, "SLOW", market_open_ns=VIRTUAL_START_NS, catalogue=slow)


def test_regular_hours_are_the_clocks_own(slow: Path) -> None:
    """Started on a Saturday: nothing until Monday 09:30, and both days listed as they are; closed again at 16:00."""

    async def body(market: SymbolMarket, clock: Clock) -> None:
        times: list[int] = []
        market.listen(lambda _quote: times.append(clock.now_ns()))
        market.start()
        await asyncio.sleep(4 * 24 * HOUR_S)
        days = {new_york(at).day for at in times}
        assert days == {9, 10, 11}
        assert times[0] == pytest.approx(local_ns(9, 9, 30), abs=1000)
        assert not [at for at in times if not 930 <= int(f"{new_york(at):%H%M}") < 1600]

    saturday = local_ns(7, 12)
    in_market(body, "SLOW", start_ns=saturday, regular_hours=True, catalogue=slow)
    hours = TradingHours(saturday, None, regular=True)
    assert hours.current(saturday) is None
    listed = hours.listed(saturday)
    assert listed.startswith("20260307:CLOSED;20260308:CLOSED;20260309:0930-20260309:1600;20260310:0930")


def test_a_simulator_started_at_noon_has_had_its_morning(slow: Path) -> None:
    """The day began at 09:30 with a quote; all of it goes to `listen_all`, at times before the start."""

    async def body(market: SymbolMarket, _: Clock) -> None:
        everything: list[Quote] = []
        market.listen_all(everything.append)
        market.start()
        assert everything[0].offset_ns == -150 * 60 * NS
        assert everything[-1].offset_ns <= 0
        assert len(everything) > 3000
        assert market.quote == everything[-1]

    in_market(body, "SLOW", start_ns=local_ns(3, 12), regular_hours=True, catalogue=slow)


def test_an_exchange_that_never_closes_moves_its_close_once_a_day(slow: Path) -> None:
    """Quotes at any hour; yesterday's close is the last trade of the 24 hours before."""

    async def body(market: SymbolMarket, clock: Clock) -> None:
        heard: list[Quote] = []
        market.listen(heard.append)
        market.start()
        first = market.previous_close_e4
        await asyncio.sleep(23.9 * HOUR_S)
        assert market.previous_close_e4 == first
        await asyncio.sleep(0.2 * HOUR_S)
        before = [quote for quote in heard if quote.offset_ns < 24 * HOUR_S * NS and quote.trade_size]
        assert market.previous_close_e4 == before[-1].trade_e4
        gaps = [after.offset_ns - quote.offset_ns for quote, after in itertools.pairwise(heard)]
        assert max(gaps) < 300 * NS

    in_market(body, "SLOW", catalogue=slow)


def test_two_openings_are_one_too_many() -> None:
    """A configuration that says twice when the exchange opens contradicts itself."""
    with pytest.raises(ValueError, match="both say when"):
        SimulatorConfig(regular_hours=True, market_open_ns=0)


def test_symbols_that_nobody_described_trade_too() -> None:
    """With a price that follows from the name, the same for every seed."""
    low, high = derived_instrument("ZZZ").base_price

    async def body(market: SymbolMarket, _: Clock) -> None:
        market.start()
        assert market.quote is not None
        assert low * 10_000 <= market.quote.bid_e4 <= high * 10_000

    in_market(body, "ZZZ", symbols=("ZZZ",))
