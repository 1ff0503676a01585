"""What the market did: bars, quotes, and the order flow read from them.

Prices and sizes are floats as the gateway sends them; whoever sums them exactly converts first.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from algo_trade.contracts.base import (
    Fraction,
    Message,
    Metadata,
    NotNegative,
    Number,
    Part,
    Positive,
    Symbol,
    UtcTime,
)


class BarDuration(StrEnum):
    S5 = "5s"
    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"


class AssetClass(StrEnum):
    EQUITY = "equity"
    FUTURE = "future"
    FOREX = "forex"
    CRYPTO = "crypto"
    BOND = "bond"


class DataSource(StrEnum):
    IBKR_REALTIME = "ibkr_realtime"
    IBKR_HISTORICAL = "ibkr_historical"
    CACHE = "cache"
    SYNTHETIC = "synthetic"


class DataQuality(Part):
    """How far this observation may be trusted."""

    completeness_score: Fraction | None = None
    # Milliseconds between what the source says and when it reached us.
    freshness_ms: NotNegative | None = None
    source: DataSource | None = None


class BookLevel(Part):
    """One price of an order book, and the size waiting at it."""

    price: Positive
    size: NotNegative


class Level2(Part):
    """The book beyond the best prices, best first on either side."""

    bids: tuple[BookLevel, ...] = ()
    asks: tuple[BookLevel, ...] = ()


class BarEvent(Message):
    """Open, high, low and close of one interval; `timestamp` is its end."""

    event_type: Literal["bar_event"] = "bar_event"
    symbol: Symbol
    timestamp: UtcTime
    open: Positive
    high: Positive
    low: Positive
    close: Positive
    volume: NotNegative
    bar_duration: BarDuration | None = None
    asset_class: AssetClass | None = None
    exchange: str | None = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"
    data_quality: DataQuality | None = None
    metadata: Metadata | None = None

    @field_validator("close")
    @classmethod
    def _within_the_bar(cls, close: float, info: ValidationInfo) -> float:
        prices = {**info.data, "close": close}
        reasons = [
            f"high {prices['high']} is below {name} {prices[name]}"
            for name in ("open", "low", "close")
            if "high" in prices and name in prices and prices["high"] < prices[name]
        ]
        reasons += [
            f"low {prices['low']} is above {name} {prices[name]}"
            for name in ("open", "close")
            if "low" in prices and name in prices and prices["low"] > prices[name]
        ]
        if reasons:
            raise ValueError("; ".join(reasons))
        return close


class TickEvent(Message):
    """The best bid and ask after one change of either, and the last trade where it is known."""

    event_type: Literal["tick_event"] = "tick_event"
    symbol: Symbol
    timestamp: UtcTime
    bid: Positive
    ask: Positive
    bid_size: NotNegative
    ask_size: NotNegative
    last: Positive | None = None
    last_size: NotNegative | None = None
    level2: Level2 | None = None
    data_quality: DataQuality | None = None
    metadata: Metadata | None = None

    @field_validator("ask")
    @classmethod
    def _not_crossed(cls, ask: float, info: ValidationInfo) -> float:
        # On the field, not on the model: a crossed quote of a wrong symbol shall hear both.
        if ask < info.data.get("bid", ask):
            raise ValueError(f"crossed: ask {ask} is below bid {info.data['bid']}")
        return ask


class OFIEvent(Message):
    """Order flow imbalance of a symbol and how unusual it is; an output for watchers."""

    event_type: Literal["ofi_event"] = "ofi_event"
    symbol: Symbol
    timestamp: UtcTime
    ofi_z: Number
    ofi_raw: Number | None = None
    ofi_ma: Number | None = None
    ofi_std: NotNegative | None = None
    metadata: Metadata | None = None
