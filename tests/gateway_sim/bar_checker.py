"""Bars made the slow and plain way, from the quotes themselves: the other opinion the tests hold bars to."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from algo_trade.gateway_sim.quotes import Quote

NS = 1_000_000_000
HEADER = "ask_price,ask_volume,bid_price,bid_volume,time_ns,trade_price,trade_volume\n"


class Bar(NamedTuple):
    """Prices in dollars, exact."""

    start_s: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int = 0
    trades: int = 0


def write_quotes(path: Path, quotes: Iterable[Quote]) -> Path:
    """A file of recorded quotes with times and trades."""
    rows = (
        f"{q.ask_e4},{q.ask_size},{q.bid_e4},{q.bid_size},{q.offset_ns},{q.trade_e4},{q.trade_size}\n"
        for q in quotes
    )
    path.write_text(HEADER + "".join(rows))
    return path


def prices(quotes: Iterable[Quote], origin_ns: int, what: str) -> list[tuple[int, Decimal, int]]:
    """Moments (UTC epoch ns), prices and shares of what a kind of bar is made of."""
    seen = []
    for quote in quotes:
        at_ns = origin_ns + quote.offset_ns
        if what == "TRADES":
            if quote.trade_size:
                seen.append((at_ns, Decimal(quote.trade_e4) / 10_000, quote.trade_size))
        else:
            value = {
                "BID": Decimal(quote.bid_e4),
                "ASK": Decimal(quote.ask_e4),
                "MIDPOINT": Decimal(quote.bid_e4 + quote.ask_e4) / 2,
            }[what]
            seen.append((at_ns, value / 10_000, 0))
    return seen


def five_seconds(quotes: Iterable[Quote], origin_ns: int, what: str, until_s: int) -> list[Bar]:
    """All five-second bars up to `until_s`, from the first price on, flat where nothing happened.

    A bar of quotes opens at the price that stands; a bar of trades at its first trade.
    """
    slots: dict[int, list[tuple[Decimal, int]]] = {}
    for at_ns, price, size in prices(quotes, origin_ns, what):
        slots.setdefault(at_ns // NS // 5 * 5, []).append((price, size))
    bars: list[Bar] = []
    if not slots:
        return bars
    standing: Decimal | None = None
    for start_s in range(min(slots), until_s, 5):
        events = slots.get(start_s, [])
        path = [price for price, _ in events]
        if standing is not None and (what != "TRADES" or not path):
            path.insert(0, standing)
        standing = path[-1]
        trades = len(events) if what == "TRADES" else 0
        volume = sum(size for _, size in events)
        bars.append(Bar(start_s, path[0], max(path), min(path), path[-1], volume, trades))
    return bars


def joined(bars: list[Bar]) -> Bar:
    """Several bars as one."""
    return Bar(
        bars[0].start_s,
        bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        sum(bar.volume for bar in bars),
        sum(bar.trades for bar in bars),
    )


def longer(bars: list[Bar], step_s: int, open_s: int) -> list[Bar]:
    """Five-second bars joined where a clock shows multiples of `step_s`, for a session that opened at 9:30."""
    midnight_s = open_s - 34_200
    groups: dict[int, list[Bar]] = {}
    for bar in bars:
        start_s = bar.start_s - (bar.start_s - midnight_s) % step_s
        groups.setdefault(max(open_s, start_s), []).append(bar)
    return [joined(group)._replace(start_s=start_s) for start_s, group in groups.items()]


def bar_of(start_s: str, prices: list[str], volume: str, trades: str) -> Bar:
    """A bar as the wire writes it."""
    opening, high, low, close = map(Decimal, prices)
    return Bar(int(start_s), opening, high, low, close, int(volume), int(trades))


def from_wire(fields: list[str]) -> list[Bar]:
    """The bars of a historical answer with epoch seconds (message 17)."""
    assert fields[0] == "17" and (len(fields) - 5) == 8 * int(fields[4]), fields[:5]
    rows = [fields[at : at + 8] for at in range(5, len(fields), 8)]
    return [bar_of(row[0], row[1:5], row[5], row[7]) for row in rows]
