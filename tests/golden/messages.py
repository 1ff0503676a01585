"""What each message becomes at its client: the callback, and under which name a field is seen there.

A field is looked for under its own name, wherever it stands in the callback's arguments, or under the names given
here. A name that starts with `-` is one the clients read and keep to themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Names that are the same in every message.
NAMES: dict[str, tuple[str, ...]] = {
    name: tuple(seen.split())
    for name, seen in {
        "accounts": "accountsList",
        "account": "acctCode accountName account accountID _account",
        "code": "errorCode",
        "text": "errorString errorMsg",
        "advancedRejectJson": "advancedOrderRejectJson",
        "expiry": "lastTradeDateOrContractMonth",
        "lastTrade": "lastTradeDateOrContractMonth",
        "totalQty": "totalQuantity",
        "parentPermId": "parentPermId",
        "faProfile": "-",
        "ignored": "-",
        "version": "-",
        "mdSizeMultiplier": "-",
        "sizeMinTick": "-",
        "position": "position pos posSize",
        "attribMask": "-",
        "average": "wap average",
        "trades": "count barCount",
        "tickType": "tickType field tickTypeInt",
        "moment": "time",
    }.items()
}
# What the fields after it hang on: left as the tables have it (and covered by the captured frames).
_STRUCTURE = """
    version
    deltaNeutralOrderType deltaNeutralAuxPrice deltaNeutralConId deltaNeutralOpenClose
    deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation comboLegs
    orderComboLegs smartComboParams scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement hedgeType
    deltaNeutralContract conditions algoStrategy algoParams basisPoints basisPointsType
    comboLegsDescription volatilityType adjustableTrailingUnit adjustedOrderType
"""
STRUCTURE = frozenset(_STRUCTURE.split())


@dataclass(frozen=True)
class Case:
    """`rows` names the columns of each list; `one_call_a_row` where the client calls back once for each."""

    callback: str
    names: dict[str, str] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    is_one_call_a_row: bool = False


CASES: dict[str, Case] = {
    "MANAGED_ACCOUNTS": Case("managedAccounts"),
    "NEXT_VALID_ID": Case("nextValidId", {"orderId": "orderId reqId"}),
    "ERROR": Case("error"),
    "CURRENT_TIME": Case("currentTime", {"time": "time time_"}, values={"time": "time_epoch"}),
    "USER_INFO": Case("userInfo"),
    "CONTRACT_DETAILS": Case(
        "contractDetails",
        {"primaryExchange": "primaryExchange", "evRule": "evRule"},
        {"secIds": "tag value"},
        {"evRule": "text", "suggestedSizeIncrement": "minSize"},
    ),
    "CONTRACT_DETAILS_END": Case("contractDetailsEnd"),
    "SYMBOL_SAMPLES": Case("symbolSamples"),
    "MARKET_RULE": Case("marketRule", {"ruleId": "marketRuleId"}, {"increments": "lowEdge increment"}),
    "SEC_DEF_OPT": Case(
        "securityDefinitionOptionParameter", values={"underlyingConId": "conId", "multiplier": "text"}
    ),
    "SEC_DEF_OPT_END": Case("securityDefinitionOptionParameterEnd"),
    "TICK_REQ_PARAMS": Case("tickReqParams", {"reqId": "reqId tickerId"}),
    "MARKET_DATA_TYPE": Case("marketDataType", {"type": "marketDataType marketDataId"}),
    "TICK_PRICE": Case("tickPrice priceSizeTick", values={"tickType": "priced_type"}),
    "TICK_SIZE": Case("tickSize"),
    "TICK_GENERIC": Case("tickGeneric", values={"value": "price"}),
    "TICK_STRING": Case("tickString"),
    "TICK_SNAPSHOT_END": Case("tickSnapshotEnd"),
    "REALTIME_BAR": Case(
        "realtimeBar", {"open": "open open_", "time": "time"}, values={"time": "time_epoch"}
    ),
    "HISTORICAL_DATA": Case(
        "historicalData historicalDataEnd",
        {"start": "start _start", "end": "end _end"},
        {"bars": "date open high low close volume average trades"},
        is_one_call_a_row=True,
    ),
    "HISTORICAL_DATA_UPDATE": Case("historicalDataUpdate", values={"date": "date"}),
    "HISTORICAL_TICKS": Case("historicalTicks", rows={"ticks": "moment ignored price size"}),
    "HISTORICAL_TICKS_BID_ASK": Case(
        "historicalTicksBidAsk",
        rows={"ticks": "moment attribMask priceBid priceAsk sizeBid sizeAsk"},
    ),
    "HISTORICAL_TICKS_LAST": Case(
        "historicalTicksLast",
        rows={"ticks": "moment attribMask price size exchange specialConditions"},
    ),
    "HEAD_TIMESTAMP": Case("headTimestamp", {"time": "headTimestamp"}),
    "ORDER_STATUS": Case("orderStatus"),
    "OPEN_ORDER": Case(
        "openOrder",
        {
            "trailStopPrice2": "-",
            "trailStopPrice": "-",
            "initMarginBefore": "initMarginBefore",
            "nbboPriceCap": "nbboPriceCap",
            "softDollarName": "softDollarTier.name",
            "softDollarValue": "softDollarTier.val",
            "softDollarDisplayName": "softDollarTier.displayName",
            "commission": "commission commissionAndFees",
            "minCommission": "minCommission minCommissionAndFees",
            "maxCommission": "maxCommission maxCommissionAndFees",
            "commissionCurrency": "commissionCurrency commissionAndFeesCurrency",
            "eTradeOnly": "-",
            "firmQuoteOnly": "-",
        },
        values={"discretionaryUpToLimitPrice": "allOrNone", "discretionaryAmt": "price"},
    ),
    "OPEN_ORDER_END": Case("openOrderEnd"),
    "COMPLETED_ORDER": Case(
        "completedOrder",
        {"trailStopPrice2": "-", "trailStopPrice": "-", "refFuturesConId": "refFuturesConId"},
        values={"discretionaryAmt": "price"},
    ),
    "COMPLETED_ORDERS_END": Case("completedOrdersEnd"),
    "EXEC_DETAILS": Case(
        "execDetails",
        {"exchange": "contract.exchange", "executionExchange": "execution.exchange", "account": "acctNumber"},
        values={"time": "exec_time"},
    ),
    "EXEC_DETAILS_END": Case("execDetailsEnd"),
    "ORDER_BOUND": Case(
        "orderBound",
        {"permId": "permId reqId", "clientId": "clientId apiClientId", "orderId": "orderId apiOrderId"},
    ),
    "COMMISSION_REPORT": Case(
        "commissionReport commissionAndFeesReport",
        {"commission": "commission commissionAndFees", "yield": "yield_"},
        values={"yieldRedemptionDate": "minSize"},
    ),
    "POSITION": Case("position"),
    "POSITION_END": Case("positionEnd"),
    "POSITION_MULTI": Case("positionMulti"),
    "POSITION_MULTI_END": Case("positionMultiEnd"),
    "ACCOUNT_SUMMARY": Case("accountSummary", {"reqId": "reqId _reqId"}),
    "ACCOUNT_SUMMARY_END": Case("accountSummaryEnd"),
    "ACCOUNT_VALUE": Case("updateAccountValue", {"key": "key tag", "value": "val value"}),
    "ACCOUNT_TIME": Case("updateAccountTime", {"time": "timeStamp timestamp"}),
    "PORTFOLIO": Case("updatePortfolio", {"avgCost": "averageCost"}, values={"realizedPNL": "realizedPNL_"}),
    "ACCOUNT_DOWNLOAD_END": Case("accountDownloadEnd"),
    "ACCOUNT_UPDATE_MULTI": Case(
        "accountUpdateMulti", {"key": "key tag", "value": "val value"}, values={"modelCode": "text"}
    ),
    "ACCOUNT_UPDATE_MULTI_END": Case("accountUpdateMultiEnd"),
    "PNL": Case(
        "pnl",
        {
            "daily": "dailyPnL",
            "unrealized": "unrealizedPnL",
            "realized": "realizedPnL",
        },
    ),
    "PNL_SINGLE": Case(
        "pnlSingle",
        {"daily": "dailyPnL", "unrealized": "unrealizedPnL", "realized": "realizedPnL"},
        values={"value": "value_"},
    ),
    "SCANNER_PARAMETERS": Case("scannerParameters"),
    "DISPLAY_GROUP_UPDATED": Case("displayGroupUpdated", {"contract": "contractInfo"}),
    "DISPLAY_GROUPS": Case("displayGroupList"),
    "SOFT_DOLLAR_TIERS": Case("softDollarTiers", rows={"tiers": "name val displayName"}),
    "FAMILY_CODES": Case("familyCodes", rows={"codes": "accountID familyCodeStr"}),
    "MARKET_DEPTH_EXCHANGES": Case(
        "mktDepthExchanges", rows={"exchanges": "exchange secType listingExch serviceDataType aggGroup"}
    ),
    "SMART_COMPONENTS": Case("smartComponents", rows={"components": "bitNumber exchange exchangeLetter"}),
    "NEWS_PROVIDERS": Case(
        "newsProviders", {"code": "code"}, rows={"providers": "code name"}, values={"code": "text"}
    ),
    "HISTOGRAM": Case("histogramData", {"size": "size count"}, rows={"bars": "price size"}),
    "HISTORICAL_SCHEDULE": Case(
        "historicalSchedule",
        {"start": "startDateTime", "end": "endDateTime"},
        {"sessions": "startDateTime endDateTime refDate"},
    ),
    "MARKET_DEPTH": Case("updateMktDepth", values={"position": "operation"}),
    "MARKET_DEPTH_L2": Case("updateMktDepthL2", values={"position": "operation"}),
}

# Messages a client has no callback for: nothing of them is seen.
SILENT = {
    "ib_async": {"DISPLAY_GROUPS", "DISPLAY_GROUP_UPDATED"},
    "ib_insync": {"DISPLAY_GROUPS", "DISPLAY_GROUP_UPDATED"},
    "ibapi": {"USER_INFO", "HISTORICAL_SCHEDULE"},
}

# Fields a client reads past: of its callback's arguments none has them.
UNSEEN: dict[tuple[str, str], str] = {
    ("nautilus-ibapi-10.30", "OPEN_ORDER"): "nbboPriceCap",
    ("nautilus-ibapi-10.45", "OPEN_ORDER"): "nbboPriceCap",
}
