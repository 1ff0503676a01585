"""What a field may hold, drawn by its name, and when two readings of it are the same."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

EASTERN = ZoneInfo("US/Eastern")
# Nothing that a client reads as an escape; the gateway itself sends seven bits in the texts where one would.
PLAIN = st.text(
    alphabet=st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\\"), max_size=12
)
ANY_TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
IDS = st.integers(0, 2**31 - 2).map(str)
WHOLE = st.integers(0, 10**9).map(str)
PRICES = st.integers(1, 10**10).map(lambda e4: f"{e4 // 10_000}.{e4 % 10_000:04d}".rstrip("0") + "0")
MONEY = st.integers(-(10**12), 10**12).map(lambda cents: f"{cents / 100:.2f}")
UNSET_DOUBLE = "1.7976931348623157E308"
# A double that may be unset: by the largest double, as the gateway writes it.
MARGINS = st.one_of(MONEY, st.just(UNSET_DOUBLE))
# A double that may be unset by nothing at all.
OPTIONAL = st.one_of(PRICES, st.just(""))
FLAGS = st.sampled_from(["0", "1"])

_BY_KIND: dict[st.SearchStrategy[str], str] = {
    ANY_TEXT: "orderRef ocaGroup modelCode faGroup clearingAccount settlingFirm",
    IDS: "reqId orderId permId parentId conId underConId refFuturesConId ruleId",
    WHOLE: """mdSizeMultiplier sizeMinTick size sizeBid sizeAsk volume trades filled remaining shares cumQty totalQty
        displaySize filledQuantity clientId
        priceMagnifier evMultiplier aggGroup exemptCode origin minTradeQty minCompeteSize duration postToAts ocaType
        triggerMethod shortSaleSlot minSize sizeIncrement yieldRedemptionDate minQty""",
    PRICES: """
        price priceBid priceAsk lowEdge increment open high low close average avgFillPrice lastFillPrice mktCapPrice
        minTick
        lmtPrice auxPrice
        avgPrice marketPrice avgCost strike""",
    MONEY: "marketValue unrealizedPNL realizedPNL_ daily value_ commission_",
    MARGINS: """initMarginBefore maintMarginBefore equityWithLoanBefore initMarginChange maintMarginChange
        equityWithLoanChange initMarginAfter maintMarginAfter equityWithLoanAfter minCommission maxCommission
        commission realizedPNL unrealized realized yield""",
    OPTIONAL: """percentOffset startingPrice stockRefPrice delta stockRangeLower stockRangeUpper nbboPriceCap
        volatility trailStopPrice trailingPercent lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice
        adjustedTrailingAmount triggerPrice trailStopPrice2 cashQty midOffsetAtWhole midOffsetAtHalf
        competeAgainstBestOffset""",
    FLAGS: """done
        outsideRth hidden blockOrder sweepToFill allOrNone eTradeOnly firmQuoteOnly optOutSmartRouting notHeld
        solicited whatIf randomizeSize randomizePrice dontUseAutoPriceForHedge isOmsContainer autoCancelParent
        usePriceMgmtAlgo imbalanceOnly routeMarketableToBbo pendingPriceRevision""",
    st.integers(1, 20).map(str): "liquidation",
    st.integers(1, 3).map(str): "lastLiquidity",
    st.integers(0, 2).map(str): "auctionStrategy referencePriceType volatilityType",
    st.integers(1, 4).map(str): "type snapshotPermissions code",
    st.integers(1, 9).map(str): "tickType",
    # Of the others the clients show a price without its size.
    st.sampled_from(["1", "2", "4", "66", "67", "68"]): "priced_type",
    st.integers(0, 7).map(str): "attribMask",
    st.integers(0, 1).map(str): "continuousUpdate isSmartDepth side operation position_",
    st.integers(-(10**6), 10**6).map(str): "position",
    st.integers(1, 2**31 - 1).map(str): "time_epoch moment",
    st.sampled_from(["MKT", "LMT", "STP LMT", "TRAIL", "MIDPRICE"]): "orderType",
    st.sampled_from(["BUY", "SELL", "SSHORT"]): "action",
    st.just("4294967297"): "parentPermId",
    st.sampled_from(["", "20261218"]): "lastTrade expiry",
    st.integers(0, 30).map(str): "bitNumber",
    st.sampled_from(["20260413 15:27:04 US/Eastern", "20261102 09:30:00 US/Eastern"]): "exec_time",
}
STRATEGIES = {name: strategy for strategy, names in _BY_KIND.items() for name in names.split()}


def strategy(name: str) -> st.SearchStrategy[str]:
    return STRATEGIES.get(name, PLAIN)


def same(sent: str, seen: Any) -> bool:
    """Whether a client's user sees what was sent: numbers by their value, times to the second, texts exactly."""
    if seen == sent:
        return True
    if sent == "":
        # Unset, as each client writes it.
        return seen in (None, 0, 2147483647, 9223372036854775807, float(UNSET_DOUBLE)) or is_unset_decimal(
            seen
        )
    if isinstance(seen, (bool, int, float)):
        try:
            return float(sent) == float(seen)
        except ValueError:
            return False
    if sent.endswith(" US/Eastern"):
        moment = datetime.fromisoformat(sent.removesuffix(" US/Eastern")).replace(tzinfo=EASTERN)
        return moment == datetime.fromisoformat(str(seen))
    if sent.isdigit() and isinstance(seen, str) and "T" in seen:
        return datetime.fromisoformat(seen).timestamp() == int(sent)
    return is_decimal(sent) and is_decimal(str(seen)) and float(sent) == float(seen)


def is_unset_decimal(seen: Any) -> bool:
    """2^127 - 1 is how the newer `ibapi` writes an unset Decimal."""
    return str(seen) == "170141183460469231731687303715884105727"


def is_decimal(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?(E\+?\d+)?", text, re.IGNORECASE) is not None
