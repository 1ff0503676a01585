"""From what the gateway sends to the fields of our messages. What the fields may hold, the validator says.

Values are passed on as they came, NaN and nonsense included: a dead letter should name what was wrong with the
quote, not with our repair of it.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from algo_trade.clock import utc
from algo_trade.contracts import AssetClass, BarDuration, DataSource
from algo_trade.ibkr.events import TickBidAsk, TickLast
from algo_trade.ibkr.history import HistoricalBar

_NEW_YORK = ZoneInfo("America/New_York")
_DAILY_CLOSE_HOUR = 16  # regular hours; the gateway does not say when a half day closed

_LENGTHS = {
    BarDuration.S5: timedelta(seconds=5),
    BarDuration.M1: timedelta(minutes=1),
    BarDuration.M5: timedelta(minutes=5),
    BarDuration.M15: timedelta(minutes=15),
    BarDuration.M30: timedelta(minutes=30),
    BarDuration.H1: timedelta(hours=1),
    BarDuration.H4: timedelta(hours=4),
}


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
    bar: HistoricalBar,
    *,
    symbol: str,
    size: BarDuration,
    currency: str,
    exchange: str,
    producer_id: str,
    sequence_number: int,
) -> dict[str, Any]:
    """The fields of a BarEvent. Raises ValueError when the bar does not say when it started."""
    return {
        "symbol": symbol,
        "timestamp": bar_close(bar.starts, size),
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "volume": bar.volume,
        "bar_duration": size,
        "asset_class": AssetClass.EQUITY,
        "exchange": exchange or None,
        "currency": currency,
        "data_quality": {"source": DataSource.IBKR_HISTORICAL},
        "metadata": {"producer_id": producer_id, "sequence_number": sequence_number},
    }


def bar_close(starts: str, size: BarDuration) -> datetime:
    """When a bar that starts at `starts` closes, in UTC: epoch seconds, or yyyymmdd for a day.

    The gateway names bars by their start; a bar that carried that time would tell the future. Raises ValueError.
    """
    try:
        if size is BarDuration.D1:
            day = datetime.strptime(starts, "%Y%m%d").replace(hour=_DAILY_CLOSE_HOUR, tzinfo=_NEW_YORK)
            return day.astimezone(UTC)
        return utc(int(starts) * 1_000_000_000) + _LENGTHS[size]
    except (ValueError, OverflowError):
        raise ValueError(f"starts: {starts!r} is no time a {size.value} bar could start at") from None


def bar_bytes(bar: HistoricalBar) -> bytes:
    """A bar as text, for its dead letter: there are no bytes of its own to keep."""
    prices = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.average)
    return "|".join((bar.starts, *(_plain(value) for value in prices), str(bar.trades))).encode()


def _plain(value: float) -> str:
    return repr(int(value)) if math.isfinite(value) and value == int(value) else repr(value)
