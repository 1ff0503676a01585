"""Requests about the account."""

from __future__ import annotations

from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.gateway import Gateway, Handler
from algo_trade.gateway_sim.prices import refuse
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.values import clean


def _check_account(gateway: Gateway, request: Decoded) -> None:
    account = request.text("account")
    if account not in {"", "All", gateway.account_id}:
        raise refuse(f"Invalid account code '{clean(account)}'")


def account_updates(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    _check_account(gateway, request)
    feeds = gateway.subscriptions(client)
    feeds.account_updates = request.flag("subscribe")
    if feeds.account_updates:
        gateway.account_feed.send_values(client)
        client.reply(replies.ACCOUNT_DOWNLOAD_END, account=gateway.account_id)


def account_summary(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    if request.text("group") not in {"", "All", gateway.account_id}:
        raise refuse(f"Invalid account group '{clean(request.text('group'))}'")
    tags = tuple(tag.strip() for tag in request.text("tags").split(",") if tag.strip())
    gateway.subscriptions(client).add_summary(request.request_id, tags)
    gateway.account_feed.send_summary(client, request.request_id, tags)
    client.reply(replies.ACCOUNT_SUMMARY_END, reqId=request.request_id)


def cancel_account_summary(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    gateway.subscriptions(client).summaries.pop(request.request_id, None)


def account_updates_multi(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    _check_account(gateway, request)
    gateway.subscriptions(client).check_feed(request.request_id)
    model, only_ledger = request.text("modelCode"), request.flag("ledgerAndNlv")
    gateway.subscriptions(client).account_updates_multi[request.request_id] = (model, only_ledger)
    gateway.account_feed.send_multi(client, request.request_id, model, only_ledger=only_ledger)
    client.reply(replies.ACCOUNT_UPDATE_MULTI_END, reqId=request.request_id)


def positions(gateway: Gateway, client: ClientConnection, _request: Decoded) -> None:
    gateway.subscriptions(client).positions = True
    gateway.account_feed.send_positions(client)
    client.reply(replies.POSITION_END)


def cancel_positions(gateway: Gateway, client: ClientConnection, _request: Decoded) -> None:
    gateway.subscriptions(client).positions = False


def positions_multi(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    _check_account(gateway, request)
    gateway.subscriptions(client).check_feed(request.request_id)
    model = request.text("modelCode")
    gateway.subscriptions(client).positions_multi[request.request_id] = model
    gateway.account_feed.send_positions_multi(client, request.request_id, model)
    client.reply(replies.POSITION_MULTI_END, reqId=request.request_id)


def pnl(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    _check_account(gateway, request)
    gateway.subscriptions(client).check_feed(request.request_id)
    gateway.subscriptions(client).pnl.add(request.request_id)
    gateway.account_feed.send_pnl(client, request.request_id)
    gateway.start_pnl()


def pnl_single(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    _check_account(gateway, request)
    gateway.subscriptions(client).check_feed(request.request_id)
    con_id = request.integer("conId") or 0
    if con_id not in gateway.catalogue.by_con_id:
        raise refuse(f"Invalid contract id {con_id}")
    gateway.subscriptions(client).pnl_single[request.request_id] = con_id
    gateway.account_feed.send_pnl_single(client, request.request_id, con_id)
    gateway.start_pnl()


def cancel_subscription(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    gateway.subscriptions(client).cancel(request.request_id)


def family_codes(gateway: Gateway, client: ClientConnection, _request: Decoded) -> None:
    client.reply(replies.FAMILY_CODES, codes=((gateway.account_id, ""),))


HANDLERS: dict[str, Handler] = {
    "account_updates": account_updates,
    "account_summary": account_summary,
    "cancel_account_summary": cancel_account_summary,
    "account_updates_multi": account_updates_multi,
    "positions": positions,
    "cancel_positions": cancel_positions,
    "positions_multi": positions_multi,
    "pnl": pnl,
    "pnl_single": pnl_single,
    "cancel_subscription": cancel_subscription,
    "family_codes": family_codes,
}
