"""A recorded day: every row one quote on the wire, none merged, none lost, prices and sizes exact."""

from __future__ import annotations

import asyncio
import itertools
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway_sim.wire_client import AAPL, WireClient, contract, place, story, with_simulator

from algo_trade.gateway_sim import (
    GatewaySimulator,
    QuotesFileError,
    load_recorded_quotes,
    write_recorded_quotes,
)
from algo_trade.gateway_sim.quotes import Quote

HEADER = "ask_price,ask_volume,bid_price,bid_volume\n"
REAL_DAY = Path("../shared/data/aapl-2012-06-21-level1.csv")
ROW = st.tuples(
    st.integers(-(10**12), 10**12),
    st.integers(0, 10**9),
    st.integers(-(10**12), 10**12),
    st.integers(0, 10**9),
)


def write(path: Path, rows: list[tuple[int, int, int, int]]) -> Path:
    """A quotes file."""
    path.write_text(HEADER + "".join(f"{','.join(map(str, row))}\n" for row in rows))
    return path


def whole(price: str) -> int:
    """A price in ten-thousandths; exact or an error."""
    scaled = Decimal(price) * 10_000
    assert scaled == int(scaled)
    return int(scaled)


def served(frames: list[list[str]]) -> list[tuple[int, ...]]:
    """Tick-by-tick messages as rows of a file."""
    return [
        (whole(fields[5]), int(fields[7]), whole(fields[4]), int(fields[6]))
        for fields in frames
        if fields[0] == "99"
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=60))
def test_every_row_is_one_tick_crossed_and_empty_ones_too(
    rows: list[tuple[int, int, int, int]], tmp_path: Path
) -> None:
    """The first with the subscription, the rest spread evenly over 23,400 seconds from it."""

    async def body(simulator: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(100)
        start = asyncio.get_running_loop().time()
        client.send(97, 5, *contract(AAPL), "BidAsk", 0, 0)
        await asyncio.sleep(23_400)
        assert served(client.frames) == rows
        arrived = [
            time for fields, time in zip(client.frames, client.times, strict=True) if fields[0] == "99"
        ]
        gaps = [time - start - index * 23_400 / len(rows) for index, time in enumerate(arrived)]
        assert all(abs(gap) < 0.001 for gap in gaps)
        assert simulator.quotes_finished("AAPL")

    with_simulator(body, quotes={"AAPL": write(tmp_path / "q.csv", rows)})


def test_a_fast_clock_plays_a_day_faster(tmp_path: Path) -> None:
    """`speed` multiplies the pace of the rows."""
    rows = [(n + 1, n, n, n) for n in range(100)]

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(97, 5, *contract(AAPL), "BidAsk", 0, 0)
        await asyncio.sleep(234)
        assert len(served(client.frames)) == 100

    with_simulator(body, quotes={"AAPL": write(tmp_path / "q.csv", rows)}, speed=100.0)


def test_orders_before_the_day_begins_find_no_market(tmp_path: Path) -> None:
    """Looking at the symbol, or an order in it, does not start the day: a subscription does."""
    rows = [(5_859_400, 200, 5_853_300, 18), (5_859_100, 18, 5_853_300, 18)]

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        words = story(await client.ask(*place(1, con_id=AAPL, tif="IOC"), wait=1))
        assert words[-2:] == ["3 Cancelled 0/10", "4 202"]
        snapshot = await client.ask(1, 11, 7, *contract(AAPL), 0, "", 1, 0, "")
        assert snapshot[-1] == ["57", "1", "7"]
        client.send(97, 5, *contract(AAPL), "BidAsk", 0, 0)
        words = story(await client.ask(*place(2, con_id=AAPL, quantity=300), wait=1))
        assert "3 Submitted 200/100" in words
        assert not any("Filled" in word for word in words)
        await asyncio.sleep(23_400)
        filled = [fields for fields in client.frames if fields[0] == "11"]
        assert [(fields[19], fields[20]) for fields in filled] == [("200", "585.94"), ("18", "585.91")]

    with_simulator(body, quotes={"AAPL": write(tmp_path / "q.csv", rows)})


def test_a_symbol_with_quotes_becomes_an_instrument(tmp_path: Path) -> None:
    """Whatever it is called."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        details = await client.ask(9, 8, 3, *contract(0, "ZZZ"), 0, "", "", "")
        assert [fields[0] for fields in details] == ["10", "52"]
        con_id = int(details[0][12])
        client.send(97, 5, *contract(con_id), "BidAsk", 0, 0)
        await asyncio.sleep(1)
        assert served(client.frames) == [(2, 3, 1, 4)]

    with_simulator(body, quotes={"ZZZ": write(tmp_path / "q.csv", [(2, 3, 1, 4)])})


TIMED = HEADER.strip().encode() + b",time_ns\n"
TRADED = HEADER.strip().encode() + b",trade_price,trade_volume\n"

BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0", "binary"),
    "not utf-8": (HEADER.encode() + b"\xff,1,1,1\n", "not a text file"),
    "another header": (b"bid,ask\n1,2\n", "first line must be"),
    "no rows": (HEADER.encode(), "no rows"),
    "a word": (HEADER.encode() + b"1,1,1,1\n1,x,1,1\n", "row 2: ask_volume is not a whole number"),
    "a nan": (HEADER.encode() + b"nan,1,1,1\n", "row 1: ask_price"),
    "an infinity": (HEADER.encode() + b"1,1,inf,1\n", "row 1: bid_price"),
    "a fraction": (HEADER.encode() + b"1.5,1,1,1\n", "row 1: ask_price"),
    "three cells": (HEADER.encode() + b"1,1,1\n", "row 1 has 3 values"),
    "a hole": (HEADER.encode() + b"1,1,1,1\n\n1,1,1,1\n", "row 2 has 1 values"),
    "too large": (HEADER.encode() + b"99999999999999999999,1,1,1\n", "out of range"),
    "a negative size": (HEADER.encode() + b"1,-1,1,1\n", "negative"),
    "columns in another order": (
        b"ask_price,ask_volume,bid_price,bid_volume,trade_price,time_ns\n",
        "first line",
    ),
    "a time missing": (TIMED + b"1,1,1,1,5\n1,1,1,1\n", "row 2 has 4 values, not 5"),
    "time going back": (TIMED + b"1,1,1,1,5\n1,1,1,1,9\n1,1,1,1,8\n", "row 3: time_ns goes back from 9 to 8"),
    "a trade without shares": (
        TRADED + b"1,1,1,1,0,0\n1,1,1,1,7,0\n",
        "row 2: a trade has a price and a volume",
    ),
    "a trade without a price": (TRADED + b"1,1,1,1,0,7\n", "row 1: a trade has a price and a volume"),
}


@pytest.mark.parametrize(("content", "reason"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_with_one_line_that_names_the_reason(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    """Before anything runs."""
    path = tmp_path / "quotes.csv"
    path.write_bytes(content)
    with pytest.raises(QuotesFileError, match=reason) as caught:
        load_recorded_quotes(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """By name too."""
    with pytest.raises(QuotesFileError, match="no such file"):
        load_recorded_quotes(tmp_path / "none.csv")
    with pytest.raises(QuotesFileError, match="cannot be read"):
        load_recorded_quotes(tmp_path)


def test_windows_line_ends_and_whole_numbers_with_a_point_are_taken(tmp_path: Path) -> None:
    """As spreadsheets write them."""
    path = tmp_path / "q.csv"
    path.write_bytes(
        b"\xef\xbb\xbfask_price,ask_volume,bid_price,bid_volume\r\n5859400.0,200,5853300.0,18\r\n"
    )
    quotes = list(load_recorded_quotes(path).quotes())
    assert [quote[1:5] for quote in quotes] == [(5_853_300, 5_859_400, 18, 200)]


def test_rows_with_times_keep_their_own_pace(tmp_path: Path) -> None:
    """Whether the times count from the first row or from 1970."""
    arrived = []
    for first_ns in (0, 1_340_285_400_000_000_000):
        path = tmp_path / f"{first_ns}.csv"
        rows = [f"{n},1,1,1,{first_ns + at_s * 10**9}" for n, at_s in ((2, 0), (3, 7), (4, 7), (5, 3600))]
        path.write_bytes(TIMED + "\n".join(rows).encode())

        async def body(simulator: GatewaySimulator, client: WireClient) -> list[float]:
            began = asyncio.get_running_loop().time()
            client.send(97, 5, *contract(AAPL), "BidAsk", 0, 0)
            await asyncio.sleep(3601)
            assert simulator.quotes_finished("AAPL")
            return [
                time - began
                for fields, time in zip(client.frames, client.times, strict=True)
                if fields[0] == "99"
            ]

        arrived.append(with_simulator(body, quotes={"AAPL": path}))
    assert arrived[0] == arrived[1] == pytest.approx([0, 7, 7, 3600], abs=0.001)


QUOTE = st.builds(
    lambda wait, prices, sizes, trade: (wait, *prices, *sizes, *trade),
    st.integers(0, 10**12),
    st.tuples(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9)),
    st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)),
    st.one_of(st.just((0, 0)), st.tuples(st.integers(1, 10**9), st.integers(1, 10**9))),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(QUOTE, min_size=1, max_size=30),
    first_ns=st.integers(-(10**15), 10**15),
    has_trades=st.booleans(),
)
def test_what_is_written_is_what_is_read(
    rows: list[tuple[int, ...]], first_ns: int, has_trades: bool, tmp_path: Path
) -> None:
    """Quotes, times since the first of them, and trades where they are asked for."""
    quotes, at_ns = [], first_ns
    for wait_ns, *rest in rows:
        quotes.append(Quote(at_ns, *rest))
        at_ns += wait_ns
    path = tmp_path / "out.csv"
    assert write_recorded_quotes(path, iter(quotes), has_trades=has_trades) == len(quotes)
    recorded = load_recorded_quotes(path)
    assert recorded.has_trades == has_trades
    lost = {} if has_trades else {"trade_e4": 0, "trade_size": 0}
    assert list(recorded.quotes()) == [
        quote._replace(offset_ns=quote.offset_ns - first_ns, **lost) for quote in quotes
    ]
    assert len(list(recorded.columns())) == (7 if has_trades else 5)


def test_nothing_is_not_written_and_a_place_that_is_none_is_told(tmp_path: Path) -> None:
    """And no half a file is left behind."""
    with pytest.raises(QuotesFileError, match="no quotes to write"):
        write_recorded_quotes(tmp_path / "empty.csv", [], has_trades=True)
    with pytest.raises(QuotesFileError, match="cannot be written: No such file"):
        write_recorded_quotes(tmp_path / "none" / "q.csv", [Quote(0, 1, 2, 3, 4)], has_trades=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not REAL_DAY.exists(), reason="the recorded day is not part of the repository")
def test_a_real_day_is_served_whole() -> None:
    """118,497 rows, and the order flow imbalance that is known of it."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(97, 5, *contract(AAPL), "BidAsk", 0, 0)
        await asyncio.sleep(23_400)
        rows = served(client.frames)
        assert len(rows) == 118_497
        imbalance = 0
        for (ask0, ask_size0, bid0, bid_size0), (ask, ask_size, bid, bid_size) in itertools.pairwise(rows):
            imbalance += bid_size * (bid >= bid0) - bid_size0 * (bid <= bid0)
            imbalance += ask_size0 * (ask >= ask0) - ask_size * (ask <= ask0)
        assert imbalance == -218_913

    with_simulator(body, quotes={"AAPL": REAL_DAY})
