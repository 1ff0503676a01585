"""Requests about instruments."""

from __future__ import annotations

from datetime import date, timedelta

from algo_trade.clock import new_york
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.gateway import Gateway, Handler
from algo_trade.gateway_sim.hours import ZONE
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded

MIN_TICK = "0.01"
MARKET_RULE_ID = 26
# The map from the letters of a quote to exchanges, as a real gateway names it.
BBO_EXCHANGE = "9c0001"
_LETTERS = {"AMEX": "A", "ARCA": "P", "BATS": "Z", "IEX": "V", "NASDAQ": "Q", "NYSE": "N"}
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


def option_parameters(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    """A small fixed answer: three monthly expirations and five strikes. The options themselves do not exist here."""
    instrument = gateway.catalogue.by_con_id.get(request.integer("conId") or 0)
    if instrument is not None and request.text("secType") == "STK" and not request.text("exchange"):
        middle = round(instrument.base_price[0])
        client.reply(
            replies.SEC_DEF_OPT,
            reqId=request.request_id,
            exchange="SMART",
            underlyingConId=instrument.con_id,
            tradingClass=instrument.symbol,
            multiplier=100,
            expirations=[(f"{day:%Y%m%d}",) for day in _monthly_expirations(gateway.clock.now_ns(), 3)],
            strikes=[(f"{max(1, middle + step)}.0",) for step in (-10, -5, 0, 5, 10)],
        )
    client.reply(replies.SEC_DEF_OPT_END, reqId=request.request_id)


def _monthly_expirations(now_ns: int, count: int) -> list[date]:
    """The third Fridays of the next months."""
    today = new_york(now_ns).date()
    months = [today.year * 12 + today.month + more for more in range(count)]
    firsts = [date(number // 12, number % 12 + 1, 1) for number in months]
    return [first + timedelta(days=(4 - first.weekday()) % 7 + 14) for first in firsts]


def _venues(gateway: Gateway) -> list[str]:
    return sorted({instrument.listing for instrument in gateway.catalogue.by_symbol.values()})


def market_depth_exchanges(gateway: Gateway, client: ClientConnection, _request: Decoded) -> None:
    """Where there are books: the exchanges that list something."""
    rows = [(venue, "STK", venue, "Deep", "1") for venue in _venues(gateway)]
    client.reply(replies.MARKET_DEPTH_EXCHANGES, exchanges=rows)


def smart_components(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    if request.text("exchange") != BBO_EXCHANGE:
        raise RequestError(321, "Error validating request.-'bQ' : cause - Invalid BBO exchange")
    rows = [(str(bit), venue, _LETTERS.get(venue, venue[0])) for bit, venue in enumerate(_venues(gateway))]
    client.reply(replies.SMART_COMPONENTS, reqId=request.request_id, components=rows)


HANDLERS: dict[str, Handler] = {
    "contract_details": contract_details,
    "matching_symbols": matching_symbols,
    "market_rule": market_rule,
    "option_parameters": option_parameters,
    "market_depth_exchanges": market_depth_exchanges,
    "smart_components": smart_components,
}
