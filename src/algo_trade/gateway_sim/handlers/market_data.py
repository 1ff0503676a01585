"""Requests for quotes and trades."""

from __future__ import annotations

from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.gateway import Gateway, Handler
from algo_trade.gateway_sim.handlers.contracts import MIN_TICK, find_or_refuse
from algo_trade.gateway_sim.streams import (
    BID_ASK,
    LAST_KINDS,
    MID_POINT,
    LastStream,
    TickStream,
    TopOfBook,
)
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.values import clean

_LIVE = 1
# Of the generic ticks that may be asked for by number only this one is simulated; the others never come.
_RT_VOLUME = "233"


def tick_by_tick(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    instrument = find_or_refuse(gateway, request)
    kind = request.text("kind")
    stream: TickStream | LastStream
    if kind in LAST_KINDS:
        if not gateway.markets.of(instrument).has_trades:
            raise RequestError(
                10189,
                f"Failed to request tick-by-tick data.{instrument.symbol} was recorded without its trades: there are "
                f"no {kind} ticks",
            )
        stream = LastStream(request.request_id, kind, instrument.listing, client.send)
    elif kind in {BID_ASK, MID_POINT}:
        stream = TickStream(request.request_id, kind, client.send)
    else:
        raise RequestError(10189, f"Failed to request tick-by-tick data.No such kind: {clean(kind)}")
    # Refusals come before the market starts: a recorded day must not begin with a request that failed.
    gateway.subscriptions(client).check_ticks(request.request_id)
    gateway.markets.subscribe(instrument.con_id)
    gateway.subscriptions(client).add_ticks(request.request_id, gateway.broadcast(instrument), stream)


def cancel_tick_by_tick(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    gateway.subscriptions(client).remove_ticks(request.request_id)


def market_data(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    """Top of book: a stream, or with the snapshot flag its first ticks and an end mark."""
    instrument = find_or_refuse(gateway, request)
    request_id = request.request_id
    is_snapshot = request.flag("snapshot") or request.flag("regulatorySnapshot")
    feeds = gateway.subscriptions(client)
    if not is_snapshot:
        feeds.check_top(request_id)
    look = gateway.markets.look if is_snapshot else gateway.markets.subscribe
    look(instrument.con_id)
    with_volume = _RT_VOLUME in request.text("genericTicks").replace(" ", "").split(",")
    broadcast = gateway.broadcast(instrument)
    top = TopOfBook(request_id, client.version, broadcast, client.send, with_volume=with_volume)
    client.reply(replies.TICK_REQ_PARAMS, reqId=request_id, minTick=MIN_TICK, bboExchange="9c0001")
    client.reply(replies.MARKET_DATA_TYPE, reqId=request_id, type=_LIVE)
    if is_snapshot:
        top.show_all()
        client.reply(replies.TICK_SNAPSHOT_END, reqId=request_id)
    else:
        feeds.add_top(request_id, broadcast, top)


def cancel_market_data(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    gateway.subscriptions(client).remove_top(request.request_id)


HANDLERS: dict[str, Handler] = {
    "tick_by_tick": tick_by_tick,
    "cancel_tick_by_tick": cancel_tick_by_tick,
    "market_data": market_data,
    "cancel_market_data": cancel_market_data,
}
