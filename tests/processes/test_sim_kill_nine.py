"""kill -9 in mid-trading: a simulator with a state directory goes on, and ib_async's own `IB` finds nothing missing.

Real processes over TCP. The trader prints what it hears; the simulator is killed after a random number of lines; the
next trader first prints everything it can ask for. Whatever the first one heard must be there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.processes.harness import Simulator, simulator

from algo_trade.clock import rng

_TRADER = """
import json, sys
from ib_async import IB, LimitOrder, MarketOrder, Stock

def tell(*words):
    print(json.dumps(words), flush=True)

def of(fill):
    told = fill.execution
    signed = told.shares if told.side == "BOT" else -told.shares
    return [told.execId, told.permId, fill.contract.symbol, signed, told.price]

ib = IB()
ib.errorEvent += lambda request, code, text, *rest: tell("error", code) if code in (103, 201, 321) else None
ib.connect(sys.argv[1], int(sys.argv[2]), clientId=3, timeout=20)
stocks = ib.qualifyContracts(Stock("SPY", "SMART", "USD"), Stock("QQQ", "SMART", "USD"))
cash = [row.value for row in ib.accountSummary() if row.tag == "TotalCashValue"][0]
paid = sum(fill.commissionReport.commission for fill in ib.fills())
tell("found", {
    "executions": [of(fill) for fill in ib.reqExecutions()],
    "positions": {held.contract.symbol: held.position for held in ib.reqPositions()},
    "open": [trade.orderStatus.permId for trade in ib.reqAllOpenOrders()],
    "completed": [trade.orderStatus.permId or trade.order.permId for trade in ib.reqCompletedOrders(False)],
    "cash": cash, "paid": paid,
})
ib.execDetailsEvent += lambda trade, fill: tell("execution", of(fill))
ib.orderStatusEvent += lambda trade: tell(
    "order", trade.orderStatus.permId, trade.orderStatus.status, trade.orderStatus.filled)
resting = [trade for trade in ib.openTrades() if trade.order.orderType == "LMT"]
for number in range(100000):
    if not ib.isConnected():
        break
    stock = stocks[number % 2]
    ib.placeOrder(stock, MarketOrder("BUY" if number % 5 < 3 else "SELL", 1 + number % 4, tif="DAY"))
    if number % 3 == 0:
        resting.append(ib.placeOrder(stock, LimitOrder("BUY", 5, 50, tif="GTC")))
    if len(resting) > 4:
        ib.cancelOrder(resting.pop(0).order)
    try:
        ib.sleep(0.02)
    except Exception:
        break
"""
_ENDED = {"Filled", "Cancelled", "Inactive"}


class Heard:
    """What traders were told, over all kills."""

    def __init__(self) -> None:
        self.executions: dict[str, list[Any]] = {}
        self.orders: dict[int, tuple[str, float]] = {}

    def take(self, words: list[Any]) -> None:
        match words:
            case ["execution", execution]:
                assert self.executions.setdefault(execution[0], execution) == execution
            case ["order", perm_id, status, filled] if perm_id:
                if status in {"Submitted", "PreSubmitted", *_ENDED}:
                    self.orders[perm_id] = (status, filled)
            case ["error", code]:
                raise AssertionError(f"error {code}: an id was handed out twice, or an order was refused")

    def check(self, found: dict[str, Any]) -> None:
        """Everything heard is there, once, and adds up."""
        executions = {row[0]: row for row in found["executions"]}
        assert len(executions) == len(found["executions"])
        assert self.executions.items() <= executions.items()
        held: Counter[str] = Counter()
        filled: Counter[int] = Counter()
        spent = 0.0
        for _, perm_id, symbol, signed, price in executions.values():
            held[symbol] += signed
            filled[perm_id] += abs(signed)
            spent += signed * price
        assert {symbol: shares for symbol, shares in held.items() if shares} == found["positions"]
        if executions:
            assert float(found["cash"]) == pytest.approx(1_000_000 - spent - found["paid"], abs=0.01)
        for perm_id, (status, shares) in self.orders.items():
            assert filled[perm_id] >= shares
            assert (perm_id in found["open"]) is (status not in _ENDED) or perm_id in found["completed"]
            assert (perm_id in found["open"]) + (perm_id in found["completed"]) == 1
        self.executions = executions


def trade(sim: Simulator, heard: Heard, lines: int) -> int:
    """Trade, kill the simulator after so many lines, and hear what was still on its way; returns how many executions
    there were before."""
    trader = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _TRADER, sim.host, str(sim.port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert trader.stdout is not None
    try:
        kind, found = json.loads(trader.stdout.readline())
        assert kind == "found"
        heard.check(found)
        for _ in range(lines):
            heard.take(json.loads(trader.stdout.readline()))
        sim.kill()
        for line in trader.stdout:
            heard.take(json.loads(line))
    finally:
        trader.kill()
        trader.wait()
        trader.stdout.close()
    return len(found["executions"])


def campaign(directory: Path, kills: int, seed: int) -> None:
    """Kill again and again, and look once more at the end."""
    chance, heard, before = rng(seed, "kills"), Heard(), 0
    arguments = (
        "--state-dir",
        "state",
        "--seed",
        "5",
        "--symbols",
        "SPY,QQQ",
        "--ack-ms",
        "3",
        "--fill-ms",
        "3",
    )
    for kill in range(kills + 1):
        with simulator(directory, *arguments) as sim:
            known = trade(sim, heard, chance.randrange(3, 80) if kill < kills else 0)
            assert known >= before
            before = known
    assert before > kills


def test_killed_in_mid_trading_nothing_is_missing(tmp_path: Path) -> None:
    """Two kills: executions, positions, cash, open orders, permIds, and ids that go on."""
    campaign(tmp_path, kills=2, seed=1)


@pytest.mark.slow
def test_killed_many_times_in_mid_trading(tmp_path: Path) -> None:
    """A campaign."""
    campaign(tmp_path, kills=25, seed=2)
