"""Drives `ib_async` or `ib_insync` with their own idiom: one event loop, live objects that are waited for.

Usage: drive_ib.py PORT PLAN.json PACKAGE. Prints what its user saw as JSON lines; imports nothing of ours.
"""

import asyncio
import importlib
import json
import sys
from inspect import signature

PORT, PLAN, PACKAGE = int(sys.argv[1]), json.load(open(sys.argv[2])), sys.argv[3]
api = importlib.import_module(PACKAGE)
NEVER_WAIT_S = 30


def tell(about, **what):
    print(json.dumps({"about": about, **what}, default=str), flush=True)


async def until(what, seconds=NEVER_WAIT_S):
    """What `what` returns once it is something; its last word after a while."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not what() and loop.time() < end:
        await asyncio.sleep(0.01)
    return what()


def stock(symbol, **fields):
    return api.Stock(symbol, "SMART", "USD", **fields)


def working(trades):
    """Without those that were completed as Inactive: the libraries do not call that an end."""
    return [trade for trade in trades if trade.orderStatus.status in {"PreSubmitted", "Submitted"}]


def make_order(**fields):
    params = fields.pop("algoParams", None)
    order = api.Order(**fields)
    if params:
        order.algoParams = [api.TagValue(tag, value) for tag, value in params]
    return order


class User:
    """A connected `IB`, and the errors it was told of."""

    def __init__(self):
        self.ib, self.errors = api.IB(), []
        self.ib.errorEvent += lambda request, code, text, contract: self.errors.append((request, code))

    async def connected(self, client_id):
        await self.ib.connectAsync("127.0.0.1", PORT, clientId=client_id, timeout=NEVER_WAIT_S)
        self.msft, self.spy = await self.ib.qualifyContractsAsync(stock("MSFT"), stock("SPY"))
        return self

    def codes(self, request):
        return [code for each, code in self.errors if each == request]

    def place(self, **fields):
        return self.ib.placeOrder(self.msft, make_order(**fields))

    async def until_status(self, trade, *wanted, seconds=NEVER_WAIT_S):
        await until(lambda: trade.orderStatus.status in wanted, seconds)
        return trade.orderStatus.status

    async def refused(self, asked, wanted):
        """The codes like `wanted` that came; its library goes on waiting for an answer after some of them."""
        before, task = len(self.errors), asyncio.ensure_future(asked)
        await until(lambda: wanted in [code for _, code in self.errors[before:]])
        await asyncio.wait([task], timeout=0.2)
        task.cancel()
        return [code for _, code in self.errors[before:] if code == wanted]

    def held(self):
        return {each.contract.symbol: float(each.position) for each in self.ib.positions() if each.position}


async def connect(user):
    client = user.ib.client
    tell(
        "connect",
        version=client.serverVersion(),
        accounts=",".join(user.ib.managedAccounts()),
        next_id=client.getReqId(),
    )


async def contracts(user):
    ib = user.ib
    [found] = await ib.reqContractDetailsAsync(stock("SPY"))
    tell(
        "contract", symbol=found.contract.symbol, con_id=found.contract.conId, primary=found.contract.primaryExchange,
        isin=[each.value for each in found.secIdList if each.tag == "ISIN"], min_tick=found.minTick,
        zone=found.timeZoneId, hours=bool(found.liquidHours), types=found.orderTypes.split(","),
    )  # fmt: skip
    by_id = await ib.reqContractDetailsAsync(api.Contract(conId=found.contract.conId))
    by_name = await ib.reqContractDetailsAsync(
        api.Contract(secType="STK", exchange="SMART", localSymbol="AAPL", primaryExchange="NASDAQ")
    )
    tell(
        "contract by",
        con_id=[each.contract.symbol for each in by_id],
        local=[each.contract.symbol for each in by_name],
    )
    tell(
        "unknown contract",
        codes=await user.refused(ib.reqContractDetailsAsync(stock("NOSUCHTHINGEVER")), 200),
    )
    tell("matching", symbols=[each.contract.symbol for each in await ib.reqMatchingSymbolsAsync("SP")])
    tell("rule", steps=[each.increment for each in await ib.reqMarketRuleAsync(26)])
    chains = await asyncio.wait_for(
        ib.reqSecDefOptParamsAsync("SPY", "", "STK", found.contract.conId), NEVER_WAIT_S
    )
    tell("chains", ended=int(chains is not None))


async def general(user):
    ib = user.ib
    for about, method in (
        ("time", "reqCurrentTimeAsync"), ("news", "reqNewsProvidersAsync"), ("scanner", "reqScannerParametersAsync"),
        ("depth exchanges", "reqMktDepthExchangesAsync"), ("user", "reqUserInfoAsync"),
    ):  # fmt: skip
        if hasattr(ib, method):
            answer = await asyncio.wait_for(getattr(ib, method)(), NEVER_WAIT_S)
            tell(about, answered=answer is not None)


async def market_data(user):
    ib, msft = user.ib, user.msft
    names = ("bid", "ask", "bidSize", "askSize", "last")

    def tops(ticker):
        told = dict(
            zip(
                ("bid", "ask", "bid_size", "ask_size", "last"),
                (getattr(ticker, each) for each in names),
                strict=True,
            )
        )
        return {name: float(value) for name, value in told.items() if value == value and value > 0}

    ib.reqMarketDataType(1)
    ticker, updates = ib.reqMktData(msft, "233"), []
    ticker.updateEvent += lambda each: updates.append(each)
    await until(lambda: len(tops(ticker)) == 5 and len(updates) > 3)
    tell("stream", parameters=int(bool(ticker.bboExchange or ticker.minTick)), **tops(ticker))
    ib.cancelMktData(msft)
    [ticker] = await ib.reqTickersAsync(msft)
    tell("snapshot", ended=1, **tops(ticker))
    before = len(user.errors)
    nothing = stock("NOSUCHTHINGEVER", conId=999999999)
    ib.reqMktData(nothing)
    await until(lambda: len(user.errors) > before)
    tell("unknown data", codes=[code for _, code in user.errors[before:]])
    for kind in ("Last", "AllLast", "BidAsk", "MidPoint"):
        before, seen = len(user.errors), []
        name = {"BidAsk": "bidPrice", "MidPoint": "midPoint"}.get(kind, "price")

        def note(ticker, seen=seen, name=name):  # one object tells of all kinds, the last one's too
            seen.extend(getattr(each, name) for each in ticker.tickByTicks if hasattr(each, name))

        ticker = ib.reqTickByTickData(msft, kind)
        ticker.updateEvent += note
        enough = 1 if kind == "MidPoint" else 3  # the mid does not move here
        await until(
            lambda seen=seen, before=before, enough=enough: len(seen) >= enough or len(user.errors) > before
        )
        ticker.updateEvent -= note
        ib.cancelTickByTickData(msft, kind)
        tell("tick", kind=kind, prices=sorted(set(seen)), codes=[code for _, code in user.errors[before:]])
    before = len(user.errors)
    ticker = ib.reqMktDepth(msft, 5, True)
    await until(lambda: (ticker.domBids and ticker.domAsks) or len(user.errors) > before)
    rows = len(ticker.domBids) + len(ticker.domAsks)
    sides = [side for side, found in ((0, ticker.domAsks), (1, ticker.domBids)) if found]
    tell("depth", rows=rows, sides=sides, codes=[code for _, code in user.errors[before:]])
    ib.cancelMktDepth(msft, True)


async def history(user):
    ib, spy = user.ib, user.spy

    def bars(span, size, what, form, **more):
        return ib.reqHistoricalDataAsync(spy, "", span, size, what, True, formatDate=form, **more)

    text = await bars("2 D", "1 hour", "TRADES", 1)
    tell(
        "bars",
        count=len(text),
        first=str(text[0].date),
        sound=all(each.low <= each.open <= each.high for each in text),
    )
    epoch = await bars("2 D", "1 hour", "MIDPOINT", 2)
    tell("epoch bars", first=str(int(epoch[0].date.timestamp())))
    days = await bars("1 Y", "1 day", "BID_ASK", 1)
    tell("day bars", count=len(days), first=days[0].date.strftime("%Y%m%d"))
    kept, updates = await bars("1 D", "1 min", "MIDPOINT", 2, keepUpToDate=True), []
    kept.updateEvent += lambda each, is_new: updates.append(is_new)
    await until(lambda: updates, 20)
    tell("kept bars", updates=min(1, len(updates)))
    ib.cancelHistoricalData(kept)
    tell("bad bars", codes=await user.refused(bars("1 D", "7 hours", "TRADES", 1), 321))
    live = ib.reqRealTimeBars(spy, 5, "MIDPOINT", True)
    await until(lambda: live)
    tell("live bars", steps=[int(each.time.timestamp()) % 5 for each in live][:1])
    ib.cancelRealTimeBars(live)
    tell("head", stamp=[str(await ib.reqHeadTimeStampAsync(spy, "TRADES", True, 1))])
    for what in ("TRADES", "BID_ASK", "MIDPOINT"):
        before = len(user.errors)
        ticks = await asyncio.wait_for(
            ib.reqHistoricalTicksAsync(spy, "", PLAN["end_utc"], 10, what, True), NEVER_WAIT_S
        )
        tell(
            "past ticks", what=what, count=len(ticks or []), codes=[code for _, code in user.errors[before:]]
        )
    before = len(user.errors)
    asked = asyncio.ensure_future(ib.reqHistoricalScheduleAsync(spy, 5))
    await until(lambda: asked.done() or 321 in [code for _, code in user.errors[before:]])
    schedule = asked.result() if asked.done() else None
    tell(
        "schedule",
        sessions=len(schedule.sessions) if schedule else 0,
        codes=[code for _, code in user.errors[before:]],
    )
    await asyncio.wait_for(ib.reqHistogramDataAsync(spy, True, "3 days"), NEVER_WAIT_S)
    tell("histogram", answered=1)


async def account(user):
    ib, name = user.ib, user.ib.managedAccounts()[0]
    await user.until_status(user.place(action="BUY", totalQuantity=100, orderType="MKT", tif="DAY"), "Filled")
    await until(lambda: user.held())
    tell("positions", held=user.held())
    tell(
        "summary",
        tags=sorted(
            {each.tag for each in await ib.accountSummaryAsync()} & {"NetLiquidation", "BuyingPower"}
        ),
    )
    await until(lambda: ib.portfolio())
    tell(
        "updates", values=sorted({each.tag for each in ib.accountValues()} & {"NetLiquidation", "BuyingPower"}),
        portfolio={each.contract.symbol: float(each.position) for each in ib.portfolio()},
    )  # fmt: skip
    tell("updates multi", values=bool(ib.accountValues(name)))
    pnl = ib.reqPnL(name)
    await until(lambda: pnl.dailyPnL == pnl.dailyPnL)
    tell("pnl", numbers=[sum(each == each for each in (pnl.dailyPnL, pnl.unrealizedPnL, pnl.realizedPnL))])
    ib.cancelPnL(name)
    single = ib.reqPnLSingle(name, "", user.msft.conId)
    await until(lambda: single.position)
    tell("pnl single", position=[float(single.position)])
    ib.cancelPnLSingle(name, "", user.msft.conId)
    await user.until_status(
        user.place(action="SELL", totalQuantity=100, orderType="MKT", tif="DAY"), "Filled"
    )


async def order_table(user):
    for row in PLAN["orders"]:
        trade = user.place(**row["order"])
        number, wanted = trade.order.orderId, row["until"]
        if wanted == "refused":
            await until(lambda number=number: user.codes(number))
        else:
            await user.until_status(trade, wanted)
        status, why = trade.orderStatus.status, trade.orderStatus.whyHeld
        await until(lambda trade=trade: trade.filled() >= trade.orderStatus.filled, 2)
        ended = None
        if wanted != "refused" and not trade.isDone():
            user.ib.cancelOrder(trade.order)
            ended = await user.until_status(trade, "Cancelled", "Filled")
        # Without a permId the gateway never spoke of the order, and the library made its status up itself.
        heard = status if trade.orderStatus.permId else None
        tell(
            "order",
            name=row["name"],
            status=heard,
            filled=float(trade.filled()),
            why=why,
            codes=user.codes(number),
            ended=ended,
        )


async def changes(user):
    ib = user.ib
    trade = user.place(action="BUY", totalQuantity=100, orderType="LMT", tif="DAY", lmtPrice=490)
    await user.until_status(trade, "Submitted")
    echoes = []

    def note(each):  # what the gateway says: the local order holds what was asked for
        if each.order.orderId == trade.order.orderId:
            echoes.append((each.order.lmtPrice, float(each.order.totalQuantity)))

    ib.openOrderEvent += note
    trade.order.lmtPrice, trade.order.totalQuantity = 491, 200
    ib.placeOrder(user.msft, trade.order)
    await until(lambda: (491, 200) in echoes)
    ib.openOrderEvent -= note
    price, quantity = echoes[-1]
    tell("modify", price=price, quantity=quantity, status=trade.orderStatus.status)
    trade.order.lmtPrice, trade.order.totalQuantity = 510, 250
    ib.placeOrder(user.msft, trade.order)
    await user.until_status(trade, "Filled")
    await until(lambda: trade.filled() == 250 and all(fill.commissionReport.execId for fill in trade.fills))
    tell(
        "partial fills", shares=[float(fill.execution.shares) for fill in trade.fills],
        total=[float(fill.execution.cumQty) for fill in trade.fills],
        paid=round(sum(fill.commissionReport.commission for fill in trade.fills), 2), filled=float(trade.filled()),
        between=sorted({0.0, *(float(fill.execution.cumQty) for fill in trade.fills)}),
    )  # fmt: skip
    number = trade.order.orderId
    ib.client.cancelOrder(number, *([""] if len(signature(ib.client.cancelOrder).parameters) > 1 else []))
    await until(lambda: user.codes(number))
    tell("cancel of filled", codes=user.codes(number))
    ib.client.cancelOrder(987654, *([""] if len(signature(ib.client.cancelOrder).parameters) > 1 else []))
    await until(lambda: user.codes(987654))
    tell("cancel of unknown", codes=user.codes(987654))


async def groups(user):
    ib = user.ib
    family = ib.bracketOrder("BUY", 100, 510, 520, 480, tif="DAY")
    trades = [ib.placeOrder(user.msft, order) for order in family]
    for trade, wanted in zip(trades, ("Filled", "Submitted", "PreSubmitted"), strict=True):
        await user.until_status(trade, wanted)
    tell("bracket", statuses=[trade.orderStatus.status for trade in trades])
    family[1].lmtPrice, family[1].transmit = 480, True
    ib.placeOrder(user.msft, family[1])
    await user.until_status(trades[1], "Filled")
    await user.until_status(trades[2], "Cancelled")
    tell("bracket left", statuses=[trade.orderStatus.status for trade in trades])
    pair = [
        make_order(action="BUY", orderType="LMT", totalQuantity=100, tif="DAY", lmtPrice=price)
        for price in (490, 510)
    ]
    trades = [ib.placeOrder(user.msft, order) for order in ib.oneCancelsAll(pair, f"g{family[0].orderId}", 1)]
    await user.until_status(trades[1], "Filled")
    await user.until_status(trades[0], "Cancelled")
    tell("oca", statuses=[trade.orderStatus.status for trade in trades])
    silent = user.place(
        action="BUY", orderType="LMT", totalQuantity=100, tif="DAY", lmtPrice=490, transmit=False
    )
    before = len(user.held())
    state = await asyncio.wait_for(
        ib.whatIfOrderAsync(
            user.msft, make_order(action="BUY", orderType="MKT", totalQuantity=2000, tif="DAY")
        ),
        NEVER_WAIT_S,
    )
    tell(
        "what if",
        margin=float(state.initMarginChange) > 0,
        status=state.status,
        placed=[] if before == len(user.held()) else ["x"],
    )
    tell("untransmitted", statuses=[entry.status for entry in silent.log if entry.status != "PendingSubmit"])
    orphan = user.place(
        action="SELL", orderType="LMT", totalQuantity=100, tif="DAY", lmtPrice=520, parentId=987654
    )
    await until(lambda: user.codes(orphan.order.orderId))
    tell("orphan", codes=user.codes(orphan.order.orderId))


async def afterwards(user):
    ib = user.ib
    own = {fill.execution.execId for fill in ib.fills()}
    told = await ib.reqExecutionsAsync(api.ExecutionFilter())
    paid = await until(lambda: all(fill.commissionReport.execId for fill in ib.fills()))
    filtered = await ib.reqExecutionsAsync(api.ExecutionFilter(symbol="SPY"))
    tell("executions", same=own == {fill.execution.execId for fill in told}, some=len(told) > 5, paid=bool(paid),
         filtered=len(filtered))  # fmt: skip
    completed = await ib.reqCompletedOrdersAsync(False)
    tell("completed", statuses=sorted({trade.orderStatus.status for trade in completed}))
    resting = [
        user.place(action="BUY", totalQuantity=1, orderType="LMT", tif="GTC", lmtPrice=price)
        for price in (480, 481)
    ]
    for trade in resting:
        await user.until_status(trade, "Submitted")
    return sorted(trade.order.orderId for trade in resting)


async def others(user, resting):
    fills = len(user.ib.fills())
    second = await User().connected(99)
    own = len(working(second.ib.openTrades()))
    everybody = [trade.order.lmtPrice for trade in await second.ib.reqAllOpenOrdersAsync()]
    tell("two clients", own=own, all=sorted(everybody))
    twin = User()
    connecting = asyncio.ensure_future(
        twin.ib.connectAsync("127.0.0.1", PORT, clientId=99, timeout=NEVER_WAIT_S)
    )
    await until(lambda: 326 in twin.codes(-1))
    closed = await until(lambda: not twin.ib.client.conn.isConnected())
    connecting.cancel()  # it would wait until its time is up
    await asyncio.wait([connecting])
    tell("same id", codes=[code for code in twin.codes(-1) if code == 326], closed=closed)
    second.ib.disconnect()
    user.ib.disconnect()
    again = await User().connected(7)
    trades = working(again.ib.openTrades())
    tell(
        "reconnect", orders=sorted(trade.order.orderId for trade in trades) == resting,
        executions=len(again.ib.fills()) == fills, fresh=again.ib.client.getReqId() > max(resting), held=again.held(),
    )  # fmt: skip
    again.ib.reqGlobalCancel()
    for trade in trades:
        await again.until_status(trade, "Cancelled")
    tell("global cancel", statuses=[trade.orderStatus.status for trade in trades])
    again.ib.disconnect()
    tell("end")


async def main():
    user = await User().connected(7)
    for part in (connect, contracts, general, market_data, history, account, order_table, changes, groups):
        await part(user)
    await others(user, await afterwards(user))


asyncio.run(main())
