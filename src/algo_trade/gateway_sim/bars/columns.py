"""Bars of one length, one after the other without a hole, as arrays: 8 bytes a value.

Prices are in millionths of a dollar, so that the middle of two prices is exact. Whatever longer bar is asked for is
taken from here, which is why bars of all lengths agree.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

_MOST = 2**63 - 1  # what a column holds; only an absurd file of quotes comes near

Prices = Sequence[int]


class Bar(NamedTuple):
    """One bar. `start_s` is UTC epoch seconds, prices are millionths of a dollar, volume is shares."""

    start_s: int
    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    average: int = 0
    trades: int = 0


class PriceColumns:
    """Open, high, low and close of consecutive bars, `step_s` seconds each; the first is appended as it comes."""

    def __init__(self, step_s: int) -> None:
        self.step_s = step_s
        self.first_s = 0
        self.open = array("q")
        self.high = array("q")
        self.low = array("q")
        self.close = array("q")

    def __len__(self) -> int:
        return len(self.open)

    def append(self, start_s: int, open_: int, high: int, low: int, close: int) -> None:
        """The bar at `start_s`: the one after the last."""
        if not self.open:
            self.first_s = start_s
        assert start_s == self.first_s + len(self.open) * self.step_s, "bars follow one another"
        self.open.append(open_)
        self.high.append(high)
        self.low.append(low)
        self.close.append(close)

    def between(self, start_s: int, end_s: int) -> slice | None:
        """The bars of [start_s, end_s), None if there are none, or if the ends lie inside bars."""
        first = max(0, start_s - self.first_s)
        last = min(len(self.open) * self.step_s, end_s - self.first_s)
        if first >= last or first % self.step_s or last % self.step_s:
            return None
        return slice(first // self.step_s, last // self.step_s)

    def bar(self, start_s: int, end_s: int) -> Bar | None:
        """One bar of all in [start_s, end_s); its average price is its close."""
        part = self.between(start_s, end_s)
        if part is None:
            return None
        close = self.close[part.stop - 1]
        return Bar(
            start_s, self.open[part.start], max(self.high[part]), min(self.low[part]), close, average=close
        )

    def coarser(self, step_s: int) -> PriceColumns:
        """The same in longer bars, aligned to multiples of `step_s`."""
        fewer = PriceColumns(step_s)
        for start_s in self._starts(step_s):
            bar = self.bar(start_s, start_s + step_s)
            assert bar is not None
            fewer.append(start_s, bar.open, bar.high, bar.low, bar.close)
        return fewer

    def _starts(self, step_s: int) -> range:
        end_s = self.first_s + len(self.open) * self.step_s
        return range(self.first_s - self.first_s % step_s, end_s, step_s) if self.open else range(0)


class QuoteColumns(PriceColumns):
    """One side of the quotes; `mean` is its price averaged over the time of each bar."""

    def __init__(self, step_s: int) -> None:
        super().__init__(step_s)
        self.mean = array("q")

    def mean_between(self, start_s: int, end_s: int) -> int | None:
        """The price averaged over the time of [start_s, end_s); None where there are no bars."""
        part = self.between(start_s, end_s)
        return None if part is None else sum(self.mean[part]) // (part.stop - part.start)

    def coarser(self, step_s: int) -> QuoteColumns:
        fewer = QuoteColumns(step_s)
        for start_s in self._starts(step_s):
            bar, mean = self.bar(start_s, start_s + step_s), self.mean_between(start_s, start_s + step_s)
            assert bar is not None and mean is not None
            fewer.append(start_s, bar.open, bar.high, bar.low, bar.close)
            fewer.mean.append(mean)
        return fewer


class TradeColumns(PriceColumns):
    """Trades: with volume in shares, value in millionths of a dollar, and how many there were."""

    def __init__(self, step_s: int) -> None:
        super().__init__(step_s)
        self.volume = array("q")
        self.value = array("q")
        self.trades = array("q")

    @classmethod
    def made_of(
        cls,
        step_s: int,
        first_s: int,
        prices: tuple[Prices, Prices, Prices, Prices],
        volume: Prices,
        trades: Prices,
    ) -> TradeColumns:
        """From whole columns: open, high, low and close; there is no value."""
        columns = cls(step_s)
        columns.first_s = first_s
        columns.open, columns.high, columns.low, columns.close = (array("q", column) for column in prices)
        columns.volume, columns.trades = array("q", volume), array("q", trades)
        columns.value = array("q", bytes(8 * len(columns)))
        return columns

    def trade_bar(self, bar: Bar, *, volume: int, value: int, trades: int) -> None:
        """Append a bar with its trades; `bar` says where and at which prices."""
        self.append(bar.start_s, bar.open, bar.high, bar.low, bar.close)
        self.volume.append(min(volume, _MOST))
        self.value.append(min(value, _MOST))
        self.trades.append(trades)

    def bar(self, start_s: int, end_s: int) -> Bar | None:
        """As of prices, and with what was traded; the average price is the volume's."""
        prices, part = super().bar(start_s, end_s), self.between(start_s, end_s)
        if prices is None or part is None:
            return None
        volume = sum(self.volume[part])
        average = sum(self.value[part]) // volume if volume else prices.close
        return prices._replace(volume=volume, average=average, trades=sum(self.trades[part]))

    def coarser(self, step_s: int) -> TradeColumns:
        fewer = TradeColumns(step_s)
        for start_s in self._starts(step_s):
            bar, part = self.bar(start_s, start_s + step_s), self.between(start_s, start_s + step_s)
            assert bar is not None and part is not None
            fewer.trade_bar(bar, volume=bar.volume, value=sum(self.value[part]), trades=bar.trades)
        return fewer
