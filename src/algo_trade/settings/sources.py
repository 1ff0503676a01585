"""Where settings come from: a profile's yaml, `.env`, the environment, and what the caller overrides.

Each source becomes a `Layer` (place in the settings → value) plus the problems met while reading it; nothing is
raised here, so that one run tells everything there is to mend. Types and bounds are the model's business.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml
from dotenv.parser import parse_stream
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from algo_trade.settings.errors import Problem
from algo_trade.settings.strategies import parameter_of, variable_of
from algo_trade.settings.variables import (
    BY_PATH,
    DEPLOYMENT,
    SECTIONS,
    VARIABLES,
    Path,
    is_unknown,
    suggestion,
)

_PACKAGE = FilePath(__file__).resolve().parents[1]

# Where a file keeps the parameters of strategies: `strategies: {ofi: {entry_z: 2.5}}`.
STRATEGIES = "strategies"


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source said. `label` is how a person would name it: "config/paper.yaml", "environment".

    `parameters` are those of strategies, by (strategy, parameter), unchecked: only the strategy knows them.
    """

    label: str
    values: Mapping[Path, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    parameters: Mapping[tuple[str, str], Any] = field(default_factory=dict)

    def without(self, paths: frozenset[Path]) -> "Layer":
        """The settings of the same layer, silent about `paths`."""
        return Layer(self.label, {path: value for path, value in self.values.items() if path not in paths})

    def nested(self) -> dict[str, Any]:
        """The values as the model's sections, each present, so that what is missing is a value and not a section."""
        tree: dict[str, Any] = {section: {} for section in SECTIONS}
        for path, value in self.values.items():
            node = tree
            for name in path[:-1]:
                node = node.setdefault(name, {})
            node[path[-1]] = value
        return tree


class LayerSource(PydanticBaseSettingsSource):
    """A layer, as pydantic-settings takes it."""

    def __init__(self, settings_cls: type[BaseSettings], layer: Layer) -> None:
        super().__init__(settings_cls)
        self._tree = layer.nested()

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """One top-level field: its value, its key, and that it is not JSON still to be parsed."""
        return self._tree.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._tree


class StrictLoader(yaml.SafeLoader):
    """yaml takes the last of two equal keys in silence; in a file of limits that is an accident."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} twice", node.start_mark)
        return super().construct_mapping(node, deep)


def default_config_dir() -> FilePath:
    """`config/` of the source tree when run from one, else the copy inside the installed package."""
    if _PACKAGE.parent.name == "src" and (_PACKAGE.parents[1] / "config").is_dir():
        return _PACKAGE.parents[1] / "config"
    return _PACKAGE / "_resources" / "config"


def read_yaml(path: FilePath, strategies: Iterable[str]) -> Layer:
    """A profile's file. Unknown and repeated keys are problems, and so is a secret in a file that is committed."""
    label = f"{path.parent.name}/{path.name}"
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=StrictLoader)  # noqa: S506  # a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        return Layer(label, problems=(Problem(f"{label}: cannot be read: {_why(error)}"),))
    except yaml.YAMLError as error:
        return Layer(label, problems=(Problem(f"{label}: not valid yaml: {' '.join(str(error).split())}"),))
    if content is None:
        return Layer(label)
    if not isinstance(content, dict):
        return Layer(label, problems=(Problem(f"{label}: sections expected, not {type(content).__name__}"),))
    layer = _from_tree(label, content, strategies)
    secret = [
        BY_PATH[path] for path, value in layer.values.items() if BY_PATH[path].secret and value is not None
    ]
    told = tuple(
        Problem(
            f"{label}: {v.dotted} is a secret; give it as {v.name} in the environment or in .env", (v.name,)
        )
        for v in secret
    )
    return Layer(label, layer.values, layer.problems + told, layer.parameters)


def read_overrides(overrides: Mapping[str, Any], strategies: Iterable[str]) -> Layer:
    """What the caller decided: nested (`{"ibkr": {"port": 7497}}`) or dotted (`{"ibkr.port": 7497}`)."""
    tree: dict[Any, Any] = {}
    for key, value in overrides.items():
        *sections, name = key.split(".")
        node = tree
        for section in sections:
            node = node.setdefault(section, {})
        if isinstance(value, Mapping):
            node.setdefault(name, {}).update(value)
        else:
            node[name] = value
    return _from_tree("override", tree, strategies)


def read_environment(env: Mapping[str, str], strategies: Iterable[str]) -> Layer:
    """The process environment. An empty variable is an unset one, as shells and compose files use it."""
    values: dict[Path, Any] = {}
    parameters: dict[tuple[str, str], Any] = {}
    problems: list[Problem] = []
    for name in sorted(env):
        if name in VARIABLES:
            if env[name].strip():
                values[VARIABLES[name].path] = env[name]
        elif (place := parameter_of(name, strategies)) is not None:
            if env[name].strip():
                parameters[place] = env[name]
        elif is_unknown(name, strategies):
            text = f"{name} (environment): no such setting{_meant(name, strategies)}"
            problems.append(Problem(text, (name,)))
    return Layer("environment", values, tuple(problems), parameters)


def _meant(name: str, strategies: Iterable[str]) -> str:
    """What a variable of no setting may have been meant to be; a parameter in small letters is known at once."""
    upper = name.upper()
    if upper != name and (place := parameter_of(upper, strategies)) is not None:
        return f"; did you mean {variable_of(*place)}?"
    return suggestion(upper, [*VARIABLES, *DEPLOYMENT])


def read_dotenv(path: FilePath, strategies: Iterable[str], *, required: bool) -> Layer:
    """`.env`: NAME=value lines, nothing expanded. A name that is no setting is a problem, whatever its prefix."""
    label = path.name
    if not path.exists() and not required:
        return Layer(label)
    try:
        with path.open(encoding="utf-8") as stream:
            bindings = list(parse_stream(stream))
        mode = path.stat().st_mode & 0o777
    except (OSError, UnicodeDecodeError) as error:
        return Layer(label, problems=(Problem(f"{label}: cannot be read: {_why(error)}"),))
    values: dict[Path, Any] = {}
    parameters: dict[tuple[str, str], Any] = {}
    problems: list[Problem] = []
    names: set[str] = set()
    secrets: set[str] = set()
    for binding in bindings:
        where, name = f"{label} line {binding.original.line}", binding.key
        if binding.error or (name is not None and binding.value is None):
            problems.append(Problem(f"{where}: NAME=value expected"))
        elif name is None:
            continue
        elif name in names:
            problems.append(Problem(f"{name} ({where}): set twice in this file", (name,)))
        elif name in VARIABLES:
            values[VARIABLES[name].path] = binding.value or ""
        elif (place := parameter_of(name, strategies)) is not None:
            parameters[place] = binding.value or ""
        elif name in DEPLOYMENT:
            if DEPLOYMENT[name] and (binding.value or "").strip():
                secrets.add(name)
        else:
            problems.append(Problem(f"{name} ({where}): no such setting{_meant(name, strategies)}", (name,)))
        names.add(name or "")
    values = {place: value for place, value in values.items() if value.strip()}
    secrets |= {BY_PATH[place].name for place in values if BY_PATH[place].secret}
    problems.extend(_exposed(label, mode, secrets))
    given = {place: value for place, value in parameters.items() if value.strip()}
    return Layer(label, values, tuple(problems), given)


def _exposed(label: str, mode: int, secrets: set[str]) -> Iterator[Problem]:
    """Refused rather than warned of: a warning about a readable secret is read by nobody, and the cure is short."""
    if secrets and mode & 0o077:
        yield Problem(
            f"{label}: holds {', '.join(sorted(secrets))} but others may read it (mode {mode:o}); chmod 600 {label}"
        )


def _from_tree(label: str, tree: Mapping[Any, Any], strategies: Iterable[str]) -> Layer:
    values: dict[Path, Any] = {}
    parameters: dict[tuple[str, str], Any] = {}
    problems: list[Problem] = []
    dotted = [variable.dotted for variable in BY_PATH.values()]
    for key, value in tree.items():
        if key == STRATEGIES:
            parameters, found = _strategies_from_tree(label, value, strategies)
            problems += found
            continue
        if key not in SECTIONS:
            rows: list[tuple[Path, Any]] = [((str(key),), value)]
        elif isinstance(value, Mapping):
            rows = [((key, str(name)), inner) for name, inner in value.items()]
        elif value is None:
            rows = []
        else:
            problems.append(Problem(f"{label}: {key}: a section with keys expected, not {value!r}"))
            continue
        for path, inner in rows:
            if path in BY_PATH:
                values[path] = inner
            elif path[0] in strategies:
                problems.append(
                    Problem(f"{label}: {path[0]}: no such setting; did you mean strategies.{path[0]}?")
                )
            else:
                name = ".".join(path)
                near = suggestion(name, [*dotted, *SECTIONS, STRATEGIES])
                problems.append(Problem(f"{label}: {name}: no such setting{near}"))
    return Layer(label, values, tuple(problems), parameters)


def _strategies_from_tree(
    label: str, tree: Any, strategies: Iterable[str]
) -> tuple[dict[tuple[str, str], Any], list[Problem]]:
    """The parameters under `strategies`, and what is no parameter of an installed one."""
    parameters: dict[tuple[str, str], Any] = {}
    problems: list[Problem] = []
    if tree is not None and not isinstance(tree, Mapping):
        return {}, [Problem(f"{label}: {STRATEGIES}: strategies with keys expected, not {tree!r}")]
    for name, values in (tree or {}).items():
        where = f"{label}: {STRATEGIES}.{name}"
        if name not in strategies:
            near = suggestion(str(name), strategies)
            problems.append(Problem(f"{where}: no such strategy is installed{near}"))
        elif isinstance(values, Mapping):
            parameters.update({(name, str(key)): value for key, value in values.items()})
        elif values is not None:
            problems.append(Problem(f"{where}: parameters with values expected, not {values!r}"))
    return parameters, problems


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"
