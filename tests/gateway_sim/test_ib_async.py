"""The unmodified `ib_async.IB`, in a process of its own, trades against the simulator over real TCP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# MSFT shows 100 shares on each side, always: what a book of chance holds is no size to be sure of.
SERVER = """
import sys
from algo_trade.clock import run_real
from algo_trade.gateway_sim import SimulatorConfig, serve
ready = lambda host, port: print(port, flush=True)
from pathlib import Path
rows = ["ask_price,ask_volume,bid_price,bid_volume,time_ns,trade_price,trade_volume"]
rows += [f"5000{n % 10}00,100,4999900,100,{n * 50_000_000},5000000,{1 + n % 7}" for n in range(20_000)]
Path(sys.argv[1]).write_text("\\n".join(rows))
config = SimulatorConfig(seed=7, ack_ms=10, fill_ms=10, quotes={"MSFT": Path(sys.argv[1])})
run_real(lambda clock: serve(config, "127.0.0.1", 0, clock, ready))
"""

CLIENT = """
import asyncio, json, sys
from ib_async import IB, LimitOrder, MarketOrder, Stock, ExecutionFilter

port = int(sys.argv[1])
seen = {}

def statuses(trade):
    return [entry.status for entry in trade.log]

async def done(trade, seconds=5):
    async with asyncio.timeout(seconds):
        while not trade.isDone():
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)

async def bars(ib, stock):
    traded = Stock("MSFT", "SMART", "USD")
    await ib.qualifyContractsAsync(traded)
    lasts = []  # its ticker forgets them with the next message of any kind
    ib.reqTickByTickData(traded, "Last").updateEvent += lambda ticker: lasts.extend(ticker.tickByTicks)
    live = ib.reqRealTimeBars(traded, 5, "TRADES", True)
    ask = ib.reqHistoricalDataAsync
    text = await ask(stock, "", "2 D", "1 hour", "TRADES", True, formatDate=1)
    epoch = await ask(stock, "", "2 D", "1 hour", "TRADES", True, formatDate=2)
    seen["bars"] = [str(text[0].date), len(text)]
    # But for the bar under way, which a trade between the two answers changes.
    seen["same"] = [vars(bar) | {"date": bar.date.timestamp()} for bar in text[:-1]] == [
        vars(bar) | {"date": bar.date.timestamp()} for bar in epoch[:-1]]
    days = await ask(stock, "", "1 Y", "1 day", "MIDPOINT", True, formatDate=2)
    seen["days"] = [len(days) > 245, type(days[0].date).__name__]
    past = await ask(stock, text[1].date, "1800 S", "5 mins", "BID_ASK", True, formatDate=2)
    seen["past"] = (past[-1].date < text[1].date, len(past))
    seen["head"] = (await ib.reqHeadTimeStampAsync(stock, "TRADES", True, 1)).year
    # Of trades, because ib_async tells nobody of an update that changes nothing, and a mid may rest for 15 seconds.
    kept = await ask(stock, "", "1 D", "1 min", "TRADES", True, formatDate=2, keepUpToDate=True)
    updates = []
    kept.updateEvent += lambda bars, is_new: updates.append((bars[-1].date, is_new))
    async with asyncio.timeout(30):
        while not (updates and live and lasts):
            await asyncio.sleep(0.05)
    seen["updated"] = kept[-1].date == updates[-1][0]
    seen["live"] = [live[-1].open_, live[-1].count > 0, live[-1].time.second % 5]
    seen["last"] = [lasts[0].price, lasts[0].exchange]
    [ticker] = await ib.reqTickersAsync(traded)
    seen["last_price"] = [ticker.last, ticker.volume > 0, ticker.close]
    ib.cancelHistoricalData(kept)
    ib.cancelRealTimeBars(live)
    ib.cancelTickByTickData(traded, "Last")

async def main():
    ib, errors = IB(), []
    ib.errorEvent += lambda request_id, code, text, contract: errors.append(code)
    await ib.connectAsync("127.0.0.1", port, clientId=4, raiseSyncErrors=True)
    seen["accounts"] = ib.managedAccounts()
    stock = Stock("SPY", "SMART", "USD")
    await ib.qualifyContractsAsync(stock)
    seen["con_id"] = stock.conId
    seen["by_exchange"] = len(await ib.reqContractDetailsAsync(Stock(localSymbol="AAPL", primaryExchange="NASDAQ")))
    ticker = ib.reqTickByTickData(stock, "BidAsk")
    top = ib.reqMktData(Stock("QQQ", "SMART", "USD", conId=320227571))
    ticks = 0
    async with asyncio.timeout(10):
        while ticks < 5:
            await ticker.updateEvent
            ticks += len(ticker.tickByTicks)
    seen["ticker"] = [ticker.bid, ticker.ask]
    seen["top"] = [top.bid, top.ask]
    [snapshot] = await ib.reqTickersAsync(stock)
    seen["snapshot"] = [snapshot.bid, snapshot.ask, snapshot.close]
    limit = round(ticker.ask + 1, 2)

    bought = ib.placeOrder(stock, LimitOrder("BUY", 10, limit, tif="IOC", orderRef="x:1"))
    await done(bought)
    seen["bought"] = [statuses(bought)[-1], bought.filled(), bought.fills[0].commissionReport.commission]
    unfilled = ib.placeOrder(stock, LimitOrder("BUY", 10, round(ticker.bid - 20, 2), tif="IOC"))
    await done(unfilled)
    seen["unfilled"] = [statuses(unfilled)[-1], unfilled.filled()]
    shown = Stock("MSFT", "SMART", "USD")
    await ib.qualifyContractsAsync(shown)
    of_shown = ib.reqMktData(shown)
    async with asyncio.timeout(10):
        while not of_shown.askSize == 100:
            await asyncio.sleep(0.01)
    partial = ib.placeOrder(shown, LimitOrder("BUY", 400, 501, tif="IOC"))
    await done(partial)
    ib.cancelMktData(shown)
    seen["partial"] = [statuses(partial)[-1], partial.filled()]
    resting = ib.placeOrder(stock, LimitOrder("BUY", 10, round(ticker.bid - 20, 2), tif="DAY", orderRef="x:2"))
    await asyncio.sleep(0.3)
    seen["resting"] = statuses(resting)[-1]
    seen["open"] = [trade.order.orderRef for trade in await ib.reqOpenOrdersAsync()]
    ib.cancelOrder(resting.order)
    await done(resting)
    seen["cancelled"] = statuses(resting)[-1]
    rejected = ib.placeOrder(stock, MarketOrder("BUY", 100000, tif="DAY"))
    await done(rejected)
    seen["rejected"] = 201 in errors
    off_tick = ib.placeOrder(stock, LimitOrder("BUY", 10, 500.001, tif="DAY"))
    await done(off_tick)
    seen["off_tick"] = 110 in errors
    sold = [ib.placeOrder(stock, MarketOrder("SELL", 10, tif="DAY")),
            ib.placeOrder(shown, MarketOrder("SELL", int(partial.filled()), tif="DAY"))]
    for trade in sold:
        await done(trade, 30)
    seen["sold"] = [trade.filled() for trade in sold] == [10, partial.filled()]
    seen["flat"] = ib.positions() == []
    state = await ib.whatIfOrderAsync(stock, MarketOrder("BUY", 5, tif="DAY"))
    seen["what_if"] = float(state.initMarginChange) > 0
    seen["time"] = (await ib.reqCurrentTimeAsync()).year > 2000
    seen["rule"] = [increment.increment for increment in await ib.reqMarketRuleAsync(26)]
    seen["samples"] = len(await ib.reqMatchingSymbolsAsync("SP"))
    await bars(ib, stock)

    clash, refused = IB(), []
    clash.errorEvent += lambda request_id, code, text, contract: refused.append(code)
    try:
        await clash.connectAsync("127.0.0.1", port, clientId=4, timeout=0.5)
    except Exception as error:
        seen["clash"] = type(error).__name__
    seen["clash_code"] = refused

    fills = sorted((fill.execution.execId, fill.execution.shares, fill.execution.price)
                   for fill in ib.fills() if fill.contract.symbol == "SPY")
    ib.disconnect()
    await asyncio.sleep(0.1)
    await ib.connectAsync("127.0.0.1", port, clientId=4, raiseSyncErrors=True)
    again = await ib.reqExecutionsAsync(ExecutionFilter(symbol="SPY"))
    replayed = sorted((fill.execution.execId, fill.execution.shares, fill.execution.price) for fill in again)
    seen["replayed"] = fills == replayed and len(fills) >= 2
    seen["completed"] = sorted({trade.order.orderRef for trade in await ib.reqCompletedOrdersAsync(False)})
    seen["decode_errors"] = []
    ib.disconnect()
    print(json.dumps(seen))

asyncio.run(main())
"""


ORDERS = """
import asyncio, json, sys
from ib_async import IB, LimitOrder, MarketOrder, Stock, StopLimitOrder, StopOrder, TagValue

port = int(sys.argv[1])
seen = {}

def statuses(trade):
    return list(dict.fromkeys(entry.status for entry in trade.log if entry.status))

async def until(what, seconds=20):
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.01)

async def done(trade):
    await until(trade.isDone)
    await asyncio.sleep(0.1)

async def main():
    ib, errors = IB(), []
    ib.errorEvent += lambda request_id, code, text, contract: errors.append(code)
    await ib.connectAsync("127.0.0.1", port, clientId=5, raiseSyncErrors=True)
    stock = Stock("SPY", "SMART", "USD")
    await ib.qualifyContractsAsync(stock)
    details = (await ib.reqContractDetailsAsync(stock))[0]
    seen["types"] = sorted(set(details.orderTypes.split(",")) & {"ALGO", "STP", "STPLMT", "GTC", "FOK"})
    ticker = ib.reqMktData(stock)
    await until(lambda: ticker.ask == ticker.ask and ticker.ask > 0)
    high, low = round(ticker.ask + 5, 2), round(ticker.bid - 5, 2)

    def place(order, **fields):
        for name, value in ({"tif": "DAY"} | fields).items():
            setattr(order, name, value)
        return ib.placeOrder(stock, order)

    gtc = place(LimitOrder("BUY", 10, low), tif="GTC")
    await until(lambda: gtc.orderStatus.status == "Submitted")
    fok = place(LimitOrder("BUY", 10, high), tif="FOK")
    await done(fok)
    seen["fok"] = [statuses(fok)[-1], fok.filled()]
    shown = Stock("MSFT", "SMART", "USD")
    await ib.qualifyContractsAsync(shown)
    of_shown = ib.reqMktData(shown)
    await until(lambda: of_shown.askSize == 100)
    too_much = ib.placeOrder(shown, LimitOrder("BUY", 400, 501, tif="FOK"))
    await done(too_much)
    seen["killed"] = [statuses(too_much)[-1], too_much.filled()]

    waiting = place(StopOrder("BUY", 10, high))
    await until(lambda: waiting.orderStatus.whyHeld == "trigger")
    seen["waiting"] = statuses(waiting)[-1]
    waiting.order.auxPrice = low
    ib.placeOrder(stock, waiting.order)
    await done(waiting)
    seen["stop"] = statuses(waiting)[-2:]
    stop_limit = place(StopLimitOrder("SELL", 10, round(low - 1, 2), low))
    await until(lambda: stop_limit.orderStatus.whyHeld == "trigger")
    ib.cancelOrder(stop_limit.order)
    await done(stop_limit)
    seen["stop_limit"] = statuses(stop_limit)[-1]

    urgent = place(MarketOrder("SELL", 10), algoStrategy="Adaptive",
                   algoParams=[TagValue("adaptivePriority", "Urgent")])
    await done(urgent)
    seen["urgent"] = [statuses(urgent)[-1], urgent.order.algoStrategy]
    patient = place(LimitOrder("BUY", 10, low), algoStrategy="Adaptive",
                    algoParams=[TagValue("adaptivePriority", "Patient")])
    await until(lambda: patient.orderStatus.status == "Submitted")
    listed = {trade.order.orderId: trade.order for trade in await ib.reqOpenOrdersAsync()}
    echoed = listed[patient.order.orderId]
    seen["patient"] = [echoed.algoStrategy, [[each.tag, each.value] for each in echoed.algoParams]]
    patient.order.lmtPrice = round(low - 1, 2)
    ib.placeOrder(stock, patient.order)
    await asyncio.sleep(0.2)
    listed = {trade.order.orderId: trade.order.lmtPrice for trade in await ib.reqOpenOrdersAsync()}
    seen["moved"] = round(listed[patient.order.orderId] - low, 2)
    ib.cancelOrder(patient.order)
    await done(patient)

    parent, profit, stop = ib.bracketOrder("BUY", 10, high, round(high + 5, 2), round(low - 5, 2), tif="DAY")
    trades = [ib.placeOrder(stock, order) for order in (parent, profit, stop)]
    await done(trades[0])
    await until(lambda: trades[1].orderStatus.status == "Submitted")
    seen["bracket"] = [trade.orderStatus.status for trade in trades]
    seen["why"] = [trades[1].orderStatus.whyHeld, trades[2].orderStatus.whyHeld]
    seen["parent"] = [trade.orderStatus.parentId == parent.orderId for trade in trades[1:]]
    profit.lmtPrice, profit.transmit = low, True
    ib.placeOrder(stock, profit)
    await done(trades[1])
    await done(trades[2])
    seen["exits"] = [trade.orderStatus.status for trade in trades[1:]]

    group = ib.oneCancelsAll([LimitOrder("BUY", 5, low, tif="DAY"), LimitOrder("BUY", 5, high, tif="DAY")], "g", 1)
    trades = [ib.placeOrder(stock, order) for order in group]
    for trade in trades:
        await done(trade)
    seen["group"] = [trade.orderStatus.status for trade in trades]
    family = ib.bracketOrder("BUY", 10, low, high, round(low - 5, 2), tif="DAY")
    trades = [ib.placeOrder(stock, order) for order in family]
    await until(lambda: trades[0].orderStatus.status == "Submitted")
    ib.cancelOrder(family[0])
    for trade in trades:
        await done(trade)
    seen["family"] = [statuses(trade)[-1] for trade in trades]
    seen["still"] = gtc.orderStatus.status
    seen["liquidity"] = sorted({fill.execution.lastLiquidity for fill in ib.fills()})
    seen["errors"] = sorted(set(errors) - {2104, 2106, 2158})
    completed = await ib.reqCompletedOrdersAsync(False)
    seen["completed"] = len(completed)
    ib.disconnect()
    print(json.dumps(seen))

asyncio.run(main())
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A simulator in a process of its own."""
    command = [sys.executable, "-c", SERVER, str(tmp_path / "quotes.csv")]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def run_client(script: str, port: int) -> dict[str, Any]:
    """What a client program saw."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(port)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert "Error handling fields" not in done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_ib_has_every_order_type_and_time_in_force(port: int) -> None:
    """Modify, cancel, brackets and groups as its own helpers make them."""
    seen = run_client(ORDERS, port)
    assert seen["types"] == ["ALGO", "FOK", "GTC", "STP", "STPLMT"]
    assert (seen["fok"], seen["killed"]) == (["Filled", 10], ["Cancelled", 0])
    assert (seen["waiting"], seen["stop"], seen["stop_limit"]) == (
        "PreSubmitted", ["Submitted", "Filled"], "Cancelled",
    )  # fmt: skip
    assert seen["urgent"] == ["Filled", "Adaptive"]
    assert seen["patient"] == ["Adaptive", [["adaptivePriority", "Patient"]]]
    assert seen["moved"] == -1
    assert seen["bracket"] == ["Filled", "Submitted", "PreSubmitted"]
    assert (seen["why"], seen["parent"]) == (["", "trigger"], [True, True])
    assert seen["exits"] == ["Filled", "Cancelled"]
    assert seen["group"] == ["Cancelled", "Filled"]
    assert seen["family"] == ["Cancelled"] * 3
    assert (seen["still"], seen["completed"]) == ("Submitted", 14)
    assert 2 in seen["liquidity"]
    assert seen["errors"] == [202]


def test_ib_connects_trades_and_reconnects(port: int) -> None:
    """What its user sees, from connecting to the executions after reconnecting."""
    seen = run_client(CLIENT, port)
    assert seen["accounts"] == ["DSIM001"]
    assert (seen["con_id"], seen["by_exchange"]) == (756733, 1)
    assert seen["ticker"][0] < seen["ticker"][1] < 620
    assert 0 < seen["top"][0] < seen["top"][1]
    assert 0 < seen["snapshot"][0] < seen["snapshot"][1]
    assert seen["bought"] == ["Filled", 10, 1.0]
    assert seen["unfilled"] == ["Cancelled", 0]
    assert seen["partial"] == ["Cancelled", 100]
    assert (seen["resting"], seen["open"], seen["cancelled"]) == ("Submitted", ["x:2"], "Cancelled")
    truths = ("rejected", "off_tick", "sold", "flat", "what_if", "time", "same", "updated", "replayed")
    assert [name for name in truths if not seen[name]] == []
    assert (seen["rule"], seen["samples"]) == ([0.01], 1)
    assert seen["bars"][0].endswith("09:30:00-05:00") or seen["bars"][0].endswith("09:30:00-04:00")
    assert (seen["days"], seen["past"]) == ([True, "date"], [True, 6])
    assert 2000 < seen["head"] < 2100
    assert seen["live"][1:] == [True, 0] and 499 < seen["live"][0] < 501
    assert (seen["last"], seen["last_price"][:2]) == ([500.0, "NASDAQ"], [500.0, True])
    assert (seen["clash"], seen["clash_code"]) == ("TimeoutError", [326])
    assert {"x:1", "x:2"} <= set(seen["completed"])
