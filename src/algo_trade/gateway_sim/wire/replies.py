"""Every message the gateway sends, as tables (see `layout` for how to read one).

Defaults are what a real gateway sends where we model nothing: taken from captured frames, oddities included
("None" as the delta-neutral order type, `1.7976931348623157E308` for an unset double). Prices may not be empty
where a client parses them, and integer fields are never written with a point.
"""

from __future__ import annotations

from algo_trade.gateway_sim.wire.layout import Layout

UNSET_DOUBLE = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"
UNSET_LONG = "9223372036854775807"

MANAGED_ACCOUNTS = Layout(15, "=1 accounts")
NEXT_VALID_ID = Layout(9, "=1 orderId")
ERROR = Layout(4, "=2 reqId code ~text advancedRejectJson[166..]")
CURRENT_TIME = Layout(49, "=1 time")
USER_INFO = Layout(107, "reqId whiteBrandingId")

CONTRACT_DETAILS = Layout(
    10,
    """version[..163]=8 reqId symbol secType lastTrade strike=0 right exchange currency localSymbol marketName
    tradingClass conId minTick mdSizeMultiplier[..163]=100 multiplier orderTypes validExchanges priceMagnifier=1
    underConId=0 ~longName primaryExchange contractMonth industry category subcategory timeZoneId tradingHours
    liquidHours evRule evMultiplier=0 *secIds aggGroup=1 underSymbol underSecType marketRuleIds
    realExpirationDate stockType minSize[164..]=1 sizeIncrement[164..]=1 sizeMinTick[163..163]=1
    suggestedSizeIncrement[164..]=100""",
)
CONTRACT_DETAILS_END = Layout(52, "=1 reqId")
SYMBOL_SAMPLES = Layout(79, "reqId *samples")
MARKET_RULE = Layout(93, "ruleId *increments")
SEC_DEF_OPT = Layout(75, "reqId exchange underlyingConId tradingClass multiplier *expirations *strikes")
SEC_DEF_OPT_END = Layout(76, "reqId")

TICK_REQ_PARAMS = Layout(81, "reqId minTick bboExchange snapshotPermissions=3")
MARKET_DATA_TYPE = Layout(58, "=1 reqId type")
TICK_PRICE = Layout(1, "=6 reqId tickType price size attribMask=0")
TICK_SIZE = Layout(2, "=6 reqId tickType size")
TICK_GENERIC = Layout(45, "=6 reqId tickType value")
TICK_STRING = Layout(46, "=6 reqId tickType value")
TICK_SNAPSHOT_END = Layout(57, "=1 reqId")
REALTIME_BAR = Layout(50, "=3 reqId time open high low close volume average trades")
HISTORICAL_DATA = Layout(17, "reqId start end *bars")
HISTORICAL_DATA_UPDATE = Layout(90, "reqId trades date open close high low average volume")
HEAD_TIMESTAMP = Layout(88, "reqId time")
HISTORICAL_SCHEDULE = Layout(106, "reqId start end timeZone *sessions")
HISTORICAL_TICKS = Layout(96, "reqId *ticks done=1")
HISTORICAL_TICKS_BID_ASK = Layout(97, "reqId *ticks done=1")
HISTORICAL_TICKS_LAST = Layout(98, "reqId *ticks done=1")

MARKET_DEPTH = Layout(12, "=1 reqId position operation side price size")
MARKET_DEPTH_L2 = Layout(13, "=1 reqId position marketMaker operation side price size isSmartDepth")

ORDER_STATUS = Layout(
    3,
    """orderId status filled remaining avgFillPrice=0 permId parentId=0 lastFillPrice=0 clientId whyHeld
    mktCapPrice=0""",
)

# The eight fields after deltaNeutralOrderType are there because it is not empty: a real gateway says "None".
OPEN_ORDER = Layout(
    5,
    f"""orderId conId symbol secType expiry strike=0 right=? multiplier exchange currency localSymbol tradingClass
    action totalQty orderType lmtPrice=0.0 auxPrice=0.0 tif ocaGroup account openClose origin=0 orderRef clientId
    permId outsideRth=0 hidden=0 discretionaryAmt=0 goodAfterTime ignored faGroup faMethod faPercentage
    faProfile[..176] modelCode goodTillDate rule80A percentOffset settlingFirm shortSaleSlot=0 designatedLocation
    exemptCode=-1 auctionStrategy=0 startingPrice stockRefPrice delta stockRangeLower stockRangeUpper
    displaySize={UNSET_INTEGER} blockOrder=0 sweepToFill=0 allOrNone=0 minQty ocaType=3 eTradeOnly=0
    firmQuoteOnly=0 nbboPriceCap parentId=0 triggerMethod=0 volatility volatilityType=0
    deltaNeutralOrderType=None deltaNeutralAuxPrice deltaNeutralConId=0 = = = deltaNeutralOpenClose=? =0 =0 =
    continuousUpdate=0 referencePriceType=0 trailStopPrice trailingPercent basisPoints basisPointsType
    comboLegsDescription comboLegs=0 orderComboLegs=0 smartComboParams=0 scaleInitLevelSize={UNSET_INTEGER}
    scaleSubsLevelSize={UNSET_INTEGER} scalePriceIncrement hedgeType optOutSmartRouting=0 clearingAccount
    clearingIntent=IB notHeld=0 deltaNeutralContract=0 algoStrategy ?algoParams solicited=0 whatIf=0 status
    initMarginBefore={UNSET_DOUBLE} maintMarginBefore={UNSET_DOUBLE} equityWithLoanBefore={UNSET_DOUBLE}
    initMarginChange={UNSET_DOUBLE} maintMarginChange={UNSET_DOUBLE} equityWithLoanChange={UNSET_DOUBLE}
    initMarginAfter={UNSET_DOUBLE} maintMarginAfter={UNSET_DOUBLE} equityWithLoanAfter={UNSET_DOUBLE}
    commission={UNSET_DOUBLE} minCommission={UNSET_DOUBLE} maxCommission={UNSET_DOUBLE} commissionCurrency
    warningText randomizeSize=0 randomizePrice=0 conditions=0 adjustedOrderType=None triggerPrice={UNSET_DOUBLE}
    trailStopPrice2={UNSET_DOUBLE} lmtPriceOffset={UNSET_DOUBLE} adjustedStopPrice={UNSET_DOUBLE}
    adjustedStopLimitPrice={UNSET_DOUBLE} adjustedTrailingAmount={UNSET_DOUBLE} adjustableTrailingUnit=0
    softDollarName softDollarValue softDollarDisplayName cashQty=0 dontUseAutoPriceForHedge=1 isOmsContainer=0
    discretionaryUpToLimitPrice=0 usePriceMgmtAlgo=0 duration[159..] postToAts[160..] autoCancelParent[162..]=0
    minTradeQty[170..] minCompeteSize[170..] competeAgainstBestOffset[170..] midOffsetAtWhole[170..]
    midOffsetAtHalf[170..]""",
)
OPEN_ORDER_END = Layout(53, "=1")

COMPLETED_ORDER = Layout(
    101,
    f"""conId symbol secType expiry strike=0 right=? multiplier exchange currency localSymbol tradingClass
    action totalQty orderType lmtPrice=0.0 auxPrice=0.0 tif ocaGroup account openClose origin=0 orderRef permId
    outsideRth=0 hidden=0 discretionaryAmt=0 goodAfterTime faGroup faMethod faPercentage faProfile[..176]
    modelCode goodTillDate rule80A percentOffset settlingFirm shortSaleSlot=0 designatedLocation exemptCode=-1
    startingPrice stockRefPrice delta stockRangeLower stockRangeUpper displaySize={UNSET_INTEGER} sweepToFill=0
    allOrNone=0 minQty ocaType=3 triggerMethod=0 volatility volatilityType=0 deltaNeutralOrderType=None
    deltaNeutralAuxPrice deltaNeutralConId=0 deltaNeutralShortSale=0 deltaNeutralShortSaleSlot=0
    deltaNeutralDesignatedLocation continuousUpdate=0 referencePriceType=0 trailStopPrice trailingPercent
    comboLegsDescription comboLegs=0 orderComboLegs=0 smartComboParams=0 scaleInitLevelSize={UNSET_INTEGER}
    scaleSubsLevelSize={UNSET_INTEGER} scalePriceIncrement hedgeType clearingAccount clearingIntent=IB notHeld=0
    deltaNeutralContract=0 algoStrategy ?algoParams solicited=0 status randomizeSize=0 randomizePrice=0 conditions=0
    trailStopPrice2={UNSET_DOUBLE} lmtPriceOffset={UNSET_DOUBLE} cashQty=0 dontUseAutoPriceForHedge=1
    isOmsContainer=0 autoCancelDate filledQuantity refFuturesConId=0 autoCancelParent=0 shareholder imbalanceOnly=0
    routeMarketableToBbo=0 parentPermId={UNSET_LONG} completedTime completedStatus minTradeQty[170..]
    minCompeteSize[170..] competeAgainstBestOffset[170..] midOffsetAtWhole[170..] midOffsetAtHalf[170..]""",
)
COMPLETED_ORDERS_END = Layout(102, "")

EXEC_DETAILS = Layout(
    11,
    """reqId=-1 orderId conId symbol secType expiry strike=0 right multiplier exchange currency localSymbol
    tradingClass execId time account executionExchange side shares price permId clientId liquidation=0 cumQty
    avgPrice orderRef evRule evMultiplier=0 modelCode lastLiquidity=2 pendingPriceRevision[178..]=0""",
)
EXEC_DETAILS_END = Layout(55, "=1 reqId")
ORDER_BOUND = Layout(100, "permId clientId orderId")
COMMISSION_REPORT = Layout(
    59, f"=1 execId commission currency realizedPNL={UNSET_DOUBLE} yield={UNSET_DOUBLE} yieldRedemptionDate=0"
)

POSITION = Layout(
    61,
    """=3 account conId symbol secType expiry strike=0.0 right multiplier exchange currency localSymbol tradingClass
    position avgCost""",
)
POSITION_END = Layout(62, "=1")
POSITION_MULTI = Layout(
    71,
    """=1 reqId account conId symbol secType expiry strike=0.0 right multiplier exchange currency localSymbol
    tradingClass position avgCost modelCode""",
)
POSITION_MULTI_END = Layout(72, "=1 reqId")
ACCOUNT_SUMMARY = Layout(63, "=1 reqId account tag value currency")
ACCOUNT_SUMMARY_END = Layout(64, "=1 reqId")
ACCOUNT_VALUE = Layout(6, "=2 key value currency account")
ACCOUNT_TIME = Layout(8, "=1 time")
PORTFOLIO = Layout(
    7,
    """=8 conId symbol secType expiry strike=0.0 right multiplier primaryExchange currency localSymbol tradingClass
    position marketPrice marketValue avgCost unrealizedPNL realizedPNL account""",
)
ACCOUNT_DOWNLOAD_END = Layout(54, "=1 account")
ACCOUNT_UPDATE_MULTI = Layout(73, "=1 reqId account modelCode key value currency")
ACCOUNT_UPDATE_MULTI_END = Layout(74, "=1 reqId")
PNL = Layout(94, "reqId daily unrealized realized")
PNL_SINGLE = Layout(95, "reqId position daily unrealized realized value")

SCANNER_PARAMETERS = Layout(19, "=1 xml")
DISPLAY_GROUP_UPDATED = Layout(68, "=1 reqId contract=none")
DISPLAY_GROUPS = Layout(67, "=1 reqId groups")
SOFT_DOLLAR_TIERS = Layout(77, "reqId *tiers")
FAMILY_CODES = Layout(78, "*codes")
MARKET_DEPTH_EXCHANGES = Layout(80, "*exchanges")
SMART_COMPONENTS = Layout(82, "reqId *components")
NEWS_PROVIDERS = Layout(85, "*providers")
HISTOGRAM = Layout(89, "reqId *bars")
