"""Options that need reading: durations, speeds, symbols, halts, files of quotes. A bad one is a usage error, exit 2."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import typer

from algo_trade.gateway_sim import (
    HaltError,
    RecordedQuotes,
    ScheduledHalt,
    load_recorded_quotes,
    parse_halt,
)
from algo_trade.settings import Reading, read_settings
from algo_trade.settings.strategies import strategy_names
from algo_trade.settings.variables import suggestion
from algo_trade.strategy_plane import find_strategy

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9. \-]{0,19}")
_LONGEST_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a session's clock runs: 1 is the machine's own; None is as fast as it goes."""

    factor: float | None

    @property
    def real(self) -> bool:
        return self.factor == 1.0


def parse_duration_s(text: str) -> float:
    """`6h`, `6h30m`, `90s`, `1h0m30s`: more than nothing and at most a day."""
    match = _DURATION.fullmatch(text.strip().lower())
    hours, minutes, seconds = (
        (float(part) if part else 0.0 for part in match.groups()) if match else (0, 0, 0)
    )
    duration_s = hours * 3600 + minutes * 60 + seconds
    if not 0 < duration_s <= _LONGEST_S:
        raise typer.BadParameter(
            f"{text!r} is no duration between 1s and 24h; write it like 6h, 6h30m or 90s"
        )
    return duration_s


def parse_speed(text: str) -> Speed:
    if text == "max":
        return Speed(None)
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0 < factor <= 1e6:
        raise typer.BadParameter(f"{text!r} is no speed; write 1 (real time), a number above 0, or max")
    return Speed(factor)


def parse_symbols(text: str) -> tuple[str, ...]:
    symbols = tuple(part.strip().upper() for part in text.split(",") if part.strip())
    for symbol in symbols:
        if not _SYMBOL.fullmatch(symbol):
            raise typer.BadParameter(f"{symbol!r} is no symbol; write them like SPY,QQQ")
    if not symbols or len(set(symbols)) != len(symbols):
        raise typer.BadParameter(f"{text!r} names no symbol, or one twice; write them like SPY,QQQ")
    return symbols


def parse_halts(given: list[str]) -> tuple[ScheduledHalt, ...]:
    try:
        return tuple(parse_halt(text) for text in given)
    except HaltError as error:
        raise typer.BadParameter(str(error), param_hint="--halt") from None


def parse_quotes(given: list[str]) -> dict[str, RecordedQuotes]:
    """Each `SYM=FILE`, read and checked. Raises the file's own error (exit 3) when it is no good."""
    files: dict[str, Path] = {}
    for text in given:
        symbol, equals, path = text.partition("=")
        (name,) = parse_symbols(symbol) if symbol.strip() else ("",)
        if not equals or not name or not path or name in files:
            raise typer.BadParameter(
                f"{text!r} is not SYM=FILE, or names a symbol twice", param_hint="--quotes"
            )
        files[name] = Path(path).expanduser()
    return {symbol: load_recorded_quotes(path) for symbol, path in files.items()}


def parse_strategy(text: str) -> str:
    """The name of an installed strategy."""
    names = strategy_names()
    if text not in names:
        near = suggestion(text.lower(), names)
        raise typer.BadParameter(
            f"no strategy {text!r} is installed; there are {', '.join(names) or 'none'}{near}",
            param_hint="--strategy",
        )
    return text


def parse_assignments(given: list[str]) -> dict[str, str]:
    """Each `NAME=VALUE`; whether the strategy has such a parameter is its own business."""
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name or not value.strip() or name in values:
            raise typer.BadParameter(
                f"{text!r} is not NAME=VALUE, or names a parameter twice; write it like entry_z=2.5",
                param_hint="--set",
            )
        values[name] = value.strip()
    return values


def read_with_options(profile: str | None, strategy: str | None, assignments: list[str] | None) -> Reading:
    """The settings as their sources and these options of the command line say. What is typed wrong is a usage error."""
    chosen = None if strategy is None else parse_strategy(strategy)
    parameters = parse_assignments(assignments or [])
    reading = read_settings(profile, strategy=chosen, parameters=parameters)
    found = find_strategy(str(reading.strategy.value)) if parameters else None
    if found is not None and found.plugin is not None:
        known = found.plugin.parameters.model_fields
        for name in parameters:
            if name not in known:
                raise typer.BadParameter(
                    f"strategy {found.name} has no parameter {name!r}{suggestion(name, known)}",
                    param_hint="--set",
                )
    return reading
