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
    Undecodable,
    WireEvent,
)
from algo_trade.ibkr.fields import exactly, integer, split, text
from algo_trade.ibkr.market_messages import MarketDecoder, TickRegistry
from algo_trade.ibkr.order_messages import ORDER_DECODERS, Wire

_ADVANCED_REJECT_SINCE = 166
_MESSAGE_ID_DIGITS_MAX = 9


class WireDecoder:
    """The frames of one connection, at the version it agreed on."""

    def __init__(self, version: int, naive_zone: ZoneInfo | None, ticks: TickRegistry) -> None:
        self._wire = Wire(version, naive_zone)
        self._market = MarketDecoder(ticks)
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
            return self._market.tick_by_tick(payload, arrival_ns)
        name = payload[: payload.find(b"\0") + 1][:-1]
        try:
            about_the_market = self._market.decoders.get(name)
            if about_the_market is not None:
                return about_the_market(payload, split(payload), arrival_ns)
            decoder = self._decoders.get(name)
            if decoder is None:
                readable = name.isdigit() and len(name) <= _MESSAGE_ID_DIGITS_MAX
                return None if readable else _unreadable(payload, arrival_ns)
            return decoder(split(payload), arrival_ns)
        except Exception as error:  # noqa: BLE001  # whatever a damaged frame provokes, the frame must not vanish
            symbol = self._market.symbol_of(payload, name)
            return Undecodable(int(name), payload, f"{type(error).__name__}: {error}", arrival_ns, symbol)

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
