"""The quotes of a session as columns, and what is computed from them alone.

A day has some hundred thousand quotes, so they are parsed by hand into arrays (48 bytes each) instead of into
messages; whoever wrote them has validated them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic_core import from_json

from algo_trade.bus.port import Record
from algo_trade.session.report.errors import EvidenceInvalid

MICROS = 1_000_000


class Quotes:
    """All TickEvents of market_events in the order of the log, and how many BarEvents of which duration are between.

    Times are those of the log (UTC epoch ns), prices micro-dollars. `symbol_index` points into `symbols`.
    """

    def __init__(self) -> None:
        self.symbols: list[str] = []
        self.symbol_index = array("H")
        self.at_ns = array("q")
        self.bid_micros = array("q")
        self.ask_micros = array("q")
        self.bid_size = array("d")
        self.ask_size = array("d")
        self.bars: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self.at_ns)

    def mids(self) -> dict[str, Mids]:
        """Each symbol's mid prices, in the order in which the symbols were first quoted."""
        found = [Mids() for _ in self.symbols]
        for index, at_ns, bid, ask in zip(
            self.symbol_index, self.at_ns, self.bid_micros, self.ask_micros, strict=True
        ):
            mids = found[index]
            mids.at_ns.append(at_ns)
            mids.micros.append((bid + ask) // 2)
        return dict(zip(self.symbols, found, strict=True))


@dataclass(slots=True)
class Mids:
    """The mid prices of one symbol, micro-dollars, with their times (UTC epoch ns), which never go back."""

    at_ns: array[int] = field(default_factory=lambda: array("q"))
    micros: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.at_ns)

    @property
    def last(self) -> int:
        return self.micros[-1]

    def at(self, moment_ns: int) -> int | None:
        """The mid that stood at a moment; None before the first quote."""
        index = bisect_right(self.at_ns, moment_ns)
        return self.micros[index - 1] if index else None

    def longest_silence_ns(self, until_ns: int) -> int:
        """The longest time without a quote, from the first one to `until_ns`."""
        if not self.at_ns:
            return 0
        gaps = (later - earlier for earlier, later in zip(self.at_ns, self.at_ns[1:], strict=False))
        return max(max(gaps, default=0), until_ns - self.at_ns[-1])


def load_quotes(records: Iterable[Record]) -> Quotes:
    """Read market_events. Raises EvidenceInvalid at the first record that is neither a tick nor a bar."""
    quotes = Quotes()
    index_of: dict[str, int] = {}
    add_symbol, add_time = quotes.symbol_index.append, quotes.at_ns.append
    add_bid, add_ask = quotes.bid_micros.append, quotes.ask_micros.append
    add_bid_size, add_ask_size = quotes.bid_size.append, quotes.ask_size.append
    offset = -1
    try:
        for record in records:
            offset = record.offset
            event = from_json(record.value)
            if event["event_type"] != "tick_event":
                if event["event_type"] != "bar_event":
                    raise ValueError(f"event_type {event['event_type']!r}")
                quotes.bars[event.get("bar_duration") or "no duration told"] += 1
                continue
            symbol = event["symbol"]
            index = index_of.get(symbol)
            if index is None:
                index = index_of[symbol] = len(index_of)
                quotes.symbols.append(symbol)
            add_symbol(index)
            add_time(record.timestamp_ns)
            add_bid(round(event["bid"] * MICROS))
            add_ask(round(event["ask"] * MICROS))
            add_bid_size(event["bid_size"])
            add_ask_size(event["ask_size"])
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise EvidenceInvalid(f"market_events, offset {offset}: not a market event ({error})") from error
    return quotes


def ofi_sums(quotes: Quotes) -> dict[str, int | float]:
    """Order flow imbalance of the whole session by symbol, in shares: the sum of e_n of equation 10.

    Written down a second time on purpose, side by side instead of term by term, so that a slip in the
    strategy's own computation cannot repeat itself here. At an unchanged price a side counts the change of its
    queue; at a changed one it counts the queue that came or went as a whole. A symbol's first quote has no
    predecessor and counts nothing.
    """
    sums = [0.0] * len(quotes.symbols)
    before: list[tuple[int, float, int, float] | None] = [None] * len(quotes.symbols)
    columns = (quotes.symbol_index, quotes.bid_micros, quotes.bid_size, quotes.ask_micros, quotes.ask_size)
    for index, bid, bid_size, ask, ask_size in zip(*columns, strict=True):
        last = before[index]
        before[index] = (bid, bid_size, ask, ask_size)
        if last is None:
            continue
        last_bid, last_bid_size, last_ask, last_ask_size = last
        if bid == last_bid:
            buying = bid_size - last_bid_size
        else:
            buying = bid_size if bid > last_bid else -last_bid_size
        if ask == last_ask:
            selling = ask_size - last_ask_size
        else:
            selling = ask_size if ask < last_ask else -last_ask_size
        sums[index] += buying - selling
    return {symbol: whole(total) for symbol, total in zip(quotes.symbols, sums, strict=True)}


def whole(value: float) -> int | float:
    """The integer, when it is one: a sum of shares should look like it."""
    return int(value) if value == int(value) else value
