"""Settings: the order of the sources, everything refused that should be, and all of it said at once."""

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from algo_trade.exit_codes import ExitCode
from algo_trade.settings import (
    Reading,
    Settings,
    SettingsError,
    config_report,
    load_settings,
    read_settings,
    secret_values,
)
from algo_trade.settings.strategies import parameter_of

PAPER = {"IBKR_ACCOUNT_ID": "DU1234567", "RISK_ALLOCATED_CAPITAL": "10000"}


def load(profile: str | None = "dev", env: Mapping[str, str] | None = None, **kwargs: Any) -> Settings:
    """load_settings, deaf to the machine the tests run on."""
    return load_settings(profile, env=env or {}, **({"dotenv": None} | kwargs))


def problems(
    profile: str | None = "dev", env: Mapping[str, str] | None = None, **kwargs: Any
) -> tuple[str, ...]:
    """Why it was refused."""
    with pytest.raises(SettingsError) as refused:
        load(profile, env, **kwargs)
    return refused.value.problems


def write_dotenv(folder: Path, text: str, mode: int = 0o600) -> Path:
    """A .env file as a user would leave it."""
    path = folder / "named.env"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_dev_needs_no_environment_at_all() -> None:
    """The first command of a newcomer."""
    settings = load("dev")
    assert (settings.profile, settings.environment, settings.ibkr.account_id) == ("dev", "dev", "DSIM001")
    assert settings.risk.allocated_capital == Decimal(10_000)
    assert settings.session_refusal is None


def test_the_limits_of_the_plan_are_the_defaults() -> None:
    """10 shares a symbol, $1000 gross, -$100, -5 %."""
    settings = load("paper", PAPER)
    assert settings.risk.max_position_shares == 10
    assert settings.risk.max_gross_usd == settings.risk.max_net_usd == Decimal(1000)
    assert settings.kill_switch.pnl_usd == Decimal(-100)
    assert settings.kill_switch.drawdown_pct == 5.0


def test_paper_requires_account_and_capital_and_says_so_together() -> None:
    """Neither is ever guessed."""
    told = problems("paper")
    assert len(told) == 2
    assert told[0].startswith("IBKR_ACCOUNT_ID is required")
    assert told[1].startswith("RISK_ALLOCATED_CAPITAL is required")


def test_sources_in_order(tmp_path: Path) -> None:
    """override > environment > .env > yaml > default, each visible where the stronger ones are silent."""
    (tmp_path / "dev.yaml").write_text(
        "ibkr: {account_id: DSIM001, client_id: 2, timeout_sec: 2}\n"
        "risk: {allocated_capital: 2, max_gross_usd: 2}\nmetrics_port: 2002\n"
    )
    dotenv = write_dotenv(
        tmp_path,
        "IBKR_TIMEOUT_SEC=3\nRISK_MAX_GROSS_USD=3\nMETRICS_PORT=3003\nexport LOG_LEVEL=debug # why\n",
    )
    settings = load(
        env={"RISK_MAX_GROSS_USD": "4", "METRICS_PORT": "4004"},
        overrides={"metrics_port": 5005},
        dotenv=dotenv,
        config_dir=tmp_path,
    )
    assert settings.ibkr.reconnect_attempts == 3
    assert settings.ibkr.client_id == 2
    assert settings.ibkr.timeout_sec == 3.0
    assert settings.log_level == "DEBUG"
    assert settings.risk.max_gross_usd == Decimal(4)
    assert settings.metrics_port == 5005
    origins = {row.name: row.source for row in config_report(settings)}
    assert origins["IBKR_RECONNECT_ATTEMPTS"] == "default"
    assert origins["IBKR_CLIENT_ID"].endswith("/dev.yaml")
    assert origins["IBKR_TIMEOUT_SEC"] == "named.env"
    assert origins["RISK_MAX_GROSS_USD"] == "environment"
    assert origins["METRICS_PORT"] == "override"


def test_overrides_are_nested_or_dotted() -> None:
    """Commands have one value at hand, tests a whole section."""
    settings = load(overrides={"ibkr.client_id": 30, "ibkr": {"timeout_sec": 3.5}})
    assert (settings.ibkr.client_id, settings.ibkr.timeout_sec) == (30, 3.5)


def test_a_limit_can_be_unset_only_on_purpose() -> None:
    """None means "not set", which risk answers by refusing; an empty variable means the default."""
    assert load(overrides={"risk.max_gross_usd": None}).risk.max_gross_usd is None
    assert load(env={"RISK_MAX_GROSS_USD": " "}).risk.max_gross_usd == Decimal(1000)


def test_the_profile_follows_environment_when_not_named(tmp_path: Path) -> None:
    """ENVIRONMENT of the process, then of .env, then dev."""
    assert load(None).profile == "dev"
    assert load(None, {"ENVIRONMENT": "paper", **PAPER}).profile == "paper"
    dotenv = write_dotenv(tmp_path, "ENVIRONMENT=paper\n")
    assert load(None, PAPER, dotenv=dotenv).profile == "paper"


def test_environment_may_not_contradict_the_profile() -> None:
    """One of the two is a mistake."""
    (told,) = problems("dev", {"ENVIRONMENT": "paper"})
    assert "contradicts profile dev" in told


def test_a_dotenv_of_another_profile_is_left_out_and_said(tmp_path: Path) -> None:
    """A paper account's .env must not leak into a rehearsal in the same folder."""
    dotenv = write_dotenv(tmp_path, "ENVIRONMENT=paper\nIBKR_ACCOUNT_ID=DU1234567\n")
    settings = load("dev", dotenv=dotenv)
    assert settings.ibkr.account_id == "DSIM001"
    notes = {row.name: row.note for row in config_report(settings)}
    assert "for profile paper and was left out" in notes["ENVIRONMENT"]


@pytest.mark.parametrize("profile", ["", "Dev", "papr", "live"])
def test_an_unknown_profile_is_refused(profile: str) -> None:
    """With the nearest name, if one is near. The empty string is ENVIRONMENT's business."""
    if not profile:
        assert load(profile).profile == "dev"
        return
    (told,) = problems(profile)
    assert "one of dev, paper, prod" in told


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Every source, every kind: spelling, type, bound, combination, and the lock."""
    dotenv = write_dotenv(tmp_path, "KAFKA_ACK=all\nnonsense\nMETRICS_PORT=99999\n")
    told = problems(
        "paper",
        {
            "IBKR_HSOT": "x",
            "SIMULATOR_LINES": "many",
            "IBKR_PORT": "7496",
            "IBKR_HOST": "10.0.0.1",
        },
        dotenv=dotenv,
        overrides={"risk.max_net_usd": "-1"},
    )
    text = "\n".join(told)
    for expected in [
        "IBKR_HSOT (environment): no such setting; did you mean IBKR_HOST?",
        "KAFKA_ACK (named.env line 1): no such setting; did you mean KAFKA_ACKS?",
        "named.env line 2: NAME=value expected",
        "METRICS_PORT=99999 (named.env)",
        "SIMULATOR_LINES=many (environment)",
        "IBKR_PORT=7496 (environment): paper lock",
        "IBKR_HOST=10.0.0.1",
        "RISK_MAX_NET_USD=-1 (override)",
        "IBKR_ACCOUNT_ID is required",
        "RISK_ALLOCATED_CAPITAL is required",
    ]:
        assert expected in text
    assert len(told) == 10


def test_env_may_hold_what_the_deployment_hands_to_others(tmp_path: Path) -> None:
    """The gateway's login is no setting of ours and no mistake, and a neighbour of it still is one."""
    text = (
        "TWS_USERID=ann\nTWS_PASSWORD='a$b'\nVNC_SERVER_PASSWORD=\nSESSION_NAME=monday\nSESSION_DURATION=6h\n"
    )
    settings = load("dev", dotenv=write_dotenv(tmp_path, text))
    assert "a$b" not in repr(settings) and "ann" not in repr(settings)
    (told,) = problems(dotenv=write_dotenv(tmp_path, "TWS_PASWORD=x\n"))
    assert told.startswith("TWS_PASWORD (named.env line 1): no such setting; did you mean TWS_PASSWORD?")


def test_a_login_others_may_read_is_refused(tmp_path: Path) -> None:
    """The same rule as for secrets of ours."""
    (told,) = problems(dotenv=write_dotenv(tmp_path, "TWS_PASSWORD=hunter2\n", mode=0o644))
    assert "holds TWS_PASSWORD but others may read it" in told and "hunter2" not in told
    load("dev", dotenv=write_dotenv(tmp_path, "TWS_PASSWORD=\nSESSION_NAME=x\n", mode=0o644))


@pytest.mark.parametrize(
    "name",
    [
        "RISK_MAX_GROSS_USD",
        "RISK_ALLOCATED_CAPITAL",
        "RISK_PRICE_COLLAR_PCT",
        "KILL_SWITCH_DRAWDOWN_PCT",
    ],
)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "0", "ten", "1,5"])
def test_no_limit_is_nan_infinite_or_negative(name: str, value: str) -> None:
    """A NaN compares false with everything, and so would let everything pass."""
    told = problems(env={name: value})
    assert len(told) == 1
    assert told[0].startswith(f"{name}={value} (environment)")


@pytest.mark.parametrize("value", ["100", "0", "nan", "-inf"])
def test_the_stop_is_a_loss(value: str) -> None:
    """+100 would stop the session before its first order, or never."""
    (told,) = problems(env={"KILL_SWITCH_PNL_USD": value})
    assert "such as -100" in told


@pytest.mark.parametrize("port", ["4001", "7496"])
@pytest.mark.parametrize("profile", ["dev", "paper"])
def test_live_ports_are_refused_as_the_lock(profile: str, port: str) -> None:
    """A script must be able to tell this from a typing mistake."""
    with pytest.raises(SettingsError) as refused:
        load(profile, {**PAPER, "IBKR_PORT": port})
    assert refused.value.exit_code is ExitCode.LOCK_REFUSED
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize(
    ("env", "name"),
    [({"IBKR_ACCOUNT_ID": "U1234567"}, "IBKR_ACCOUNT_ID"), ({"IBKR_PAPER_MODE": "false"}, "IBKR_PAPER_MODE")],
)
def test_live_accounts_and_live_mode_are_refused_as_the_lock(env: dict[str, str], name: str) -> None:
    """Paper accounts start with D."""
    with pytest.raises(SettingsError, match=name) as refused:
        load("paper", PAPER | env)
    assert refused.value.exit_code is ExitCode.LOCK_REFUSED


@pytest.mark.parametrize("account", ["du1234567", "DU", "1234567", "DU12 34567", "DU1234567;x", "DUXYZ"])
def test_an_account_looks_like_one(account: str) -> None:
    """Letters, then digits."""
    with pytest.raises(SettingsError, match="such as DU1234567") as refused:
        load("paper", PAPER | {"IBKR_ACCOUNT_ID": account})
    assert refused.value.exit_code is ExitCode.CONFIG


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.8.0.1", "::1"])
def test_this_machine_is_accepted(host: str) -> None:
    """In all its spellings."""
    assert load("paper", PAPER | {"IBKR_HOST": host}).ibkr.host == host


@pytest.mark.parametrize("host", ["10.0.0.1", "gateway.example.com", "0.0.0.0", "127.0.0.1.example.com"])
def test_another_machine_is_refused(host: str) -> None:
    """The protocol has no password and no encryption."""
    assert "neither password nor encryption" in problems("paper", PAPER | {"IBKR_HOST": host})[0]


def test_names_of_other_programs_are_not_ours() -> None:
    """Kafka's scripts and Vault's command have variables under the same prefixes."""
    load(
        env={
            "KAFKA_HEAP_OPTS": "-Xmx1g",
            "KAFKA_OPTS": "",
            "VAULT_NAMESPACE": "a",
            "PATH": "/bin",
            "IBKRS": "1",
        }
    )


@pytest.mark.parametrize(
    "name",
    [
        "IBKR_X",
        "KAFKA_X",
        "RISK_X",
        "STRATEGY_X",
        "VAULT_X",
        "ALGOTRADE_X",
        "KILL_SWITCH_X",
        "SIMULATOR_X",
        "ibkr_port",
        "ofi_window",
    ],
)
def test_an_unknown_name_under_our_prefixes_is_refused(name: str) -> None:
    """A limit that is spelt wrong would otherwise be a limit that does not hold."""
    assert name in problems(env={name: "1"})[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ibkr: {prot: 1}\n", "ibkr.prot: no such setting; did you mean ibkr.port?"),
        ("ikbr: {port: 1}\n", "ikbr: no such setting; did you mean ibkr?"),
        ("ibkr: 5\n", "ibkr: a section with keys expected"),
        ("ibkr: {port: 1, port: 2}\n", "key 'port' twice"),
        ("ibkr: [\n", "not valid yaml"),
        ("- a\n", "sections expected"),
        ("vault: {token: abc}\n", "vault.token is a secret"),
        ("ibkr: {timeout_sec: .nan}\n", "IBKR_TIMEOUT_SEC"),
        ("ofi: {window: 1}\n", "ofi: no such setting; did you mean strategies.ofi?"),
        (
            "strategies: {offi: {window: 1}}\n",
            "strategies.offi: no such strategy is installed; did you mean ofi?",
        ),
        ("strategies: {ofi: 5}\n", "strategies.ofi: parameters with values expected, not 5"),
        ("strategies: [ofi]\n", "strategies: strategies with keys expected"),
        ("\x00", "not valid yaml"),
    ],
)
def test_a_bad_yaml_is_one_clear_line(tmp_path: Path, text: str, expected: str) -> None:
    """Unknown keys, repeated keys, wrong shapes, and secrets in a file that is committed."""
    base = "" if text.startswith(("-", "\x00")) else "risk: {allocated_capital: 1}\n"
    (tmp_path / "dev.yaml").write_text(base + text)
    told = problems(env={"IBKR_ACCOUNT_ID": "DSIM001"}, config_dir=tmp_path)
    assert any(expected in line for line in told)
    assert not any("\n" in line for line in told)


def test_a_missing_yaml_is_said(tmp_path: Path) -> None:
    """Not a traceback."""
    assert any("cannot be read: No such file" in line for line in problems(config_dir=tmp_path))


def test_a_dotenv_is_optional_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default one may be missing; a named one is a promise."""
    monkeypatch.chdir(tmp_path)
    load(dotenv=Path(".env"))
    assert "cannot be read" in problems(dotenv=tmp_path / "other.env")[0]
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in problems(dotenv=Path(".env"))[0]


def test_a_name_set_twice_in_dotenv_is_refused(tmp_path: Path) -> None:
    """Which of the two was meant?"""
    dotenv = write_dotenv(tmp_path, "LOG_LEVEL=INFO\nLOG_LEVEL=DEBUG\n")
    assert problems(dotenv=dotenv) == ("LOG_LEVEL (named.env line 2): set twice in this file",)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_readable_dotenv_with_a_secret_is_refused(tmp_path: Path, mode: int) -> None:
    """Only where there is something to steal."""
    dotenv = write_dotenv(tmp_path, "VAULT_TOKEN=s.12345\n", mode)
    (told,) = problems(dotenv=dotenv)
    assert "chmod 600" in told
    assert "s.12345" not in told
    load(dotenv=write_dotenv(tmp_path, "VAULT_TOKEN=\nLOG_LEVEL=INFO\n", mode))
    load(dotenv=write_dotenv(tmp_path, "VAULT_TOKEN=s.12345\n", 0o600))


def test_secrets_are_never_shown() -> None:
    """Not in repr, not in the report, not in the fingerprint, not in a refusal."""
    env = {"VAULT_TOKEN": "s.12345", "KAFKA_SASL_PASSWORD": "hunter2"}
    settings = load(env=env)
    shown = repr(settings) + str(config_report(settings)) + str(settings.fingerprint())
    shown += "\n".join(problems(env=env | {"METRICS_PORT": "x", "KAFKA_SASL_PASSWORDS": "hunter2"}))
    assert "s.12345" not in shown
    assert "hunter2" not in shown
    assert set(secret_values(settings)) == {"s.12345", "hunter2"}
    assert {row.value for row in config_report(settings) if row.name in env} == {"***"}


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"KAFKA_BOOTSTRAP_SERVERS": "kafka.example.com:9092"}, "unencrypted"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "localhost:9092,10.0.0.1:9092"}, "unencrypted"),
        (
            {"KAFKA_BOOTSTRAP_SERVERS": "10.0.0.1:9092", "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"},
            "unencrypted",
        ),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SASL_PASSWORD is required"),
        ({"KAFKA_ACKS": "1"}, "KAFKA_ACKS=1"),
        ({"USE_VAULT": "true"}, "VAULT_ADDR is required"),
        ({"USE_VAULT": "true", "VAULT_ADDR": "http://vault.example.com", "VAULT_TOKEN": "x"}, "https://"),
        ({"MARKET_DATA_SYMBOLS": "SPY,QQQ,SPY"}, "named twice: SPY"),
        ({"MARKET_DATA_SYMBOLS": ","}, "MARKET_DATA_SYMBOLS"),
        ({"MARKET_DATA_SYMBOLS": "S" * 21}, "such as SPY,QQQ"),
        ({"SIMULATOR_LINES": "2"}, "SIMULATOR_LINES is 2"),
        ({"IBKR_MARKET_DATA_SUBSCRIPTIONS": "1"}, "IBKR_MARKET_DATA_SUBSCRIPTIONS is 1"),
        ({"MARKET_DATA_HISTORY": "one day"}, 'such as "1 D"'),
        ({"MARKET_DATA_BAR_SIZES": "2m"}, "MARKET_DATA_BAR_SIZES=2m"),
        ({"IBKR_ORDER_RATE_LIMIT": "51"}, "IBKR_ORDER_RATE_LIMIT=51"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"IBKR_PAPER_MODE": "maybe"}, "IBKR_PAPER_MODE=maybe"),
    ],
)
def test_bad_values_are_named(env: dict[str, str], expected: str) -> None:
    """The variable, what was given, and what is expected."""
    assert any(expected in line for line in problems(env=env))


def test_halts_are_a_list_of_new_york_times() -> None:
    """In one variable; what is no time is told with an example."""
    halts = load("dev", {"SIMULATOR_HALTS": "SPY=11:00+5m, QQQ=12:00+90s"}).simulator.halts
    assert halts == ("SPY=11:00+5m", "QQQ=12:00+90s")
    for bad in ("SPY", "SPY=11:00", "SPY=11:00+5", "SPY=1100+5m"):
        assert "such as SPY=11:00+5m" in problems("dev", {"SIMULATOR_HALTS": bad})[0]


def test_lists_and_levels_are_read_as_people_write_them() -> None:
    """Spaces, small letters."""
    settings = load(env={"MARKET_DATA_SYMBOLS": " spy, qqq ,BRK B", "LOG_LEVEL": "debug"})
    assert settings.market_data.symbols == ("SPY", "QQQ", "BRK B")
    assert settings.log_level == "DEBUG"


def test_settings_are_frozen_and_read_nothing_ambient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was decided at the start holds to the end, and building one by hand looks at no environment."""
    settings = load()
    with pytest.raises(ValidationError):
        settings.metrics_port = 1
    with pytest.raises(ValidationError):
        settings.risk.max_gross_usd = Decimal(10**9)
    monkeypatch.setenv("METRICS_PORT", "5")
    monkeypatch.setenv("ibkr", "{}")
    by_hand = Settings(profile="dev", environment="dev", ibkr=settings.ibkr, risk=settings.risk)
    assert by_hand.metrics_port == 9090


def test_the_real_environment_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """os.environ and ./.env, when nobody says otherwise."""
    for name in [name for name in os.environ if name.startswith(("IBKR_", "RISK_", "KAFKA_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IBKR_CLIENT_ID", "77")
    (tmp_path / ".env").write_text("METRICS_PORT=7777\n")
    settings = load_settings("dev")
    assert (settings.ibkr.client_id, settings.metrics_port) == (77, 7777)


def test_a_relative_data_dir_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Once, when read: a later chdir must not lead to a second journal."""
    monkeypatch.chdir(tmp_path)
    assert load(env={"ALGOTRADE_DATA_DIR": "here"}).data_dir == tmp_path / "here"
    assert load().data_dir.is_absolute()


def test_prod_loads_and_refuses_sessions() -> None:
    """It is a placeholder: look, do not trade."""
    settings = load("prod", {"IBKR_ACCOUNT_ID": "U1234567", "RISK_ALLOCATED_CAPITAL": "1"})
    assert settings.ibkr.port == 4001
    assert settings.session_refusal is not None


def test_the_error_text_lists_every_problem() -> None:
    """What a command prints, without a traceback."""
    with pytest.raises(SettingsError) as refused:
        load("paper")
    assert str(refused.value).splitlines()[0] == "settings of profile 'paper': 2 problems"
    assert refused.value.exit_code is ExitCode.CONFIG


def read(**kwargs: Any) -> Reading:
    return read_settings("dev", **({"env": {}, "dotenv": None} | kwargs))


def test_parameters_of_strategies_are_read_from_every_source_the_strongest_first(tmp_path: Path) -> None:
    """As texts or numbers, unchecked: only the strategy knows what they mean."""
    (tmp_path / "dev.yaml").write_text(
        "ibkr: {account_id: DSIM001}\nrisk: {allocated_capital: 1}\n"
        "strategies: {ofi: {window: 1, entry_z: 1.5, exit_z: 1, cooldown_s: 1}, bands: {window: 7}}\n"
    )
    reading = read(
        env={"OFI_EXIT_Z": "3", "OFI_COOLDOWN_S": "3", "BANDS_ENTRY_K": " "},
        dotenv=write_dotenv(tmp_path, "OFI_ENTRY_Z=2\nOFI_EXIT_Z=2\nOFI_COOLDOWN_S=2\n"),
        overrides={"strategies.ofi.cooldown_s": 4},
        parameters={"max_hold_s": "5"},
        config_dir=tmp_path,
    )
    assert reading.problems == () and reading.strategy == ("ofi", "default")
    assert reading.parameters == {
        "ofi": {
            "window": (1, f"{tmp_path.name}/dev.yaml"),
            "entry_z": ("2", "named.env"),
            "exit_z": ("3", "environment"),
            "cooldown_s": (4, "override"),
            "max_hold_s": ("5", "--set"),
        },
        "bands": {"window": (7, f"{tmp_path.name}/dev.yaml")},
    }


def test_the_command_line_chooses_the_strategy_and_its_parameters_are_that_ones() -> None:
    reading = read(env={"STRATEGY_NAME": "ofi"}, strategy="bands", parameters={"window": "9"})
    assert reading.strategy == ("bands", "--strategy")
    assert reading.parameters == {"bands": {"window": ("9", "--set")}}
    assert reading.settings is not None and reading.settings.strategy.name == "bands"
    assert read(env={"STRATEGY_NAME": "bands"}, parameters={"window": "9"}).parameters.keys() == {"bands"}


@pytest.mark.parametrize(
    ("variable", "strategies", "found"),
    [
        ("OFI_ENTRY_Z", ("bands", "ofi"), ("ofi", "entry_z")),
        ("OFI_FAST_X", ("ofi", "ofi_fast"), ("ofi_fast", "x")),  # the longest name
        ("OFI_FAST", ("ofi", "ofi_fast"), ("ofi", "fast")),
        ("OFIX_Y", ("ofi",), None),
        ("ofi_entry_z", ("ofi",), None),
        ("IBKR_PORT", ("ofi",), None),
    ],
)
def test_the_strategys_name_is_the_prefix_of_its_variables(
    variable: str, strategies: tuple[str, ...], found: tuple[str, str] | None
) -> None:
    assert parameter_of(variable, strategies) == found


def test_a_parameter_in_small_letters_is_told_its_name() -> None:
    """A shell's variables are case-sensitive; a value nobody reads must not look set."""
    (told,) = problems(env={"ofi_entry_z": "3"})
    assert "did you mean OFI_ENTRY_Z?" in told
