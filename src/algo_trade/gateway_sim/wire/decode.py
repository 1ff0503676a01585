"""Requests: fields in, a name and its values out, by the tables of `request_tables`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.wire.request_tables import CONDITIONS, REQUESTS
from algo_trade.gateway_sim.wire.values import clean, to_bool, to_id, to_int

_TOKEN = re.compile(
    r"(?P<condition>[A-Za-z]+)\{(?P<inner>[^}]*)\}"
    r"|(?P<star>\*?)(?P<name>_?[A-Za-z0-9]+)(?:/(?P<width>\d))?(?:\[(?P<since>\d*)\.\.(?P<until>\d*)\])?"
)
_MAX_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """A run of fields, a counted list (`width` fields a row), or a conditional group of steps."""

    names: tuple[str, ...] = ()
    width: int = 0
    condition: str = ""
    inner: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Decoded:
    """A request: the handler's name, the id it is answered to (-1 for none) and its values as sent."""

    name: str
    message_id: int
    request_id: int
    values: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.values.get(name, "")

    def integer(self, name: str) -> int | None:
        return to_int(self.values.get(name, ""))

    def flag(self, name: str) -> bool:
        return to_bool(self.values.get(name, ""))


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
    values: dict[str, str] = {}
    reader = _Reader(fields, values)
    try:
        reader.run(_steps(message_id, version))
        request_id = to_id(values["_id"]) if "_id" in values else -1
    except RequestError as error:
        raise RequestError(error.code, error.text, _id_or_none(values)) from None
    return Decoded(request.name, message_id, request_id, values)


def _id_or_none(values: Mapping[str, str]) -> int:
    try:
        return to_id(values.get("_id", ""))
    except RequestError:
        return -1


class _Reader:
    """A cursor over the fields of one request."""

    def __init__(self, fields: Sequence[str], values: dict[str, str]) -> None:
        self._fields = fields
        self._position = 1
        self._values = values

    def run(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if step.condition:
                if CONDITIONS[step.condition](self._values):
                    self.run(step.inner)
            elif step.width:
                self._read_rows(step)
            else:
                self._read_run(step.names)

    def _read_run(self, names: tuple[str, ...]) -> None:
        cells = self._fields[self._position : self._position + len(names)]
        self._position += len(cells)
        self._values.update(zip(names, cells, strict=False))
        if self._values.get("secType") == "BAG":
            raise RequestError(321, "Error validating request.-'bX' : cause - combos are not supported here")
        if len(cells) < len(names):
            self._take()  # says that it is not there

    def _take(self) -> str:
        if self._position >= len(self._fields):
            raise RequestError(320, "Error reading request. Unable to parse data. java.io.EOFException: null")
        self._position += 1
        return self._fields[self._position - 1]

    def _read_rows(self, step: Step) -> None:
        count = to_int(self._take()) or 0
        if not 0 <= count <= _MAX_ROWS:
            raise RequestError(
                320, f"Error reading request. Unable to parse data. {step.names[0]} count {count}"
            )
        rows = [self._take() for _ in range(count * step.width)]
        self._values[step.names[0]] = ";".join(rows)


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
