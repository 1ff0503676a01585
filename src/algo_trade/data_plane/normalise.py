"""From what the gateway sends to the fields of our messages. What the fields may hold, the validator says.

Values are passed on as they came, NaN and nonsense included: a dead letter should name what was wrong with the
quote, not with our repair of it.
"""

from __future__ import annotations

import math
from typing import Any

from algo_trade.clock import utc
from algo_trade.contracts import AssetClass, BarDuration, DataSource
from algo_trade.data_plane.bar_assembly import FiveSeconds
from algo_trade.ibkr.events import TickBidAsk, TickLast
from algo_trade.ibkr.history import HistoricalBar
from algo_trade.ibkr.instruments import Instrument


def tick_fields(
    tick: TickBidAsk,
    last: TickLast | None,
    *,
    freshness_ms: float | None,
    completeness: float,
    producer_id: str,
    sequence_number: int,
) -> dict[str, Any]:
    """The fields of a TickEvent. Its time is that of arrival: the gateway's own is whole seconds."""
    fields: dict[str, Any] = {
        "symbol": tick.symbol,
        "timestamp": utc(tick.arrival_ns),
        "bid": tick.bid,
        "ask": tick.ask,
        "bid_size": tick.bid_size,
        "ask_size": tick.ask_size,
        "data_quality": {
            "completeness_score": completeness,
            "freshness_ms": freshness_ms,
            "source": DataSource.IBKR_REALTIME,
        },
        "metadata": {"producer_id": producer_id, "sequence_number": sequence_number},
    }
    if last is not None:
        fields["last"], fields["last_size"] = last.price, last.size
    return fields


def bar_fields(
    instrument: Instrument,
    size: BarDuration,
    close_s: int,
    prices: tuple[float, float, float, float],
    volume: float,
    *,
    quality: dict[str, Any],
    producer_id: str,
    sequence_number: int,
) -> dict[str, Any]:
    """The fields of a BarEvent; `close_s` is UTC epoch seconds, `prices` are open, high, low and close."""
    opening, high, low, close = prices
    return {
        "symbol": instrument.symbol,
        "timestamp": utc(close_s * 1_000_000_000),
        "open": opening,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "bar_duration": size,
        "asset_class": AssetClass.EQUITY,
        "exchange": instrument.primary_exchange or None,
        "currency": instrument.currency,
        "data_quality": quality,
        "metadata": {"producer_id": producer_id, "sequence_number": sequence_number},
    }


def five_seconds(row: HistoricalBar) -> FiveSeconds | None:
    """Five seconds of history as a part of longer bars; None for a row no bar could be made of."""
    prices = (row.open, row.high, row.low, row.close)
    if not row.starts.isdigit() or min(prices) <= 0 or row.volume < 0:
        return None
    if not row.low <= min(row.open, row.close) <= max(row.open, row.close) <= row.high:
        return None
    return FiveSeconds(int(row.starts), *prices, row.volume, live=False)


def bar_bytes(bar: HistoricalBar) -> bytes:
    """A bar as text, for its dead letter: there are no bytes of its own to keep."""
    prices = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.average)
    return "|".join((bar.starts, *(_plain(value) for value in prices), str(bar.trades))).encode()


def _plain(value: float) -> str:
    return repr(int(value)) if math.isfinite(value) and value == int(value) else repr(value)
