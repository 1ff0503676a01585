"""Ticks of the past, as a request for them wants them: so many from a moment on, or so many before one.

A second is never cut: where the wanted number ends inside one, the rest of that second comes too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from algo_trade.gateway_sim.bars.history import SymbolBars
from algo_trade.gateway_sim.bars.tick_log import Timed
from algo_trade.gateway_sim.quotes import Quote

TICKS_MAX = 1_000


class TickKind(Enum):
    TRADES = "TRADES"
    BID_ASK = "BID_ASK"
    MIDPOINT = "MIDPOINT"


@dataclass(frozen=True, slots=True)
class TickQuery:
    """`count` ticks from `start_s` on, or else the last ones before `end_s` (UTC epoch seconds)."""

    kind: TickKind
    count: int
    start_s: int | None
    end_s: int
    ignore_size: bool = False


def tick_history(bars: SymbolBars, query: TickQuery) -> list[Timed]:
    """The ticks, oldest first."""
    told = _told(query)
    if query.start_s is not None:
        return _first(told(bars.ticks_since(query.start_s)), query)
    found: list[Timed] = []
    for block in bars.tick_blocks_back(query.end_s):
        found = block + found
        ticks = list(told(found))
        # The first tick of all we have may stand there only because we do not know what was before it.
        if len(ticks) > query.count:
            cut_s = ticks[-query.count][0]
            if ticks[0][0] < cut_s:
                return [tick for tick in ticks if tick[0] >= cut_s]
    return list(told(found))


def _first(ticks: Iterable[Timed], query: TickQuery) -> list[Timed]:
    assert query.start_s is not None
    taken: list[Timed] = []
    for tick in ticks:
        if tick[0] < query.start_s:
            continue
        if tick[0] >= query.end_s or (len(taken) >= query.count and tick[0] != taken[-1][0]):
            break
        taken.append(tick)
    return taken


def _told(query: TickQuery) -> Callable[[Iterable[Timed]], Iterator[Timed]]:
    """What of all quotes is a tick: every trade, or a quote that differs from the one before it."""

    def trades(ticks: Iterable[Timed]) -> Iterator[Timed]:
        return (tick for tick in ticks if tick[1].trade_size)

    def changes(ticks: Iterable[Timed]) -> Iterator[Timed]:
        shown: object = None
        for tick in ticks:
            seen = seen_of(tick[1])
            if seen != shown:
                shown = seen
                yield tick

    def seen_of(quote: Quote) -> object:
        if query.kind is TickKind.MIDPOINT:
            return quote.bid_e4 + quote.ask_e4
        return quote[1:3] if query.ignore_size else quote[1:5]

    return trades if query.kind is TickKind.TRADES else changes
