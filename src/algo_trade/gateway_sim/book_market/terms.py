"""What a catalogue says of one symbol's market, and of a day's course."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

SESSION_S = 23_400
"""A regular day: what `daily_volatility` is measured over, whatever the hours are."""

Multiples = Annotated[tuple[Annotated[float, Field(ge=0.05, le=20)], ...], Field(min_length=1, max_length=78)]
# Below a dollar a step of one cent is more than a percent.
Dollars = Annotated[float, Field(ge=1, le=100_000)]


def _two(value: object) -> object:
    return (value, value) if isinstance(value, int | float) else value


class Terms(BaseModel):
    """A group of catalogue values: frozen, nothing unknown, no NaN and no infinity anywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class IntradayPattern(Terms):
    """How a day goes, in equal parts from the opening to the close: multiples of the day's average, of any scale.

    `activity` is how many orders arrive, `depth` how long the queues are. Between the middles of two parts the values
    change linearly.
    """

    activity: Multiples
    depth: Multiples

    def activity_at(self, part: float) -> float:
        """Activity at this part of the day (0 opening, 1 close), the day's mean being one."""
        return _between(self.activity, part) / _mean(self.activity)

    def depth_at(self, part: float) -> float:
        """Depth at this part of the day, the mean over a day's quotes being one."""
        return _between(self.depth, part) / _mean_depth(self.activity, self.depth)


FLAT = IntradayPattern(activity=(1.0,), depth=(1.0,))
"""The course of a market that never closes."""

# Where a day is sampled to average over it: the middle of every five minutes.
PARTS = tuple((index + 0.5) / 78 for index in range(78))


class MarketTerms(Terms):
    """How one symbol trades. Everything here can be checked on its quotes."""

    base_price: Annotated[tuple[Dollars, Dollars], BeforeValidator(_two)]
    """The first opening price lies between these two, US dollars, where the seed puts it; one number is both."""
    spread_cents: Annotated[int, Field(ge=1, le=500)] = 1
    """The usual spread; it is wider for a moment after every price move."""
    depth_shares: Annotated[int, Field(ge=10, le=10_000_000)] = 400
    """Shares displayed at a best price, averaged over the day's quotes."""
    daily_volatility: Annotated[float, Field(gt=0, le=0.2)] = 0.015
    """Standard deviation of the return from opening to close."""
    quotes_per_s: Annotated[float, Field(ge=0.05, le=500)] = 10.0
    """Changes of the best bid or ask a second, averaged over the day."""
    trade_share: Annotated[float, Field(ge=0.01, le=0.45)] = 0.2
    """The share of quotes that a trade led to."""
    comovement: Annotated[float, Field(ge=0, le=0.4)] = 0.25
    """The correlation of its ten-second price changes with those of a symbol that has the same value."""
    price_band_pct: Annotated[float, Field(gt=0, le=100)] = 5.0
    """A trade further than this from the mean of five minutes pauses the symbol."""

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        low, high = self.base_price
        if low > high:
            raise ValueError(f"base_price: {low:g} is above {high:g}; write the lower one first")
        return self


@lru_cache(maxsize=64)
def _mean(values: tuple[float, ...]) -> float:
    """The mean of the line through `values`, sampled as everything is."""
    return sum(_between(values, at) for at in PARTS) / len(PARTS)


@lru_cache(maxsize=64)
def _mean_depth(activity: tuple[float, ...], depth: tuple[float, ...]) -> float:
    return sum(_between(activity, at) * _between(depth, at) for at in PARTS) / len(PARTS) / _mean(activity)


def _between(values: tuple[float, ...], part: float) -> float:
    """The line through the middles of equal parts, level before the first and after the last."""
    place = min(max(part * len(values) - 0.5, 0.0), len(values) - 1.0)
    index = min(int(place), len(values) - 2) if len(values) > 1 else 0
    after = values[min(index + 1, len(values) - 1)]
    return values[index] + (after - values[index]) * (place - index)
