"""`Settings`: everything a process of algo-trade was told, in one frozen object.

It is built once, by `load.load_settings`, and handed down; nothing below the command line reads the environment.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue, PrivateAttr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from algo_trade.settings.sections import (
    FilePath,
    IbkrSettings,
    JournalSettings,
    KafkaSettings,
    KillSwitchSettings,
    LogLevel,
    MarketDataSettings,
    Port,
    RiskSettings,
    SimulatorSettings,
    StrategySettings,
    VaultSettings,
)

Profile = Literal["dev", "paper", "prod"]

# Where a session runs and how it talks about it: not what it does. The rest identifies a session, and a new
# setting does so too unless it is added here.
_NOT_IDENTITY: dict[str, Any] = {
    "environment": True,  # equals the profile
    "log_level": True,
    "metrics_port": True,
    "data_dir": True,
    "ibkr": {"host": True, "port": True, "data_client_id": True},
    "journal": True,
    "kafka": True,
    "vault": True,
    "simulator": {"catalogue": True},  # what the file says is the session's, and its plan adds it
}


class Settings(BaseSettings):
    """All settings of one process. Units are in the names; a missing optional limit is None."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    profile: Profile
    environment: Profile
    ibkr: IbkrSettings
    risk: RiskSettings
    kafka: KafkaSettings = KafkaSettings()
    vault: VaultSettings = VaultSettings()
    market_data: MarketDataSettings = MarketDataSettings()
    strategy: StrategySettings = StrategySettings()
    kill_switch: KillSwitchSettings = KillSwitchSettings()
    journal: JournalSettings = JournalSettings()
    simulator: SimulatorSettings = SimulatorSettings()
    log_level: LogLevel = "INFO"
    metrics_port: Port = 9090
    # In the home directory, not in the working one: two working directories would be two journals, and a
    # tripped kill switch could be escaped by `cd`.
    data_dir: FilePath = Path("~/.local/state/algotrade")

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)
    _notes: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing ambient when built by hand; `load_settings` brings its own sources, in its own order."""
        return (init_settings,)

    def origin(self, dotted: str) -> str:
        """Where the value of `section.field` came from: "default", a file, the environment or an override."""
        return self._origins.get(dotted, "default")

    @property
    def session_refusal(self) -> str | None:
        """Why no session may start with these settings, or None. Looking at them is always allowed."""
        if self.profile == "prod":
            return (
                "profile prod is a placeholder: it can be checked, never traded, until the go-live record is "
                "signed; use --profile dev or --profile paper"
            )
        return None

    def fingerprint(self) -> dict[str, JsonValue]:
        """The values that make a session what it is, JSON-able and in a stable order.

        The parameters of its strategy come on top of them: only the strategy knows those. Never a path, host, port or
        secret: the same session on another machine has the same fingerprint.
        """
        values: dict[str, JsonValue] = self.model_dump(mode="json", exclude=_NOT_IDENTITY)
        return {name: values[name] for name in sorted(values)}
