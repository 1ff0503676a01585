"""Message layouts as tables: which fields a message has at which version.

A table is text: one word a field, in wire order.

    name              a field filled from the values given, else empty
    name=default      ... else this default
    =6                a constant
    name[159..]       only from version 159 on;  name[..176]  only up to version 176
    *name             a counted list: the number of rows, then the rows' fields one after the other

A new version is a new word in a table, never a branch in code. Tables are compiled once per version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from algo_trade.gateway_sim.wire.framing import message

_WORD = re.compile(r"(\*?)([A-Za-z][A-Za-z0-9]*)?(?:\[(\d*)\.\.(\d*)\])?(?:=(\S*))?")
_ANY = 1_000_000

Value = str | int | Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Word:
    """One entry of a table."""

    name: str
    default: str
    is_list: bool
    since: int
    until: int


def parse_words(table: str) -> tuple[Word, ...]:
    """The words of a table; ValueError on a word that is none."""
    words = []
    for text in table.split():
        match = _WORD.fullmatch(text)
        if match is None:
            raise ValueError(f"not a layout word: {text!r}")
        star, name, since, until, default = match.groups()
        words.append(Word(name or "", default or "", bool(star), int(since or 0), int(until or _ANY)))
    return tuple(words)


class Layout:
    """One outgoing message: its id and its table."""

    def __init__(self, message_id: int, table: str) -> None:
        self.message_id = message_id
        self._words = parse_words(table)
        self._names = frozenset(word.name for word in self._words)
        self.at = cache(self._at)

    def _at(self, version: int) -> tuple[Word, ...]:
        return tuple(word for word in self._words if word.since <= version <= word.until)

    def encode(self, version: int, values: Mapping[str, Value]) -> bytes:
        """The framed message at `version`. A value without a field in the table is a mistake of ours: KeyError."""
        unknown = values.keys() - self._names
        if unknown:
            raise KeyError(f"message {self.message_id} has no field {sorted(unknown)}")
        fields: list[object] = [self.message_id]
        for word in self.at(version):
            value = values.get(word.name, word.default)
            if word.is_list:
                rows = value or ()
                assert not isinstance(rows, (str, int))
                fields.append(len(rows))
                for row in rows:
                    fields.extend(row)
            else:
                fields.append(value)
        return message(*fields)
