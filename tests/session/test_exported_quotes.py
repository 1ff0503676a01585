"""A session's day becomes a file, and the file the same day again."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from tests.gateway_sim.bar_checker import write_quotes
from tests.ibkr.frames import payload
from tests.ibkr.helpers import settings as ibkr_settings

from algo_trade.bus import EmbeddedBus
from algo_trade.cli.main import main
from algo_trade.clock import VIRTUAL_START_NS, Clock, SeededIds, rng, run_virtual, utc
from algo_trade.contracts import TickEvent
from algo_trade.data_plane import BarFeed, RealTimeProducer
from algo_trade.gateway_sim import GatewaySimulator, SimulatorConfig, load_recorded_quotes
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.ibkr import IBKRHandler, Source
from algo_trade.session.exported_quotes import NothingToExport, export_quotes
from algo_trade.session.plan import write_record
from algo_trade.session.report import EvidenceMissing, SessionRecord

NS = 10**9
MS = 10**6


def record(directory: Path) -> None:
    write_record(
        directory,
        SessionRecord(session_id="s", profile="dev", clock="virtual", started=utc(VIRTUAL_START_NS)),
    )


def watch(
    directory: Path, symbol: str, quotes: dict[str, Path], source: Source = Source.TICK_BY_TICK
) -> list[TickEvent]:
    """Two minutes of a symbol's market, written down as a session does, trades and bars included."""
    record(directory)

    async def body(clock: Clock) -> list[TickEvent]:
        config = SimulatorConfig(seed=7, quotes=quotes, market_open_ns=VIRTUAL_START_NS)
        simulator = GatewaySimulator(config, clock=clock)
        host, port = await simulator.start()
        bus = EmbeddedBus(directory / "log", clock=clock, ids=SeededIds(rng(1, "ids")))
        await bus.open()
        handler = IBKRHandler(
            ibkr_settings(host=host, port=port, account_id="DSIM001"), clock, rng(3, "ibkr")
        )
        await handler.start()
        producer = RealTimeProducer(bus, clock, handler.market, session_id="s")
        feed = BarFeed(bus, clock, handler.market, session_id="s")
        running = [asyncio.ensure_future(each.run()) for each in (producer, feed)]
        await handler.market.subscribe_rt(symbol, source)
        if source is Source.TICK_BY_TICK:
            await handler.market.subscribe_trades(symbol)
        await feed.start(symbol, ["5s"], "1 D")
        await asyncio.sleep(120)
        handler.market.close()
        await asyncio.gather(*running)
        await handler.close()
        await simulator.stop()
        events = [r.value async for r in bus.replay("market_events") if b"tick_event" in r.value]
        await bus.close()
        return [TickEvent.decode(value) for value in events]

    return run_virtual(body)


def story(
    events: list[TickEvent],
) -> list[tuple[int, float, float, float, float, float | None, float | None]]:
    """What a strategy saw, at microseconds after the first quote."""
    start = events[0].timestamp
    return [
        (
            round((e.timestamp - start).total_seconds() * 1e6),
            e.bid,
            e.ask,
            e.bid_size,
            e.ask_size,
            e.last,
            e.last_size,
        )
        for e in events
    ]


def traded(path: Path) -> Path:
    """A market with trades, some of them two in one instant."""
    draw, quotes = rng(3, "traded"), [Quote(0, 5_000_000, 5_000_100, 100, 100)]
    for _ in range(300):
        before = quotes[-1]
        at_ns = before.offset_ns + draw.choice((0, 3 * MS, 400 * MS, 900 * MS))
        bid = before.bid_e4 + draw.randrange(-2, 3) * 100
        size = draw.choice((0, 0, 50, 100))
        quotes.append(Quote(at_ns, bid, bid + 100, draw.randrange(1, 900), 200, bid if size else 0, size))
    return write_quotes(path, quotes)


@pytest.mark.parametrize("market", ["recorded", "seeded"])
def test_an_exported_day_is_the_same_day_again(tmp_path: Path, market: str) -> None:
    """Quote for quote, trade for trade, at the same distances; and exported once more it is the same file."""
    symbol = "AAPL" if market == "recorded" else "SPY"
    quotes = {"AAPL": traded(tmp_path / "first.csv")} if market == "recorded" else {}
    seen = watch(tmp_path / "one", symbol, quotes)
    exported = export_quotes(tmp_path / "one", symbol, tmp_path / "exported.csv")
    assert exported.rows > 100 and exported.unreadable == 0
    again = watch(tmp_path / "two", symbol, {symbol: tmp_path / "exported.csv"})
    firsts, seconds = story(seen), story(again)
    assert [each[1:] for each in firsts] == [each[1:] for each in seconds]
    assert all(abs(one[0] - two[0]) <= 1 for one, two in zip(firsts, seconds, strict=True))
    export_quotes(tmp_path / "two", symbol, tmp_path / "again.csv")
    first, second = (load_recorded_quotes(tmp_path / name) for name in ("exported.csv", "again.csv"))
    assert [q[1:] for q in first.quotes()] == [q[1:] for q in second.quotes()]


def test_samples_of_the_top_of_the_book_are_exported_where_there_is_nothing_finer(tmp_path: Path) -> None:
    seen = watch(tmp_path / "one", "AAPL", {"AAPL": traded(tmp_path / "q.csv")}, Source.TOP_OF_BOOK)
    exported = export_quotes(tmp_path / "one", "AAPL", tmp_path / "out.csv")
    rows = list(load_recorded_quotes(tmp_path / "out.csv").quotes())
    assert exported.trades > 10
    quoted = [(round(e.bid * 1e4), round(e.ask * 1e4), e.bid_size) for e in seen]
    assert [row[1:4] for row in rows if (row.bid_e4, row.ask_e4, row.bid_size) in quoted] == [
        row[1:4] for row in rows
    ]


def write_raw(directory: Path, messages: list[tuple[int, bytes]]) -> None:
    """A log whose market_raw holds these messages at these milliseconds."""
    record(directory)

    async def body(clock: Clock) -> None:
        bus = EmbeddedBus(directory / "log", clock=clock, ids=SeededIds(rng(1, "ids")))
        await bus.open()
        event = TickEvent(symbol="SPY", timestamp=utc(0), bid=1.0, ask=1.0, bid_size=1.0, ask_size=1.0)
        bus.append("market_events", event, key="756733")
        for at_ms, message in messages:
            await asyncio.sleep(max(0.0, at_ms / 1000 - asyncio.get_running_loop().time()))
            bus.append("market_raw", message, key="756733")
        await bus.close()

    run_virtual(body)


def bid_ask(bid: float, size: int = 100) -> bytes:
    return payload(99, 7, 3, 0, bid, bid + 0.01, size, 200, 0)


def last(price: float, size: int = 10) -> bytes:
    return payload(99, 8, 1, 0, price, size, 0, "ARCA", "")


def test_a_trade_goes_with_the_quote_that_came_with_it_else_with_the_one_that_stands(tmp_path: Path) -> None:
    """And what cannot be read is counted, not written."""
    write_raw(
        tmp_path,
        [
            (0, last(500.0)),  # before the first quote: with it
            (5, bid_ask(500.0)),
            (100, last(500.01, 20)),
            (100, last(500.01, 30)),
            (100, bid_ask(500.0, 50)),
            (200, last(500.0, 40)),
            (300, bid_ask(499.99)),
            (301, payload(99, 7, 3, 0, "nan", 1, 1, 1, 0)),
            (302, payload(50, 3, 9, 1772461800, 1, 2, 1, 2, 3, 1, 1)),
            (303, payload(1, 6, 5, 1, 77, 1, 0)),
            (400, last(499.99, 60)),
        ],
    )
    exported = export_quotes(tmp_path, "SPY", tmp_path / "out.csv")
    assert (exported.rows, exported.trades, exported.unreadable) == (6, 5, 1)
    rows = [
        (q.offset_ns // MS, q.bid_e4, q.bid_size, q.trade_e4, q.trade_size)
        for q in load_recorded_quotes(tmp_path / "out.csv").quotes()
    ]
    assert rows == [
        (0, 5_000_000, 100, 5_000_000, 10),
        (95, 5_000_000, 100, 5_000_100, 20),
        (95, 5_000_000, 50, 5_000_100, 30),
        (195, 5_000_000, 50, 5_000_000, 40),
        (295, 4_999_900, 100, 0, 0),
        (395, 4_999_900, 100, 4_999_900, 60),
    ]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(EvidenceMissing):
        export_quotes(tmp_path, "SPY", tmp_path / "out.csv")
    write_raw(tmp_path, [(0, last(500.0))])
    with pytest.raises(NothingToExport, match="which has SPY"):
        export_quotes(tmp_path, "QQQ", tmp_path / "out.csv")
    with pytest.raises(NothingToExport, match="whole quote"):
        export_quotes(tmp_path, "SPY", tmp_path / "out.csv")
    assert not list(tmp_path.glob("*.csv")) and not list(tmp_path.glob("*.new"))


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows on stderr; exit 2 for a symbol that is not there, 7 without a session, 3 for a file that cannot be."""
    write_raw(tmp_path / "s", [(0, bid_ask(500.0))])

    def run(directory: str, symbol: str, out: str) -> int | str | None:
        arguments = [
            "export-quotes",
            str(tmp_path / directory),
            "--symbol",
            symbol,
            "--out",
            str(tmp_path / out),
        ]
        monkeypatch.setattr(sys, "argv", ["algotrade", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code

    assert run("s", "spy", "out.csv") == 0
    said = capsys.readouterr()
    assert (said.out, "1 quotes, 0 trades" in said.err) == ("", True)
    codes = [run("s", "QQQ", "out.csv"), run("none", "SPY", "out.csv"), run("s", "SPY", "no/out.csv")]
    assert codes == [2, 7, 3]
    assert "SPY" in capsys.readouterr().err
