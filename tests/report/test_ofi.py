"""The report's own order flow imbalance, against equation 10 word for word and a real day."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade.bus import Record
from algo_trade.session.report.errors import EvidenceInvalid
from algo_trade.session.report.quotes import Quotes, load_quotes

_DAY = Path(__file__).parents[2] / ".." / "shared" / "data" / "aapl-2012-06-21-level1.csv"


def record(offset: int, value: str) -> Record:
    return Record("market_events", 0, offset, "1", value.encode(), offset)


def quote(offset: int, bid: float, bid_size: int, ask: float, ask_size: int, symbol: str = "SPY") -> Record:
    return record(
        offset,
        f'{{"event_type":"tick_event","symbol":"{symbol}","bid":{bid},"ask":{ask},'
        f'"bid_size":{bid_size},"ask_size":{ask_size}}}',
    )


def equation_10(before: tuple[int, int, int, int], now: tuple[int, int, int, int]) -> int:
    """Prices as whole ticks: bid, size, ask, size."""
    (bid_0, bid_size_0, ask_0, ask_size_0), (bid, bid_size, ask, ask_size) = before, now
    return (
        bid_size * (bid >= bid_0)
        - bid_size_0 * (bid <= bid_0)
        - ask_size * (ask <= ask_0)
        + ask_size_0 * (ask >= ask_0)
    )


states = st.tuples(st.integers(1, 4), st.integers(0, 9), st.integers(5, 8), st.integers(0, 9))


@given(st.lists(states, max_size=30))
def test_it_is_equation_10(rows: list[tuple[int, int, int, int]]) -> None:
    sums = load_quotes(quote(number, *row) for number, row in enumerate(rows)).ofi
    expected = sum(equation_10(*pair) for pair in pairwise(rows))
    assert sums == ({"SPY": expected} if rows else {})


def test_symbols_do_not_mix() -> None:
    rows = [
        quote(0, 1, 5, 2, 5, "A"),
        quote(1, 9, 1, 10, 1, "B"),
        quote(2, 1, 7, 2, 5, "A"),
        quote(3, 9, 1, 10, 4, "B"),
    ]
    quotes = load_quotes(rows)
    assert quotes.ofi == {"A": 2, "B": -3}
    assert {symbol: mids.last for symbol, mids in quotes.mids.items()} == {"A": 1_500_000, "B": 9_500_000}


def test_bars_are_counted_apart() -> None:
    bars = [record(place, '{"event_type":"bar_event","bar_duration":"1m"}') for place in (0, 2)]
    quotes = load_quotes([bars[0], quote(1, 1, 1, 2, 1), bars[1], record(3, '{"event_type":"bar_event"}')])
    assert (len(quotes), quotes.bars) == (1, {"1m": 2, "no duration told": 1})


@pytest.mark.parametrize("value", ["", "[]", "{}", '{"event_type":"tick_event"}', "12", "null"])
def test_anything_else_is_invalid_and_named(value: str) -> None:
    with pytest.raises(EvidenceInvalid, match="offset 1"):
        load_quotes([quote(0, 1, 1, 2, 1), record(1, value)])


@pytest.mark.skipif(not _DAY.exists(), reason="the recorded day is not on this machine")
def test_a_real_day() -> None:
    def rows() -> Iterator[Record]:
        with _DAY.open(newline="") as file:
            for number, row in enumerate(csv.DictReader(file)):
                bid, ask = int(row["bid_price"]) / 10_000, int(row["ask_price"]) / 10_000
                yield quote(number, bid, int(row["bid_volume"]), ask, int(row["ask_volume"]), "AAPL")

    quotes: Quotes = load_quotes(rows())
    assert len(quotes) == 118_497
    assert quotes.ofi == {"AAPL": -218_913}
