"""What `config check` shows, what identifies a session, and that files, names and model agree."""

import json
from pathlib import Path

import pytest

from algo_trade.settings import VARIABLES, config_report, limit_notes, load_settings
from algo_trade.settings.sources import default_config_dir
from algo_trade.settings.strategies import variable_of
from algo_trade.strategy_plane import installed_strategies

ROOT = Path(__file__).resolve().parents[2]

REQUIRED = {"IBKR_ACCOUNT_ID": "DU1234567", "RISK_ALLOCATED_CAPITAL": "10000"}

# The plan's variables, and the ones its contract page adds: each keeps its name.
PLAN = """
ENVIRONMENT LOG_LEVEL METRICS_PORT USE_VAULT VAULT_ADDR VAULT_TOKEN VAULT_PATH
KAFKA_BOOTSTRAP_SERVERS KAFKA_SECURITY_PROTOCOL KAFKA_CLIENT_ID KAFKA_CONSUMER_GROUP KAFKA_BATCH_SIZE KAFKA_LINGER_MS
KAFKA_COMPRESSION_TYPE KAFKA_ACKS KAFKA_SASL_MECHANISM KAFKA_SASL_USERNAME KAFKA_SASL_PASSWORD KAFKA_SSL_CA_LOCATION
IBKR_HOST IBKR_PORT IBKR_CLIENT_ID IBKR_ACCOUNT_ID IBKR_PAPER_MODE IBKR_READ_ONLY IBKR_TIMEOUT_SEC
IBKR_RECONNECT_ATTEMPTS IBKR_RECONNECT_BACKOFF_SEC IBKR_ORDER_RATE_LIMIT IBKR_HIST_DATA_RATE_LIMIT
IBKR_MARKET_DATA_SUBSCRIPTIONS RISK_ALLOCATED_CAPITAL ALGOTRADE_DATA_DIR MARKET_DATA_SYMBOLS MARKET_DATA_BAR_SIZES
MARKET_DATA_HISTORY OFI_WINDOW OFI_ENTRY_Z OFI_MAX_POSITIONS RISK_MAX_POSITION_SHARES RISK_MAX_GROSS_USD
RISK_MAX_NET_USD KILL_SWITCH_PNL_USD KILL_SWITCH_DRAWDOWN_PCT
"""


def of_strategies() -> set[str]:
    """The variables of the strategies that come with the house."""
    return {
        variable_of(one.name, parameter)
        for one in installed_strategies()
        if one.plugin is not None
        for parameter in one.plugin.parameters.model_fields
    }


def test_every_variable_of_the_plan_is_kept() -> None:
    """By its own name."""
    assert set(PLAN.split()) <= set(VARIABLES) | of_strategies()


def test_env_example_names_every_variable_and_loads_as_paper() -> None:
    """Copying it to .env is the documented first step to a paper account."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = {line.lstrip("# ").split("=")[0] for line in text.splitlines() if "=" in line}
    assert named >= set(VARIABLES) | of_strategies()
    settings = load_settings(env={}, dotenv=ROOT / ".env.example")
    assert settings.profile == "paper"
    assert settings.session_refusal is None


def test_the_sample_values_of_env_example_are_the_defaults() -> None:
    """A commented line that lies about the default is worse than none."""
    shown: dict[str, str] = {}
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines():
        if line.startswith("# ") and "=" in line and line[2:].split("=")[0] in VARIABLES:
            name, _, value = line[2:].partition("=")
            if value:
                shown[name] = value.split("  #")[0].strip()
    settings = load_settings("paper", env=REQUIRED, dotenv=None)
    actual = {row.name: row.value for row in config_report(settings)}
    actual["ALGOTRADE_DATA_DIR"] = "~/.local/state/algotrade"
    assert {name: actual[name] for name in shown} == shown


def test_the_profiles_are_found_from_a_source_tree() -> None:
    """And the catalogue beside them."""
    assert default_config_dir() == ROOT / "config"
    assert sorted(path.name for path in default_config_dir().glob("*")) == [
        "dev.yaml",
        "instruments.yaml",
        "paper.yaml",
        "prod.yaml",
    ]


def test_the_report_has_a_row_for_every_variable() -> None:
    """Also for those that were never set."""
    rows = config_report(load_settings("dev", env={}, dotenv=None))
    assert [row.name for row in rows] == list(VARIABLES)
    assert {row.source for row in rows} == {"default", "profile", "config/dev.yaml"}


def test_limits_that_can_never_bind_are_reported() -> None:
    """With the defaults: the share limit for dear symbols, net under gross, drawdown behind the PnL stop."""
    notes = limit_notes(load_settings("dev", env={}, dotenv=None))
    assert "below $100.00 a share" in notes["RISK_MAX_POSITION_SHARES"]
    assert "never" in notes["RISK_MAX_NET_USD"]
    assert "after a gain of more than $400.00" in notes["KILL_SWITCH_DRAWDOWN_PCT"]
    assert "RISK_MAX_ORDER_SHARES" not in notes


def test_limits_that_do_bind_are_left_alone() -> None:
    """A note on everything would be a note on nothing."""
    settings = load_settings(
        "dev",
        env={"RISK_MAX_NET_USD": "500", "KILL_SWITCH_DRAWDOWN_PCT": "0.5"},
        overrides={"risk.max_position_shares": None},
        dotenv=None,
    )
    notes = limit_notes(settings)
    assert "RISK_MAX_NET_USD" not in notes
    assert "KILL_SWITCH_DRAWDOWN_PCT" not in notes
    assert notes["RISK_MAX_POSITION_SHARES"] == "not set: every order is refused"


@pytest.mark.parametrize(
    "env",
    [
        {"ALGOTRADE_DATA_DIR": "/elsewhere"},
        {"LOG_LEVEL": "DEBUG"},
        {"METRICS_PORT": "9"},
        {"IBKR_PORT": "7497", "IBKR_HOST": "localhost"},
        {"KAFKA_BOOTSTRAP_SERVERS": "localhost:1"},
        {"VAULT_TOKEN": "x", "VAULT_ADDR": "https://a.example"},
        {"ENVIRONMENT": "dev"},
        {"SIMULATOR_CATALOGUE": "mine.yaml"},
        {"JOURNAL_SYNCHRONOUS": "NORMAL"},
    ],
)
def test_where_a_session_runs_is_not_what_it_is(env: dict[str, str]) -> None:
    """No path, host, port or secret changes a session's identity."""
    plain = load_settings("dev", env={}, dotenv=None).fingerprint()
    assert load_settings("dev", env=env, dotenv=None).fingerprint() == plain


@pytest.mark.parametrize(
    "env",
    [
        {"STRATEGY_NAME": "bands"},
        {"RISK_ALLOCATED_CAPITAL": "10001"},
        {"MARKET_DATA_SYMBOLS": "SPY"},
        {"SIMULATOR_ACK_MS": "1"},
        {"SIMULATOR_HALTS": "SPY=11:00+5m"},
        {"IBKR_ACCOUNT_ID": "DU1234567"},
    ],
)
def test_what_a_session_does_is_what_it_is(env: dict[str, str]) -> None:
    """And it survives JSON, because an id is derived from it."""
    plain = load_settings("dev", env={}, dotenv=None).fingerprint()
    other = load_settings("dev", env=env, dotenv=None).fingerprint()
    assert other != plain
    assert json.loads(json.dumps(other)) == other
    assert list(other) == sorted(other)


def test_an_equal_amount_written_otherwise_is_the_same_session() -> None:
    """10000, 10000.0 and 1e4 are one number, whichever file or shell it came from."""
    plain = load_settings("dev", env={}, dotenv=None).fingerprint()
    for amount in ("10000.0", "1e4", "10000.00"):
        settings = load_settings("dev", env={"RISK_ALLOCATED_CAPITAL": amount}, dotenv=None)
        assert settings.fingerprint() == plain
