"""Message layouts as tables: which fields a message has at which version.

A table is text: one word a field, in wire order.

    name              a field filled from the values given, else empty
    name=default      ... else this default
    =6                a constant
    name[159..]       only from version 159 on;  name[..176]  only up to version 176
    *name             a counted list: the number of rows, then the rows' fields one after the other
    ?name             the same, but nothing at all, not even the number, where no value is given
    ~name             a text clients read backslash escapes in: sent in seven bits, all else and backslashes escaped

A new version is a new word in a table, never a branch in code. Tables are compiled once per version: a message is then
its defaults with the given values put in their places.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from algo_trade.gateway_sim.wire.framing import frame

_WORD = re.compile(r"([*?~]?)([A-Za-z][A-Za-z0-9]*)?(?:\[(\d*)\.\.(\d*)\])?(?:=(\S*))?")
_ANY = 1_000_000

Value = str | int | Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Word:
    """One entry of a table. `is_optional` goes with `is_list`, `is_escaped` only without."""

    name: str
    default: str
    is_list: bool
    is_optional: bool
    is_escaped: bool
    since: int
    until: int


def parse_words(table: str) -> tuple[Word, ...]:
    """The words of a table; ValueError on a word that is none."""
    words = []
    for text in table.split():
        match = _WORD.fullmatch(text)
        if match is None:
            raise ValueError(f"not a layout word: {text!r}")
        mark, name, since, until, default = match.groups()
        words.append(
            Word(
                name=name or "",
                default=default or "",
                is_list=mark in {"*", "?"},
                is_optional=mark == "?",
                is_escaped=mark == "~",
                since=int(since or 0),
                until=int(until or _ANY),
            )
        )
    return tuple(words)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A table at one version: every field's text with its NUL as it is without a value, and where each name goes."""

    texts: list[str]
    places: dict[str, int]
    list_places: dict[str, int]


def seven_bit(text: str) -> str:
    """The text as clients decode it with Python's "unicode-escape". Bytes that were no UTF-8 are shown as such."""
    if text.isascii() and "\\" not in text:
        return text
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\\", "\\\\")
    return shown.encode("ascii", "backslashreplace").decode()


class Layout:
    """One outgoing message: its id and its table."""

    def __init__(self, message_id: int, table: str | tuple[Word, ...]) -> None:
        self.message_id = message_id
        self._words = parse_words(table) if isinstance(table, str) else table
        self._names = frozenset(word.name for word in self._words)
        self._escaped = frozenset(word.name for word in self._words if word.is_escaped)
        self._compiled = cache(self._compile)

    def _compile(self, version: int) -> _Compiled:
        compiled = _Compiled([f"{self.message_id}\0"], {}, {})
        for word in self._words:
            if word.since <= version <= word.until:
                if word.name:
                    places = compiled.list_places if word.is_list else compiled.places
                    places[word.name] = len(compiled.texts)
                empty = "" if word.is_optional else "0\0" if word.is_list else f"{word.default}\0"
                compiled.texts.append(empty)
        return compiled

    def given(self, values: Mapping[str, str | int]) -> Layout:
        """The same message with these values as its defaults, for many that have them in common."""
        words = (
            replace(word, default=str(values[word.name])) if word.name in values else word
            for word in self._words
        )
        return Layout(self.message_id, tuple(words))

    def encode(self, version: int, values: Mapping[str, Value]) -> bytes:
        """The framed message at `version`. A value without a field in the table is a mistake of ours: KeyError."""
        if self._escaped:
            values = {
                name: seven_bit(str(value)) if name in self._escaped else value
                for name, value in values.items()
            }
        compiled = self._compiled(version)
        texts, places = compiled.texts.copy(), compiled.places
        for name, value in values.items():
            if name in places:
                texts[places[name]] = f"{value}\0"
            elif name in compiled.list_places:
                assert not isinstance(value, (str, int))
                cells = [str(len(value)), *(cell for row in value for cell in row)]
                texts[compiled.list_places[name]] = "\0".join(cells) + "\0"
            elif name not in self._names:
                raise KeyError(f"message {self.message_id} has no field {name}")
        return frame("".join(texts).encode("utf-8", "surrogateescape"))
