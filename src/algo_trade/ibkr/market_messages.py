"""The messages about the market: quotes, trades and bars, as they are subscribed or asked for.

A frame that cannot be read raises, but for tick-by-tick ones: these are the hot path, and become `Undecodable` here.
"""

from __future__ import annotations

from collections.abc import Callable

from algo_trade.ibkr.events import (
    HistoricalBars,
    RealTimeBar,
    TickBidAsk,
    TickLast,
    TickNote,
    TopOfBook,
    Undecodable,
    WireEvent,
)
from algo_trade.ibkr.fields import (
    FieldError,
    exactly,
    integer,
    integer_or,
    number,
    number_or,
    optional_number,
    text,
)
from algo_trade.ibkr.history import HistoricalBar

_BID_ASK_FIELDS = 10  # nine and the empty one after the last NUL
_LAST_FIELDS = 10
_BAR_FIELDS = 8
_BARS_MAX = 1_000_000


class TickRegistry:
    """Which instrument a market data request id means.

    Ids are kept after their subscription ended: a late tick of it is expected, a tick of an id nobody ever
    asked for is damage.
    """

    def __init__(self) -> None:
        self.live: dict[bytes, tuple[int, int, str]] = {}  # id as written -> (id, con_id, symbol)
        self.ended: dict[bytes, str] = {}

    def add(self, req_id: int, con_id: int, symbol: str) -> None:
        self.live[b"%d" % req_id] = (req_id, con_id, symbol)

    def end(self, req_id: int) -> None:
        entry = self.live.pop(b"%d" % req_id, None)
        if entry is not None:
            self.ended[b"%d" % req_id] = entry[2]

    def symbol(self, req_id: bytes) -> str | None:
        entry = self.live.get(req_id)
        return entry[2] if entry is not None else self.ended.get(req_id)


Decoder = Callable[[bytes, list[bytes], int], WireEvent | None]


class MarketDecoder:
    """The market messages of one connection. `decoders` by message id as written take a payload and its fields."""

    def __init__(self, ticks: TickRegistry) -> None:
        self._ticks = ticks
        self._live = ticks.live
        self.decoders: dict[bytes, Decoder] = {
            b"1": self._top_of_book,
            b"2": self._top_of_book,
            b"17": self._historical_bars,
            b"45": self._note,
            b"46": self._note,
            b"50": self._realtime_bar,
        }

    def symbol_of(self, payload: bytes, name: bytes) -> str | None:
        """Which symbol a damaged message was about, where its request id still tells."""
        if name not in self.decoders:
            return None
        fields = payload.split(b"\0")
        at = 1 if name == b"17" else 2
        return self._ticks.symbol(fields[at]) if len(fields) > at else None

    # -- tick by tick --------------------------------------------------------------------------------
    def tick_by_tick(self, payload: bytes, arrival_ns: int) -> WireEvent | None:
        """The hot path: one split, six conversions, one object."""
        f = payload.split(b"\0")
        try:
            if f[2] != b"3":
                return self._last(f, payload, arrival_ns)
            if len(f) != _BID_ASK_FIELDS or f[9] or b"_" in payload:
                raise FieldError(f"{len(f) - 1} fields instead of {_BID_ASK_FIELDS - 1}, or damaged ones")
            bid, ask, bid_size, ask_size = float(f[4]), float(f[5]), float(f[6]), float(f[7])
            if (bid - bid) + (ask - ask) + (bid_size - bid_size) + (ask_size - ask_size) != 0.0:
                raise FieldError("a price or size is not finite")
            known = self._live.get(f[1])
            if known is None:
                return self._nobody(f[1])
            req_id, con_id, symbol = known
            time_s = int(f[3])
            return TickBidAsk(
                req_id, con_id, symbol, time_s, bid, ask, bid_size, ask_size, arrival_ns, payload
            )
        except (ValueError, IndexError) as error:
            symbol_if_any = self._ticks.symbol(f[1]) if len(f) > 1 else None
            reason = f"{type(error).__name__}: {error}"
            return Undecodable(99, payload, reason, arrival_ns, symbol_if_any)

    def _last(self, f: list[bytes], payload: bytes, arrival_ns: int) -> WireEvent | None:
        """A trade. Midpoints (4) are taken by nobody here."""
        if f[2] == b"4":
            return None
        if f[2] not in (b"1", b"2"):
            raise FieldError(f"unknown tick-by-tick kind {f[2][:20]!r}")
        if len(f) != _LAST_FIELDS or f[9]:
            raise FieldError(f"{len(f) - 1} fields instead of {_LAST_FIELDS - 1}, or damaged ones")
        known = self._live.get(f[1])
        if known is None:
            return self._nobody(f[1])
        price, size = number(f[4]), number(f[5])
        return TickLast(*known, integer(f[3]), price, size, text(f[7]), arrival_ns, payload)

    # -- sampled -------------------------------------------------------------------------------------
    def _top_of_book(self, payload: bytes, fields: list[bytes], arrival_ns: int) -> WireEvent | None:
        priced = fields[0] == b"1"
        exactly(fields, 7 if priced else 5)
        known = self._live.get(fields[2])
        if known is None:
            return self._nobody(fields[2])
        price = optional_number(fields[4]) if priced else None
        size = number_or(fields[5 if priced else 4], 0.0)
        return TopOfBook(*known, integer(fields[3]), price, size, arrival_ns, payload)

    def _note(self, payload: bytes, fields: list[bytes], arrival_ns: int) -> WireEvent | None:
        known = self._live.get(exactly(fields, 5)[2])
        if known is None:
            return self._nobody(fields[2])
        return TickNote(*known, integer(fields[3]), text(fields[4]), arrival_ns, payload)

    # -- bars ----------------------------------------------------------------------------------------
    def _realtime_bar(self, payload: bytes, fields: list[bytes], arrival_ns: int) -> WireEvent | None:
        known = self._live.get(exactly(fields, 11)[2])
        if known is None:
            return self._nobody(fields[2])
        opening, high, low, close = map(number, fields[4:8])
        return RealTimeBar(
            *known, integer(fields[3]), opening, high, low, close,
            number(fields[8]), number_or(fields[9], 0.0), integer_or(fields[10], 0), arrival_ns, payload,
        )  # fmt: skip

    def _historical_bars(self, payload: bytes, fields: list[bytes], arrival_ns: int) -> WireEvent | None:
        if len(fields) < 5:
            raise FieldError(f"{len(fields)} fields end before the bars")
        count = integer(fields[4])
        if not 0 <= count <= _BARS_MAX:
            raise FieldError(f"a count of {count} bars")
        exactly(fields, 5 + count * _BAR_FIELDS)
        known = self._live.get(fields[1])
        if known is None:
            return self._nobody(fields[1])
        bars = tuple(_bar(fields[at : at + _BAR_FIELDS]) for at in range(5, len(fields), _BAR_FIELDS))
        return HistoricalBars(*known, bars, arrival_ns, payload)

    def _nobody(self, req_id: bytes) -> WireEvent | None:
        """Nobody waits for it: silence if its subscription ended, damage if there never was one."""
        if self._ticks.symbol(req_id) is None:
            raise FieldError(f"market data for request {req_id[:20]!r}, which was never made")
        return None


def _bar(fields: list[bytes]) -> HistoricalBar:
    opening, high, low, close, volume, average = map(number, fields[1:7])
    return HistoricalBar(text(fields[0]), opening, high, low, close, volume, average, integer(fields[7]))
