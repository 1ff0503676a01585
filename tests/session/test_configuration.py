"""Settings and strategy together: parameters from every source, everything wrong told at once, plug-ins of others."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.processes.harness import algotrade
from tests.session.packages import install, on_path, project

from algo_trade.cli.strategies_command import strategies
from algo_trade.exit_codes import ExitCode
from algo_trade.session.configuration import Configuration, configuration_rows, configure
from algo_trade.settings import SettingsError, read_settings
from algo_trade.strategy_plane import (
    StrategyLimits,
    StrategyParameters,
    StrategyRefused,
    find_strategy,
    installed_strategies,
)
from algo_trade.strategy_plane.ofi_parameters import OfiParameters

LIMITS = StrategyLimits(("SPY", "QQQ"), 10, Decimal(1000))

# A strategy of somebody else's that does nothing, with a parameter that must be given.
IDLE = """
from pydantic import Field
from algo_trade.strategy_plane import Feeds, Strategy, StrategyParameters, StrategyPlugin

class Parameters(StrategyParameters):
    needed: int
    pace_s: float = Field(default=1.5, gt=0, description="seconds")

class Idle(Strategy):
    strategy_id = "IDLE"
    feeds = Feeds()
    def __init__(self, parameters, limits):
        if parameters.needed > 5:
            raise ValueError("more than five is too many")

class Liar(Idle):
    strategy_id = "SOMEBODY"

def notes(parameters, limits):
    return {"needed": f"{len(limits.symbols)} symbols"}

IDLE = StrategyPlugin(strategy_id="IDLE", about="Does nothing.", parameters=Parameters, build=Idle, notes=notes)
LIAR = StrategyPlugin(strategy_id="LIAR", about="", parameters=Parameters, build=Liar)
NOT_ONE = Idle

class Port(StrategyParameters):
    port: int = 1

IBKR = StrategyPlugin(strategy_id="X", about="", parameters=Port, build=Idle)
"""


def configured(env: Mapping[str, str] | None = None, **kwargs: Any) -> Configuration:
    """Deaf to the machine the tests run on."""
    return configure(read_settings("dev", env=env or {}, **({"dotenv": None} | kwargs)))


def refusal(env: Mapping[str, str] | None = None, **kwargs: Any) -> str:
    with pytest.raises(SettingsError) as refused:
        configured(env, **kwargs)
    assert refused.value.exit_code is ExitCode.CONFIG
    return "\n".join(refused.value.problems)


@pytest.fixture
def others(tmp_path: Path) -> Iterator[Path]:
    """An installed package that brings strategies of every kind, sound and broken."""
    entries = {
        "idle": "idle_one:IDLE",
        "liar": "idle_one:LIAR",
        "no_plugin": "idle_one:NOT_ONE",
        "no_name": "idle_one:GONE",
        "broken": "broken_one:PLUGIN",
        "Loud": "idle_one:IDLE",
        "ibkr": "idle_one:IBKR",
        "twice": "idle_one:IDLE",
    }
    install(
        tmp_path / "site",
        project("idle-strategies", "2.3", **entries),
        {"idle_one": IDLE, "broken_one": "raise RuntimeError('out of order')"},
    )
    install(tmp_path / "site", project("copycat", twice="idle_one:IDLE"), {})
    with on_path(tmp_path / "site"):
        yield tmp_path / "site"


def test_without_a_word_ofi_trades_with_its_defaults() -> None:
    strategy = configured().strategy
    assert (strategy.name, strategy.strategy_id, strategy.package) == ("ofi", "OFI", "algo-trade")
    assert strategy.parameters == OfiParameters() and strategy.origins == {}
    assert strategy.values()["entry_z"] == 2.0
    assert strategy.build(LIMITS).strategy_id == "OFI"


def test_parameters_are_checked_by_their_own_model_and_know_where_they_come_from() -> None:
    strategy = configured(
        {"STRATEGY_NAME": "bands", "BANDS_WINDOW": "60"}, parameters={"entry_k": "1.5"}
    ).strategy
    assert strategy.values() | {"window": 60, "entry_k": 1.5} == strategy.values()
    assert strategy.origins == {"window": "environment", "entry_k": "--set"}


def test_a_value_written_otherwise_is_the_same_strategy() -> None:
    plain = configured().strategy.identity()
    assert configured({"OFI_ENTRY_Z": "2", "OFI_WINDOW": "60"}).strategy.identity() == plain
    assert configured({"OFI_WINDOW": "61"}).strategy.identity() != plain


def test_everything_wrong_is_told_at_once_whoever_it_concerns() -> None:
    """Settings, the chosen strategy, another one's parameters, names and values and combinations."""
    told = refusal(
        {
            "IBKR_PROT": "1",
            "METRICS_PORT": "99999",
            "OFI_WINDOW": "many",
            "OFI_EXIT_Z": "9",
            "OFI_ENTRYZ": "1",
            "BANDS_STOP_K": "1",
        },
        parameters={"hold": "1"},
    )
    assert told.count("\n") == 6
    for expected in (
        "IBKR_PROT (environment): no such setting; did you mean IBKR_PORT?",
        "METRICS_PORT=99999 (environment)",
        "OFI_WINDOW=many (environment)",
        "strategy ofi: exit_z=9 must be below entry_z=2",
        "OFI_ENTRYZ (environment): strategy ofi has no such parameter; did you mean OFI_ENTRY_Z?",
        "OFI_HOLD (--set): strategy ofi has no such parameter; did you mean OFI_",
        "strategy bands: stop_k=1 must be above entry_k=2",
    ):
        assert expected in told


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0", "ten", "1,5"])
def test_no_parameter_is_nan_infinite_or_out_of_bounds(value: str) -> None:
    assert refusal({"OFI_ENTRY_Z": value}).startswith(f"OFI_ENTRY_Z={value} (environment)")


def test_a_parameter_in_a_file_is_named_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text(
        "ibkr: {account_id: DSIM001}\nrisk: {allocated_capital: 1}\nstrategies: {ofi: {window: .nan, widow: 1}}\n"
    )
    told = refusal(config_dir=tmp_path)
    assert f"OFI_WINDOW=nan (strategies.ofi.window in {tmp_path.name}/dev.yaml)" in told
    assert (
        f"OFI_WIDOW ({tmp_path.name}/dev.yaml): strategy ofi has no such parameter; did you mean OFI_WINDOW"
        in told
    )


def test_an_unknown_strategy_is_told_with_those_there_are() -> None:
    told = refusal({"STRATEGY_NAME": "band", "OFI_ENTRY_Z": "x"})
    assert "STRATEGY_NAME=band (environment): no such strategy is installed: there are bands, ofi" in told
    assert "did you mean bands?" in told and "OFI_ENTRY_Z=x" in told
    assert "STRATEGY_NAME=OFI" in refusal({"STRATEGY_NAME": "OFI"})


def test_the_rows_of_config_check_are_settings_and_parameters() -> None:
    rows = {
        row.name: row for row in configuration_rows(configured({"OFI_WINDOW": "77", "BANDS_WINDOW": "9"}))
    }
    names = list(rows)
    assert names[names.index("STRATEGY_NAME") + 1] == "OFI_INTERVAL_S"
    assert rows["OFI_WINDOW"][1:] == ("77", "environment", "")
    assert rows["OFI_ENTRY_Z"][1:] == ("2", "default", "")
    assert rows["BANDS_WINDOW"] == ("BANDS_WINDOW", "9", "environment", "not used: the strategy is ofi")
    few = configuration_rows(configured({"MARKET_DATA_SYMBOLS": "SPY"}))
    assert (
        next(row.note for row in few if row.name == "OFI_MAX_POSITIONS")
        == "can never bind: 1 symbols are watched"
    )


def test_a_plug_in_of_somebody_else_is_found_and_its_parameters_are_settings(others: Path) -> None:
    found = find_strategy("idle")
    assert found is not None and (found.package, found.version, found.fault) == ("idle-strategies", "2.3", "")
    strategy = configured({"STRATEGY_NAME": "idle", "IDLE_NEEDED": "3"}).strategy
    assert strategy.values() == {"needed": 3, "pace_s": 1.5}
    assert strategy.identity()["version"] == "2.3"
    rows = configuration_rows(configured({"STRATEGY_NAME": "idle", "IDLE_NEEDED": "3"}))
    assert next(row.note for row in rows if row.name == "IDLE_NEEDED") == "3 symbols"
    assert "IDLE_NEEDED is required by strategy idle" in refusal({"STRATEGY_NAME": "idle"})
    told = refusal({"STRATEGY_NAME": "idle", "IDLE_NEEDED": "3", "IDLE_PACE": "1"})
    assert "IDLE_PACE (environment): strategy idle has no such parameter; did you mean IDLE_PACE_S?" in told


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken", "broken_one:PLUGIN cannot be loaded: RuntimeError: out of order"),
        ("no_name", "idle_one:GONE cannot be loaded: AttributeError"),
        ("no_plugin", "idle_one:NOT_ONE is not a StrategyPlugin"),
        ("Loud", "its name cannot be the prefix of variables"),
        ("ibkr", "its parameter port would be IBKR_PORT, which is a setting"),
        ("twice", "offered by several packages: "),
    ],
)
def test_a_broken_plug_in_is_listed_with_its_fault_and_a_problem_for_who_chooses_it(
    others: Path, name: str, why: str
) -> None:
    found = {one.name: one for one in installed_strategies()}
    assert found[name].plugin is None and why in found[name].fault
    assert configured().strategy.name == "ofi"  # nobody else's problem
    assert why in refusal({"STRATEGY_NAME": name})


def test_variables_of_a_broken_plug_in_nobody_chose_are_nobodys_problem(others: Path) -> None:
    assert configured({"BROKEN_X": "1"}).strategy.name == "ofi"


def test_a_strategy_that_refuses_or_is_another_than_it_says_does_not_trade(others: Path) -> None:
    strategy = configured({"STRATEGY_NAME": "idle", "IDLE_NEEDED": "6"}).strategy
    with pytest.raises(StrategyRefused, match="idle refuses to trade: ValueError: more than five"):
        strategy.build(LIMITS)
    liar = configured({"STRATEGY_NAME": "liar", "LIAR_NEEDED": "1"}).strategy
    with pytest.raises(StrategyRefused, match="calls itself 'SOMEBODY'"):
        liar.build(LIMITS)
    assert StrategyRefused.exit_code is ExitCode.CONFIG

    def speechless(parameters: StrategyParameters, limits: StrategyLimits) -> Mapping[str, str]:
        raise KeyError("no word")

    plugin = replace(liar.plugin, notes=speechless)
    with pytest.raises(StrategyRefused, match="cannot say its notes"):
        replace(liar, plugin=plugin).notes(LIMITS)


def test_the_list_for_programs_has_every_parameter(others: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strategies(json=True)
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert listed["idle"] == {
        "name": "idle",
        "package": "idle-strategies",
        "version": "2.3",
        "strategy_id": "IDLE",
        "about": "Does nothing.",
        "parameters": [
            {
                "name": "needed",
                "variable": "IDLE_NEEDED",
                "required": True,
                "default": None,
                "description": "",
            },
            {
                "name": "pace_s",
                "variable": "IDLE_PACE_S",
                "required": False,
                "default": 1.5,
                "description": "seconds",
            },
        ],
    }
    assert listed["broken"].keys() == {"name", "package", "version", "fault"}
    assert all(one["description"] for name in ("ofi", "bands") for one in listed[name]["parameters"])


def test_the_commands_list_and_check_them(others: Path, tmp_path: Path) -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return algotrade(*arguments, cwd=tmp_path, env={"PYTHONPATH": str(others)})

    listed = command("strategies")
    assert listed.returncode == 0, listed.stderr
    assert "idle  (idle-strategies 2.3) trades as IDLE" in listed.stdout
    assert "broken  (idle-strategies 2.3)\n  cannot be used: broken_one:PLUGIN" in listed.stdout
    assert "IDLE_PACE_S  1.5       seconds" in listed.stdout and "IDLE_NEEDED  required" in listed.stdout
    checked = command("config", "check", "--strategy", "idle", "--set", "needed=4")
    assert checked.returncode == 0, checked.stderr
    assert "IDLE_NEEDED" in checked.stdout and "--set" in checked.stdout
