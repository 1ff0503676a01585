"""A whole session inside one process: what it depends on, and what it must not."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.session.packages import install, on_path

from algo_trade.bus import EmbeddedLogReader
from algo_trade.clock import (
    VIRTUAL_START_NS,
    Clock,
    LoopClock,
    SeededIds,
    VirtualLoop,
    rng,
    run_virtual,
    utc,
)
from algo_trade.contracts import BarEvent, OrderIntent, SessionEvent, SessionEventKind
from algo_trade.gateway_sim import CatalogueError, HaltError
from algo_trade.session.configuration import configure
from algo_trade.session.ending import Ending
from algo_trade.session.parts import make_embedded_bus, open_journal
from algo_trade.session.plan import DirectoryFinished, OtherSession, SessionPlan, plan_session, write_record
from algo_trade.session.progress import Nobody, Watcher
from algo_trade.session.report import build_report, load_record
from algo_trade.session.session import Session
from algo_trade.settings import read_settings
from algo_trade.strategy_plane import StrategyRefused

_EAGER = {
    "strategies.ofi": {
        "interval_s": 0.5,
        "window": 20,
        "entry_z": 0.5,
        "exit_z": 0.3,
        "entry_spacing_s": 5,
        "cooldown_s": 1,
        "max_hold_s": 5,
        "max_entries": 1000,
        "flat_before_end_s": 5,
    }
}


def plan(
    directory: Path,
    *,
    seed: int = 7,
    duration_s: float = 240,
    strategy: str | None = None,
    parameters: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> SessionPlan:
    made = configure(
        read_settings(
            "dev",
            env={},
            dotenv=None,
            overrides={**_EAGER, **(overrides or {})},
            strategy=strategy,
            parameters=parameters,
        )
    )
    loop = VirtualLoop()
    try:
        return plan_session(
            made.settings,
            directory,
            clock_kind="virtual",
            seed=seed,
            duration_s=duration_s,
            symbols=("SPY", "QQQ"),
            quotes={},
            strategy=made.strategy,
            clock=LoopClock(loop, VIRTUAL_START_NS),
            ids=SeededIds(rng(seed, "ids")),
        )
    finally:
        loop.close()


def run(made: SessionPlan, *, hand_over: bool = True, watcher: Watcher | None = None) -> Ending:
    async def body(clock: Clock) -> Ending:
        bus = make_embedded_bus(made, clock, SeededIds(rng(made.seed, "ids")), hand_over=hand_over)
        return await Session(made, clock, bus, watcher or Nobody()).run()

    return run_virtual(body, start_ns=made.begins_ns)


def test_a_session_through_the_bytes_alone_is_the_same_session(tmp_path: Path) -> None:
    """Handing objects over inside a process saves time and must decide nothing."""
    objects, raw = plan(tmp_path / "objects"), plan(tmp_path / "bytes")
    assert run(objects).error is None
    assert run(raw, hand_over=False).error is None
    first, second = build_report(objects.directory).summary, build_report(raw.directory).summary
    assert first.filled_orders > 20
    assert first.digest == second.digest


def test_its_id_follows_from_seed_and_settings_and_not_from_the_directory(tmp_path: Path) -> None:
    ids = [
        plan(tmp_path / "a").session_id,
        plan(tmp_path / "b").session_id,
        plan(tmp_path / "c", seed=8).session_id,
        plan(tmp_path / "d", duration_s=241).session_id,
        plan(tmp_path / "e", overrides={"risk.max_gross_usd": 900}).session_id,
        plan(tmp_path / "f", parameters={"entry_z": "0.6"}).session_id,
        plan(tmp_path / "g", strategy="bands").session_id,
        plan(tmp_path / "h", strategy="bands", parameters={"window": "9"}).session_id,
        plan(tmp_path / "i", parameters={"entry_z": "0.50"}).session_id,
    ]
    assert ids[0] == ids[1] == ids[-1]
    assert len(set(ids)) == 7


def test_its_id_follows_from_what_its_catalogue_says_and_not_from_where_it_lies(tmp_path: Path) -> None:
    """Two copies of a file are one session; a changed number is another; a bad file stops it before it begins."""
    ids = []
    for name, depth in (("a", 50), ("b", 50), ("c", 51)):
        (tmp_path / f"{name}.yaml").write_text(f"instruments: {{SPY: {{depth_shares: {depth}}}}}")
        own: dict[str, Any] = {"simulator.catalogue": tmp_path / f"{name}.yaml"}
        ids.append(plan(tmp_path / "s", overrides=own).session_id)
    assert ids[0] == ids[1]
    assert len({plan(tmp_path / "s").session_id, *ids}) == 3
    missing: dict[str, Any] = {"simulator.catalogue": tmp_path / "none.yaml"}
    with pytest.raises(CatalogueError):
        plan(tmp_path / "s", overrides=missing)
    unknown: dict[str, Any] = {"simulator.halts": ("ZZZ=11:00+5m",)}
    with pytest.raises(HaltError):
        plan(tmp_path / "s", overrides=unknown)
    assert not (tmp_path / "s").exists()


def test_a_session_trades_through_halts_and_ends_flat(tmp_path: Path) -> None:
    """Each symbol is silent for its time, and nothing is left open."""
    halts: dict[str, Any] = {"simulator.halts": ("SPY=09:31+1m", "QQQ=09:32+30s")}
    made = plan(tmp_path / "s", overrides=halts)
    ending = run(made)
    assert ending.error is None
    assert ending.outcome.flat
    summary = build_report(made.directory).summary
    assert summary.filled_orders > 10
    with EmbeddedLogReader(made.log_directory) as log:
        spy = [record.timestamp_ns for record in log.replay("market_events") if record.key == "756733"]
    spy_s = [(at_ns - VIRTUAL_START_NS) / 1e9 for at_ns in spy]
    assert [at for at in spy_s if at > 121]
    assert not [at for at in spy_s if 61 < at < 119]


def test_a_finished_directory_and_one_of_another_command_are_refused(tmp_path: Path) -> None:
    made = plan(tmp_path / "s")
    write_record(made.directory, made.record())
    assert plan(tmp_path / "s").resumed
    others: list[dict[str, Any]] = [{"seed": 8}, {"strategy": "bands"}, {"parameters": {"entry_z": "0.6"}}]
    for other in others:
        with pytest.raises(OtherSession):
            plan(tmp_path / "s", **other)
    write_record(made.directory, made.record().model_copy(update={"ended": made.record().started}))
    with pytest.raises(DirectoryFinished):
        plan(tmp_path / "s")


def test_a_small_loss_limit_stops_and_flattens(tmp_path: Path) -> None:
    made = plan(tmp_path / "s", overrides={"kill_switch.pnl_usd": -5})
    ending = run(made)
    assert ending.kill_reason is not None and "PT-06" in ending.kill_reason
    assert ending.outcome.flat


def test_records_of_orders_are_keyed_by_contract(tmp_path: Path) -> None:
    """As topics.yaml says, the stop's own orders included: a key that changes would lose its order on a real broker."""
    made = plan(tmp_path / "s", overrides={"kill_switch.pnl_usd": -5})
    assert run(made).kill_reason is not None
    with EmbeddedLogReader(made.log_directory) as log:
        keys = {
            topic: {record.key for record in log.replay(topic)} for topic in ("order_intents", "exec_reports")
        }
        strategies = {OrderIntent.decode(record.value).strategy_id for record in log.replay("order_intents")}
    assert keys["exec_reports"] == keys["order_intents"] <= {"756733", "320227571"}
    assert strategies <= {"OFI", "FLATTEN"}


@pytest.mark.parametrize(("setting", "pragma"), [({}, 2), ({"journal.synchronous": "normal"}, 1)])
def test_the_journal_waits_for_the_disk_as_the_settings_say(
    tmp_path: Path, setting: dict[str, Any], pragma: int
) -> None:
    journal = open_journal(plan(tmp_path / "s", overrides={"data_dir": tmp_path, **setting}))
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (pragma,)
    journal.close()


@pytest.mark.parametrize(("synchronous", "waits"), [("full", True), ("normal", False)])
def test_the_log_of_orders_waits_for_the_disk_as_the_journal_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synchronous: str, waits: bool
) -> None:
    waited: list[int] = []
    monkeypatch.setattr(os, "fdatasync", waited.append)
    made = plan(tmp_path / "s", duration_s=60, overrides={"journal.synchronous": synchronous})
    assert run(made).error is None
    with EmbeddedLogReader(made.log_directory) as log:
        assert log.count("order_intents")
    assert bool(waited) is waits


def test_the_record_and_the_log_say_what_traded_and_with_which_parameters(tmp_path: Path) -> None:
    made = plan(tmp_path / "s", duration_s=5, parameters={"window": "21"})
    assert run(made).error is None
    record = load_record(made.directory)
    assert (record.strategy_id, record.strategy_package) == ("OFI", "algo-trade")
    assert record.strategy_version == importlib.metadata.version("algo-trade")
    assert record.strategy_parameters == made.strategy.values()
    assert (record.strategy_parameters["window"], record.strategy_parameters["entry_z"]) == (21, 0.5)
    with EmbeddedLogReader(made.log_directory) as log:
        started = SessionEvent.decode(next(iter(log.replay("session_events"))).value)
    assert started.data["strategy"] == made.strategy.identity()


def test_a_strategy_of_bars_samples_the_quotes_and_measures_no_order_flow(tmp_path: Path) -> None:
    """Tick-by-tick lines are few. Bars are two days of history, then each minute as it closes, once and in order."""
    made = plan(tmp_path / "s", duration_s=180, strategy="bands")
    assert run(made).error is None
    with EmbeddedLogReader(made.log_directory) as log:
        assert not list(log.replay("ofi_events"))
        told = [SessionEvent.decode(r.value) for r in log.replay("session_events")]
        market = [json.loads(r.value) for r in log.replay("market_events")]
    ticks = sum(event["event_type"] == "tick_event" and event["symbol"] == "SPY" for event in market)
    assert 300 <= ticks <= 1_440  # of about 3,000: the best prices at most four times a second, and trades
    for symbol in ("SPY", "QQQ"):
        bars = [BarEvent(**e) for e in market if e["event_type"] == "bar_event" and e["symbol"] == symbol]
        closes = [bar.timestamp for bar in bars]
        assert closes == sorted(set(closes))
        of_today = [at for at in closes if at > utc(VIRTUAL_START_NS)]
        assert [(at - utc(VIRTUAL_START_NS)).total_seconds() for at in of_today] == [60, 120, 180]
        assert len(bars) - len(of_today) == 2 * 390  # the history it asks for
    assert not [event for event in told if event.kind is SessionEventKind.DATA_QUALITY]


def test_a_strategy_that_refuses_keeps_the_session_from_starting(tmp_path: Path) -> None:
    made = plan(tmp_path / "s")
    plugin = dataclasses.replace(made.strategy.plugin, strategy_id="ANOTHER")
    made = dataclasses.replace(made, strategy=dataclasses.replace(made.strategy, plugin=plugin))
    with pytest.raises(StrategyRefused):
        run(made)
    assert not made.directory.exists()


def blocks(language: str) -> list[str]:
    """The code blocks of docs/strategies.md in that language."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_the_strategy_of_the_documentation_installs_and_trades(tmp_path: Path) -> None:
    """Out of this repository's tree, found by its entry point, with parameters of its own."""
    (pyproject,), (module,) = blocks("toml"), blocks("python")
    install(tmp_path / "site", pyproject, {"dip": module})
    with on_path(tmp_path / "site"):
        parameters = {"drop_bps": "1", "lookback_s": "20", "hold_s": "10"}
        made = plan(tmp_path / "s", strategy="dip", parameters=parameters)
        ending = run(made)
        assert ending.error is None and ending.outcome.flat
    summary = build_report(made.directory).summary
    assert summary.strategy_id == "DIP" and summary.filled_orders >= 4
    assert load_record(made.directory).strategy_version == "1.0.0"
