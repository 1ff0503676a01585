"""Drives an official `ibapi` (9.81, 10.30 or 10.45) with its own idiom: a thread that reads, callbacks, requests.

Usage: drive_ibapi.py PORT PLAN.json. Prints what its user saw as JSON lines; imports nothing of ours.
"""

import json
import os
import sys
import threading
import time
from collections import deque
from inspect import signature

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.tag_value import TagValue
from ibapi.wrapper import EWrapper

PORT, PLAN = int(sys.argv[1]), json.load(open(sys.argv[2]))
OVER = {"Filled", "Cancelled", "ApiCancelled", "Inactive"}
NEVER_WAIT_S = 30
MESSAGES_A_SECOND = 40


def tell(about, **what):
    print(json.dumps({"about": about, **what}, default=str), flush=True)


class User(EWrapper, EClient):
    """Notes every callback: name, arguments."""

    def __init__(self):
        EWrapper.__init__(self)
        EClient.__init__(self, self)
        self.seen, self.news, self.next_request = [], threading.Condition(), 9000
        self.sent = deque(maxlen=MESSAGES_A_SECOND)

    def sendMsg(self, *args):
        """This library leaves the pace to its user: at 50 a second the gateway refuses, and then hangs up."""
        if len(self.sent) == MESSAGES_A_SECOND:
            time.sleep(max(0, self.sent[0] + 1.1 - time.monotonic()))
        self.sent.append(time.monotonic())
        EClient.sendMsg(self, *args)

    def note(self, name, *args):
        with self.news:
            self.seen.append((name, args))
            self.news.notify_all()

    def until(self, what, seconds=NEVER_WAIT_S):
        """What `what` returns once it is something; None after a while.

        The time is asked for meanwhile: this library loses what it has when that is a multiple of 4,096 bytes and
        nothing follows within a second.
        """
        end = time.monotonic() + seconds
        with self.news:
            while not self.news.wait_for(what, 0.4) and time.monotonic() < end:
                if self.isConnected() and self.calls("nextValidId"):
                    self.reqCurrentTime()
            return what()

    def calls(self, name, request=None):
        with self.news:
            return [
                args for each, args in self.seen if each == name and (request is None or args[0] == request)
            ]

    def codes(self, request):
        """Error codes about a request or an order; the time came as second argument with 10.37."""
        return [args[-3] if len(args) > 3 else args[1] for args in self.calls("error", request)]

    def texts(self, request):
        return [args[-2] if len(args) > 3 else args[2] for args in self.calls("error", request)]

    def request(self):
        self.next_request += 1
        return self.next_request

    def ask(self, method, *args, until, enough=1, seconds=NEVER_WAIT_S):
        """Ask with a fresh request id and wait for callbacks, or for an error about the request."""
        request = self.request()
        getattr(self, method)(request, *args)
        self.until(lambda: len(self.calls(until, request)) >= enough or self.codes(request), seconds)
        return request

    def connected(self, client_id):
        self.connect("127.0.0.1", PORT, client_id)
        threading.Thread(target=self.run, daemon=True).start()
        self.until(lambda: self.codes(-1) or (self.calls("nextValidId") and self.calls("managedAccounts")))
        self.next_order = self.calls("nextValidId")[-1][0] if self.calls("nextValidId") else None
        return self

    def gone(self):
        self.disconnect()
        self.until(lambda: self.calls("connectionClosed"), 3)

    # Orders.
    def place(self, symbol, **fields):
        order, number = make_order(**fields), self.next_order
        self.next_order += 1
        self.placeOrder(number, stock(symbol), order)
        return number

    def cancel(self, number):
        extra = () if len(signature(EClient.cancelOrder).parameters) == 2 else (new_order_cancel(),)
        self.cancelOrder(number, *extra)

    def cancel_all(self):
        self.reqGlobalCancel(
            *([new_order_cancel()] if len(signature(EClient.reqGlobalCancel).parameters) > 1 else [])
        )

    def statuses(self, number):
        return [args[1] for args in self.calls("orderStatus", number)]

    def status(self, number):
        return (self.statuses(number) or [None])[-1]

    def filled(self, number):
        return max([float(args[2]) for args in self.calls("orderStatus", number)], default=0)

    def until_status(self, number, *wanted, seconds=NEVER_WAIT_S):
        self.until(lambda: self.status(number) in wanted, seconds)
        return self.status(number)

    def held(self):
        before = len(self.calls("positionEnd"))
        self.reqPositions()
        self.until(lambda: len(self.calls("positionEnd")) > before)
        self.cancelPositions()
        return {args[1].symbol: float(args[2]) for args in self.calls("position")}


def reconnected(client_id):
    """A closed socket lives on for up to a second in the thread that reads it; until then its client id is in use."""
    for _ in range(15):
        user = User().connected(client_id)
        if user.next_order is not None and user.isConnected():
            return user
        user.gone()
        user.until(lambda: False, 0.3)
    raise SystemExit("could not connect again")


def noting(name):
    return lambda self, *args, **named: self.note(name, *args, *named.values())


for each in vars(EWrapper):
    if not each.startswith("_") and each != "logAnswer":
        setattr(User, each, noting(each))


def new_order_cancel():
    from ibapi.order_cancel import OrderCancel

    return OrderCancel()


def stock(symbol, **fields):
    made = Contract()
    for name, value in {
        "symbol": symbol, "secType": "STK", "exchange": "SMART", "currency": "USD", **fields
    }.items():  # fmt: skip
        setattr(made, name, value)
    return made


def make_order(**fields):
    order = Order()
    # Set to true by older ones; everybody turns these off, for a gateway of today refuses them.
    order.eTradeOnly = order.firmQuoteOnly = False
    params = fields.pop("algoParams", None)
    for name, value in fields.items():
        setattr(order, name, value)
    if params:
        order.algoParams = [TagValue(tag, value) for tag, value in params]
    return order


def connect(user):
    version = user.serverVersion()
    tell(
        "connect",
        version=version,
        accounts=user.calls("managedAccounts")[0][0].strip(","),
        next_id=user.next_order,
    )


def contracts(user):
    def details(contract):
        request = user.ask("reqContractDetails", contract, until="contractDetailsEnd")
        return [args[1] for args in user.calls("contractDetails", request)], user.codes(request)

    [found], _ = details(stock("SPY"))
    tell(
        "contract", symbol=found.contract.symbol, con_id=found.contract.conId, primary=found.contract.primaryExchange,
        isin=[each.value for each in found.secIdList or [] if each.tag == "ISIN"], min_tick=found.minTick,
        zone=found.timeZoneId, hours=bool(found.liquidHours), types=found.orderTypes.split(","),
    )  # fmt: skip
    by_id, _ = details(stock("", conId=found.contract.conId, secType=""))
    by_name, _ = details(stock("", localSymbol="AAPL", primaryExchange="NASDAQ", currency=""))
    tell(
        "contract by",
        con_id=[each.contract.symbol for each in by_id],
        local=[each.contract.symbol for each in by_name],
    )
    tell("unknown contract", codes=details(stock("NOSUCHTHINGEVER"))[1])
    request = user.ask("reqMatchingSymbols", "SP", until="symbolSamples")
    tell("matching", symbols=[each.contract.symbol for each in user.calls("symbolSamples", request)[0][1]])
    user.reqMarketRule(26)
    user.until(lambda: user.calls("marketRule"))
    tell("rule", steps=[each.increment for each in user.calls("marketRule")[0][1]])
    request = user.ask(
        "reqSecDefOptParams",
        "SPY",
        "",
        "STK",
        found.contract.conId,
        until="securityDefinitionOptionParameterEnd",
    )
    tell("chains", ended=len(user.calls("securityDefinitionOptionParameterEnd", request)))


def general(user):
    for about, method, reply in (
        ("time", "reqCurrentTime", "currentTime"),
        ("families", "reqFamilyCodes", "familyCodes"),
        ("news", "reqNewsProviders", "newsProviders"),
        ("scanner", "reqScannerParameters", "scannerParameters"),
        ("depth exchanges", "reqMktDepthExchanges", "mktDepthExchanges"),
    ):
        getattr(user, method)()
        tell(about, answered=bool(user.until(lambda reply=reply: user.calls(reply))))
    before = len(user.calls("nextValidId"))
    user.reqIds(1)
    tell("ids", answered=bool(user.until(lambda: len(user.calls("nextValidId")) > before)))
    if hasattr(EClient, "reqUserInfo"):
        tell("user", answered=bool(user.calls("userInfo", user.ask("reqUserInfo", until="userInfo"))))


def market_data(user):
    def latest(name, request, kind):
        found = [args[2] for args in user.calls(name, request) if args[1] == kind]
        return float(found[-1]) if found else None

    def tops(request):
        prices = (("bid", "tickPrice", 1), ("ask", "tickPrice", 2), ("last", "tickPrice", 4))
        names = (*prices, ("bid_size", "tickSize", 0), ("ask_size", "tickSize", 3))
        return {name: latest(call, request, kind) for name, call, kind in names}

    request = user.request()
    user.reqMarketDataType(1)
    user.reqMktData(request, stock("MSFT"), "233", False, False, [])
    user.until(lambda: None not in tops(request).values() and len(user.calls("tickPrice", request)) > 8)
    tell("stream", parameters=len(user.calls("tickReqParams", request)), **tops(request))
    user.cancelMktData(request)
    request = user.ask("reqMktData", stock("MSFT"), "", True, False, [], until="tickSnapshotEnd", seconds=15)
    tell("snapshot", ended=len(user.calls("tickSnapshotEnd", request)), **tops(request))
    tell(
        "unknown data",
        codes=user.codes(
            user.ask("reqMktData", stock("NOSUCHTHINGEVER"), "", False, False, [], until="tickPrice")
        ),
    )
    for kind, reply in (
        ("Last", "tickByTickAllLast"), ("AllLast", "tickByTickAllLast"),
        ("BidAsk", "tickByTickBidAsk"), ("MidPoint", "tickByTickMidPoint"),
    ):  # fmt: skip
        enough = 1 if kind == "MidPoint" else 3  # the mid does not move here
        request = user.ask("reqTickByTickData", stock("MSFT"), kind, 0, False, until=reply, enough=enough)
        ticks = user.calls(reply, request)
        user.cancelTickByTickData(request)
        prices = sorted({float(args[2 if "Mid" in kind or kind == "BidAsk" else 3]) for args in ticks})
        tell("tick", kind=kind, prices=prices, codes=user.codes(request))
    request = user.ask("reqMktDepth", stock("MSFT"), 5, True, [], until="updateMktDepthL2", enough=2)
    rows = user.calls("updateMktDepthL2", request) + user.calls("updateMktDepth", request)
    user.cancelMktDepth(request, True)
    tell(
        "depth",
        rows=len(rows),
        sides=sorted({args[-4 if len(args) == 8 else -3] for args in rows}),
        codes=user.codes(request),
    )


def history(user):
    def bars(span, size, what, form, kept=False):
        request = user.ask(
            "reqHistoricalData",
            stock("SPY"),
            "",
            span,
            size,
            what,
            1,
            form,
            kept,
            [],
            until="historicalDataEnd",
        )
        return request, [args[1] for args in user.calls("historicalData", request)]

    _, text = bars("2 D", "1 hour", "TRADES", 1)
    tell(
        "bars",
        count=len(text),
        first=text[0].date,
        sound=all(each.low <= each.open <= each.high for each in text),
    )
    _, epoch = bars("2 D", "1 hour", "MIDPOINT", 2)
    tell("epoch bars", first=epoch[0].date)
    _, days = bars("1 Y", "1 day", "BID_ASK", 1)
    tell("day bars", count=len(days), first=days[0].date)
    request, _ = bars("1 D", "1 min", "MIDPOINT", 2, True)
    user.until(lambda: user.calls("historicalDataUpdate", request), 20)
    tell("kept bars", updates=min(1, len(user.calls("historicalDataUpdate", request))))
    user.cancelHistoricalData(request)
    request = user.ask(
        "reqHistoricalData",
        stock("SPY"),
        "",
        "1 D",
        "7 hours",
        "TRADES",
        1,
        1,
        False,
        [],
        until="historicalData",
    )
    tell("bad bars", codes=user.codes(request))
    request = user.ask("reqRealTimeBars", stock("SPY"), 5, "MIDPOINT", True, [], until="realtimeBar")
    tell("live bars", steps=[args[1] % 5 for args in user.calls("realtimeBar", request)][:1])
    user.cancelRealTimeBars(request)
    request = user.ask("reqHeadTimeStamp", stock("SPY"), "TRADES", 1, 1, until="headTimestamp")
    tell("head", stamp=[args[1] for args in user.calls("headTimestamp", request)])
    for what, reply in (
        ("TRADES", "historicalTicksLast"),
        ("BID_ASK", "historicalTicksBidAsk"),
        ("MIDPOINT", "historicalTicks"),
    ):
        request = user.ask(
            "reqHistoricalTicks", stock("SPY"), "", PLAN["end_utc"], 10, what, 1, True, [], until=reply
        )
        got = user.calls(reply, request)
        tell("past ticks", what=what, count=len(got[0][1]) if got else 0, codes=user.codes(request))
    if hasattr(EWrapper, "historicalSchedule"):
        request = user.ask(
            "reqHistoricalData",
            stock("SPY"),
            "",
            "5 D",
            "1 day",
            "SCHEDULE",
            1,
            1,
            False,
            [],
            until="historicalSchedule",
        )
        got = user.calls("historicalSchedule", request)
        tell("schedule", sessions=len(got[0][4]) if got else 0, codes=user.codes(request))
    request = user.ask("reqHistogramData", stock("SPY"), True, "3 days", until="histogramData")
    tell("histogram", answered=len(user.calls("histogramData", request)))


def account(user):
    name = user.calls("managedAccounts")[0][0].strip(",")
    number = user.place("MSFT", action="BUY", totalQuantity=100, orderType="MKT", tif="DAY")
    user.until_status(number, "Filled")
    tell("positions", held=user.held())
    request = user.ask("reqAccountSummary", "All", "NetLiquidation,BuyingPower", until="accountSummaryEnd")
    tell("summary", tags=sorted(args[2] for args in user.calls("accountSummary", request)))
    user.cancelAccountSummary(request)
    user.reqAccountUpdates(True, name)
    user.until(lambda: user.calls("accountDownloadEnd"))
    figures = {args[0] for args in user.calls("updateAccountValue")}
    tell(
        "updates", values=sorted(figures & {"NetLiquidation", "BuyingPower"}),
        portfolio={args[0].symbol: float(args[1]) for args in user.calls("updatePortfolio")},
    )  # fmt: skip
    user.reqAccountUpdates(False, name)
    request = user.ask("reqAccountUpdatesMulti", name, "", True, until="accountUpdateMultiEnd")
    tell("updates multi", values=bool(user.calls("accountUpdateMulti", request)))
    user.cancelAccountUpdatesMulti(request)
    request = user.ask("reqPositionsMulti", name, "", until="positionMultiEnd")
    tell(
        "positions multi",
        held={args[3].symbol: float(args[4]) for args in user.calls("positionMulti", request)},
    )
    user.cancelPositionsMulti(request)
    request = user.ask("reqPnL", name, "", until="pnl")
    tell("pnl", numbers=[len(args) - 1 for args in user.calls("pnl", request)][:1])
    user.cancelPnL(request)
    con_id = user.calls("position")[-1][1].conId
    request = user.ask("reqPnLSingle", name, "", con_id, until="pnlSingle")
    tell("pnl single", position=[float(args[1]) for args in user.calls("pnlSingle", request)][:1])
    user.cancelPnLSingle(request)
    number = user.place("MSFT", action="SELL", totalQuantity=100, orderType="MKT", tif="DAY")
    user.until_status(number, "Filled")


def order_table(user):
    for row in PLAN["orders"]:
        number = user.place("MSFT", **row["order"])
        wanted, rejected = row["until"], row["until"] == "refused"
        user.until(
            lambda number=number, wanted=wanted, rejected=rejected:
            user.codes(number) if rejected else user.status(number) == wanted
        )  # fmt: skip
        status, why, filled = (
            user.status(number),
            [args[9] for args in user.calls("orderStatus", number)],
            user.filled(number),
        )
        ended = None
        if status is not None and status not in OVER:
            user.cancel(number)
            ended = user.until_status(number, "Cancelled", "Filled")
        tell(
            "order",
            name=row["name"],
            status=status,
            filled=filled,
            why=(why or [""])[-1],
            codes=user.codes(number),
            ended=ended,
        )


def changes(user):
    limit = {"action": "BUY", "totalQuantity": 100, "orderType": "LMT", "tif": "DAY", "lmtPrice": 490}
    number = user.place("MSFT", **limit)
    user.until_status(number, "Submitted")
    user.placeOrder(number, stock("MSFT"), make_order(**limit | {"lmtPrice": 491, "totalQuantity": 200}))
    user.until(lambda: [args for args in user.calls("openOrder", number) if args[2].lmtPrice == 491])
    echoed = user.calls("openOrder", number)[-1][2]
    tell("modify", price=echoed.lmtPrice, quantity=float(echoed.totalQuantity), status=user.status(number))
    user.placeOrder(number, stock("MSFT"), make_order(**limit | {"action": "SELL"}))
    user.until(lambda: user.codes(number))
    tell("bad modify", codes=user.codes(number), status=user.status(number))
    user.placeOrder(number, stock("MSFT"), make_order(**limit | {"lmtPrice": 510, "totalQuantity": 250}))
    user.until_status(number, "Filled")
    user.until(lambda: len([args for args in user.calls("execDetails") if args[2].orderId == number]) >= 3)
    fills = [args[2] for args in user.calls("execDetails") if args[2].orderId == number]
    user.until(lambda: {fill.execId for fill in fills} <= commissions(user).keys())
    tell(
        "partial fills", shares=[float(fill.shares) for fill in fills], total=[float(fill.cumQty) for fill in fills],
        paid=round(sum(commissions(user).get(fill.execId, 0) for fill in fills), 2), filled=user.filled(number),
        between=sorted({float(args[2]) for args in user.calls("orderStatus", number)}),
    )  # fmt: skip
    user.cancel(number)
    user.until(lambda: 10148 in user.codes(number) or 161 in user.codes(number))
    tell("cancel of filled", codes=user.codes(number)[1:])
    user.cancel(987654)
    user.until(lambda: user.codes(987654))
    tell("cancel of unknown", codes=user.codes(987654))
    used = number
    user.placeOrder(used, stock("MSFT"), make_order(**limit))
    user.until(lambda: {103, 104} & set(user.codes(used)))
    tell("duplicate", codes=user.codes(used)[2:])


def commissions(user):
    """By execution id, under the names of before and after 10.37."""
    old = {args[0].execId: args[0].commission for args in user.calls("commissionReport")}
    new = {args[0].execId: args[0].commissionAndFees for args in user.calls("commissionAndFeesReport")}
    return old | new


def groups(user):
    def many(*orders):
        return [user.place("MSFT", **{"tif": "DAY", "totalQuantity": 100, **order}) for order in orders]

    parent = user.next_order
    family = many(
        {"action": "BUY", "orderType": "LMT", "lmtPrice": 510, "transmit": False},
        {"action": "SELL", "orderType": "LMT", "lmtPrice": 520, "transmit": False, "parentId": parent},
        {"action": "SELL", "orderType": "STP", "auxPrice": 480, "transmit": True, "parentId": parent},
    )
    for number, wanted in zip(family, ("Filled", "Submitted", "PreSubmitted"), strict=True):
        user.until_status(number, wanted)
    tell("bracket", statuses=[user.status(number) for number in family])
    user.placeOrder(family[1], stock("MSFT"), make_order(
        action="SELL", orderType="LMT", lmtPrice=480, tif="DAY", totalQuantity=100, parentId=parent))  # fmt: skip
    user.until_status(family[1], "Filled")
    user.until_status(family[2], "Cancelled")
    tell("bracket left", statuses=[user.status(number) for number in family])
    group = {"action": "BUY", "orderType": "LMT", "ocaGroup": f"g{parent}", "ocaType": 1}
    pair = many({**group, "lmtPrice": 490}, {**group, "lmtPrice": 510})
    user.until_status(pair[1], "Filled")
    user.until_status(pair[0], "Cancelled")
    tell("oca", statuses=[user.status(number) for number in pair])
    silent = many({"action": "BUY", "orderType": "LMT", "lmtPrice": 490, "transmit": False})[0]
    what_if = many({"action": "BUY", "orderType": "MKT", "whatIf": True, "totalQuantity": 2000})[0]
    user.until(lambda: user.calls("openOrder", what_if))
    state = user.calls("openOrder", what_if)[0][3]
    tell(
        "what if",
        margin=float(state.initMarginChange) > 0,
        status=state.status,
        placed=user.statuses(what_if),
    )
    tell("untransmitted", statuses=user.statuses(silent))
    orphan = many({"action": "SELL", "orderType": "LMT", "lmtPrice": 520, "parentId": 987654})[0]
    user.until(lambda: user.codes(orphan))
    tell("orphan", codes=user.codes(orphan))


def afterwards(user):
    request = user.ask("reqExecutions", ExecutionFilter(), until="execDetailsEnd")
    own = {args[2].execId for args in user.calls("execDetails", -1)}
    told = {args[2].execId for args in user.calls("execDetails", request)}
    user.until(lambda: told <= commissions(user).keys())
    of_spy = ExecutionFilter()
    of_spy.symbol = "SPY"
    filtered = user.ask("reqExecutions", of_spy, until="execDetailsEnd")
    tell("executions", same=own == told, some=len(told) > 5, paid=told <= commissions(user).keys(),
         filtered=len(user.calls("execDetails", filtered)))  # fmt: skip
    user.reqCompletedOrders(False)
    user.until(lambda: user.calls("completedOrdersEnd"))
    tell("completed", statuses=sorted({args[2].status for args in user.calls("completedOrder")}))
    resting = [
        user.place("MSFT", action="BUY", totalQuantity=1, orderType="LMT", tif="GTC", lmtPrice=price)
        for price in (480, 481)
    ]
    for number in resting:
        user.until_status(number, "Submitted")
    return resting


def others(user, resting):
    second = User().connected(99)
    second.reqOpenOrders()
    second.until(lambda: second.calls("openOrderEnd"))
    own = len(second.calls("openOrder"))
    second.reqAllOpenOrders()
    second.until(lambda: len(second.calls("openOrderEnd")) > 1)
    tell("two clients", own=own, all=sorted(args[2].lmtPrice for args in second.calls("openOrder")))
    twin = User()
    twin.connect("127.0.0.1", PORT, 99)
    threading.Thread(target=twin.run, daemon=True).start()
    twin.until(lambda: twin.codes(-1))
    tell(
        "same id",
        codes=[code for code in twin.codes(-1) if code == 326],
        closed=bool(twin.until(lambda: not twin.isConnected())),
    )
    second.gone()
    user.gone()
    again = reconnected(7)
    again.reqOpenOrders()
    again.until(lambda: again.calls("openOrderEnd"))
    request = again.ask("reqExecutions", ExecutionFilter(), until="execDetailsEnd")
    tell(
        "reconnect", orders=sorted(args[0] for args in again.calls("openOrder")) == sorted(resting),
        executions=len(again.calls("execDetails", request)) == len(user.calls("execDetails", -1)),
        fresh=again.next_order > max(resting), held=again.held(),
    )  # fmt: skip
    again.cancel_all()
    for number in resting:
        again.until_status(number, "Cancelled")
    tell("global cancel", statuses=[again.status(number) for number in resting])
    again.gone()
    tell("end")


def main():
    user = User().connected(7)
    for part in (connect, contracts, general, market_data, history, account, order_table, changes, groups):
        part(user)
    others(user, afterwards(user))


main()
os._exit(0)  # its reader threads do not end by themselves
