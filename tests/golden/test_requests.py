"""Golden requests: what each client's own encoder writes at every version, our decoder gives back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.golden.clients import VERSIONS, Speaker
from tests.golden.values import same, strategy

from algo_trade.gateway_sim.wire.decode import decode
from algo_trade.gateway_sim.wire.framing import split_fields

# Clients check that what they send is printable.
NAMES = st.text(alphabet="ABCDEFXYZ .:-019", max_size=8)

CONTRACT = {
    "conId": "conId",
    "symbol": "symbol",
    "exchange": "exchange",
    "primaryExchange": "primaryExchange",
    "currency": "currency",
    "localSymbol": "localSymbol",
    "tradingClass": "tradingClass",
}
NUMERIC = frozenset(["conId", "_id", "rows", "count", "parentId", "displaySize"])
_FLAGS = """
    snapshot regulatorySnapshot useRth isSmart ignoreSize apiOnly subscribe bind outsideRth hidden
    blockOrder sweepToFill transmit allOrNone optOutSmartRouting notHeld whatIf solicited randomizeSize
    randomizePrice isOmsContainer dontUseAutoPriceForHedge autoCancelParent keepUpToDate ledgerAndNlv
"""
FLAGS = frozenset(_FLAGS.split())
# Each client's method, our request's name, and its arguments in their order by the names of our fields.
REQUESTS = {
    "reqMktData": ("market_data", "_id @contract genericTicks snapshot regulatorySnapshot @none"),
    "cancelMktData": ("cancel_market_data", "_id"),
    "reqMarketDataType": ("market_data_type", "type"),
    "reqTickByTickData": ("tick_by_tick", "_id @contract kind count ignoreSize"),
    "cancelTickByTickData": ("cancel_tick_by_tick", "_id"),
    "reqMktDepth": ("market_depth", "_id @contract rows isSmart @none"),
    "reqHistoricalData": (
        "historical_data",
        "_id @contract end duration barSize what @one @one keepUpToDate @none",
    ),
    "cancelHistoricalData": ("cancel_historical", "_id"),
    "reqHeadTimeStamp": ("head_timestamp", "_id @contract what @one @one"),
    "reqRealTimeBars": ("realtime_bars", "_id @contract barSize what useRth @none"),
    "cancelRealTimeBars": ("cancel_realtime_bars", "_id"),
    "reqContractDetails": ("contract_details", "_id @contract"),
    "reqMatchingSymbols": ("matching_symbols", "_id pattern"),
    "reqMarketRule": ("market_rule", "ruleId"),
    "reqSecDefOptParams": ("option_parameters", "_id symbol exchange secType conId"),
    "reqAccountSummary": ("account_summary", "_id group tags"),
    "cancelAccountSummary": ("cancel_account_summary", "_id"),
    "reqAccountUpdates": ("account_updates", "subscribe account"),
    "reqAccountUpdatesMulti": ("account_updates_multi", "_id account modelCode ledgerAndNlv"),
    "reqPositions": ("positions", ""),
    "cancelPositions": ("cancel_positions", ""),
    "reqPositionsMulti": ("positions_multi", "_id account modelCode"),
    "reqPnL": ("pnl", "_id account modelCode"),
    "reqPnLSingle": ("pnl_single", "_id account modelCode conId"),
    "reqOpenOrders": ("open_orders", ""),
    "reqAllOpenOrders": ("all_open_orders", ""),
    "reqAutoOpenOrders": ("auto_open_orders", "bind"),
    "reqCompletedOrders": ("completed_orders", "apiOnly"),
    "reqIds": ("ids", "count"),
    "reqManagedAccts": ("managed_accounts", ""),
    "reqCurrentTime": ("current_time", ""),
    "reqNewsProviders": ("news_providers", ""),
    "reqFamilyCodes": ("family_codes", ""),
    "reqScannerParameters": ("scanner_parameters", ""),
    "reqMktDepthExchanges": ("market_depth_exchanges", ""),
    "reqSmartComponents": ("smart_components", "_id exchange"),
    "replaceFA": ("advisor_data", "_id type xml"),
    "cancelOrder": ("cancel_order", "_id @none"),
    "reqGlobalCancel": ("global_cancel", "@none"),
}
# Attributes of an order by our field's name, each with the first version that has it.
_ORDER = """
    action:: totalQty:totalQuantity: orderType:: lmtPrice:: auxPrice:: tif:: ocaGroup:: account::
    orderRef:: transmit:: parentId:: blockOrder:: sweepToFill:: displaySize:: outsideRth::
    hidden:: goodAfterTime:: goodTillDate:: faGroup:: faMethod:: faPercentage:: modelCode:: allOrNone::
    minQty:: percentOffset:: trailStopPrice:: trailingPercent:: optOutSmartRouting:: clearingAccount::
    clearingIntent:: notHeld:: whatIf:: solicited:: randomizeSize:: randomizePrice:: adjustedOrderType::
    lmtPriceOffset:: adjustedStopPrice:: adjustedStopLimitPrice:: adjustedTrailingAmount:: extOperator::
    cashQty:: isOmsContainer:: duration::159 postToAts::160 autoCancelParent::162
    advancedErrorOverride::166 manualOrderTime::169 minTradeQty::170 minCompeteSize::170
    competeAgainstBestOffset::170 midOffsetAtWhole::170 midOffsetAtHalf::170
"""
ORDER = {
    name: (attribute or name, int(since or 157))
    for name, attribute, since in (word.split(":") for word in _ORDER.split())
}
# Fields that are there only for some orders.
ONLY_FOR = {
    "minTradeQty": {"IBKRATS"},
    "minCompeteSize": {"PEG BEST"},
    "competeAgainstBestOffset": {"PEG BEST"},
    "midOffsetAtWhole": {"PEG MID"},
    "midOffsetAtHalf": {"PEG MID"},
}
WHOLE = frozenset(
    [
        "totalQty",
        "parentId",
        "displaySize",
        "minQty",
        "duration",
        "postToAts",
        "minTradeQty",
        "minCompeteSize",
    ]
)
PHASES = (Phase.generate, Phase.shrink)


def value_of(name: str) -> st.SearchStrategy[Any]:
    """What a user gives for a field of ours, in the type clients want it."""
    if name in FLAGS:
        return st.booleans()
    if name in NUMERIC or name in {"type", "ruleId"} or name in WHOLE:
        return st.integers(1, 2**31 - 2)
    if name in {"action", "orderType"}:
        return strategy(name)
    if name.endswith(("Price", "Offset", "Percent", "Amount", "AtWhole", "AtHalf")) or name == "cashQty":
        return st.integers(1, 10**9).map(lambda e4: e4 / 10_000)
    return NAMES


CONTRACTS = st.fixed_dictionaries(
    {"class": st.just("Contract"), "secType": st.just("STK"), **{name: value_of(name) for name in CONTRACT}}
)


def as_sent(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def arguments_of(words: str) -> st.SearchStrategy[list[Any]]:
    special = {"@contract": CONTRACTS, "@none": st.just(""), "@one": st.just(1)}
    return st.tuples(*(special[word] if word in special else value_of(word) for word in words.split())).map(
        list
    )


@pytest.mark.parametrize("method", REQUESTS)
def test_each_clients_request_is_read_as_it_was_meant(speaker: Speaker, method: str) -> None:
    """At every version it can negotiate."""
    name, words = REQUESTS[method]
    versions = VERSIONS[speaker.client]

    @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
    @given(arguments_of(words))
    def run(arguments: list[Any]) -> None:
        jobs = [{"version": v, "method": method, "arguments": arguments} for v in versions]
        for version, answer in zip(versions, speaker.ask(jobs), strict=True):
            assert "failure" not in answer, answer["failure"]
            got = decode(split_fields(bytes.fromhex(answer["payload"])), version)
            assert got.name == name
            for word, argument in zip(words.split(), arguments, strict=True):
                if word == "@contract":
                    assert all(same(got.text(ours), argument[ours]) for ours in CONTRACT)
                elif not word.startswith("@"):
                    assert got.text(word) == as_sent(argument), word

    run()


@pytest.mark.parametrize("kind", ["LMT", "PEG BEST", "PEG MID", "IBKRATS"])
def test_each_clients_order_is_read_as_it_was_meant(speaker: Speaker, kind: str) -> None:
    """Every attribute, at every version that has it, to the last field."""
    versions = VERSIONS[speaker.client]
    drawn = {name: value_of(name) for name in ORDER if kind in ONLY_FOR.get(name, {kind})}
    if kind != "IBKRATS":
        drawn["orderType"] = st.just(kind)

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
    @given(CONTRACTS, st.fixed_dictionaries(drawn))
    def run(contract: dict[str, Any], order: dict[str, Any]) -> None:
        contract = contract | {"exchange": "IBKRATS" if kind == "IBKRATS" else "SMART"}
        jobs = []
        for version in versions:
            known = {ORDER[name][0]: value for name, value in order.items() if ORDER[name][1] <= version}
            placed = {"class": "Order", **known}
            jobs.append({"version": version, "method": "placeOrder", "arguments": [7, contract, placed]})
        for version, answer in zip(versions, speaker.ask(jobs), strict=True):
            assert "failure" not in answer, answer["failure"]
            fields = split_fields(bytes.fromhex(answer["payload"]))
            got = decode(fields, version)
            assert got.request_id == 7
            for name, value in order.items():
                if ORDER[name][1] <= version:
                    assert same(got.text(name), as_sent(value)) or same(as_sent(value), got.text(name)), name
            standing = [place for place in got.places.values() if place < len(fields)]
            assert max(standing) == len(fields) - 1, "fields are left unread"

    run()
