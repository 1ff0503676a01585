"""Requests about the session itself."""

from __future__ import annotations

from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.gateway import Gateway, Handler
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded

_NS = 1_000_000_000


def ids(gateway: Gateway, client: ClientConnection, _request: Decoded) -> None:
    client.reply(replies.NEXT_VALID_ID, orderId=gateway.ids.next_order_id(client.client_id))


def current_time(gateway: Gateway, client: ClientConnection, _request: Decoded) -> None:
    client.reply(replies.CURRENT_TIME, time=gateway.clock.now_ns() // _NS)


def managed_accounts(gateway: Gateway, client: ClientConnection, _request: Decoded) -> None:
    client.reply(replies.MANAGED_ACCOUNTS, accounts=gateway.account_id)


def user_info(_gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    client.reply(replies.USER_INFO, reqId=request.request_id)


def nothing_to_say(_gateway: Gateway, _client: ClientConnection, _request: Decoded) -> None:
    """Requests a real gateway takes without a word."""


HANDLERS: dict[str, Handler] = {
    "ids": ids,
    "current_time": current_time,
    "managed_accounts": managed_accounts,
    "user_info": user_info,
    "nothing_to_say": nothing_to_say,
    # News bulletins: subscribed, and none ever come.
    "news_bulletins": nothing_to_say,
    # Cancels of requests that were answered at once leave nothing to end.
    "cancel_ignored": nothing_to_say,
}
