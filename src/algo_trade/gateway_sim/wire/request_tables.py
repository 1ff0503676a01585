"""Every request a client may send, as tables.

Words are as in `layout`. `_id` marks the field an error about the request is addressed to; a request without one
is answered with id -1. `@contract` stands for the twelve fields of a contract; braces hold fields that are only
there under a condition named in `CONDITIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

CONTRACT = """conId symbol secType lastTrade strike right multiplier exchange primaryExchange currency localSymbol
    tradingClass"""

# Judged by the fields of a request and where each one read so far stands in them.
Condition = Callable[[Sequence[str], Mapping[str, int]], bool]


def _positive(text: str) -> bool:
    if not text:
        return False
    try:
        return 0 < float(text) < 1e300
    except ValueError:
        return False


def _is_pegged_to_best(fields: Sequence[str], at: Mapping[str, int]) -> bool:
    return fields[at["orderType"]] in {"PEG BEST", "PEGBEST"}


def _competes_up_to_mid(fields: Sequence[str], at: Mapping[str, int]) -> bool:
    """An infinite offset says "up to the midpoint"."""
    if not _is_pegged_to_best(fields, at) or "competeAgainstBestOffset" not in at:
        return False
    return fields[at["competeAgainstBestOffset"]].lower() in {"infinity", "inf"}


# Every field a condition looks at.
JUDGED = (
    "deltaNeutralOrderType", "scalePriceIncrement", "hedgeType", "deltaNeutralContract", "algoStrategy", "orderType",
    "exchange", "competeAgainstBestOffset",
)  # fmt: skip

# Whether the fields in braces follow.
CONDITIONS: dict[str, Condition] = {
    "deltaNeutralOrder": lambda fields, at: fields[at["deltaNeutralOrderType"]] != "",
    "scaled": lambda fields, at: _positive(fields[at["scalePriceIncrement"]]),
    "hedged": lambda fields, at: fields[at["hedgeType"]] != "",
    "deltaNeutral": lambda fields, at: fields[at["deltaNeutralContract"]] in {"1", "true"},
    "algo": lambda fields, at: fields[at["algoStrategy"]] != "",
    "peggedToBenchmark": lambda fields, at: fields[at["orderType"]] in {"PEG BENCH", "PEGBENCH"},
    "atIbkrAts": lambda fields, at: fields[at["exchange"]] == "IBKRATS",
    "peggedToBest": lambda fields, at: _is_pegged_to_best(fields, at),
    "offsetFromMid": lambda fields, at: (
        fields[at["orderType"]] in {"PEG MID", "PEGMID"} or _competes_up_to_mid(fields, at)
    ),
}


@dataclass(frozen=True, slots=True)
class Request:
    """One incoming message: what its handler is called and its table."""

    name: str
    table: str


REQUESTS: dict[int, Request] = {
    1: Request(
        "market_data",
        f"v _id {CONTRACT} deltaNeutralContract deltaNeutral{{dnConId dnDelta dnPrice}} genericTicks snapshot"
        " regulatorySnapshot options",
    ),
    2: Request("cancel_market_data", "v _id"),
    3: Request(
        "place_order",
        f"""_id {CONTRACT} secIdType secId action totalQty orderType lmtPrice auxPrice tif ocaGroup account openClose
        origin orderRef transmit parentId blockOrder sweepToFill displaySize triggerMethod outsideRth hidden empty
        discretionaryAmt goodAfterTime goodTillDate faGroup faMethod faPercentage faProfile[..176] modelCode
        shortSaleSlot designatedLocation exemptCode ocaType rule80A settlingFirm allOrNone minQty percentOffset
        eTradeOnly firmQuoteOnly nbboPriceCap auctionStrategy startingPrice stockRefPrice delta stockRangeLower
        stockRangeUpper overridePercentage volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice
        deltaNeutralOrder{{dnConId dnSettlingFirm dnClearingAccount dnClearingIntent dnOpenClose dnShortSale
        dnShortSaleSlot dnLocation}} continuousUpdate referencePriceType trailStopPrice trailingPercent
        scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement scaled{{scaleAdjust scaleInterval scaleOffset
        scaleReset scalePosition scaleFillQty scaleRandom}} scaleTable activeStart activeStop hedgeType
        hedged{{hedgeParam}} optOutSmartRouting clearingAccount clearingIntent notHeld deltaNeutralContract
        deltaNeutral{{dnContract dnDelta dnPrice}} algoStrategy algo{{*algoParams/2}} algoId whatIf miscOptions
        solicited randomizeSize randomizePrice peggedToBenchmark{{pegContract pegDecrease pegAmount pegReference
        pegExchange}} conditions adjustedOrderType triggerPrice lmtPriceOffset adjustedStopPrice
        adjustedStopLimitPrice adjustedTrailingAmount adjustedTrailingUnit extOperator softDollarName
        softDollarValue cashQty decisionMaker decisionAlgo executionTrader executionAlgo
        dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo duration[158..]
        postToAts[160..] autoCancelParent[162..] advancedErrorOverride[166..] manualOrderTime[169..]
        atIbkrAts{{minTradeQty[170..]}} peggedToBest{{minCompeteSize[170..] competeAgainstBestOffset[170..]}}
        offsetFromMid{{midOffsetAtWhole[170..] midOffsetAtHalf[170..]}}""",
    ),
    4: Request("cancel_order", "v _id manualTime[169..]"),
    5: Request("open_orders", "v"),
    6: Request("account_updates", "v subscribe account"),
    7: Request("executions", "v _id clientId account time symbol secType exchange side"),
    8: Request("ids", "v count"),
    9: Request("contract_details", f"v _id {CONTRACT} includeExpired secIdType secId issuerId[176..]"),
    10: Request("market_depth", f"v _id {CONTRACT} rows isSmart options"),
    11: Request("cancel_market_depth", "v _id isSmart"),
    12: Request("news_bulletins", "v all"),
    13: Request("nothing_to_say", "v"),
    14: Request("nothing_to_say", "v level"),
    15: Request("auto_open_orders", "v bind"),
    16: Request("all_open_orders", "v"),
    17: Request("managed_accounts", "v"),
    18: Request("advisor_data", "v type"),
    19: Request("advisor_data", "v type xml _id"),
    20: Request(
        "historical_data",
        f"_id {CONTRACT} includeExpired end barSize duration useRth what format keepUpToDate options",
    ),
    21: Request("not_for_stocks", "v _id"),
    22: Request("scanner", "_id"),
    23: Request("cancel_ignored", "v _id"),
    24: Request("scanner_parameters", "v"),
    25: Request("cancel_historical", "v _id"),
    49: Request("current_time", "v"),
    50: Request("realtime_bars", f"v _id {CONTRACT} barSize what useRth options"),
    51: Request("cancel_realtime_bars", "v _id"),
    52: Request("fundamentals", "v _id"),
    53: Request("cancel_ignored", "v _id"),
    54: Request("not_for_stocks", "v _id"),
    55: Request("not_for_stocks", "v _id"),
    56: Request("cancel_ignored", "v _id"),
    57: Request("cancel_ignored", "v _id"),
    58: Request("global_cancel", "v"),
    59: Request("market_data_type", "v type"),
    61: Request("positions", "v"),
    62: Request("account_summary", "v _id group tags"),
    63: Request("cancel_account_summary", "v _id"),
    64: Request("cancel_positions", "v"),
    65: Request("verification", "v"),
    66: Request("verification", "v"),
    67: Request("display_groups", "v _id"),
    68: Request("display_group_events", "v _id group"),
    69: Request("nothing_to_say", "v _id contract"),
    70: Request("cancel_ignored", "v _id"),
    72: Request("verification", "v"),
    73: Request("verification", "v"),
    74: Request("positions_multi", "v _id account modelCode"),
    75: Request("cancel_subscription", "v _id"),
    76: Request("account_updates_multi", "v _id account modelCode ledgerAndNlv"),
    77: Request("cancel_subscription", "v _id"),
    78: Request("option_parameters", "_id symbol exchange secType conId"),
    79: Request("soft_dollar_tiers", "_id"),
    80: Request("family_codes", ""),
    81: Request("matching_symbols", "_id pattern"),
    82: Request("market_depth_exchanges", ""),
    83: Request("smart_components", "_id exchange"),
    84: Request("news", "_id"),
    85: Request("news_providers", ""),
    86: Request("news", "_id"),
    87: Request("head_timestamp", f"_id {CONTRACT} includeExpired useRth what format"),
    88: Request("histogram", f"_id {CONTRACT} includeExpired useRth period"),
    89: Request("cancel_ignored", "_id"),
    90: Request("cancel_ignored", "_id"),
    91: Request("market_rule", "ruleId"),
    92: Request("pnl", "_id account modelCode"),
    93: Request("cancel_subscription", "_id"),
    94: Request("pnl_single", "_id account modelCode conId"),
    95: Request("cancel_subscription", "_id"),
    96: Request(
        "historical_ticks", f"_id {CONTRACT} includeExpired start end count what useRth ignoreSize options"
    ),
    97: Request("tick_by_tick", f"_id {CONTRACT} kind count ignoreSize"),
    98: Request("cancel_tick_by_tick", "_id"),
    99: Request("completed_orders", "apiOnly"),
    100: Request("corporate_events", "_id"),
    101: Request("cancel_ignored", "_id"),
    102: Request("corporate_events", "_id"),
    103: Request("cancel_ignored", "_id"),
    104: Request("user_info", "_id"),
}
START_API = 71
