"""Quotes recorded in a file: every row becomes one quote, exactly.

The form: a header and rows of whole numbers. The first four columns are `ask_price,ask_volume,bid_price,bid_volume`,
prices in ten-thousandths of a dollar, volumes in shares. After them may come

    time_ns                     nanoseconds since the first row or since the epoch; rows keep their own pace
    trade_price,trade_volume    the trade that led to the row's quote, 0,0 where none did

in this order. Rows without times are spread evenly over one regular session. A row that parses is served as it is, be
it crossed or empty: the file is the truth. A file that does not parse is refused as a whole, before anything runs.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

from algo_trade.gateway_sim.errors import QuotesFileError
from algo_trade.gateway_sim.quotes import Quote

QUOTE_COLUMNS = ("ask_price", "ask_volume", "bid_price", "bid_volume")
TIME_COLUMN = "time_ns"
TRADE_COLUMNS = ("trade_price", "trade_volume")
HEADERS = (
    QUOTE_COLUMNS,
    (*QUOTE_COLUMNS, TIME_COLUMN),
    (*QUOTE_COLUMNS, *TRADE_COLUMNS),
    (*QUOTE_COLUMNS, TIME_COLUMN, *TRADE_COLUMNS),
)
SESSION_NS = 23_400 * 1_000_000_000
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class RecordedQuotes:
    """The rows of a file as columns, eight bytes a value. Columns the file has not are None."""

    path: Path
    ask_e4: array[int]
    ask_size: array[int]
    bid_e4: array[int]
    bid_size: array[int]
    time_ns: array[int] | None = None
    trade_e4: array[int] | None = None
    trade_size: array[int] | None = None

    @property
    def waits_for_subscriber(self) -> bool:
        return True

    @property
    def has_trades(self) -> bool:
        return self.trade_e4 is not None

    @property
    def previous_close_e4(self) -> int:
        """The first mid: the file does not know the day before."""
        return (self.ask_e4[0] + self.bid_e4[0]) // 2

    def __len__(self) -> int:
        return len(self.ask_e4)

    def columns(self) -> Iterator[array[int]]:
        """Every column there is: what the file says, wherever it lies."""
        yield from (self.ask_e4, self.ask_size, self.bid_e4, self.bid_size)
        for optional in (self.time_ns, self.trade_e4, self.trade_size):
            if optional is not None:
                yield optional

    def quotes(self) -> Iterator[Quote]:
        nothing = array("q", bytes(8 * len(self)))
        trade_e4, trade_size = self.trade_e4 or nothing, self.trade_size or nothing
        columns = (self.bid_e4, self.ask_e4, self.bid_size, self.ask_size, trade_e4, trade_size)
        for offset_ns, row in zip(self._offsets_ns(), zip(*columns, strict=True), strict=True):
            yield Quote(offset_ns, *row)

    def _offsets_ns(self) -> Iterator[int]:
        """When each row is due after the first."""
        count = len(self)
        if self.time_ns is None:
            return (index * SESSION_NS // count for index in range(count))
        first_ns = self.time_ns[0]
        return (time_ns - first_ns for time_ns in self.time_ns)


def load_recorded_quotes(path: Path) -> RecordedQuotes:
    """Read and check a whole file; QuotesFileError names the first thing wrong with it."""
    lines = _read_lines(path)
    wanted = f"its first line must be {','.join(QUOTE_COLUMNS)}, then {TIME_COLUMN}, {','.join(TRADE_COLUMNS)} or both"
    if not lines:
        raise QuotesFileError(f"{path}: the file is empty; {wanted}")
    header = tuple(name.strip() for name in lines[0].split(","))
    if header not in HEADERS:
        raise QuotesFileError(f"{path}: {wanted}, or nothing; not {lines[0][:80]!r}")
    columns = {name: array("q") for name in header}
    for number, line in enumerate(lines[1:], start=1):
        cells = line.split(",")
        if len(cells) != len(header):
            raise QuotesFileError(
                f"{path}: row {number} has {len(cells)} values, not {len(header)}: {line[:60]!r}"
            )
        for (name, column), cell in zip(columns.items(), cells, strict=True):
            column.append(_whole_number(cell, name, number, path))
    if not columns[QUOTE_COLUMNS[0]]:
        raise QuotesFileError(f"{path}: there are no rows after the header")
    ask_e4, ask_size, bid_e4, bid_size = (columns[name] for name in QUOTE_COLUMNS)
    trade_e4, trade_size = (columns.get(name) for name in TRADE_COLUMNS)
    time_ns = columns.get(TIME_COLUMN)
    recorded = RecordedQuotes(path, ask_e4, ask_size, bid_e4, bid_size, time_ns, trade_e4, trade_size)
    _check_times(recorded)
    _check_trades(recorded)
    return recorded


def write_recorded_quotes(path: Path, quotes: Iterable[Quote], *, has_trades: bool) -> int:
    """Write quotes in this form, with their times and, if there are any, their trades; returns the number of rows.

    The file is there whole or not at all. Raises QuotesFileError when it cannot be written, or has no rows.
    """
    header = (*QUOTE_COLUMNS, TIME_COLUMN, *(TRADE_COLUMNS if has_trades else ()))
    draft = path.with_name(path.name + ".new")
    count = 0
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            file.write(",".join(header) + "\n")
            for quote in quotes:
                row = [quote.ask_e4, quote.ask_size, quote.bid_e4, quote.bid_size, quote.offset_ns]
                row += [quote.trade_e4, quote.trade_size] if has_trades else []
                file.write(",".join(map(str, row)) + "\n")
                count += 1
        if count:
            draft.replace(path)
    except OSError as error:
        raise QuotesFileError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
    if not count:
        raise QuotesFileError(f"{path}: there are no quotes to write")
    return count


def _check_times(recorded: RecordedQuotes) -> None:
    for number, (before, after) in enumerate(pairwise(recorded.time_ns or ()), start=2):
        if after < before:
            raise QuotesFileError(
                f"{recorded.path}: row {number}: {TIME_COLUMN} goes back from {before} to {after}"
            )


def _check_trades(recorded: RecordedQuotes) -> None:
    trades = zip(recorded.trade_e4 or (), recorded.trade_size or (), strict=True)
    for number, (price, volume) in enumerate(trades, start=1):
        if (price > 0) != (volume > 0):
            raise QuotesFileError(
                f"{recorded.path}: row {number}: a trade has a price and a volume above 0, no trade is 0,0; not "
                f"{price},{volume}"
            )


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
