"""Requests: fields in, a name and its values out, by the tables of `request_tables`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import itemgetter

from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.limits import MAX_LIST_ROWS
from algo_trade.gateway_sim.wire.request_tables import CONDITIONS, JUDGED, REQUESTS, Condition
from algo_trade.gateway_sim.wire.values import clean, to_bool, to_id, to_int

_TOKEN = re.compile(
    r"(?P<condition>[A-Za-z]+)\{(?P<inner>[^}]*)\}"
    r"|(?P<star>\*?)(?P<name>_?[A-Za-z0-9]+)(?:/(?P<width>\d))?(?:\[(?P<since>\d*)\.\.(?P<until>\d*)\])?"
)
_COMBO = "BAG"


@dataclass(frozen=True, slots=True)
class Step:
    """A run of fields, a counted list (`width` fields a row), or a conditional group of steps."""

    names: tuple[str, ...] = ()
    width: int = 0
    condition: str = ""
    inner: tuple[Step, ...] = ()


class Places(dict[str, int]):
    """Where each field of a request stands. Requests of one form share it, so it remembers how to take many at once."""

    def __init__(self, places: Mapping[str, int]) -> None:
        super().__init__(places)
        self._takers: dict[tuple[str, ...], Callable[[Sequence[str]], tuple[str, ...]]] = {}

    def take(self, names: tuple[str, ...], fields: Sequence[str]) -> tuple[str, ...]:
        """Their texts, empty for those that are not there."""
        taker = self._takers.get(names)
        if taker is None:
            taker = self._takers[names] = self._taker(names)
        return taker(fields)

    def _taker(self, names: tuple[str, ...]) -> Callable[[Sequence[str]], tuple[str, ...]]:
        if len(names) > 1 and self.keys() >= set(names):
            return itemgetter(*(self[name] for name in names))
        places = [self.get(name) for name in names]
        return lambda fields: tuple("" if place is None else fields[place] for place in places)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A request: the handler's name, the id it is answered to (-1 for none) and its fields as sent.

    `places` says where in `fields` each one stands: most of a placeOrder is never asked for, so nothing is copied.
    """

    name: str
    message_id: int
    request_id: int
    fields: Sequence[str]
    places: Places

    def text(self, name: str) -> str:
        place = self.places.get(name)
        return "" if place is None else self.fields[place]

    def texts(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Many at once."""
        return self.places.take(names, self.fields)

    def integer(self, name: str) -> int | None:
        return to_int(self.text(name))

    def flag(self, name: str) -> bool:
        return to_bool(self.text(name))


def decode(fields: Sequence[str], version: int) -> Decoded:
    """The request in `fields`.

    Raises RequestError: 505 for a message id nobody knows, 320 for a field that is missing or no number, 321 for
    an instrument or an order feature whose own fields we cannot read past.
    """
    try:
        message_id = int(fields[0])
        request = REQUESTS[message_id]
    except (KeyError, ValueError, IndexError):
        name = clean(fields[0]) if fields else ""
        raise RequestError(505, f"Fatal Error: Unknown message id: {name}") from None
    plain = _plain(message_id, version)
    if plain.fits(fields):
        places = plain.places
    else:
        reader = _Reader(fields)
        try:
            reader.run(_steps(message_id, version))
        except RequestError as error:
            raise RequestError(error.code, error.text, _id_or_none(reader)) from None
        fields, places = reader.fields, Places(reader.places)
    request_id = to_id(fields[places["_id"]]) if "_id" in places else -1
    return Decoded(request.name, message_id, request_id, fields, places)


@dataclass(frozen=True, slots=True, eq=False)
class _Plain:
    """A request without any of its conditional groups or counted lists: nearly every one that comes.

    Where each field stands is known beforehand then. The first condition that holds is judged on a field that stands
    where it belongs, so it is found.
    """

    is_possible: bool
    width: int
    places: Places
    conditions: tuple[Condition, ...]
    judged: tuple[str, ...]

    def fits(self, fields: Sequence[str]) -> bool:
        if not self.is_possible or len(fields) <= self.width:
            return False
        return not self.judged or _is_plain(self, self.places.take(self.judged, fields))


@lru_cache(maxsize=256)
def _is_plain(plain: _Plain, texts: tuple[str, ...]) -> bool:
    """Whether no condition holds, by the texts of the fields that are judged."""
    places = {name: place for place, name in enumerate(plain.judged)}
    return texts[places["secType"]] != _COMBO and not any(holds(texts, places) for holds in plain.conditions)


class _Reader:
    """A cursor over the fields of one request. `places` is where each one read so far stands in `fields`."""

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = list(fields)
        self.places: dict[str, int] = {}
        self._position = 1
        self._end = len(fields)

    def run(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if step.condition:
                if CONDITIONS[step.condition](self.fields, self.places):
                    self.run(step.inner)
            elif step.width:
                self._read_rows(step)
            else:
                self._read_run(step.names)

    def _read_run(self, names: tuple[str, ...]) -> None:
        for name in names:
            self.places[name] = self._position
            if self._take() == _COMBO and name == "secType":
                raise RequestError(
                    321, "Error validating request.-'bX' : cause - combos are not supported here"
                )

    def _take(self) -> str:
        if self._position >= self._end:
            raise RequestError(320, "Error reading request. Unable to parse data. java.io.EOFException: null")
        self._position += 1
        return self.fields[self._position - 1]

    def _read_rows(self, step: Step) -> None:
        count = to_int(self._take()) or 0
        if not 0 <= count <= MAX_LIST_ROWS:
            raise RequestError(
                320, f"Error reading request. Unable to parse data. {step.names[0]} count {count}"
            )
        rows = [self._take() for _ in range(count * step.width)]
        self.places[step.names[0]] = len(self.fields)
        self.fields.append(";".join(rows))


def _id_or_none(reader: _Reader) -> int:
    try:
        return to_id(reader.fields[reader.places["_id"]])
    except (RequestError, LookupError):
        return -1


@cache
def _plain(message_id: int, version: int) -> _Plain:
    steps = _steps(message_id, version)
    names = [name for step in steps for name in step.names]
    conditions = tuple(CONDITIONS[step.condition] for step in steps if step.condition)
    places = {name: place for place, name in enumerate(names, start=1)}
    judged = tuple(name for name in ("secType", *JUDGED) if name in places) if "secType" in places else ()
    return _Plain(not any(step.width for step in steps), len(names), Places(places), conditions, judged)


@cache
def _steps(message_id: int, version: int) -> tuple[Step, ...]:
    return _parse(REQUESTS[message_id].table, version)


def _parse(table: str, version: int) -> tuple[Step, ...]:
    steps: list[Step] = []
    run: list[str] = []

    def end_run() -> None:
        if run:
            steps.append(Step(tuple(run)))
            run.clear()

    for match in _TOKEN.finditer(table):
        if match["condition"]:
            end_run()
            steps.append(Step(condition=match["condition"], inner=_parse(match["inner"], version)))
        elif int(match["since"] or 0) <= version <= int(match["until"] or 10**6):
            if match["width"]:
                end_run()
                steps.append(Step((match["name"],), width=int(match["width"])))
            else:
                run.append(match["name"])
    end_run()
    return tuple(steps)
