"""The market of a session as a file of recorded quotes, so that the day can be played again.

Read from market_raw, which holds every message as it was received, at the moment it was written down. A trade and the
quote it led to arrive together and become one row; a trade alone is a row with the quote that stands. Where a symbol
was quoted tick by tick these are taken, else the samples of the top of the book.

    NothingToExport   the symbol is not in this session's market_raw: name another, or export sooner      exit 2
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from algo_trade.bus import EmbeddedLogReader, Record
from algo_trade.contracts import BarEvent, TickEvent
from algo_trade.exit_codes import ExitCode
from algo_trade.gateway_sim import write_recorded_quotes
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.ibkr.events import TickBidAsk, TickLast, Undecodable
from algo_trade.ibkr.raw_reader import RawReader, is_quote_by_tick
from algo_trade.session.report.log import open_log
from algo_trade.session.report.record import load_record

_PRICE_SCALE = 10_000
# A trade and its quote are written down within this much of each other: they came in one piece.
_TOGETHER_NS = 1_000_000


class NothingToExport(Exception):
    """The session's log has no quotes of the symbol; the text says of which it has."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: rows, trades among them, and messages that could not be read and are left out."""

    rows: int
    trades: int
    unreadable: int


@dataclass(slots=True)
class _Seen:
    quotes: int = 0
    trades: int = 0
    unreadable: int = 0


def export_quotes(directory: Path, symbol: str, out: Path) -> Exported:
    """Write `out`, whole or not at all.

    Raises NothingToExport, QuotesFileError where it cannot be written, EvidenceMissing, EvidenceInvalid.
    """
    with open_log(directory / load_record(directory).log) as log:
        key = _key_of(log, symbol)
        by_tick = any(is_quote_by_tick(record.value) for record in _raw(log, key))
        first, second = (RawReader(symbol, int(key), by_tick=by_tick) for _ in range(2))
        seen = _count(_messages(first, _raw(log, key)))
        if not seen.quotes:
            raise NothingToExport(f"{symbol}: there is not one whole quote in market_raw of {directory}")
        rows = write_recorded_quotes(
            out, _rows(_messages(second, _raw(log, key))), has_trades=seen.trades > 0
        )
        return Exported(rows, seen.trades, seen.unreadable)


def _raw(log: EmbeddedLogReader, key: str) -> Iterator[Record]:
    return (record for record in log.replay("market_raw") if record.key == key)


def _key_of(log: EmbeddedLogReader, symbol: str) -> str:
    """What the symbol's messages are keyed by."""
    keys: dict[str, str] = {}
    kinds: tuple[type[TickEvent] | type[BarEvent], ...] = (TickEvent, BarEvent)
    for record in log.replay("market_events"):
        if record.key is None or record.key in keys.values():
            continue
        for kind in kinds:
            if kind.EVENT_TYPE.encode() in record.value:
                keys[kind.decode(record.value).symbol] = record.key
        if symbol in keys:
            return keys[symbol]
    there = ", ".join(keys) or "nothing"
    raise NothingToExport(f"{symbol} is not in this session's log, which has {there}")


def _messages(
    reader: RawReader, records: Iterable[Record]
) -> Iterator[tuple[int, TickBidAsk | TickLast | Undecodable]]:
    """What they say, with the moments at which they were written down, which never go back."""
    newest_ns = 0
    for record in records:
        newest_ns = max(newest_ns, record.timestamp_ns)
        event = reader.read(record.value, newest_ns)
        if isinstance(event, TickLast) and not (event.price > 0 and round(event.size) > 0):
            continue  # no trade a row could tell
        if event is not None:
            yield newest_ns, event


def _count(messages: Iterable[tuple[int, TickBidAsk | TickLast | Undecodable]]) -> _Seen:
    seen = _Seen()
    for _, event in messages:
        if isinstance(event, Undecodable):
            seen.unreadable += 1
        elif isinstance(event, TickLast):
            seen.trades += 1
        else:
            seen.quotes += 1
    return seen


def _rows(messages: Iterable[tuple[int, TickBidAsk | TickLast | Undecodable]]) -> Iterator[Quote]:
    standing: TickBidAsk | None = None
    waiting: tuple[int, TickLast] | None = None  # a trade whose quote may be next
    for at_ns, event in messages:
        if isinstance(event, Undecodable):
            continue
        if isinstance(event, TickLast):
            if waiting is not None and standing is not None:
                yield _row(waiting[0], standing, waiting[1])
            waiting = at_ns, event
            continue
        trade = None
        if waiting is not None:
            if standing is None or at_ns - waiting[0] <= _TOGETHER_NS:
                trade = waiting[1]
            else:
                yield _row(waiting[0], standing, waiting[1])
        standing, waiting = event, None
        yield _row(at_ns, standing, trade)
    if waiting is not None and standing is not None:
        yield _row(waiting[0], standing, waiting[1])


def _row(at_ns: int, quote: TickBidAsk, trade: TickLast | None) -> Quote:
    return Quote(
        at_ns,
        _e4(quote.bid),
        _e4(quote.ask),
        round(quote.bid_size),
        round(quote.ask_size),
        _e4(trade.price) if trade is not None else 0,
        round(trade.size) if trade is not None else 0,
    )


def _e4(price: float) -> int:
    return round(price * _PRICE_SCALE)
