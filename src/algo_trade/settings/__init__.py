"""Settings: config/<profile>.yaml, .env and environment variables in one frozen object, all problems told at once."""

from algo_trade.settings.errors import Problem, SettingsError
from algo_trade.settings.load import PROFILES, Reading, bad_value, load_settings, read_settings
from algo_trade.settings.model import Profile, Settings
from algo_trade.settings.report import ConfigRow, config_report, limit_notes, shown_value
from algo_trade.settings.rules import LIVE_PORTS
from algo_trade.settings.sections import (
    IbkrSettings,
    KafkaSettings,
    KillSwitchSettings,
    MarketDataSettings,
    RiskSettings,
    SimulatorSettings,
    StrategySettings,
    VaultSettings,
)
from algo_trade.settings.strategies import Given
from algo_trade.settings.variables import VARIABLES, Variable, secret_values

__all__ = [
    "LIVE_PORTS",
    "PROFILES",
    "VARIABLES",
    "ConfigRow",
    "Given",
    "IbkrSettings",
    "KafkaSettings",
    "KillSwitchSettings",
    "MarketDataSettings",
    "Problem",
    "Profile",
    "Reading",
    "RiskSettings",
    "Settings",
    "SettingsError",
    "SimulatorSettings",
    "StrategySettings",
    "Variable",
    "VaultSettings",
    "bad_value",
    "config_report",
    "limit_notes",
    "load_settings",
    "read_settings",
    "secret_values",
    "shown_value",
]
