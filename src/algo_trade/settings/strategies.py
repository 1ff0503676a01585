"""Whose parameters are whose: the settings' side of the strategies that are installed.

A strategy is a plug-in, found by its entry point; what its parameters mean only its own model knows
(`strategy_plane.catalogue` asks it). What is known here is their names: because a strategy `ofi` is installed,
OFI_ENTRY_Z is its parameter `entry_z`, as `strategies: {ofi: {entry_z: 2.5}}` in a file is, and a name nobody knows is
as much of a mistake as any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple

GROUP = "algo_trade.strategies"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


class Given(NamedTuple):
    """A value as a source had it, and the name of that source."""

    value: Any
    origin: str


# Strategy -> parameter -> what the strongest source says.
Parameters = Mapping[str, Mapping[str, Given]]


def installed_entry_points() -> dict[str, list[EntryPoint]]:
    """What installed packages offer as strategies, by name in order; several of one name are a mistake of theirs."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        found.setdefault(entry.name, []).append(entry)
    return found


def is_strategy_name(name: str) -> bool:
    """Small letters, digits and underscores, so that it can be the prefix of a variable."""
    return _NAME.fullmatch(name) is not None


def strategy_names() -> tuple[str, ...]:
    """The names people may choose from."""
    return tuple(name for name in installed_entry_points() if is_strategy_name(name))


def variable_of(strategy: str, parameter: str) -> str:
    """The environment variable of a parameter: OFI_ENTRY_Z."""
    return f"{strategy}_{parameter}".upper()


def parameter_of(variable: str, strategies: Iterable[str]) -> tuple[str, str] | None:
    """Strategy and parameter of a variable, None when no strategy's name is its prefix. The longest name wins."""
    fitting = [name for name in strategies if variable.startswith(f"{name.upper()}_")]
    if not fitting or variable != variable.upper():
        return None
    strategy = max(fitting, key=len)
    return strategy, variable[len(strategy) + 1 :].lower()
