"""What a plug-in brings: a name for its intents, a model of its parameters, and how to make the strategy of them.

An installed package offers one by an entry point of group `algo_trade.strategies`; the entry point's name is how people
choose it and the prefix of its variables (`bands` has BANDS_WINDOW). docs/strategies.md shows a whole one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from algo_trade.strategy_plane.limits import StrategyLimits
from algo_trade.strategy_plane.strategy import Strategy


class StrategyParameters(BaseModel):
    """The base of every strategy's parameters: frozen, nothing unknown, no NaN and no infinity anywhere.

    One field a parameter, with its unit in the name, its default (none: it must be given) and a `description`; values
    come from files and from the environment, so each has to be readable from a text. What concerns several fields is
    checked by a `model_validator`, whose ValueError is shown to the user.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


P = TypeVar("P", bound=StrategyParameters)


def _no_notes(_parameters: StrategyParameters, _limits: StrategyLimits) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyPlugin(Generic[P]):
    """What the entry point names. Raises ValueError when it could not be told apart or configured.

    `build` makes the strategy of one session; it may raise ValueError for what only limits and parameters together
    show. `notes` says by parameter what a user should know about a value, such as that it can never bind.
    """

    strategy_id: str  # in every intent; part of their identity, so it never changes
    about: str  # one or two sentences
    parameters: type[P]
    build: Callable[[P, StrategyLimits], Strategy]
    notes: Callable[[P, StrategyLimits], Mapping[str, str]] = _no_notes

    def __post_init__(self) -> None:
        if not self.strategy_id.strip():
            raise ValueError("strategy_id is empty")
        parameters: object = self.parameters  # what a package without types may have put there
        if not (isinstance(parameters, type) and issubclass(parameters, StrategyParameters)):
            raise ValueError(f"parameters is no subclass of StrategyParameters: {parameters!r}")
        for name in self.parameters.model_fields:
            if name != name.lower():
                raise ValueError(f"parameter {name}: small letters only, or no variable could name it")
