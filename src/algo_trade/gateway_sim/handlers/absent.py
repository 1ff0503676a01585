"""Requests for what the simulator does not have: answered as a bare paper account's gateway answers, never silence."""

from __future__ import annotations

from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.gateway import Gateway, Handler
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.layout import Layout, Value


def _always(code: int, text: str) -> Handler:
    def refuse(_gateway: Gateway, _client: ClientConnection, _request: Decoded) -> None:
        raise RequestError(code, text)

    return refuse


def _empty(layout: Layout, **values: Value) -> Handler:
    """A reply without rows; it has the request's id if its table has one."""

    def answer(_gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
        if request.request_id == -1:
            client.reply(layout, **values)
        else:
            client.reply(layout, reqId=request.request_id, **values)

    return answer


HANDLERS: dict[str, Handler] = {
    "scanner": _always(162, "Historical Market Data Service error message:no scanner is simulated"),
    "fundamentals": _always(
        430, "We are sorry, but fundamentals data for the security specified is not available."
    ),
    "news": _always(10276, "News feed is not allowed."),
    "corporate_events": _always(10276, "News feed is not allowed."),
    "advisor_data": _always(
        321, "Error validating request.-'bP' : cause - FA data operations ignored for non FA customers."
    ),
    "not_for_stocks": _always(321, "Error validating request.-'bQ' : cause - options are not simulated"),
    "scanner_parameters": _empty(replies.SCANNER_PARAMETERS, xml="<ScanParameterResponse/>"),
    "verification": _always(
        321,
        "Error validating request.-'bQ' : cause - Intent to authenticate needs to be expressed on connect",
    ),
    "display_group_events": _empty(replies.DISPLAY_GROUP_UPDATED),
    "display_groups": _empty(replies.DISPLAY_GROUPS),
    "soft_dollar_tiers": _empty(replies.SOFT_DOLLAR_TIERS),
    "news_providers": _empty(replies.NEWS_PROVIDERS),
}
