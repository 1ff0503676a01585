"""Order flow imbalance at the best level (Cont, Kukanov and Stoikov 2014, equation 10).

Between two successive states of the best quotes, buyers add and sellers take away:

    e_n = + bid size now      if the bid did not fall
          - bid size before   if the bid did not rise
          - ask size now      if the ask did not rise
          + ask size before   if the ask did not fall

The inequalities are NOT strict: at an unchanged price both terms of a side count, which leaves the change of
the queue. With strict ones a queue that grows or shrinks counts as nothing; on a real day of AAPL that gives
-85,223 instead of -218,913.

OFI of a bin is the sum of its e_n. It explains the price change of the *same* interval; it is no forecast.

Sizes of whole shares give whole numbers, and sums of whole numbers are exact (up to 2**53 shares).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Bins before a z-score is given. The standard deviation of n bins has itself a relative error of about
# 1 / sqrt(2(n - 1)): 21 % for a dozen, against 35 % for five; and two minutes of waiting at ten seconds a bin.
MIN_BINS = 12


def quote_flow(
    bid_before: float,
    bid_size_before: float,
    ask_before: float,
    ask_size_before: float,
    bid: float,
    bid_size: float,
    ask: float,
    ask_size: float,
) -> float:
    """e_n of one change of the best quotes, in shares: positive when buyers pressed. A whole number for whole sizes."""
    flow: float = 0
    if bid >= bid_before:
        flow += bid_size
    if bid <= bid_before:
        flow -= bid_size_before
    if ask <= ask_before:
        flow -= ask_size
    if ask >= ask_before:
        flow += ask_size_before
    return flow


@dataclass(frozen=True, slots=True)
class OfiBin:
    """One closed bin of one symbol.

    `end` is exclusive and a multiple of the interval since the epoch; of a `partial` bin (cut off by the end of
    the session) it is the time of its last quote. `z`, `mean` and `std` are None as long as too few bins have
    closed, and for a partial bin, which cannot be compared with whole ones.
    `last_offset` is the offset of the last quote counted, in this bin or before it: everything up to and
    including it is in the bins so far, nothing after it. A restart relies on this.
    """

    symbol: str
    end: datetime
    ofi: float
    z: float | None
    mean: float | None
    std: float | None
    last_offset: int
    partial: bool = False


def standard_score(window: Sequence[float]) -> tuple[float, float, float]:
    """(z of the last value, mean, standard deviation) of a window of bins.

    The deviation is that of the window itself (divisor n). Sums are of the values and of their squares, exact
    for whole numbers, so the result does not depend on how the window came about. No deviation means z = 0.
    """
    count = len(window)
    total = sum(window)
    spread = count * sum(value * value for value in window) - total * total
    mean = total / count
    if spread <= 0:
        return 0.0, mean, 0.0
    return (count * window[-1] - total) / math.sqrt(spread), mean, math.sqrt(spread) / count


class OfiState:
    """The flow of one symbol: quotes in, closed bins out.

    Every quote counts once, in the bin of its timestamp; one that is older than the open bin (a clock stepped
    back) counts in the open bin. Bins without a quote are bins of 0; after a silence longer than the window only
    as many of them as the window holds are given, since then it is all zeros anyway.
    """

    def __init__(self, symbol: str, *, interval_s: float, window: int) -> None:
        if not interval_s > 0 or window < 2:
            raise ValueError("an OFI bin needs a positive interval, and its window two bins")
        self.symbol = symbol
        self._interval_us = round(interval_s * 1_000_000)
        self._interval = timedelta(microseconds=self._interval_us)
        self._window: deque[float] = deque(maxlen=window)
        self._min_bins = min(MIN_BINS, window)
        self._seen = False
        self._bid = self._bid_size = self._ask = self._ask_size = 0.0
        self._open_end: datetime | None = None  # of the bin being filled
        self._open_flow: float = 0
        self._open_quotes = 0
        self._last_at = _EPOCH
        self._last_offset = -1

    def add(
        self, at: datetime, bid: float, bid_size: float, ask: float, ask_size: float, offset: int
    ) -> tuple[OfiBin, ...]:
        """Count one quote; the bins that its timestamp closes, oldest first (mostly none)."""
        open_end = self._open_end
        closed: tuple[OfiBin, ...] = ()
        if open_end is None:
            self._open_end = self._end_of_bin(at)
        elif at >= open_end:
            closed = self._close_until(at, open_end)
        if self._seen:
            self._open_flow += quote_flow(
                self._bid, self._bid_size, self._ask, self._ask_size, bid, bid_size, ask, ask_size
            )
        else:
            self._seen = True
        self._bid, self._bid_size, self._ask, self._ask_size = bid, bid_size, ask, ask_size
        self._open_quotes += 1
        self._last_offset = offset
        if at > self._last_at:
            self._last_at = at
        return closed

    def flush(self) -> OfiBin | None:
        """What the open bin holds so far, as a partial bin; None when that is no quote at all."""
        if not self._open_quotes:
            return None
        partial = OfiBin(
            self.symbol,
            self._last_at,
            _whole(self._open_flow),
            None,
            None,
            None,
            self._last_offset,
            partial=True,
        )
        self._open_flow = 0
        self._open_quotes = 0
        return partial

    def restore(self, bins: Sequence[tuple[datetime, float]], *, last_offset: int) -> None:
        """Take up after the bins (end, ofi) of an earlier life, oldest first, at least one.

        `last_offset` is that of the last bin. The quote at that offset has to be given to `prime` next, or the
        first change is not counted.
        """
        end = bins[-1][0]
        self._window.extend(
            ofi for bin_end, ofi in bins if self._end_of_bin(bin_end - _MICROSECOND) == bin_end
        )
        self._open_end = self._end_of_bin(end)
        self._last_at = end
        self._last_offset = last_offset

    def prime(self, bid: float, bid_size: float, ask: float, ask_size: float) -> None:
        """The quote already counted by an earlier life, from which the next change is measured."""
        self._seen = True
        self._bid, self._bid_size, self._ask, self._ask_size = bid, bid_size, ask, ask_size

    def _end_of_bin(self, at: datetime) -> datetime:
        elapsed_us = (at - _EPOCH) // _MICROSECOND
        return _EPOCH + timedelta(microseconds=(elapsed_us // self._interval_us + 1) * self._interval_us)

    def _close_until(self, at: datetime, open_end: datetime) -> tuple[OfiBin, ...]:
        """Close the open bin, and the empty ones up to the bin of `at`, which becomes the open one."""
        closed = [self._close(open_end, self._open_flow)]
        next_end = self._end_of_bin(at)
        empty = (next_end - open_end) // self._interval - 1
        kept = min(empty, self._window.maxlen or 0)
        for number in range(kept):
            closed.append(self._close(next_end - (kept - number) * self._interval, 0))
        self._open_end = next_end
        self._open_flow = 0
        self._open_quotes = 0
        return tuple(closed)

    def _close(self, end: datetime, flow: float) -> OfiBin:
        self._window.append(flow)
        if len(self._window) < self._min_bins:
            return OfiBin(self.symbol, end, _whole(flow), None, None, None, self._last_offset)
        z, mean, std = standard_score(self._window)
        return OfiBin(self.symbol, end, _whole(flow), z, mean, std, self._last_offset)


def _whole(flow: float) -> float:
    """The integer, when it is one: a sum of shares should look like it."""
    return int(flow) if flow == int(flow) else flow
