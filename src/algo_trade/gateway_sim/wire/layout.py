"""Message layouts as tables: which fields a message has at which version.

A table is text: one word a field, in wire order.

    name              a field filled from the values given, else empty
    name=default      ... else this default
    =6                a constant
    name[159..]       only from version 159 on;  name[..176]  only up to version 176
    *name             a counted list: the number of rows, then the rows' fields one after the other
    ?name             the same, but nothing at all, not even the number, where no value is given
    ~name             a text clients read backslash escapes in: sent in seven bits, all else and backslashes escaped

A new version is a new word in a table, never a branch in code. Tables are compiled once per version and names given: a
message is then its defaults with the given values put in their places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter

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
class _Form:
    """A message of one version with values for certain names: its text with a `%s` for each, and what takes the values
    in that order. `rewritten` are those that are lists or escaped, with what makes their text."""

    template: str
    take: Callable[[Mapping[str, Value]], object]
    rewritten: tuple[tuple[str, Callable[[Value], str]], ...]


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
        # Clients choose some of the names an order message has values for: what is kept must have an end.
        self._form = lru_cache(maxsize=64)(self._compile)

    def _compile(self, version: int, names: tuple[str, ...]) -> _Form:
        unknown = set(names).difference(word.name for word in self._words)
        if unknown:
            raise KeyError(f"message {self.message_id} has no field {', '.join(sorted(unknown))}")
        texts, given = [f"{self.message_id}\0"], []
        rewritten: list[tuple[str, Callable[[Value], str]]] = []
        for word in self._words:
            if not word.since <= version <= word.until:
                continue
            if word.name in names:
                texts.append("%s\0")
                given.append(word.name)
                if word.is_list or word.is_escaped:
                    rewritten.append((word.name, _rows_text if word.is_list else _escaped_text))
            else:
                empty = "" if word.is_optional else "0\0" if word.is_list else f"{word.default}\0"
                texts.append(empty.replace("%", "%%"))
        return _Form("".join(texts), itemgetter(*given) if given else _take_nothing, tuple(rewritten))

    def given(self, values: Mapping[str, str | int]) -> Layout:
        """The same message with these values as its defaults, for many that have them in common."""
        words = (
            replace(word, default=str(values[word.name])) if word.name in values else word
            for word in self._words
        )
        return Layout(self.message_id, tuple(words))

    def encode(self, version: int, values: Mapping[str, Value]) -> bytes:
        """The framed message at `version`. A value without a field in the table is a mistake of ours: KeyError."""
        form = self._form(version, tuple(values))
        if form.rewritten:
            values = {**values, **{name: rewrite(values[name]) for name, rewrite in form.rewritten}}
        return frame((form.template % form.take(values)).encode("utf-8", "surrogateescape"))


def _take_nothing(_values: Mapping[str, Value]) -> tuple[()]:
    return ()


def _rows_text(rows: Value) -> str:
    """The number of rows, then their cells."""
    assert not isinstance(rows, (str, int))
    return "\0".join([str(len(rows)), *(cell for row in rows for cell in row)])


def _escaped_text(value: Value) -> str:
    return seven_bit(str(value))
