"""Settings: config/<profile>.yaml, .env and environment variables in one frozen object, all problems told at once."""

from algo_trade.settings.errors import Problem, SettingsError
from algo_trade.settings.load import PROFILES, load_settings
from algo_trade.settings.model import Profile, Settings
from algo_trade.settings.report import ConfigRow, config_report, limit_notes
from algo_trade.settings.rules import LIVE_PORTS
from algo_trade.settings.sections import (
    IbkrSettings,
    KafkaSettings,
    KillSwitchSettings,
    MarketDataSettings,
    OfiSettings,
    RiskSettings,
    SimulatorSettings,
    VaultSettings,
)
from algo_trade.settings.variables import VARIABLES, Variable, secret_values

__all__ = [
    "LIVE_PORTS",
    "PROFILES",
    "VARIABLES",
    "ConfigRow",
    "IbkrSettings",
    "KafkaSettings",
    "KillSwitchSettings",
    "MarketDataSettings",
    "OfiSettings",
    "Problem",
    "Profile",
    "RiskSettings",
    "Settings",
    "SettingsError",
    "SimulatorSettings",
    "Variable",
    "VaultSettings",
    "config_report",
    "limit_notes",
    "load_settings",
    "secret_values",
]
