"""Frames to events: the messages on which orders, money and signals depend, decoded by us.

Every frame becomes an event. What cannot be read becomes `Undecodable` with the whole frame and the reason,
because a message that vanishes in a log line may have been a fill. Frames of other kinds return None: they
are for the breadth decoder.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from zoneinfo import ZoneInfo

from algo_trade.ibkr.events import (
    UNREADABLE_ID,
    CurrentTime,
    GatewayMessage,
    Listing,
    ListingEnd,
    ManagedAccounts,
    NextValidId,
    TickBidAsk,
    TopOfBook,
    Undecodable,
    WireEvent,
)
from algo_trade.ibkr.fields import (
    FieldError,
    exactly,
    integer,
    number_or,
    optional_number,
    split,
    text,
)
from algo_trade.ibkr.order_messages import ORDER_DECODERS, Wire

_ADVANCED_REJECT_SINCE = 166
_MESSAGE_ID_DIGITS_MAX = 9
_BID_ASK_FIELDS = 10  # nine and the empty one after the last NUL


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


class WireDecoder:
    """The frames of one connection, at the version it agreed on."""

    def __init__(self, version: int, naive_zone: ZoneInfo | None, ticks: TickRegistry) -> None:
        self._wire = Wire(version, naive_zone)
        self._ticks = ticks
        self._live = ticks.live
        self._decoders: dict[bytes, Callable[[list[bytes], int], WireEvent]] = {
            b"4": self._gateway_message,
            b"9": self._next_valid_id,
            b"15": self._managed_accounts,
            b"49": self._current_time,
            **{name: partial(self._about_orders, decoder) for name, decoder in ORDER_DECODERS.items()},
            **{b"%d" % listing.value: self._listing_end for listing in Listing},
        }

    def decode(self, payload: bytes, arrival_ns: int) -> WireEvent | None:
        """The event of a frame; None for messages that are not ours to decode. Never raises."""
        if payload.startswith(b"99\0"):
            return self._bid_ask(payload, arrival_ns)
        name = payload[: payload.find(b"\0") + 1][:-1]
        try:
            if name in (b"1", b"2"):
                return self._top_of_book(payload, arrival_ns)
            decoder = self._decoders.get(name)
            if decoder is None:
                readable = name.isdigit() and len(name) <= _MESSAGE_ID_DIGITS_MAX
                return None if readable else _unreadable(payload, arrival_ns)
            return decoder(split(payload), arrival_ns)
        except Exception as error:  # noqa: BLE001  # whatever a damaged frame provokes, the frame must not vanish
            return Undecodable(int(name), payload, _reason(error), arrival_ns, self._symbol_of(payload, name))

    # -- market data --------------------------------------------------------------------------------
    def _bid_ask(self, payload: bytes, arrival_ns: int) -> WireEvent | None:
        """The hot path: one split, six conversions, one object."""
        f = payload.split(b"\0")
        try:
            if f[2] != b"3":
                if f[2] in (b"1", b"2", b"4"):
                    return None  # last trades and midpoints: nobody here asked for them
                raise FieldError(f"unknown tick-by-tick kind {f[2][:20]!r}")
            if len(f) != _BID_ASK_FIELDS or f[9] or b"_" in payload:
                raise FieldError(f"{len(f) - 1} fields instead of {_BID_ASK_FIELDS - 1}, or damaged ones")
            bid, ask, bid_size, ask_size = float(f[4]), float(f[5]), float(f[6]), float(f[7])
            if (bid - bid) + (ask - ask) + (bid_size - bid_size) + (ask_size - ask_size) != 0.0:
                raise FieldError("a price or size is not finite")
            known = self._live.get(f[1])
            if known is None:
                return self._no_tick(f[1])
            req_id, con_id, symbol = known
            time_s = int(f[3])
            return TickBidAsk(
                req_id, con_id, symbol, time_s, bid, ask, bid_size, ask_size, arrival_ns, payload
            )
        except (ValueError, IndexError) as error:
            symbol_if_any = self._ticks.symbol(f[1]) if len(f) > 1 else None
            return Undecodable(99, payload, _reason(error), arrival_ns, symbol_if_any)

    def _top_of_book(self, payload: bytes, arrival_ns: int) -> WireEvent | None:
        fields = split(payload)
        priced = fields[0] == b"1"
        exactly(fields, 7 if priced else 5)
        if fields[2] not in self._live:
            return self._no_tick(fields[2])
        price = optional_number(fields[4]) if priced else None
        size = number_or(fields[5 if priced else 4], 0.0)
        return TopOfBook(integer(fields[2]), integer(fields[3]), price, size, arrival_ns, payload)

    def _no_tick(self, req_id: bytes) -> WireEvent | None:
        """A tick nobody waits for: silence if its subscription ended, damage if there never was one."""
        if self._ticks.symbol(req_id) is None:
            raise FieldError(f"a tick for request {req_id[:20]!r}, which was never made")
        return None

    def _symbol_of(self, payload: bytes, name: bytes) -> str | None:
        if name not in (b"1", b"2"):
            return None
        fields = payload.split(b"\0")
        return self._ticks.symbol(fields[2]) if len(fields) > 2 else None

    def _about_orders(
        self, decoder: Callable[[list[bytes], Wire, int], WireEvent], fields: list[bytes], arrival_ns: int
    ) -> WireEvent:
        return decoder(fields, self._wire, arrival_ns)

    # -- the session --------------------------------------------------------------------------------
    def _gateway_message(self, fields: list[bytes], arrival_ns: int) -> WireEvent:
        """The sixth field came with version 166, and some gateways forget it: the error is readable without."""
        with_reject = self._wire.version >= _ADVANCED_REJECT_SINCE and len(fields) == 6
        exactly(fields, 6 if with_reject else 5)
        advanced = text(fields[5]) if with_reject else ""
        return GatewayMessage(integer(fields[2]), integer(fields[3]), text(fields[4]), advanced, arrival_ns)

    def _next_valid_id(self, fields: list[bytes], arrival_ns: int) -> WireEvent:
        return NextValidId(integer(exactly(fields, 3)[2]), arrival_ns)

    def _managed_accounts(self, fields: list[bytes], arrival_ns: int) -> WireEvent:
        """A real list may end with a comma."""
        names = text(exactly(fields, 3)[2]).split(",")
        return ManagedAccounts(tuple(name.strip() for name in names if name.strip()), arrival_ns)

    def _current_time(self, fields: list[bytes], arrival_ns: int) -> WireEvent:
        return CurrentTime(integer(exactly(fields, 3)[2]), arrival_ns)

    def _listing_end(self, fields: list[bytes], arrival_ns: int) -> WireEvent:
        listing = Listing(integer(fields[0]))
        width = {Listing.EXECUTIONS: 3, Listing.COMPLETED_ORDERS: 1}.get(listing, 2)
        exactly(fields, width)
        return ListingEnd(listing, integer(fields[2]) if width == 3 else -1, arrival_ns)


def _unreadable(payload: bytes, arrival_ns: int) -> Undecodable:
    return Undecodable(UNREADABLE_ID, payload, "the frame does not start with a message id", arrival_ns)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
