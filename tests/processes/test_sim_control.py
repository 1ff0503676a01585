"""`algotrade sim status`, `order`, `fault`, `record` and `serve --replay`, as a person at a shell uses them."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.processes.harness import ALGOTRADE, clean_environment
from typer.testing import CliRunner

from algo_trade.cli.control_client import ControlError
from algo_trade.cli.main import app
from algo_trade.exit_codes import ExitCode
from algo_trade.gateway_sim import QuotesFileError, load_recording


@contextmanager
def served(directory: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    """A simulator's process, and what its line says."""
    process = subprocess.Popen(
        [*ALGOTRADE, "sim", *arguments, "--port", "0", "--control-port", "0"],
        cwd=directory,
        env=clean_environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        process.stdout.close()


def sim(port: int, *words: str) -> Any:
    """What a command prints with --json; the port comes from the environment."""
    done = CliRunner().invoke(
        app, ["sim", *words, "--json"], env={"ALGOTRADE_SIM_CONTROL": str(port)}, catch_exceptions=True
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def plain(port: int, *words: str) -> str:
    done = CliRunner().invoke(app, ["sim", *words, "--control-port", str(port)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_person_at_a_shell(tmp_path: Path) -> None:
    """Status, an order by hand, a fault; refusals have their words and their exit code."""
    with served(tmp_path, "serve", "--symbols", "SPY", "--master-client-id", "7") as line:
        port = line["control_port"]
        told = sim(port, "status")
        assert (told["port"], told["master_client_id"], told["clients"]) == (line["port"], 7, [])
        order = sim(port, "order", "buy", "10", "spy", "--limit", "100", "--tif", "gtc")
        assert (order["symbol"], order["type"], order["limit"], order["tif"]) == (
            "SPY",
            "LMT",
            "100.0",
            "GTC",
        )
        stop = sim(port, "order", "sell", "5", "SPY", "--stop", "90")
        assert (stop["action"], stop["type"], stop["stop"]) == ("SELL", "STP", "90.0")
        assert [each["perm_id"] for each in sim(port, "order", "list")] == [order["perm_id"], stop["perm_id"]]
        assert f"order {order['perm_id']} of client 0 (id 0): BUY 10 SPY LMT limit 100.0 GTC" in plain(
            port, "status"
        )
        assert sim(port, "order", "cancel", str(order["perm_id"]))["perm_id"] == order["perm_id"]
        assert sim(port, "fault", "silent", "seconds=50", "client=3") == {
            "kind": "silent", "client": 3, "seconds": 50.0,
        }  # fmt: skip
        assert "armed silent client=3 seconds=50.0" in plain(port, "fault")
        assert plain(port, "fault", "none") == "nothing is armed\n"
        assert plain(port, "fault").startswith("nothing is armed\n  connectivity_lost seconds=10.0")
        for words, code, text in (
            (("order", "buy", "1", "NOPE"), ExitCode.GATE_FAILED, "200"),
            (("order", "cancel", "5"), ExitCode.GATE_FAILED, "10147"),
            (("fault", "correct_execution", "price=5"), ExitCode.GATE_FAILED, "no execution"),
            (("fault", "earthquake"), ExitCode.USAGE, "earthquake"),
        ):
            with pytest.raises(ControlError, match=text) as refused:
                sim(port, *words)
            assert refused.value.exit_code is code
    with pytest.raises(ControlError, match="no simulator's control port") as gone:
        sim(port, "status")
    assert gone.value.exit_code is ExitCode.UNREACHABLE


def test_what_was_recorded_is_served(tmp_path: Path) -> None:
    """The file is whole when the recorder was stopped; what is in it needs no options and takes none."""
    path = tmp_path / "served.rec"
    options = ("--symbols", "SPY,QQQ", "--seed", "4", "--delayed", "qqq")
    with served(tmp_path, "record", "--out", str(path), *options) as line:
        sim(line["control_port"], "order", "buy", "10", "SPY")
        while not sim(line["control_port"], "status")["executions"]:
            pass  # the market begins with the first who needs it
    recording = load_recording(path)
    assert (recording.settings["seed"], list(recording.tapes)[:2]) == (4, ["SPY", "QQQ"])
    assert recording.settings["delayed_symbols"] == ["QQQ"]
    with served(tmp_path, "serve", "--replay", str(path)) as line:
        assert sim(line["control_port"], "status")["seed"] == 4
    beside = CliRunner().invoke(app, ["sim", "serve", "--replay", str(path), "--seed", "4"])
    assert beside.exit_code == ExitCode.USAGE and "--seed is in the recording already" in beside.stderr
    unserved = CliRunner().invoke(app, ["sim", "serve", "--symbols", "SPY", "--delayed", "QQQ"])
    assert unserved.exit_code == ExitCode.USAGE and "QQQ is not among the symbols served" in unserved.stderr
    with pytest.raises(QuotesFileError, match="cannot be read"):
        CliRunner().invoke(app, ["sim", "serve", "--replay", "nowhere.rec"], catch_exceptions=False)
