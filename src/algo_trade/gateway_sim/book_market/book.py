"""One symbol's limit order book: levels with queues on both sides, and what an arriving order does to them.

Theory. Each side is a stack of price levels, the best one last. An order presses up or down. One that presses up is
a limit order that joins the bid, steps inside the spread or goes behind the best, or it takes from the ask: a market
order or a cancel. One that presses down does the same on the other sides. A queue that is used up uncovers the level
behind it, and the next order inside the spread decides whether the price has moved (the other side follows) or not
(the side that was used up comes back). Both are equally likely unless the pressure says otherwise, so that the past
predicts nothing.

Levels are gaps apart: a dear stock with ten orders a second has to move several cents when a queue is used up, or it
could not have its daily volatility. Three rules keep the past out of the book's structure, each of which was needed
for price changes without memory:

- when a side follows, the level it leaves behind is drawn anew: those orders were placed for another price;
- when it follows over more than one gap, levels form in between: a hole would be crossed again and again;
- nobody joins a queue that is `LONGEST_QUEUE` times as long as the usual one.

Prices are whole cents here, sizes are shares.
"""

from __future__ import annotations

import random

from algo_trade.gateway_sim.book_market.shape import (
    GAP_SIZES,
    LEVELS,
    ORDER_SIZES,
    SPARE_LEVELS,
    BookShape,
)

# Chance that an order goes inside a spread wider than usual.
_INSIDE_CHANCE = 0.8
# Chance that an order concerns a level behind the best: half of them add there, half cancel.
_BEHIND_CHANCE = 0.1
# A new level's queue, in multiples of the usual one: uniform between the first and the sum of both.
_FRESH_LEAST, _FRESH_SPAN = 0.2, 1.6
LONGEST_QUEUE = 2.0


class Side:
    """The bids or the asks. `sign` is the direction away from the middle: -1 for bids, 1 for asks."""

    __slots__ = ("cents", "shares", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.cents: list[int] = []
        self.shares: list[int] = []


class Book:
    """A book whose best bid is `bid_cents` at first, with queues of `usual_shares` more or less.

    After an arrival that can be seen, `trade_cents` and `trade_shares` tell of its trade (0: there was none), and
    `left_shares` is what a market order still wants: `walk` lets it take from one level more.
    """

    __slots__ = (
        "_gaps",
        "_longest_shares",
        "_order_shares",
        "_random",
        "_shape",
        "_used_up",
        "_usual_shares",
        "_walked",
        "ask",
        "bid",
        "left_shares",
        "trade_cents",
        "trade_shares",
    )

    def __init__(
        self, shape: BookShape, generator: random.Random, bid_cents: int, usual_shares: float
    ) -> None:
        self._shape = shape
        self._random = generator.random
        self._gaps = shape.gap_cents
        self._order_shares = shape.order_shares
        self.deepen(usual_shares)
        self.bid, self.ask = Side(-1), Side(1)
        for side, cents in ((self.bid, bid_cents), (self.ask, bid_cents + shape.spread_cents)):
            self._append_level(side, cents)
            while len(side.cents) < LEVELS:
                self._extend(side)
        self.trade_cents = self.trade_shares = self.left_shares = 0
        self._used_up = self._walked = self.ask

    def deepen(self, usual_shares: float) -> None:
        """From now on a usual queue has so many shares."""
        self._usual_shares = usual_shares
        self._longest_shares = LONGEST_QUEUE * usual_shares

    def arrive(self, up_chance: float) -> bool:
        """One order arrives, pressing up with this chance; whether the best levels changed or a trade happened."""
        self.trade_cents = self.trade_shares = 0
        draw = self._random
        u = draw()
        if u < up_chance:
            own, other, u = self.bid, self.ask, u / up_chance
        else:
            own, other, u = self.ask, self.bid, (u - up_chance) / (1.0 - up_chance)
        shape = self._shape
        if (own.cents[-1] - other.cents[-1]) * own.sign > shape.spread_cents:
            if u < _INSIDE_CHANCE:
                self._step_inside(own, other)
                return True
            u = (u - _INSIDE_CHANCE) / (1.0 - _INSIDE_CHANCE)
        shares = self._order_shares[int(draw() * ORDER_SIZES)]
        if u < _BEHIND_CHANCE:
            self._go_behind(own, shares, adds=u < _BEHIND_CHANCE / 2)
            return False
        if u < 0.5:
            if own.shares[-1] >= self._longest_shares:
                return False
            own.shares[-1] += shares
        elif u < shape.market_below:
            if draw() < shape.sweep_chance and shares < other.shares[-1]:
                shares = other.shares[-1]
            self.left_shares = shares
            self._walked = other
            self.walk()
        elif shares < other.shares[-1]:
            other.shares[-1] -= shares
        else:
            self._use_up(other)
        return True

    def walk(self) -> None:
        """The market order that has `left_shares` takes from the best level of its side, all of it if need be."""
        side = self._walked
        queue = side.shares[-1]
        self.trade_cents = side.cents[-1]
        if self.left_shares < queue:
            self.trade_shares = self.left_shares
            side.shares[-1] = queue - self.left_shares
            self.left_shares = 0
        else:
            self.trade_shares = queue
            self.left_shares -= queue
            self._use_up(side)

    def _use_up(self, side: Side) -> None:
        side.cents.pop()
        side.shares.pop()
        self._used_up = side
        if len(side.cents) < LEVELS:
            self._extend(side)

    def _step_inside(self, own: Side, other: Side) -> None:
        """A limit order makes the spread a usual one again, and a new best level of its own side."""
        sign, shape = own.sign, self._shape
        best_cents = other.cents[-1] + sign * shape.spread_cents
        if other is self._used_up:
            own.shares[-1] = self._fresh_queue()
        level_cents = own.cents[-1] - sign * self._gap()
        while (level_cents - best_cents) * sign >= shape.hole_cents:
            self._append_level(own, level_cents)
            level_cents -= sign * self._gap()
        self._append_level(own, best_cents)
        excess = len(own.cents) - LEVELS - SPARE_LEVELS
        if excess > 0:
            del own.cents[:excess], own.shares[:excess]

    def _go_behind(self, side: Side, shares: int, *, adds: bool) -> None:
        """A limit order behind the best, or a cancel there, which never takes the last of a queue."""
        level = int(self._random() * (len(side.cents) - 1))
        queue = side.shares[level]
        if adds:
            if queue < self._longest_shares:
                side.shares[level] = queue + shares
        elif shares < queue:
            side.shares[level] = queue - shares

    # -- levels ------------------------------------------------------------------------------------
    def _append_level(self, side: Side, cents: int) -> None:
        side.cents.append(cents)
        side.shares.append(self._fresh_queue())

    def _extend(self, side: Side) -> None:
        """One level more at the far end."""
        side.cents.insert(0, side.cents[0] + side.sign * self._gap())
        side.shares.insert(0, self._fresh_queue())

    def _gap(self) -> int:
        return self._gaps[int(self._random() * GAP_SIZES)]

    def _fresh_queue(self) -> int:
        return 1 + int(self._usual_shares * (_FRESH_LEAST + _FRESH_SPAN * self._random()))
