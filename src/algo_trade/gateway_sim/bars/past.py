"""The days before the simulator's market began: made up from its seed, the same for every question.

From the coarse to the fine. Daily closes are a random walk backward from the last close that is known, so that history
joins the market's first price. Inside a day 390 minutes walk from its open to its close, more in the morning and
at the end; the day's high, low and volume are what its minutes make. Inside a minute twelve intervals of five seconds
walk between its prices and touch its high and its low. So bars of all sizes agree to the cent.

Days are made when they are asked for. Randomness comes as bytes and is looked up in tables, since a year of days has
98,000 minutes. Inside, prices are whole cents; there is one price, that of the trades, and quotes stand around it.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from math import exp
from statistics import NormalDist
from typing import NamedTuple

from algo_trade.clock import from_utc, new_york, rng
from algo_trade.gateway_sim.bars.columns import Bar, TradeColumns
from algo_trade.gateway_sim.bars.past_ticks import interval_ticks, seconds_of
from algo_trade.gateway_sim.bars.sizes import What
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.exchange_calendar import trading_minutes
from algo_trade.gateway_sim.quotes import Quote

_NS = 1_000_000_000
_MICROS_PER_CENT = 10_000
_MICROS_PER_E4 = 100
_E4_PER_CENT = 100
# A little more than five years.
DAYS = 1_305
_MINUTES = 390
_SLOTS = 12
# The part of a day's variance that falls between its open and the close before.
_OVERNIGHT = 0.2
# Every five seconds something is traded: how little a minute may have, and shares a trade on average.
_MINUTE_SHARES_MIN = 1_200
_SHARES_A_TRADE = 130
# The mean trade of the seeded market as a fraction of the depth it meets.
_TRADE_PER_DEPTH = 0.29

_NORMAL = [NormalDist().inv_cdf((byte + 0.5) / 256) for byte in range(256)]
_REACH = [abs(value) / 2 for value in _NORMAL]
_LOGNORMAL = [exp(0.4 * value) for value in _NORMAL]
# Activity over the day: two and a half times as much at the ends as in the middle.
_ACTIVITY = [1.0 + 1.5 * (2 * (minute + 0.5) / _MINUTES - 1) ** 2 for minute in range(_MINUTES)]
_ACTIVITY_SUM = sum(_ACTIVITY)
_ACTIVITY_ROOT = [activity**0.5 for activity in _ACTIVITY]
_EVENLY = [1] * _SLOTS


class PastModel(NamedTuple):
    """What an ordinary day of the past looks like."""

    daily_volatility: float
    """Standard deviation of a day's return."""
    day_shares: int
    spread_e4: int
    """Ask less bid, in ten-thousandths of a dollar."""


def past_model(instrument: Instrument) -> PastModel:
    """The past of an instrument looks like its present."""
    trades = instrument.quotes_per_s * instrument.trade_share * _MINUTES * 60
    shares = round(trades * _TRADE_PER_DEPTH * instrument.depth_shares)
    return PastModel(instrument.daily_volatility, shares, instrument.spread_cents * _E4_PER_CENT)


class PastSession:
    """One regular day. Its quotes stand one spread apart, the bid at the price of the trades."""

    def __init__(self, maker: PastDays, number: int, open_s: int, spread_e4: int) -> None:
        self.open_s = open_s
        self.close_s = open_s + _MINUTES * 60
        self._maker = maker
        self._number = number
        self._spread = spread_e4 * _MICROS_PER_E4

    def bar(self, what: What, start_s: int, end_s: int) -> Bar | None:
        """One bar over [start_s, end_s). There is no volume price here: the average is that of high, low and close."""
        if start_s <= self.open_s and end_s >= self.close_s:
            bar = self._maker.whole(self._number)
        else:
            bar = self._columns(start_s - self.open_s, end_s - self.open_s).bar(start_s, end_s)
        if bar is None:
            return None
        bar = bar._replace(average=(bar.high + bar.low + bar.close) // 3)
        if what in {What.TRADES, What.ADJUSTED_LAST}:
            return bar
        bar = bar._replace(volume=0, trades=0, average=bar.close)
        if what is What.BID_ASK:
            mean = (bar.open + bar.high + bar.low + bar.close) // 4
            return Bar(start_s, mean, bar.high + self._spread, bar.low, mean + self._spread, average=mean)
        above = {What.BID: 0, What.MIDPOINT: self._spread // 2, What.ASK: self._spread}[what]
        return bar._replace(
            open=bar.open + above,
            high=bar.high + above,
            low=bar.low + above,
            close=bar.close + above,
            average=bar.close + above,
        )

    def _columns(self, start_s: int, end_s: int) -> TradeColumns:
        """The coarsest ones with cuts at both ends."""
        maker = self._maker
        for step_s, columns in ((60, maker.minutes), (5, maker.detail)):
            if start_s % step_s == end_s % step_s == 0:
                return columns(self._number)
        return maker.seconds(self._number)

    def ticks(self, from_s: int, to_s: int) -> list[tuple[int, Quote]]:
        """The trades of [from_s, to_s) with their quotes, each with its second."""
        detail = self._maker.detail(self._number)
        first = max(0, from_s - self.open_s) // detail.step_s
        last = -(-(min(to_s, self.close_s) - self.open_s) // detail.step_s)
        spread_e4 = self._spread // _MICROS_PER_E4
        ticks = (tick for index in range(first, last) for tick in interval_ticks(detail, index, spread_e4))
        return [tick for tick in ticks if from_s <= tick[0] < to_s]


class PastDays:
    """The days before `first_day` of one symbol, newest first: day 0 is the last one before it."""

    def __init__(
        self, seed: int, symbol: str, model: PastModel, previous_close_e4: int, first_day: date
    ) -> None:
        self._seed = seed
        self._symbol = symbol
        self._model = model
        self._last_close = max(1, previous_close_e4 // _E4_PER_CENT)
        self._first_day = first_day
        self._shares = [model.day_shares * activity / _ACTIVITY_SUM for activity in _ACTIVITY]
        self._ends: list[tuple[int, int]] = []
        self._days: list[date] = []
        # A day in minutes is 22 kB, in five seconds 262 kB; as one bar it is nearly nothing.
        self.minutes = lru_cache(maxsize=32)(self._minutes)
        self.detail = lru_cache(maxsize=4)(self._detail)
        self.seconds = lru_cache(maxsize=1)(self._seconds)
        self.whole = lru_cache(maxsize=DAYS)(self._whole)
        self.session = lru_cache(maxsize=DAYS)(self._session)

    def _session(self, number: int) -> PastSession:
        opening = datetime.combine(self.day(number), time(9, 30), new_york(0).tzinfo)
        return PastSession(self, number, from_utc(opening) // _NS, self._model.spread_e4)

    def day(self, number: int) -> date:
        """The day of trading `number` of them before the last one before the first day."""
        while len(self._days) <= number:
            self._days.append(_day_of_trading_before(self._days[-1] if self._days else self._first_day))
        return self._days[number]

    def _whole(self, number: int) -> Bar | None:
        session = self.session(number)
        return self.minutes(number).bar(session.open_s, session.close_s)

    def _open_and_close(self, number: int) -> tuple[int, int]:
        """In cents; all of them are made at the first question."""
        if not self._ends:
            volatility = self._model.daily_volatility
            draws = rng(self._seed, "past", self._symbol).randbytes(2 * DAYS)
            close = float(self._last_close)
            for index in range(DAYS):
                overnight = _NORMAL[draws[2 * index]] * volatility * _OVERNIGHT**0.5
                by_day = _NORMAL[draws[2 * index + 1]] * volatility * (1 - _OVERNIGHT) ** 0.5
                opening = close / exp(by_day)
                self._ends.append((max(1, round(opening)), max(1, round(close))))
                close = opening / exp(overnight)
        return self._ends[number]

    def _minutes(self, number: int) -> TradeColumns:
        """The 390 minutes of a day."""
        opening, closing = self._open_and_close(number)
        generator = rng(self._seed, "past-day", self._symbol, self.day(number).isoformat())
        steps, above, below, busy = (generator.randbytes(_MINUTES) for _ in range(4))
        scale = self._model.daily_volatility * opening / _ACTIVITY_SUM**0.5
        sizes = [scale * root for root in _ACTIVITY_ROOT]
        walk = list(accumulate([_NORMAL[byte] * size for byte, size in zip(steps, sizes, strict=True)]))
        drift = (closing - opening - walk[-1]) / _MINUTES
        start = opening + drift + 0.5
        closes = [int(start + moved + drift * i) for i, moved in enumerate(walk)]
        closes[-1] = closing
        if min(closes) < 1:
            closes = [max(1, close) for close in closes]
        opens = [opening, *closes[:-1]]
        reach = [(_REACH[a] * size, _REACH[b] * size) for a, b, size in zip(above, below, sizes, strict=True)]
        highs = [(c if c > o else o) + int(up) for o, c, (up, _) in zip(opens, closes, reach, strict=True)]
        lows = [(c if c < o else o) - int(down) for o, c, (_, down) in zip(opens, closes, reach, strict=True)]
        if min(lows) < 1:
            lows = [max(1, low) for low in lows]
        shares = self._shares
        volumes = [int(shares[i] * _LOGNORMAL[byte]) + _MINUTE_SHARES_MIN for i, byte in enumerate(busy)]
        trades = [volume // _SHARES_A_TRADE + _SLOTS for volume in volumes]
        prices = _in_micros(opens, highs, lows, closes)
        return TradeColumns.made_of(60, self.session(number).open_s, prices, volumes, trades)

    def _detail(self, number: int) -> TradeColumns:
        """The 4,680 five-second intervals of a day."""
        minutes = self.minutes(number)
        generator = rng(self._seed, "past-minutes", self._symbol, self.day(number).isoformat())
        opens: list[int] = []
        highs: list[int] = []
        lows: list[int] = []
        closes: list[int] = []
        volumes: list[int] = []
        trades: list[int] = []
        for i in range(_MINUTES):
            draws = generator.randbytes(2 * _SLOTS + 2)
            points = _points(minutes, i, draws[:_SLOTS])
            after = points[1:]
            opens += points[:-1]
            closes += after
            tops = list(map(max, points, after))
            bottoms = list(map(min, points, after))
            tops[draws[-1] % _SLOTS] = minutes.high[i] // _MICROS_PER_CENT
            bottoms[draws[-2] % _SLOTS] = minutes.low[i] // _MICROS_PER_CENT
            highs += tops
            lows += bottoms
            volumes += _split(minutes.volume[i], [64 + byte for byte in draws[_SLOTS : 2 * _SLOTS]])
            trades += _split(minutes.trades[i], _EVENLY)
        prices = _in_micros(opens, highs, lows, closes)
        return TradeColumns.made_of(5, minutes.first_s, prices, volumes, trades)

    def _seconds(self, number: int) -> TradeColumns:
        """The 23,400 seconds of a day."""
        return seconds_of(self.detail(number))


def _day_of_trading_before(day: date) -> date:
    """Short ones included: in the past they are as long as the others."""
    while True:
        day -= timedelta(days=1)
        if trading_minutes(day):
            return day


def _points(minutes: TradeColumns, i: int, draws: bytes) -> list[int]:
    """The thirteen prices between which twelve intervals walk from the minute's open to its close, in cents."""
    opening, high, low, close = (
        column[i] // _MICROS_PER_CENT for column in (minutes.open, minutes.high, minutes.low, minutes.close)
    )
    width, slope = (high - low) / 4, (close - opening) / _SLOTS
    points = [round(opening + slope * j + _NORMAL[draws[j]] * width) for j in range(_SLOTS)]
    points = [high if point > high else low if point < low else point for point in points]
    points[0] = opening
    points.append(close)
    return points


def _in_micros(*columns: list[int]) -> tuple[list[int], list[int], list[int], list[int]]:
    """Columns of cents as millionths of a dollar."""
    opens, highs, lows, closes = ([price * _MICROS_PER_CENT for price in column] for column in columns)
    return opens, highs, lows, closes


def _split(total: int, weights: list[int]) -> list[int]:
    """Whole parts of `total` in proportion to the weights; the last part takes what rounding leaves."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    parts[-1] += total - sum(parts)
    return parts
