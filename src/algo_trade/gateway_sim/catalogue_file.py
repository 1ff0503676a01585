"""The catalogue: a YAML file of instruments and intraday patterns, and a user's own file on top of it.

    patterns:     name → activity and depth, in equal parts of the day
    instruments:  symbol → what `Instrument` lists

The shipped file is config/instruments.yaml. A user's file has the same form: what it says of a symbol or a pattern of
the shipped one replaces that key by key, what it does not say stays. Everything wrong is told at once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from algo_trade.gateway_sim.book_market import FLAT, IntradayPattern
from algo_trade.gateway_sim.book_market.shape import shape_of
from algo_trade.gateway_sim.catalogue import SYMBOL_FORM, Instrument, derived_identity
from algo_trade.gateway_sim.errors import CatalogueError
from algo_trade.resources import resource_path
from algo_trade.settings.sources import StrictLoader
from algo_trade.settings.variables import suggestion

SHIPPED = "config/instruments.yaml"
_SECTIONS = ("patterns", "instruments")
_CENTS = 100

Tree = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Listing:
    """A catalogue that was found good."""

    instruments: Mapping[str, Instrument]
    patterns: Mapping[str, IntradayPattern]

    def as_json(self) -> str:
        """Both sections, in the order of the file."""
        sections = {"patterns": self.patterns, "instruments": self.instruments}
        return json.dumps(
            {
                section: {name: entry.model_dump(mode="json") for name, entry in entries.items()}
                for section, entries in sections.items()
            }
        )

    def digest(self) -> str:
        """SHA-256 of what it says."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()


def load_listing(own: Path | None = None) -> Listing:
    """The shipped catalogue, with the user's `own` file over it; raises CatalogueError with all problems."""
    if own is None:
        return _shipped()
    problems: list[str] = []
    base = _read(resource_path(SHIPPED), problems)
    added = _read(own, problems)
    merged: Tree = {
        section: base[section]
        | {name: {**base[section].get(name, {}), **said} for name, said in added[section].items()}
        for section in _SECTIONS
    }
    return _checked(own, merged, problems)


@lru_cache(maxsize=1)
def _shipped() -> Listing:
    problems: list[str] = []
    path = resource_path(SHIPPED)
    return _checked(path, _read(path, problems), problems)


def _read(path: Path, problems: list[str]) -> Tree:
    """A file's two sections, each entry a mapping with text keys; what is not so is a problem and left out."""
    tree: Tree = {section: {} for section in _SECTIONS}
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=StrictLoader)  # noqa: S506  # a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        problems.append(f"{path}: cannot be read: {why}")
        return tree
    except yaml.YAMLError as error:
        problems.append(f"{path}: not valid yaml: {' '.join(str(error).split())}")
        return tree
    if not isinstance(content, dict):
        problems.append(f"{path}: the sections {' and '.join(_SECTIONS)} expected")
        return tree
    for section, entries in content.items():
        if section not in _SECTIONS:
            near = suggestion(str(section), _SECTIONS)
            problems.append(f"{path}: {section}: no such section{near}")
        elif not isinstance(entries, dict):
            problems.append(f"{path}: {section}: names with keys expected")
        else:
            tree[section] = dict(_entries(path, section, entries, problems))
    return tree


def _entries(
    path: Path, section: str, entries: dict[Any, Any], problems: list[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, said in entries.items():
        if not isinstance(name, str):
            problems.append(f"{path}: {section}: a name that YAML reads as {name!r}; write it in quotes")
        elif not isinstance(said, dict) or not all(isinstance(key, str) for key in said):
            problems.append(f"{path}: {section}.{name}: keys and values expected")
        else:
            yield name, said


def _checked(path: Path, tree: Tree, problems: list[str]) -> Listing:
    """Everything validated; raises CatalogueError when there is a problem, those met before included."""
    patterns: dict[str, IntradayPattern] = {}
    for name, said in tree["patterns"].items():
        try:
            patterns[name] = IntradayPattern.model_validate(said)
        except ValidationError as error:
            problems.extend(_told(error, f"{path}: patterns.{name}", IntradayPattern))
    instruments: dict[str, Instrument] = {}
    for symbol, said in tree["instruments"].items():
        where = f"{path}: instruments.{symbol}"
        if not re.fullmatch(SYMBOL_FORM, symbol):
            problems.append(f"{where}: no symbol; write it like SPY or BRK B")
            continue
        try:
            instrument = Instrument.model_validate({**derived_identity(symbol), **said, "symbol": symbol})
        except ValidationError as error:
            problems.extend(_told(error, where, Instrument))
            continue
        instruments[symbol] = instrument
        problems.extend(f"{where}.{text}" for text in _objections(instrument, patterns, tree["patterns"]))
    problems.extend(f"{path}: {text}" for text in _repeated(instruments))
    if problems:
        raise CatalogueError(problems)
    return Listing(instruments, patterns)


def _objections(
    instrument: Instrument, patterns: Mapping[str, IntradayPattern], named: Mapping[str, object]
) -> Iterator[str]:
    """What is wrong with an instrument although each of its values is good."""
    if instrument.pattern not in named:
        near = suggestion(instrument.pattern, patterns)
        yield f"pattern: there is no pattern {instrument.pattern!r}{near}"
    courses = [FLAT] + ([patterns[instrument.pattern]] if instrument.pattern in patterns else [])
    try:
        for course in courses:
            shape_of(instrument, course, round(_CENTS * instrument.base_price[0]))
    except ValueError as error:
        yield str(error)


def _repeated(instruments: Mapping[str, Instrument]) -> Iterator[str]:
    """Ids that two instruments share."""
    for key in ("con_id", "isin"):
        owners: dict[Any, str] = {}
        for symbol, instrument in instruments.items():
            value = getattr(instrument, key)
            if value in owners:
                yield f"instruments.{symbol}.{key}: {value} is {owners[value]}'s"
            owners.setdefault(value, symbol)


def _told(
    error: ValidationError, where: str, model: type[Instrument] | type[IntradayPattern]
) -> Iterator[str]:
    """A line for each thing pydantic found."""
    for detail in error.errors(include_url=False):
        key = ".".join(str(part) for part in detail["loc"])
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            message = f"no such key{suggestion(key, model.model_fields)}"
        elif detail["type"] == "missing":
            message = "is required"
        yield f"{where}{'.' if key else ': '}{key}{': ' if key else ''}{message}"
