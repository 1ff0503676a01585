"""Quotes recorded in a file: every row becomes one quote, exactly.

The form: a header `ask_price,ask_volume,bid_price,bid_volume`, prices in ten-thousandths of a dollar, volumes in
shares, no timestamps. Rows are spread evenly over one regular session. A row that parses is served as it is, be
it crossed or empty: the file is the truth. A file that does not parse is refused as a whole, before anything runs.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from algo_trade.gateway_sim.errors import QuotesFileError
from algo_trade.gateway_sim.quotes import Quote

HEADER = ("ask_price", "ask_volume", "bid_price", "bid_volume")
SESSION_NS = 23_400 * 1_000_000_000
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class RecordedQuotes:
    """The rows of a file as columns: 32 bytes a row."""

    path: Path
    ask_e4: array[int]
    ask_size: array[int]
    bid_e4: array[int]
    bid_size: array[int]

    @property
    def waits_for_subscriber(self) -> bool:
        return True

    @property
    def has_trades(self) -> bool:
        return False

    @property
    def previous_close_e4(self) -> int:
        """The first mid: the file does not know the day before."""
        return (self.ask_e4[0] + self.bid_e4[0]) // 2

    def __len__(self) -> int:
        return len(self.ask_e4)

    def quotes(self) -> Iterator[Quote]:
        count = len(self)
        rows = zip(self.bid_e4, self.ask_e4, self.bid_size, self.ask_size, strict=True)
        for index, (bid, ask, bid_size, ask_size) in enumerate(rows):
            yield Quote(index * SESSION_NS // count, bid, ask, bid_size, ask_size)


def load_recorded_quotes(path: Path) -> RecordedQuotes:
    """Read and check a whole file; QuotesFileError names the first thing wrong with it."""
    lines = _read_lines(path)
    if not lines:
        raise QuotesFileError(f"{path}: the file is empty; its first line must be {','.join(HEADER)}")
    if tuple(name.strip() for name in lines[0].split(",")) != HEADER:
        raise QuotesFileError(f"{path}: the first line must be {','.join(HEADER)}, not {lines[0][:60]!r}")
    columns = tuple(array("q") for _ in HEADER)
    for number, line in enumerate(lines[1:], start=1):
        cells = line.split(",")
        if len(cells) != len(HEADER):
            raise QuotesFileError(f"{path}: row {number} has {len(cells)} values, not 4: {line[:60]!r}")
        for column, cell, name in zip(columns, cells, HEADER, strict=True):
            column.append(_whole_number(cell, name, number, path))
    if not columns[0]:
        raise QuotesFileError(f"{path}: there are no rows after the header")
    ask_e4, ask_size, bid_e4, bid_size = columns
    return RecordedQuotes(path, ask_e4, ask_size, bid_e4, bid_size)


def _read_lines(path: Path) -> list[str]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise QuotesFileError(f"{path}: there is no such file") from None
    except OSError as error:
        raise QuotesFileError(f"{path}: cannot be read: {error.strerror}") from None
    if b"\0" in data:
        raise QuotesFileError(f"{path}: this is a binary file, not quotes as text")
    try:
        return data.decode("utf-8-sig").rstrip("\r\n").splitlines()
    except UnicodeDecodeError as error:
        raise QuotesFileError(f"{path}: this is not a text file (byte {error.start})") from None


def _whole_number(cell: str, name: str, row: int, path: Path) -> int:
    try:
        value = int(cell)
    except ValueError:
        try:
            exact = Decimal(cell.strip())
            value = int(exact)
            if value != exact:
                raise ValueError
        except (InvalidOperation, ValueError, OverflowError):
            raise QuotesFileError(f"{path}: row {row}: {name} is not a whole number: {cell[:40]!r}") from None
    if abs(value) > _INT64_MAX:
        raise QuotesFileError(f"{path}: row {row}: {name} is out of range: {cell[:40]!r}")
    if value < 0 and name.endswith("volume"):
        raise QuotesFileError(f"{path}: row {row}: {name} is negative: {cell[:40]!r}")
    return value
