"""A whole session inside one process: what it depends on, and what it must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from algo_trade.bus import EmbeddedLogReader
from algo_trade.clock import VIRTUAL_START_NS, Clock, LoopClock, SeededIds, VirtualLoop, rng, run_virtual
from algo_trade.contracts import OrderIntent
from algo_trade.session.ending import Ending
from algo_trade.session.plan import DirectoryFinished, OtherSession, SessionPlan, plan_session, write_record
from algo_trade.session.progress import Nobody, Watcher
from algo_trade.session.report import build_report
from algo_trade.session.session import Session
from algo_trade.settings import load_settings

_EAGER = {
    "ofi.interval_s": 0.5,
    "ofi.window": 20,
    "ofi.entry_z": 0.5,
    "ofi.exit_z": 0.3,
    "ofi.entry_spacing_s": 5,
    "ofi.cooldown_s": 1,
    "ofi.max_hold_s": 5,
    "ofi.max_entries": 1000,
    "ofi.flat_before_end_s": 5,
}


def plan(directory: Path, *, seed: int = 7, duration_s: float = 240, **overrides: object) -> SessionPlan:
    settings = load_settings("dev", env={}, dotenv=None, overrides={**_EAGER, **overrides})
    loop = VirtualLoop()
    try:
        return plan_session(
            settings,
            directory,
            clock_kind="virtual",
            seed=seed,
            duration_s=duration_s,
            symbols=("SPY", "QQQ"),
            quotes={},
            strategy_id="OFI",
            clock=LoopClock(loop, VIRTUAL_START_NS),
            ids=SeededIds(rng(seed, "ids")),
        )
    finally:
        loop.close()


def run(made: SessionPlan, *, hand_over: bool = True, watcher: Watcher | None = None) -> Ending:
    async def body(clock: Clock) -> Ending:
        return await Session(
            made, clock, SeededIds(rng(made.seed, "ids")), watcher or Nobody(), hand_over=hand_over
        ).run()

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
        plan(tmp_path / "e", **{"risk.max_gross_usd": 900}).session_id,
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


def test_a_finished_directory_and_one_of_another_command_are_refused(tmp_path: Path) -> None:
    made = plan(tmp_path / "s")
    write_record(made.directory, made.record())
    assert plan(tmp_path / "s").resumed
    with pytest.raises(OtherSession):
        plan(tmp_path / "s", seed=8)
    write_record(made.directory, made.record().model_copy(update={"ended": made.record().started}))
    with pytest.raises(DirectoryFinished):
        plan(tmp_path / "s")


def test_a_small_loss_limit_stops_and_flattens(tmp_path: Path) -> None:
    made = plan(tmp_path / "s", **{"kill_switch.pnl_usd": -5})
    ending = run(made)
    assert ending.kill_reason is not None and "PT-06" in ending.kill_reason
    assert ending.outcome.flat


def test_records_of_orders_are_keyed_by_contract(tmp_path: Path) -> None:
    """As topics.yaml says, the stop's own orders included: a key that changes would lose its order on a real broker."""
    made = plan(tmp_path / "s", **{"kill_switch.pnl_usd": -5})
    assert run(made).kill_reason is not None
    with EmbeddedLogReader(made.log_directory) as log:
        keys = {
            topic: {record.key for record in log.replay(topic)} for topic in ("order_intents", "exec_reports")
        }
        strategies = {OrderIntent.decode(record.value).strategy_id for record in log.replay("order_intents")}
    assert keys["exec_reports"] == keys["order_intents"] <= {"756733", "320227571"}
    assert strategies <= {"OFI", "FLATTEN"}
