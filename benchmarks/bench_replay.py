"""A million quotes through validation, order flow, strategy, risk and simulated fills, without the wire.

The quotes are a recorded day where there is one (RECORDED_QUOTES names its file), else the seeded market's AAPL; a day
follows itself until a million are played. The baseline of each round is a bare Python loop over the same quotes that
computes the same order flow in the same bins, and nothing else.
"""

from __future__ import annotations

import gc
import os
import time
from array import array
from pathlib import Path

from benchmarks.measuring import spread
from benchmarks.replay import Replay
from tests.gateway_sim.measures import seeded, until

from algo_trade.gateway_sim import load_recorded_quotes
from algo_trade.gateway_sim.quotes import Quote

QUOTES, ROUNDS = 1_000_000, 5
SYMBOL = "AAPL"
_DAY_NS = 23_400 * 1_000_000_000
_BIN_NS = 10_000_000_000


def a_million() -> tuple[str, list[Quote]]:
    recorded = os.environ.get("RECORDED_QUOTES")
    if recorded:
        day, source = list(load_recorded_quotes(Path(recorded)).quotes()), f"recorded: {Path(recorded).name}"
    else:
        day, source = list(until(seeded(1, SYMBOL).quotes(), _DAY_NS)), "seeded market"
    quotes: list[Quote] = []
    shift_ns = 0
    while len(quotes) < QUOTES:
        quotes += [quote._replace(offset_ns=quote.offset_ns + shift_ns) for quote in day]
        shift_ns = quotes[-1].offset_ns + 1
    return source, quotes[:QUOTES]


def bare_loop(quotes: list[Quote]) -> int:
    """Order flow imbalance in bins of ten seconds, as plainly as Python can."""
    total = flow = 0
    bins: array[int] = array("q")
    end_ns = _BIN_NS
    _, bid, ask, bid_size, ask_size = quotes[0][:5]
    for offset_ns, new_bid, new_ask, new_bid_size, new_ask_size, _, _ in quotes:
        while offset_ns >= end_ns:
            bins.append(flow)
            total += flow
            flow = 0
            end_ns += _BIN_NS
        if new_bid >= bid:
            flow += new_bid_size
        if new_bid <= bid:
            flow -= bid_size
        if new_ask <= ask:
            flow -= new_ask_size
        if new_ask >= ask:
            flow += ask_size
        bid, ask, bid_size, ask_size = new_bid, new_ask, new_bid_size, new_ask_size
    return total + flow


def main() -> None:
    source, quotes = a_million()
    gc.freeze()
    rates, loops, ratios = [], [], []
    replay = Replay(SYMBOL)
    for _ in range(ROUNDS):
        began = time.perf_counter()
        bare_loop(quotes)
        loops.append(QUOTES / (time.perf_counter() - began))
        replay = Replay(SYMBOL)
        began = time.perf_counter()
        replay.run(quotes)
        rates.append(QUOTES / (time.perf_counter() - began))
        ratios.append(rates[-1] / loops[-1])
    counts = replay.counts
    print(f"{QUOTES:,} quotes, {source}, through validation, OFI, strategy, risk and simulated fills")
    print(f"  replay     {spread(rates, 'events/s')}")
    print(f"  bare loop  {spread(loops, 'events/s')}: the same order flow and nothing else")
    print(f"  ratio      {spread(ratios, 'x')}")
    print(
        f"  came to    {counts.intents} intents, {counts.refused} refused, {counts.fills} fills, "
        f"{counts.dead_letters} dead letters"
    )


if __name__ == "__main__":
    main()
