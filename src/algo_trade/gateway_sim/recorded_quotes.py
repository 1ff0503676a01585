"""Quotes recorded in a file: every row becomes one quote, exactly.

The form: a header `ask_price,ask_volume,bid_price,bid_volume`, prices in ten-thousandths of a dollar, volumes in
shares. Without times the rows are spread evenly over one regular session. More columns may follow: `time_ns` (a row's
moment; only differences count) and `trade_price,trade_volume` (the trade that led to the row, zeros where none did). A
row that parses is served as it is, be it crossed or empty: the file is the truth. A file that does not parse is
refused as a whole, before anything runs.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from algo_trade.gateway_sim.errors import QuotesFileError
from algo_trade.gateway_sim.quotes import PastModel, Quote

HEADER = ("ask_price", "ask_volume", "bid_price", "bid_volume")
_TIME = ("time_ns",)
_TRADE = ("trade_price", "trade_volume")
_HEADERS = (HEADER, HEADER + _TIME, HEADER + _TRADE, HEADER + _TIME + _TRADE)
SESSION_NS = 23_400 * 1_000_000_000
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class RecordedQuotes:
    """The rows of a file as columns: 8 bytes a value. Columns the file has not are empty."""

    path: Path
    ask_e4: array[int]
    ask_size: array[int]
    bid_e4: array[int]
    bid_size: array[int]
    time_ns: array[int] = field(default_factory=lambda: array("q"))
    trade_e4: array[int] = field(default_factory=lambda: array("q"))
    trade_size: array[int] = field(default_factory=lambda: array("q"))

    @property
    def waits_for_subscriber(self) -> bool:
        return True

    @property
    def has_trades(self) -> bool:
        return bool(self.trade_e4)

    @property
    def past(self) -> PastModel | None:
        """The file does not know the days before."""
        return None

    @property
    def previous_close_e4(self) -> int:
        """The first mid: the file does not know the day before."""
        return (self.ask_e4[0] + self.bid_e4[0]) // 2

    def __len__(self) -> int:
        return len(self.ask_e4)

    def quotes(self) -> Iterator[Quote]:
        count = len(self)
        times: Iterable[int] = (index * SESSION_NS // count for index in range(count))
        if self.time_ns:
            first_ns = self.time_ns[0]
            times = (time_ns - first_ns for time_ns in self.time_ns)
        nothing = array("q", bytes(8 * count))
        trade_e4, trade_size = (self.trade_e4, self.trade_size) if self.trade_e4 else (nothing, nothing)
        columns = (times, self.bid_e4, self.ask_e4, self.bid_size, self.ask_size, trade_e4, trade_size)
        for row in zip(*columns, strict=True):
            yield Quote(*row)


def load_recorded_quotes(path: Path) -> RecordedQuotes:
    """Read and check a whole file; QuotesFileError names the first thing wrong with it."""
    lines = _read_lines(path)
    if not lines:
        raise QuotesFileError(f"{path}: the file is empty; its first line must be {','.join(HEADER)}")
    header = tuple(name.strip() for name in lines[0].split(","))
    if header not in _HEADERS:
        raise QuotesFileError(f"{path}: the first line must be {','.join(HEADER)}, not {lines[0][:60]!r}")
    columns = {name: array("q") for name in (*HEADER, *_TIME, *_TRADE)}
    filled = [columns[name] for name in header]
    for number, line in enumerate(lines[1:], start=1):
        cells = line.split(",")
        if len(cells) != len(header):
            raise QuotesFileError(
                f"{path}: row {number} has {len(cells)} values, not {len(header)}: {line[:60]!r}"
            )
        for column, cell, name in zip(filled, cells, header, strict=True):
            column.append(_whole_number(cell, name, number, path))
        times = columns["time_ns"]
        if len(times) > 1 and times[-1] < times[-2]:
            raise QuotesFileError(f"{path}: row {number}: time_ns goes back")
    if not filled[0]:
        raise QuotesFileError(f"{path}: there are no rows after the header")
    ask_e4, ask_size, bid_e4, bid_size, time_ns, trade_e4, trade_size = columns.values()
    return RecordedQuotes(path, ask_e4, ask_size, bid_e4, bid_size, time_ns, trade_e4, trade_size)


def write_recorded_quotes(path: Path, rows: Iterable[Quote]) -> int:
    """Write rows with their times and trades, as `load_recorded_quotes` reads them; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(",".join((*HEADER, *_TIME, *_TRADE)) + "\n")
        for time_ns, bid, ask, bid_size, ask_size, trade, trade_size in rows:
            file.write(f"{ask},{ask_size},{bid},{bid_size},{time_ns},{trade},{trade_size}\n")
            count += 1
    return count


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
