"""`load_settings`: layers in, one frozen `Settings` out, or every reason why not.

Order, strongest first: overrides of the caller > environment > .env > config/<profile>.yaml > defaults.

What a strategy's parameters may be, only the strategy knows. `read_settings` therefore raises nothing that can be told
later: whoever knows the strategies adds what is wrong with their parameters, and all is told at once.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from algo_trade.settings import rules
from algo_trade.settings.errors import Problem, SettingsError
from algo_trade.settings.model import Profile, Settings
from algo_trade.settings.sections import StrategySettings
from algo_trade.settings.sources import (
    Layer,
    LayerSource,
    default_config_dir,
    read_dotenv,
    read_environment,
    read_overrides,
    read_yaml,
)
from algo_trade.settings.strategies import Given, Parameters, strategy_names
from algo_trade.settings.variables import BY_PATH, Path, shown_as, suggestion

PROFILES: tuple[str, ...] = get_args(Profile)
DOTENV = FilePath(".env")

_ENVIRONMENT: Path = ("environment",)
_STRATEGY_NAME: Path = ("strategy", "name")

_HINTS: dict[Path, str] = {
    ("environment",): "one of dev, paper, prod",
    ("ibkr", "account_id"): "letters and digits as IBKR writes them, such as DU1234567",
    (
        "risk",
        "allocated_capital",
    ): "US dollars the strategy may use, such as 10000; drawdown is a share of it",
    ("market_data", "symbols"): "symbols separated by commas, such as SPY,QQQ",
    ("market_data", "history"): 'an IBKR duration, such as "1 D"',
    ("simulator", "halts"): "times in New York, such as SPY=11:00+5m,QQQ=12:00+90s",
    ("kill_switch", "pnl_usd"): "a loss, so below 0, such as -100",
    ("kafka", "acks"): "fewer than all replicas would lose acknowledged orders",
}

# Stand-ins for a required value that is bad or missing, so that the rules can still look at all the others.
_STAND_INS: Mapping[Path, Any] = {("ibkr", "account_id"): "DU0000000", ("risk", "allocated_capital"): 10_000}


@dataclass(frozen=True, slots=True)
class Reading:
    """What all sources together say. `settings` is None when `problems` keep them from being any.

    `strategy` is the chosen one's name and `parameters` those given for it and for others, all of them unchecked.
    """

    profile: str
    settings: Settings | None
    problems: tuple[Problem, ...]
    strategy: Given
    parameters: Parameters


def load_settings(
    profile: str | None = None,
    *,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    dotenv: FilePath | None = DOTENV,
    config_dir: FilePath | None = None,
) -> Settings:
    """The settings alone, where no strategy is going to trade; arguments and errors are those of `read_settings`.

    Raises SettingsError with all problems; its texts contain no secret.
    """
    reading = read_settings(profile, env=env, overrides=overrides, dotenv=dotenv, config_dir=config_dir)
    if reading.settings is None:
        raise SettingsError(reading.profile, reading.problems)
    return reading.settings


def read_settings(
    profile: str | None = None,
    *,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    strategy: str | None = None,
    parameters: Mapping[str, str] | None = None,
    dotenv: FilePath | None = DOTENV,
    config_dir: FilePath | None = None,
) -> Reading:
    """What is set for `profile`, which is ENVIRONMENT when not given, and dev when that is not set either.

    `env` stands in for os.environ. `strategy` and `parameters` are what the command line chose and set; they are
    stronger than any other source, and the parameters are of the strategy that is chosen, whoever chose it. `dotenv` is
    read from the working directory and may be missing unless another file is named; None reads none. A `.env` whose
    ENVIRONMENT names another profile was written for that one and is left out (`config check` says so). Raises
    SettingsError for a profile that does not exist.
    """
    names = strategy_names()
    environment = read_environment(os.environ if env is None else env, names)
    file = Layer(".env") if dotenv is None else read_dotenv(dotenv, names, required=dotenv != DOTENV)
    chosen = profile or environment.values.get(_ENVIRONMENT) or file.values.get(_ENVIRONMENT) or "dev"
    if chosen not in PROFILES:
        text = f"profile {chosen!r} is unknown: one of {', '.join(PROFILES)}{suggestion(chosen, PROFILES)}"
        raise SettingsError(chosen, [Problem(text, ("ENVIRONMENT",))])
    notes: dict[str, str] = {}
    written_for = file.values.get(_ENVIRONMENT, chosen)
    if written_for != chosen and written_for in PROFILES:
        notes["ENVIRONMENT"] = f"{file.label} is for profile {written_for} and was left out"
        file = Layer(file.label)
    layers = (
        Layer("--strategy", {} if strategy is None else {_STRATEGY_NAME: strategy}),
        read_overrides(overrides or {}, names),
        environment,
        file,
        read_yaml((config_dir or default_config_dir()) / f"{chosen}.yaml", names),
        Layer("profile", {("profile",): chosen, _ENVIRONMENT: chosen}),
    )
    settings, found = _build(layers)
    problems = [*(problem for layer in layers for problem in layer.problems), *found]
    if settings is not None:
        settings._notes.update(notes)
    choice = _choice(layers)
    return Reading(
        chosen,
        settings if not problems else None,
        tuple(problems),
        choice,
        _parameters(layers, str(choice.value), parameters or {}),
    )


def _choice(layers: tuple[Layer, ...]) -> Given:
    for layer in layers:
        if _STRATEGY_NAME in layer.values:
            return Given(layer.values[_STRATEGY_NAME], layer.label)
    return Given(StrategySettings().name, "default")


def _parameters(layers: tuple[Layer, ...], strategy: str, chosen: Mapping[str, str]) -> Parameters:
    """The strongest word on each parameter; `chosen` are of `strategy`."""
    given: dict[str, dict[str, Given]] = {}
    for layer in reversed(layers):
        for (name, parameter), value in layer.parameters.items():
            given.setdefault(name, {})[parameter] = Given(value, layer.label)
    for parameter, value in chosen.items():
        given.setdefault(strategy, {})[parameter] = Given(value, "--set")
    return given


def _build(layers: tuple[Layer, ...]) -> tuple[Settings | None, list[Problem]]:
    """The settings and what the rules say; with bad values set aside, so that the rules are heard all the same."""
    try:
        settings = _assemble(layers)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        bad = {path: _describe(path, detail, layers) for detail in details if (path := _place(detail))}
        faulty = frozenset(bad)
        patched = (*(layer.without(faulty) for layer in layers), Layer("stand-in", _STAND_INS))
        about = {shown_as(path) for path in faulty}
        try:
            objections = rules.check(_assemble(patched))
        except ValidationError:  # a profile itself is bad: the problems at hand are the ones to mend first
            objections = []
        others = [problem for problem in objections if not about & set(problem.variables)]
        return None, [*bad.values(), *others]
    return settings, rules.check(settings)


def _assemble(layers: tuple[Layer, ...]) -> Settings:
    sources = tuple(LayerSource(Settings, layer) for layer in layers)
    settings = Settings(_build_sources=(sources, {}))  # type: ignore[call-arg]  # mypy sees the fields' __init__ only
    for layer in reversed(layers):
        settings._origins.update({".".join(path): layer.label for path in layer.values})
    return settings


def _place(detail: ErrorDetails) -> Path:
    """Which setting a pydantic error is about; an error inside a list is about the list."""
    location = tuple(str(part) for part in detail["loc"])
    for length in range(len(location), 0, -1):
        if location[:length] in BY_PATH:
            return location[:length]
    return location[:1] if len(location) == 1 else ()


def _describe(path: Path, detail: ErrorDetails, layers: tuple[Layer, ...]) -> Problem:
    name, hint = shown_as(path), _HINTS.get(path)
    variable = BY_PATH.get(path)
    given = next((Given(layer.values[path], layer.label) for layer in layers if path in layer.values), None)
    if given is None:
        return Problem(f"{name} is required: {hint or 'set it'}", (name,))
    if variable and variable.secret:
        given = Given("***", given.origin)
    return bad_value(name, ".".join(path), given, detail, hint)


def bad_value(name: str, dotted: str, given: Given, detail: ErrorDetails, hint: str | None = None) -> Problem:
    """A value its model refused: what was given, where, what is wrong with it and what would not be."""
    shown = given.value if isinstance(given.value, str) else repr(given.value)
    where = f"{dotted} in {given.origin}" if given.origin.endswith(".yaml") else given.origin
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if hint and detail["type"] == "string_pattern_mismatch":
        # A regular expression explains nothing to a person.
        return Problem(f"{name}={shown} ({where}): expected {hint}", (name,))
    return Problem(f"{name}={shown} ({where}): {message}{f'; {hint}' if hint else ''}", (name,))
