"""What a simulator served, as a file, and a market that plays it again exactly.

Theory. Everything a client can see of a market follows from its tape (quotes, halts, openings), from when the tape
began, and from the settings. So a recording is the settings and every happening of every tape as it was taken up, and
a simulator with the same settings that plays those tapes is the one that was recorded: asked the same at the same
moments, it answers with the same bytes. At another time of day everything is shifted, and only times and the ids made
from them differ.

The form: a line of JSON, the settings; then a line for each happening, `symbol,kind,offset_ns,...` where symbol is its
place in the settings and kind is Q (bid, ask, their sizes, trade price, trade size), H (1 halted, 0 not) or O (the
closing price of the day before). Prices are in ten-thousandths of a dollar. A recorder that was killed may leave half a
line at the end, which does not count.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from algo_trade.gateway_sim.errors import QuotesFileError
from algo_trade.gateway_sim.quotes import Quote, QuoteSource
from algo_trade.gateway_sim.tape import Halting, Happening, Opening

FORM = 1
_INT64_MAX = 2**63 - 1
_KINDS = {"Q": 7, "H": 2, "O": 2}


class Recorder:
    """Writes a recording. `tape` lets a market's happenings pass, and notes each."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self._path = path
        self._settings = settings
        self._symbols: list[dict[str, Any]] = []
        self._file: TextIO | None = None

    def tape(self, symbol: str, source: QuoteSource, happenings: Iterator[Happening]) -> Iterator[Happening]:
        """The same happenings; every market says so before the first one is taken up."""
        number = len(self._symbols)
        self._symbols.append(
            {
                "symbol": symbol,
                "waits_for_subscriber": source.waits_for_subscriber,
                "has_trades": source.has_trades,
                "previous_close_e4": source.previous_close_e4,
            }
        )
        return self._noted(number, happenings)

    def start(self) -> None:
        """All markets are known: write the settings. QuotesFileError when the file cannot be written."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("w", encoding="ascii", newline="\n")
        except OSError as error:
            raise QuotesFileError(f"{self._path}: cannot be written: {error.strerror}") from None
        self._file.write(json.dumps({"recording": FORM, **self._settings, "symbols": self._symbols}) + "\n")
        self._file.flush()

    def _noted(self, number: int, happenings: Iterator[Happening]) -> Iterator[Happening]:
        for happening in happenings:
            if self._file is not None:
                self._file.write(_line(number, happening))
            yield happening

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _line(number: int, happening: Happening) -> str:
    if isinstance(happening, Quote):
        return f"{number},Q,{','.join(map(str, happening))}\n"
    if isinstance(happening, Halting):
        return f"{number},H,{happening.offset_ns},{int(happening.halted)}\n"
    return f"{number},O,{happening.offset_ns},{happening.previous_close_e4}\n"


@dataclass(slots=True, eq=False)
class RecordedTape:
    """The tape of one symbol: `rows` is eight bytes a value, the kind first."""

    symbol: str
    waits_for_subscriber: bool
    has_trades: bool
    previous_close_e4: int
    rows: dict[str, array[int]] = field(default_factory=lambda: {kind: array("q") for kind in _KINDS})
    order: bytearray = field(default_factory=bytearray)

    def quotes(self) -> Iterator[Quote]:
        return (happening for happening in self.happenings() if isinstance(happening, Quote))

    def happenings(self) -> Iterator[Happening]:
        at = dict.fromkeys(_KINDS, 0)
        for kind in map(chr, self.order):
            start = at[kind]
            at[kind] = end = start + _KINDS[kind]
            values = self.rows[kind][start:end]
            if kind == "Q":
                yield Quote(*values)
            elif kind == "H":
                yield Halting(values[0], bool(values[1]))
            else:
                yield Opening(*values)


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A file that was read: the settings of the simulator that was recorded, and its tapes by symbol."""

    path: Path
    settings: dict[str, Any]
    tapes: dict[str, RecordedTape]


def load_recording(path: Path) -> Recording:
    """Read and check a whole recording; QuotesFileError names the first thing wrong with it."""
    try:
        with path.open(encoding="ascii", errors="strict") as file:
            settings, tapes = _read_head(path, file.readline())
            by_number = list(tapes.values())
            for number, line in enumerate(file, start=2):
                if not line.endswith("\n"):
                    break
                _read_line(f"{path}: line {number}", line, by_number)
    except OSError as error:
        raise QuotesFileError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise QuotesFileError(f"{path}: this is no recording: it is not text") from None
    if not any(tape.order for tape in by_number):
        raise QuotesFileError(f"{path}: nothing was recorded")
    return Recording(path, settings, tapes)


def _read_head(path: Path, line: str) -> tuple[dict[str, Any], dict[str, RecordedTape]]:
    try:
        settings = json.loads(line)
        if settings.pop("recording") != FORM:
            raise QuotesFileError(f"{path}: this recording is of another form than {FORM}")
        tapes = {
            each["symbol"]: RecordedTape(
                str(each["symbol"]),
                bool(each["waits_for_subscriber"]),
                bool(each["has_trades"]),
                int(each["previous_close_e4"]),
            )
            for each in settings.pop("symbols")
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise QuotesFileError(f"{path}: this is no recording: its first line has no settings") from None
    return settings, tapes


def _read_line(place: str, line: str, tapes: list[RecordedTape]) -> None:
    number, _, rest = line[:-1].partition(",")
    kind, _, rest = rest.partition(",")
    try:
        tape = tapes[int(number)]
        values = [int(value) for value in rest.split(",")]
        fits = len(values) == _KINDS[kind] and all(abs(value) <= _INT64_MAX for value in values)
    except (ValueError, KeyError, IndexError):
        fits = False
    if not fits:
        raise QuotesFileError(f"{place} is no happening: {line[:60]!r}")
    tape.order += kind.encode()
    tape.rows[kind].extend(values)
