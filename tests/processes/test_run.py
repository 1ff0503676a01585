"""`algotrade run` as its user meets it: repeatable, resumable, interruptible, and stopped when it must be."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest
from tests.processes.harness import (
    ALGOTRADE,
    EAGER,
    REPOSITORY,
    algotrade,
    clean_environment,
    paper_environment,
    simulator,
)

# Four minutes of an eager strategy: some fifty orders, in a few seconds.
_EAGER_MINUTES = ("run", "--profile", "dev", "--speed", "max", "--duration", "4m", "--json")
_START_S = 120
_AAPL = REPOSITORY.parent / "shared" / "data" / "aapl-2012-06-21-level1.csv"


def run(directory: Path, *arguments: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    done = algotrade(*_EAGER_MINUTES, *arguments, cwd=directory, env=EAGER if env is None else env)
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


@contextmanager
def started(directory: Path, *arguments: str, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A run in the background; killed with the block if it still runs."""
    with (directory / "run.err").open("ab") as errors:
        process = subprocess.Popen(
            [*ALGOTRADE, *arguments],
            cwd=directory,
            env=clean_environment(env),
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def wait_until_it_trades(process: subprocess.Popen[bytes], session: Path) -> None:
    """Until its journal exists, which is after the connection and before the first order."""
    until = time.monotonic() + _START_S
    while not list(session.glob("*.journal.db")) or not (session / "log" / "bus-market.db").exists():
        assert process.poll() is None, "it ended by itself"
        assert time.monotonic() < until, f"it did not start within {_START_S} s"
        time.sleep(0.01)


def test_the_same_seed_is_the_same_session_in_any_process(tmp_path: Path) -> None:
    """Neither the hash seed nor the directory has a say; another seed is another market."""
    first = run(tmp_path, "--seed", "7", "--session-dir", "a", env={**EAGER, "PYTHONHASHSEED": "1"})
    again = run(tmp_path, "--seed", "7", "--session-dir", "b", env={**EAGER, "PYTHONHASHSEED": "2"})
    other = run(tmp_path, "--seed", "8", "--session-dir", "c")
    assert first["filled_orders"] > 30
    assert first["digest"] == again["digest"]
    assert first["session_id"] == again["session_id"]
    assert {**first, "wall_s": 0, "session_dir": ""} == {**again, "wall_s": 0, "session_dir": ""}
    assert other["digest"] != first["digest"]
    assert other["session_id"] != first["session_id"]


def test_the_summary_keeps_its_promises(tmp_path: Path) -> None:
    """Its schema, its sums, and the report's second computation of the same log."""
    summary = run(tmp_path, "--seed", "7", "--duration", "8m", "--session-dir", "s")
    jsonschema.validate(summary, json.loads((REPOSITORY / "contracts" / "summary.schema.json").read_text()))
    assert summary["intents"] == summary["refused"] + summary["expired"] + summary["orders"]
    assert summary["positions_match_broker"] is True
    assert summary["final_positions"] == {}
    assert summary["mode"] == "SIM"
    told = algotrade("report", "s", "--json", cwd=tmp_path)
    assert json.loads(told.stdout) == summary
    page = (tmp_path / "s" / "report.html").read_text()
    assert "<svg" in page and "http://" not in page.replace("http://www.w3.org", "")


def test_a_short_session_has_little_to_say_and_says_so(tmp_path: Path) -> None:
    summary = run(tmp_path, "--duration", "2m", env={})
    assert summary["fill_rate"] == {"k": 0, "n": 0, "value": None, "ci95": None}
    assert summary["latency_ms"]["intent_to_fill"]["p95"] is None
    assert summary["positions_match_broker"] is None


@pytest.mark.skipif(not _AAPL.exists(), reason="needs the recorded quotes in ../shared/data")
def test_a_recorded_day_is_traded_row_by_row(tmp_path: Path) -> None:
    """118,497 rows are 118,497 ticks, and their order flow sums to the known answer."""
    summary = run(
        tmp_path,
        "--duration",
        "6h30m",
        "--symbols",
        "AAPL",
        "--quotes",
        f"AAPL={_AAPL}",
        "--session-dir",
        "s",
        env={},
    )
    assert summary["ticks"] == 118_497
    assert summary["ofi_sum"] == {"AAPL": -218_913}
    assert summary["filled_orders"] >= 10
    assert summary["final_positions"] == {}


def test_the_stop_fires_flattens_and_stays(tmp_path: Path) -> None:
    """Exit 5 with the summary all the same; no order after it; quotes to the end."""
    env = {**EAGER, "KILL_SWITCH_PNL_USD": "-20"}
    done = algotrade(*_EAGER_MINUTES, "--session-dir", "s", cwd=tmp_path, env=env)
    assert done.returncode == 5, done.stderr
    summary = json.loads(done.stdout)
    assert summary["kill_latched"] is True
    assert summary["final_positions"] == {}
    assert summary["pnl"]["total"] <= -20
    assert summary["duration_s"] >= 240
    assert summary["ticks"] > 6_000
    assert "PT-06" in done.stderr
    told = algotrade(
        "reset-kill", "--profile", "dev", "--session-dir", "s", "--by", "Ann", "--reason", "t", cwd=tmp_path
    )
    assert told.returncode == 0 and "PT-06" in told.stderr


def test_a_latched_account_refuses_the_next_session_until_a_person_resets_it(tmp_path: Path) -> None:
    """The latch is the account's, not the session's."""
    with simulator(tmp_path, "--seed", "3") as sim:
        env = {**paper_environment(sim, tmp_path / "data"), **EAGER, "KILL_SWITCH_PNL_USD": "-1"}
        arguments = ("run", "--profile", "paper", "--json", "--session-dir")
        first = algotrade(*arguments, "one", "--duration", "20s", cwd=tmp_path, env=env)
        assert first.returncode == 5, first.stderr
        assert json.loads(first.stdout)["final_positions"] == {}
        second = algotrade(*arguments, "two", "--duration", "2s", cwd=tmp_path, env=env)
        assert second.returncode == 5
        assert "reset-kill" in second.stderr
        before = len(sim.placed_refs())
        reset = algotrade("reset-kill", "--by", "Ann", "--reason", "looked at it", cwd=tmp_path, env=env)
        assert reset.returncode == 0, reset.stderr
        third = algotrade(*arguments, "three", "--duration", "2s", cwd=tmp_path, env=env)
        assert third.returncode == 0, third.stderr
        assert len(sim.placed_refs()) == before


def test_an_unfinished_session_is_resumed_and_a_finished_one_refused(tmp_path: Path) -> None:
    """kill -9 in virtual time; the same command goes on with the same session to its one report."""
    arguments = (
        "run",
        "--profile",
        "dev",
        "--speed",
        "200",
        "--duration",
        "20m",
        "--session-dir",
        "s",
        "--seed",
        "7",
    )
    with started(tmp_path, *arguments, env=EAGER) as process:
        wait_until_it_trades(process, tmp_path / "s")
        time.sleep(2)
        assert process.poll() is None
    before = json.loads((tmp_path / "s" / "session.json").read_text())
    done = algotrade(*arguments, "--json", cwd=tmp_path, env=EAGER)
    summary = json.loads(done.stdout)
    # One kill in eight, on a busy disk, falls between an order's mark S and its bytes: nobody can know of that order.
    assert summary["unknown"] <= 1
    assert done.returncode == summary["unknown"], done.stderr
    assert summary["session_id"] == before["session_id"]
    assert summary["duration_s"] >= 480
    assert summary["positions_match_broker"] is not False
    assert summary["final_positions"] == {}
    again = algotrade(*arguments, cwd=tmp_path, env=EAGER)
    assert again.returncode == 2
    assert "finished" in again.stderr


def test_another_command_on_an_unfinished_directory_is_refused(tmp_path: Path) -> None:
    arguments = ("run", "--speed", "1", "--session-dir", "s")
    with started(tmp_path, *arguments, "--duration", "10m", env={}) as process:
        wait_until_it_trades(process, tmp_path / "s")
    other = algotrade(*arguments, "--duration", "11m", cwd=tmp_path)
    assert other.returncode == 2
    assert "other settings" in other.stderr


@pytest.mark.parametrize("speed", ["1", "50"])
def test_ctrl_c_ends_in_order(tmp_path: Path, speed: str) -> None:
    """Orders cancelled, positions flattened, report written, 130."""
    arguments = ("run", "--duration", "6h", "--speed", speed, "--session-dir", "s")
    with started(tmp_path, *arguments, env=EAGER) as process:
        wait_until_it_trades(process, tmp_path / "s")
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130, (tmp_path / "run.err").read_text()
    told = algotrade("report", "s", "--json", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["final_positions"] == {}
    assert (tmp_path / "s" / "report.html").exists()


def test_a_second_ctrl_c_leaves_at_once_and_says_what_is_open(tmp_path: Path) -> None:
    """With acknowledgements half a minute away an orderly stop cannot be quick; leaving must be."""
    arguments = ("run", "--duration", "6h", "--session-dir", "s")
    env = {**EAGER, "SIMULATOR_ACK_MS": "30000"}
    with started(tmp_path, *arguments, env=env) as process:
        wait_until_it_trades(process, tmp_path / "s")
        time.sleep(12)
        process.send_signal(signal.SIGINT)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 130
    errors = (tmp_path / "run.err").read_text()
    assert "left at once" in errors
