"""Requests about instruments."""

from __future__ import annotations

from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.gateway import Gateway, Handler
from algo_trade.gateway_sim.hours import ZONE
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded

MIN_TICK = "0.01"
MARKET_RULE_ID = 26
_ORDER_TYPES = (
    "ACTIVETIM,AON,DAY,FOK,GTC,GTD,HID,ICE,IOC,LIT,LMT,LOC,MIDPX,MIT,MKT,MOC,STP,STPLMT,TRAIL,TRAILLMT,WHATIF"
)
_ORDER_TYPES_AND_ALGOS = _ORDER_TYPES.replace("ACTIVETIM,", "ACTIVETIM,ALGO,")
_ISSUER_SINCE = 176


def find_or_refuse(gateway: Gateway, request: Decoded) -> Instrument:
    """The instrument a request names; raises RequestError 200 when there is none."""
    instrument = gateway.catalogue.find(request)
    if instrument is None:
        raise RequestError(200, "No security definition has been found for the request")
    return instrument


def contract_details(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    instrument = find_or_refuse(gateway, request)
    hours = gateway.hours.listed(gateway.clock.now_ns())
    venues = f"SMART,{instrument.listing}"
    exchange = request.text("exchange") or "SMART"
    client.reply(
        replies.CONTRACT_DETAILS,
        reqId=request.request_id,
        **instrument.contract(exchange),
        marketName=instrument.trading_class,
        minTick=MIN_TICK,
        orderTypes=_ORDER_TYPES_AND_ALGOS if instrument.algos else _ORDER_TYPES,
        validExchanges=venues,
        longName=instrument.long_name,
        primaryExchange=instrument.listing,
        industry=instrument.industry,
        timeZoneId=ZONE,
        tradingHours=hours,
        liquidHours=hours,
        secIds=(("ISIN", instrument.isin),),
        marketRuleIds=",".join(str(MARKET_RULE_ID) for _ in venues.split(",")),
        stockType=instrument.stock_type,
    )
    client.reply(replies.CONTRACT_DETAILS_END, reqId=request.request_id)


def matching_symbols(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    samples: list[tuple[str, ...]] = []
    for found in gateway.catalogue.matching(request.text("pattern")):
        sample = (str(found.con_id), found.symbol, "STK", found.listing, "USD", "0")
        samples.append((*sample, found.long_name, "") if client.version >= _ISSUER_SINCE else sample)
    client.reply(replies.SYMBOL_SAMPLES, reqId=request.request_id, samples=samples)


def market_rule(_gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    if request.integer("ruleId") != MARKET_RULE_ID:
        raise RequestError(321, "Error validating request.-'bQ' : cause - Invalid market rule id")
    client.reply(replies.MARKET_RULE, ruleId=MARKET_RULE_ID, increments=(("0.0", MIN_TICK),))


def option_parameters(_gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    """No options are listed on anything here: an empty list."""
    client.reply(replies.SEC_DEF_OPT_END, reqId=request.request_id)


HANDLERS: dict[str, Handler] = {
    "contract_details": contract_details,
    "matching_symbols": matching_symbols,
    "market_rule": market_rule,
    "option_parameters": option_parameters,
}
