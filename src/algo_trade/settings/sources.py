"""Where settings come from: a profile's yaml, `.env`, the environment, and what the caller overrides.

Each source becomes a `Layer` (place in the settings → value) plus the problems met while reading it; nothing is
raised here, so that one run tells everything there is to mend. Types and bounds are the model's business.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml
from dotenv.parser import parse_stream
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from algo_trade.settings.errors import Problem
from algo_trade.settings.variables import BY_PATH, SECTIONS, VARIABLES, Path, is_unknown, suggestion

_PACKAGE = FilePath(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source said. `label` is how a person would name it: "config/paper.yaml", "environment"."""

    label: str
    values: Mapping[Path, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def without(self, paths: frozenset[Path]) -> "Layer":
        """The same layer, silent about `paths`."""
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


def read_yaml(path: FilePath) -> Layer:
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
    layer = _from_tree(label, content)
    secret = [
        BY_PATH[path] for path, value in layer.values.items() if BY_PATH[path].secret and value is not None
    ]
    told = tuple(
        Problem(
            f"{label}: {v.dotted} is a secret; give it as {v.name} in the environment or in .env", (v.name,)
        )
        for v in secret
    )
    return Layer(label, layer.values, layer.problems + told)


def read_overrides(overrides: Mapping[str, Any]) -> Layer:
    """What the caller decided: nested (`{"ofi": {"window": 30}}`) or dotted (`{"ofi.window": 30}`)."""
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
    return _from_tree("override", tree)


def read_environment(env: Mapping[str, str]) -> Layer:
    """The process environment. An empty variable is an unset one, as shells and compose files use it."""
    values = {
        VARIABLES[name].path: value for name, value in env.items() if name in VARIABLES and value.strip()
    }
    problems = tuple(
        Problem(f"{name} (environment): no such setting{suggestion(name.upper(), VARIABLES)}", (name,))
        for name in sorted(env)
        if is_unknown(name)
    )
    return Layer("environment", values, problems)


def read_dotenv(path: FilePath, *, required: bool) -> Layer:
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
    problems: list[Problem] = []
    for binding in bindings:
        where = f"{label} line {binding.original.line}"
        if binding.error or (binding.key is not None and binding.value is None):
            problems.append(Problem(f"{where}: NAME=value expected"))
        elif binding.key is not None and binding.key not in VARIABLES:
            near = suggestion(binding.key.upper(), VARIABLES)
            problems.append(Problem(f"{binding.key} ({where}): no such setting{near}", (binding.key,)))
        elif binding.key is not None:
            place = VARIABLES[binding.key].path
            if place in values:
                problems.append(Problem(f"{binding.key} ({where}): set twice in this file", (binding.key,)))
            values[place] = binding.value or ""
    values = {place: value for place, value in values.items() if value.strip()}
    problems.extend(_exposed(label, mode, values))
    return Layer(label, values, tuple(problems))


def _exposed(label: str, mode: int, values: Mapping[Path, Any]) -> Iterator[Problem]:
    """Refused rather than warned of: a warning about a readable secret is read by nobody, and the cure is short."""
    names = sorted(BY_PATH[path].name for path in values if BY_PATH[path].secret)
    if names and mode & 0o077:
        yield Problem(
            f"{label}: holds {', '.join(names)} but others may read it (mode {mode:o}); chmod 600 {label}"
        )


def _from_tree(label: str, tree: Mapping[Any, Any]) -> Layer:
    values: dict[Path, Any] = {}
    problems: list[Problem] = []
    dotted = [variable.dotted for variable in BY_PATH.values()]
    for key, value in tree.items():
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
            else:
                name = ".".join(path)
                problems.append(
                    Problem(f"{label}: {name}: no such setting{suggestion(name, [*dotted, *SECTIONS])}")
                )
    return Layer(label, values, tuple(problems))


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"
