"""The seeded market: a queue of shares at each side's best price, and orders that arrive at it.

Arrivals are Poisson. Each one adds to a queue (limit order) or takes from it (market order, cancel). A queue that
empties moves the price away from it by a few cents and the book forms anew there, so order flow imbalance and
price change go together, as measured in real books; nothing in the past predicts the next step. Far from the
middle of its range the price is pulled back, so that a symbol always looks like itself.

This file is the whole model. Its assumptions are in docs/assumptions.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log, sqrt

from algo_trade.clock import rng
from algo_trade.gateway_sim.quotes import Quote

_CENT_E4 = 100
_SESSION_S = 23_400
_NS = 1_000_000_000

# Chance that an arrival adds to a queue; the rest takes from one.
_ADD_CHANCE = 0.42
# Chance that both sides move when a queue empties; otherwise the spread opens and the next arrival closes it.
_FOLLOW_CHANCE = 0.85
_LOT_SHARES = 100
_MAX_QUEUE_SHARES = 2_500
# A remainder below this is swept with the order that left it.
_MIN_QUEUE_SHARES = 30
# Arrivals per price move that the numbers above give; measured by a test, used to size the moves.
_ARRIVALS_PER_MOVE = 11.0
_MAX_MOVE_CENTS = 60


@dataclass(frozen=True, slots=True)
class SymbolModel:
    """What one symbol looks like. Prices in cents; volatility is the standard deviation of a day's return."""

    low_cents: int
    high_cents: int
    daily_volatility: float = 0.008
    quotes_per_s: float = 10.0


MODELS: dict[str, SymbolModel] = {
    "SPY": SymbolModel(56_000, 60_000, 0.007),
    "QQQ": SymbolModel(48_000, 50_000, 0.008),
    "IWM": SymbolModel(20_000, 23_000, 0.009),
    "AAPL": SymbolModel(20_000, 23_000, 0.009),
    "MSFT": SymbolModel(40_000, 43_000, 0.008),
}


def model_of(symbol: str) -> SymbolModel:
    """The symbol's model; a symbol nobody described gets a price range from its name."""
    known = MODELS.get(symbol)
    if known is not None:
        return known
    middle = rng(0, "symbol-model", symbol).randrange(5_000, 40_000)
    return SymbolModel(middle - middle // 20, middle + middle // 20)


class SeededQuotes:
    """The endless quotes of one symbol under one seed."""

    def __init__(self, seed: int, symbol: str) -> None:
        self._seed = seed
        self._symbol = symbol
        self._model = model_of(symbol)
        width = self._model.high_cents - self._model.low_cents
        start = rng(seed, "market-open", symbol).uniform(0.3, 0.7)
        self._open_cents = self._model.low_cents + round(width * start)

    @property
    def waits_for_subscriber(self) -> bool:
        return False

    @property
    def previous_close_e4(self) -> int:
        return self._open_cents * _CENT_E4

    @property
    def has_trades(self) -> bool:
        return False

    def quotes(self) -> Iterator[Quote]:
        model = self._model
        generator = rng(self._seed, "market", self._symbol)
        random = generator.random
        mean_gap_ns = _NS / model.quotes_per_s
        continue_move = _continue_chance(model)
        low, high = model.low_cents, model.high_cents
        soft_low, soft_high = low + (high - low) // 6, high - (high - low) // 6
        bid, spread = self._open_cents, 1
        bid_size, ask_size = _fresh_queue(random()), _fresh_queue(random())
        offset = 0
        yield Quote(0, bid * _CENT_E4, (bid + spread) * _CENT_E4, bid_size, ask_size)
        while True:
            offset += int(-log(1.0 - random()) * mean_gap_ns) + 1
            u = random()
            on_bid = u < 0.5
            kind = u * 2 if on_bid else u * 2 - 1
            if spread > 1:
                # The gap is filled from a random side by fresh limit orders.
                if on_bid:
                    bid += spread - 1
                    bid_size = _fresh_queue(kind)
                else:
                    ask_size = _fresh_queue(kind)
                spread = 1
            else:
                size = 20 + int(kind * 7919) % 4 * _LOT_SHARES + int(kind * 104_729) % 9 * 10
                queue = bid_size if on_bid else ask_size
                if kind < _ADD_CHANCE and queue < _MAX_QUEUE_SHARES:
                    queue += size
                else:
                    queue -= size
                if queue >= _MIN_QUEUE_SHARES:
                    if on_bid:
                        bid_size = queue
                    else:
                        ask_size = queue
                else:
                    cents = 1
                    while cents < _MAX_MOVE_CENTS and random() < continue_move:
                        cents += 1
                    leaving = bid < soft_low if on_bid else bid > soft_high
                    if leaving and random() < 0.5:
                        on_bid = not on_bid
                    both = random() < _FOLLOW_CHANCE
                    if on_bid:
                        bid -= cents
                        bid_size = _fresh_queue(random())
                    else:
                        ask_size = _fresh_queue(random())
                    if not both:
                        spread = 1 + cents
                    elif on_bid:
                        ask_size = _fresh_queue(random())
                    else:
                        bid += cents
                        bid_size = _fresh_queue(random())
            yield Quote(offset, bid * _CENT_E4, (bid + spread) * _CENT_E4, bid_size, ask_size)


def _fresh_queue(u: float) -> int:
    """Shares of a new best level: a few lots, seldom many, with an odd remainder."""
    return 100 + int(u * u * 12) * _LOT_SHARES + int(u * 997) % 10 * 10


def _continue_chance(model: SymbolModel) -> float:
    """The chance that a move goes one cent further, so that a day's moves add up to the day's volatility.

    Moves are independent, so their squared sizes add: a geometric size with continuation chance c has the mean
    square (1 + c) / (1 - c)^2, here solved for c.
    """
    day_cents = model.daily_volatility * (model.low_cents + model.high_cents) / 2
    moves = _SESSION_S * model.quotes_per_s / _ARRIVALS_PER_MOVE
    square = max(1.0, day_cents**2 / moves)
    return (2 * square + 1 - sqrt(8 * square + 1)) / (2 * square)
