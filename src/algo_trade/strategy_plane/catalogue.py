"""Which strategies are installed, and the one that is chosen, its parameters checked by its own model.

    Exception
      StrategyRefused    configuration: the chosen strategy cannot be made of these parameters and limits    exit 3

A plug-in that cannot be loaded is a line in the list, and a problem only for who chooses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails

from algo_trade.exit_codes import ExitCode
from algo_trade.settings import VARIABLES, Given, Problem, Reading, bad_value
from algo_trade.settings.strategies import installed_entry_points, is_strategy_name, variable_of
from algo_trade.settings.variables import suggestion
from algo_trade.strategy_plane.feeds import Feeds
from algo_trade.strategy_plane.limits import StrategyLimits
from algo_trade.strategy_plane.plugin import StrategyParameters, StrategyPlugin
from algo_trade.strategy_plane.strategy import Strategy


class StrategyRefused(Exception):
    """A strategy said itself, or showed, that it cannot trade so."""

    exit_code: ClassVar[ExitCode] = ExitCode.CONFIG


@dataclass(frozen=True, slots=True)
class Installed:
    """One entry point. `plugin` is None when it cannot be used, and `fault` says why."""

    name: str
    package: str
    version: str
    plugin: StrategyPlugin[Any] | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class ChosenStrategy:
    """What a session trades. `origins` says where the parameters came from that are no defaults."""

    name: str
    package: str
    version: str
    plugin: StrategyPlugin[Any]
    parameters: StrategyParameters
    origins: Mapping[str, str]

    @property
    def strategy_id(self) -> str:
        return self.plugin.strategy_id

    def values(self) -> dict[str, JsonValue]:
        """The parameters, JSON-able, in the order of their model."""
        values: dict[str, JsonValue] = self.parameters.model_dump(mode="json")
        return values

    def identity(self) -> dict[str, JsonValue]:
        """What of it makes a session the one it is."""
        return {
            "strategy_id": self.strategy_id,
            "package": self.package,
            "version": self.version,
            "parameters": self.values(),
        }

    def notes(self, limits: StrategyLimits) -> Mapping[str, str]:
        """What to know about the parameters, by parameter. Raises StrategyRefused."""
        try:
            return self.plugin.notes(self.parameters, limits)
        except Exception as error:  # others' code, as below
            raise StrategyRefused(f"strategy {self.name} cannot say its notes: {_told(error)}") from error

    def build(self, limits: StrategyLimits) -> Strategy:
        """A strategy for one session. Raises StrategyRefused."""
        try:
            strategy: Strategy = self.plugin.build(self.parameters, limits)
            strategy_id, feeds = strategy.strategy_id, strategy.feeds
        except Exception as error:  # others' code: whatever it raises is its refusal
            raise StrategyRefused(f"strategy {self.name} refuses to trade: {_told(error)}") from error
        if strategy_id != self.strategy_id or not isinstance(feeds, Feeds):
            raise StrategyRefused(
                f"strategy {self.name} calls itself {strategy_id!r}, its plug-in {self.strategy_id!r}; its feeds are "
                f"of type {type(feeds).__name__}"
            )
        return strategy


def installed_strategies() -> list[Installed]:
    """All entry points there are, by name, loaded: the ones that cannot be used as well."""
    return [_load(name, entries) for name, entries in installed_entry_points().items()]


def find_strategy(name: str) -> Installed | None:
    """The installed strategy of that name, loaded; None when there is none."""
    entries = installed_entry_points().get(name)
    return None if entries is None else _load(name, entries)


def choose(reading: Reading) -> tuple[ChosenStrategy | None, list[Problem]]:
    """The strategy that was chosen, or None and everything that keeps it from trading.

    Parameters given for other strategies are checked too, as far as those can be loaded: what is misspelt there would
    otherwise be found on the day it is needed.
    """
    entries = installed_entry_points()
    name = str(reading.strategy.value)
    problems: list[Problem] = []
    chosen = None
    if name not in entries:
        problems.append(_unknown(reading.strategy, [*entries]))
    for one in dict.fromkeys((name, *sorted(reading.parameters))):
        if one not in entries:
            continue
        found = _load(one, entries[one])
        if found.plugin is None:
            if one == name:
                text = f"STRATEGY_NAME={name} ({reading.strategy.origin}): {found.fault}"
                problems.append(Problem(text, ("STRATEGY_NAME",)))
            continue
        given = reading.parameters.get(one, {})
        parameters, wrong = check_parameters(one, found.plugin.parameters, given)
        problems += wrong
        if one == name and parameters is not None:
            origins = {parameter: value.origin for parameter, value in given.items()}
            chosen = ChosenStrategy(one, found.package, found.version, found.plugin, parameters, origins)
    return (None if problems else chosen), problems


def check_parameters(
    name: str, model: type[StrategyParameters], given: Mapping[str, Given]
) -> tuple[StrategyParameters | None, list[Problem]]:
    """The parameters of strategy `name`, or None and all that is wrong with what was given."""
    problems = [
        _no_such(name, parameter, value, model)
        for parameter, value in given.items()
        if parameter not in model.model_fields
    ]
    values = {parameter: value.value for parameter, value in given.items() if parameter in model.model_fields}
    try:
        parameters = model.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    else:
        return (None if problems else parameters), problems
    about = {str(detail["loc"][0]) for detail in found if detail["loc"]}
    problems += [_describe(name, detail, given) for detail in found]
    if about:
        # Without the bad ones, so that what the others say together is heard as well.
        problems += _together(name, model, {key: value for key, value in values.items() if key not in about})
    return None, problems


def _together(name: str, model: type[StrategyParameters], values: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        model.model_validate(values)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            if not detail["loc"]:
                yield _describe(name, detail, {})


def _describe(name: str, detail: ErrorDetails, given: Mapping[str, Given]) -> Problem:
    if not detail["loc"]:
        text = " ".join(detail["msg"].removeprefix("Value error, ").split())
        return Problem(f"strategy {name}: {text}")
    parameter = str(detail["loc"][0])
    variable = variable_of(name, parameter)
    if parameter not in given:
        return Problem(f"{variable} is required by strategy {name}", (variable,))
    return bad_value(variable, f"strategies.{name}.{parameter}", given[parameter], detail)


def _no_such(name: str, parameter: str, given: Given, model: type[StrategyParameters]) -> Problem:
    variables = {variable_of(name, field): field for field in model.model_fields}
    variable = variable_of(name, parameter)
    near = suggestion(variable, variables)
    return Problem(f"{variable} ({given.origin}): strategy {name} has no such parameter{near}", (variable,))


def _unknown(given: Given, names: list[str]) -> Problem:
    there_are = f"there are {', '.join(names)}" if names else "none is; scripts/setup installs ours"
    near = suggestion(str(given.value).lower(), names)
    return Problem(
        f"STRATEGY_NAME={given.value} ({given.origin}): no such strategy is installed: {there_are}{near}",
        ("STRATEGY_NAME",),
    )


def _load(name: str, entries: list[EntryPoint]) -> Installed:
    entry = entries[0]
    package, version = (entry.dist.name, entry.dist.version) if entry.dist is not None else ("", "")
    fault = ""
    plugin: object = None
    if len(entries) > 1:
        others = ", ".join(one.dist.name if one.dist is not None else one.value for one in entries)
        fault = f"offered by several packages: {others}; uninstall all but one"
    elif not is_strategy_name(name):
        fault = (
            "its name cannot be the prefix of variables: small letters, digits and underscores, 32 at most"
        )
    else:
        try:
            plugin = entry.load()
        except Exception as error:  # noqa: BLE001  # others' code: whatever it raises
            fault = f"{entry.value} cannot be loaded: {_told(error)}"
    if not fault and not isinstance(plugin, StrategyPlugin):
        fault = f"{entry.value} is not a StrategyPlugin"
    if isinstance(plugin, StrategyPlugin):
        taken = [one for one in plugin.parameters.model_fields if variable_of(name, one) in VARIABLES]
        if taken:
            fault = f"its parameter {taken[0]} would be {variable_of(name, taken[0])}, which is a setting"
    usable = plugin if isinstance(plugin, StrategyPlugin) and not fault else None
    return Installed(name, package, version, usable, fault)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
