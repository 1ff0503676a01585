"""The plug-in in the hands of somebody else: a test of theirs, and test runs that want nothing of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from algo_trade.gateway_sim import SimulatorConfig
from algo_trade.testing import RunningSimulator

THEIR_TESTS = """
import socket
import pytest
from ib_async import IB, MarketOrder, Stock

def test_buys(gateway_simulator):
    ib = IB()
    ib.connect(gateway_simulator.host, gateway_simulator.port, clientId=1)
    (spy,) = ib.qualifyContracts(Stock("SPY", "SMART", "USD"))
    trade = ib.placeOrder(spy, MarketOrder("BUY", 5, tif="DAY"))
    while not trade.isDone():
        ib.waitOnUpdate(timeout=10)
    assert trade.filled() == 5
    assert [(held["symbol"], held["shares"]) for held in gateway_simulator.status()["positions"]] == [("SPY", 5)]
    ib.disconnect()

def test_is_rejected(gateway_simulator):
    ib, codes = IB(), []
    ib.errorEvent += lambda request, code, *rest: codes.append(code)
    ib.connect(gateway_simulator.host, gateway_simulator.port, clientId=1)
    (spy,) = ib.qualifyContracts(Stock("SPY", "SMART", "USD"))
    gateway_simulator.fault("reject_next", reason="not today")
    trade = ib.placeOrder(spy, MarketOrder("BUY", 5, tif="DAY"))
    while not trade.isDone() or 201 not in codes:
        ib.waitOnUpdate(timeout=10)
    assert trade.filled() == 0
    ib.disconnect()

def test_two_at_once_and_by_hand(make_gateway_simulator):
    first, second = make_gateway_simulator(seed=1), make_gateway_simulator(seed=2, account_id="DU2")
    assert first.port != second.port
    order = second.place_manual_order("SPY", "BUY", 3, limit="100")
    assert (first.status()["orders"], len(second.status()["orders"])) == ([], 1)
    assert second.cancel_order(order["perm_id"])["perm_id"] == order["perm_id"]
    first.fault("silent", seconds=100)
    first.clear_faults()
    assert first.status()["faults"] == []

ports = []

def test_leaves_one_behind(gateway_simulator):
    ports.append(gateway_simulator.port)
    assert False

def test_and_it_is_gone():
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[0]), timeout=5)
"""

INNOCENT = """
import sys, threading

def test_nothing_was_loaded():
    assert "algo_trade.testing.plugin" in sys.modules
    loaded = [name for name in sys.modules if name.split(".")[0] in {"algo_trade", "ib_async", "pydantic"}]
    assert sorted(loaded) == ["algo_trade", "algo_trade.testing", "algo_trade.testing.plugin"]
    assert threading.active_count() == 1
"""


def run_pytest(directory: Path, source: str) -> subprocess.CompletedProcess[str]:
    """pytest as somebody else runs it, in a directory of theirs, with what is installed."""
    (directory / "test_theirs.py").write_text(source)
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:hypothesispytest",
            "test_theirs.py",
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_their_tests_use_the_fixtures(tmp_path: Path) -> None:
    """ib_async trades through it; it can be made to fail; two at once; none outlives its test."""
    done = run_pytest(tmp_path, THEIR_TESTS)
    assert "1 failed, 4 passed" in done.stdout, done.stdout + done.stderr
    assert "test_leaves_one_behind" in done.stdout.splitlines()[-2]


def test_who_wants_nothing_of_it_pays_nothing(tmp_path: Path) -> None:
    """No package of ours or of our dependencies is imported, no thread runs."""
    done = run_pytest(tmp_path, INNOCENT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_pytest_the_package_is_importable() -> None:
    """A trading machine has no pytest."""
    program = (
        "import sys; sys.modules['pytest'] = None\n"
        "import algo_trade.testing\n"
        "with algo_trade.testing.RunningSimulator() as gateway: print(gateway.port > 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "True\n"


def test_what_cannot_be_made_is_told_and_leaves_no_thread() -> None:
    with pytest.raises(ValueError, match="earthquake"), RunningSimulator() as gateway:
        gateway.fault("earthquake")
    with pytest.raises(ValueError, match="paper"):
        RunningSimulator(SimulatorConfig(account_id="U1"))


def test_ib_with_client_id_zero_sees_and_cancels_what_was_placed_by_hand(tmp_path: Path) -> None:
    """ib_async asks for auto-binding by itself; orders from before come with its first request for open orders."""
    source = """
from ib_async import IB

def test_by_hand(gateway_simulator):
    before = gateway_simulator.place_manual_order("SPY", "BUY", 3, limit="100")
    while gateway_simulator.status()["orders"][0]["status"] != "Submitted":
        pass
    ib = IB()
    ib.connect(gateway_simulator.host, gateway_simulator.port, clientId=0)
    assert [trade.order.orderId for trade in ib.openTrades()] == [-2]
    after = gateway_simulator.place_manual_order("SPY", "SELL", 4, stop="90")
    while len(ib.openTrades()) < 2 or ib.openTrades()[1].orderStatus.status != "PreSubmitted":
        ib.waitOnUpdate(timeout=10)
    trades = ib.openTrades()
    assert [trade.order.permId for trade in trades] == [before["perm_id"], after["perm_id"]]
    assert [trade.order.orderId for trade in trades] == [-2, -3]
    for trade in trades:
        ib.cancelOrder(trade.order)
        while not trade.isDone():
            ib.waitOnUpdate(timeout=10)
    assert gateway_simulator.status()["orders"] == []
    gateway_simulator.place_manual_order("SPY", "BUY", 4)
    while not ib.fills():
        ib.waitOnUpdate(timeout=10)
    assert ib.fills()[0].execution.shares == 4
    ib.disconnect()
"""
    done = run_pytest(tmp_path, source)
    assert done.returncode == 0, done.stdout + done.stderr
