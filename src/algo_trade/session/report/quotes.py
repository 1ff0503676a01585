"""The quotes of a session as columns of mid prices, and their order flow.

A day has some hundred thousand quotes, so they are parsed by hand into arrays (16 bytes each) instead of into
messages, and what needs more than the mid is summed while they are read; whoever wrote them has validated them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from pydantic_core import from_json

from algo_trade.bus.port import Record
from algo_trade.session.report.errors import EvidenceInvalid

MICROS = 1_000_000


@dataclass(slots=True)
class Quotes:
    """All TickEvents of market_events by symbol, in the order in which the symbols were first quoted.

    `ofi` is each symbol's order flow imbalance of the whole session, in shares; `bars` counts the BarEvents of each
    duration that stand between the quotes.
    """

    mids: dict[str, Mids] = field(default_factory=dict)
    ofi: dict[str, int | float] = field(default_factory=dict)
    bars: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return sum(map(len, self.mids.values()))


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
        gaps = (later - earlier for earlier, later in pairwise(self.at_ns))
        return max(max(gaps, default=0), until_ns - self.at_ns[-1])


def load_quotes(records: Iterable[Record]) -> Quotes:
    """Read market_events. Raises EvidenceInvalid at the first record that is neither a tick nor a bar."""
    quotes = Quotes()
    read: dict[str, tuple[Mids, _Flow]] = {}
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
            if symbol not in read:
                quotes.mids[symbol] = Mids()
                read[symbol] = quotes.mids[symbol], _Flow()
            mids, flow = read[symbol]
            bid, ask = round(event["bid"] * MICROS), round(event["ask"] * MICROS)
            flow.add(bid, event["bid_size"], ask, event["ask_size"])
            mids.at_ns.append(record.timestamp_ns)
            mids.micros.append((bid + ask) // 2)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise EvidenceInvalid(f"market_events, offset {offset}: not a market event ({error})") from error
    quotes.ofi = {symbol: whole(flow.total) for symbol, (_, flow) in read.items()}
    return quotes


class _Flow:
    """One symbol's order flow imbalance in shares: the sum of e_n of equation 10.

    Written down a second time on purpose, side by side instead of term by term, so that a slip in the
    strategy's own computation cannot repeat itself here. At an unchanged price a side counts the change of its
    queue; at a changed one it counts the queue that came or went as a whole. A symbol's first quote has no
    predecessor and counts nothing.
    """

    __slots__ = ("_last", "total")

    def __init__(self) -> None:
        self.total = 0.0
        self._last: tuple[int, float, int, float] | None = None

    def add(self, bid: int, bid_size: float, ask: int, ask_size: float) -> None:
        last, self._last = self._last, (bid, bid_size, ask, ask_size)
        if last is None:
            return
        last_bid, last_bid_size, last_ask, last_ask_size = last
        if bid == last_bid:
            buying = bid_size - last_bid_size
        else:
            buying = bid_size if bid > last_bid else -last_bid_size
        if ask == last_ask:
            selling = ask_size - last_ask_size
        else:
            selling = ask_size if ask < last_ask else -last_ask_size
        self.total += buying - selling


def whole(value: float) -> int | float:
    """The integer, when it is one: a sum of shares should look like it."""
    return int(value) if value == int(value) else value
