"""`algotrade sim serve` as a stranger meets it: ib_async's own `IB`, unmodified, in another process, over TCP."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.processes.harness import algotrade as run_algotrade
from tests.processes.harness import paper_environment, simulator
from tests.processes.witness import executions_seen_by_ib_async

_STRANGER = """
import json, sys
from ib_async import IB, LimitOrder, MarketOrder, Stock
ib, codes = IB(), []
ib.errorEvent += lambda request, code, *rest: codes.append(code)
ib.connect(sys.argv[1], int(sys.argv[2]), clientId=5, timeout=20)
told = {"accounts": ib.managedAccounts()}
(spy,) = ib.qualifyContracts(Stock("SPY", "SMART", "USD"))
told["con_id"] = spy.conId
ticker = ib.reqTickByTickData(spy, "BidAsk")
top = ib.reqMktData(ib.qualifyContracts(Stock("QQQ", "SMART", "USD"))[0])
while not (ticker.bid > 0 and ticker.ask >= ticker.bid and top.bid > 0):
    ib.waitOnUpdate(timeout=10)
told["quote"] = [ticker.bid, ticker.ask, ticker.bidSize, ticker.askSize]
bought = ib.placeOrder(spy, MarketOrder("BUY", 5, account="DSIM001", tif="DAY", orderRef="stranger-1"))
while not (bought.isDone() and bought.fills and bought.fills[0].commissionReport.commission):
    ib.waitOnUpdate(timeout=10)
told["bought"] = [bought.orderStatus.status, bought.filled(), bought.fills[0].commissionReport.commission]
resting = ib.placeOrder(spy, LimitOrder("BUY", 3, round(ticker.bid * 0.9, 2), account="DSIM001", tif="DAY"))
while resting.orderStatus.status != "Submitted":
    ib.waitOnUpdate(timeout=10)
ib.cancelOrder(resting.order)
while not resting.isDone():
    ib.waitOnUpdate(timeout=10)
ib.sleep(0.5)
told["cancelled"] = [resting.orderStatus.status, codes]
ioc = ib.placeOrder(spy, LimitOrder("SELL", 2, round(ticker.bid * 0.99, 2), account="DSIM001", tif="IOC"))
while not ioc.isDone():
    ib.waitOnUpdate(timeout=10)
told["ioc"] = [ioc.orderStatus.status, ioc.filled()]
told["positions"] = {p.contract.symbol: p.position for p in ib.reqPositions()}
told["executions"] = sorted(f.execution.shares for f in ib.reqExecutions())
told["open"] = len(ib.reqAllOpenOrders())
ib.disconnect()
print(json.dumps(told))
"""


def stranger(host: str, port: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _STRANGER, host, str(port)],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_a_stranger_trades_against_it(tmp_path: Path) -> None:
    """Connects, sees quotes, buys, cancels, sells part of it; the books are the simulator's."""
    with simulator(tmp_path, "--seed", "11") as sim:
        told = stranger(sim.host, sim.port)
        assert told["accounts"] == ["DSIM001"]
        bid, ask, bid_size, ask_size = told["quote"]
        assert 0 < bid <= ask and bid_size > 0 and ask_size > 0
        assert told["bought"] == ["Filled", 5, 1.0]
        assert told["cancelled"][0] == "Cancelled"
        assert 202 in told["cancelled"][1]
        assert told["ioc"] == ["Filled", 2]
        assert told["positions"] == {"SPY": 3}
        assert told["executions"] == [2, 5]
        assert told["open"] == 0
        assert sim.placed_refs().count("stranger-1") == 1


def test_a_strangers_trades_do_not_pass_for_ours(tmp_path: Path) -> None:
    """A position the journal cannot explain freezes its symbol and fails the session; it is not adopted."""
    with simulator(tmp_path, "--seed", "11") as sim:
        stranger(sim.host, sim.port)
        arguments = ("run", "--profile", "paper", "--duration", "3s", "--session-dir", "s", "--json")
        done = run_algotrade(*arguments, cwd=tmp_path, env=paper_environment(sim, tmp_path / "data"))
        assert done.returncode == 1, done.stderr
        assert json.loads(done.stdout)["orders"] == 0
        assert "SPY" in done.stderr
        assert len(executions_seen_by_ib_async(sim.host, sim.port)) == 2


@pytest.mark.parametrize("symbol", ["SPY", "MSFT"])
def test_it_says_what_it_is(tmp_path: Path, symbol: str) -> None:
    """Every farm notice names the simulated farm, whatever is served."""
    program = (
        "import sys; from ib_async import IB; ib = IB(); seen = [];"
        "ib.errorEvent += lambda req, code, text, *rest: seen.append(text);"
        "ib.connect(sys.argv[1], int(sys.argv[2]), clientId=3); ib.sleep(0.5); print(seen)"
    )
    with simulator(tmp_path, "--symbols", symbol) as sim:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, sim.host, str(sim.port)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert done.stdout.count("simfarm") >= 3
