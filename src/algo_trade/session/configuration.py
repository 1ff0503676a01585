"""The settings and the strategy they choose, checked together, so that all there is to mend is told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from algo_trade.settings import (
    ConfigRow,
    Given,
    Reading,
    Settings,
    SettingsError,
    config_report,
    shown_value,
)
from algo_trade.settings.strategies import variable_of
from algo_trade.strategy_plane import ChosenStrategy, StrategyLimits, choose


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a session is made of. `unused` are parameters that were given for other strategies, by variable."""

    settings: Settings
    strategy: ChosenStrategy
    unused: Mapping[str, Given]


def configure(reading: Reading) -> Configuration:
    """Raises SettingsError with everything that is wrong, with the settings and with the parameters."""
    strategy, problems = choose(reading)
    if reading.settings is None or strategy is None:
        raise SettingsError(reading.profile, [*reading.problems, *problems])
    unused = {
        variable_of(name, parameter): given
        for name, values in reading.parameters.items()
        if name != strategy.name
        for parameter, given in values.items()
    }
    return Configuration(reading.settings, strategy, unused)


def configuration_rows(configuration: Configuration) -> list[ConfigRow]:
    """Every setting, the parameters of the strategy behind its name, and last what no session reads.

    Raises StrategyRefused.
    """
    settings, strategy = configuration.settings, configuration.strategy
    notes = strategy.notes(StrategyLimits.from_settings(settings, settings.market_data.symbols))
    parameters = [
        ConfigRow(
            variable_of(strategy.name, parameter),
            shown_value(value),
            strategy.origins.get(parameter, "default"),
            notes.get(parameter, ""),
        )
        for parameter, value in strategy.parameters
    ]
    rows: list[ConfigRow] = []
    for row in config_report(settings):
        rows.append(row)
        if row.name == "STRATEGY_NAME":
            rows += parameters
    for variable, given in sorted(configuration.unused.items()):
        rows.append(
            ConfigRow(
                variable, shown_value(given.value), given.origin, f"not used: the strategy is {strategy.name}"
            )
        )
    return rows
