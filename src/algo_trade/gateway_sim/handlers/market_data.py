"""Requests for the top of the book and for its depth."""

from __future__ import annotations

from algo_trade.gateway_sim.bars.sizes import refuse
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.depth import DepthStream
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.gateway import Gateway, Handler
from algo_trade.gateway_sim.generic_ticks import parse_generic_ticks
from algo_trade.gateway_sim.handlers.contracts import BBO_EXCHANGE, MIN_TICK, find_or_refuse
from algo_trade.gateway_sim.top_of_book import TopOfBook, Wanted
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.decode import Decoded

_LIVE, _FROZEN, _DELAYED, _DELAYED_FROZEN = 1, 2, 3, 4
_NOT_SUBSCRIBED = "Requested market data is not subscribed."


def market_data_type(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    """From now on; nothing is said, and what is subscribed already stays what it is."""
    wanted = request.integer("type")
    if wanted not in {_LIVE, _FROZEN, _DELAYED, _DELAYED_FROZEN}:
        raise refuse("Market data type must be 1, 2, 3 or 4.")
    gateway.subscriptions(client).market_data_type = wanted


def market_data(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    """Top of book: a stream, or with the snapshot flag its first ticks and an end mark."""
    instrument = find_or_refuse(gateway, request)
    request_id = request.request_id
    is_snapshot = request.flag("snapshot") or request.flag("regulatorySnapshot")
    generic = parse_generic_ticks(request.text("genericTicks"))
    if is_snapshot and generic:
        raise refuse("Snapshot market data subscription is not applicable to generic ticks")
    feeds = gateway.subscriptions(client)
    if not is_snapshot:
        feeds.check_top(request_id)
    data_type = _data_type(gateway, client, request_id, instrument)
    look = gateway.markets.look if is_snapshot else gateway.markets.subscribe
    look(instrument.con_id)
    broadcast = gateway.broadcast(instrument)
    wanted = Wanted(generic, is_delayed=data_type in {_DELAYED, _DELAYED_FROZEN})
    top = TopOfBook(request_id, client.version, broadcast.market, broadcast.recorder, client.send, wanted)
    client.reply(replies.TICK_REQ_PARAMS, reqId=request_id, minTick=MIN_TICK, bboExchange=BBO_EXCHANGE)
    client.reply(replies.MARKET_DATA_TYPE, reqId=request_id, type=data_type)
    if is_snapshot:
        top.show_all()
        client.reply(replies.TICK_SNAPSHOT_END, reqId=request_id)
    else:
        feeds.add_top(request_id, broadcast, top)


def _data_type(gateway: Gateway, client: ClientConnection, request_id: int, instrument: Instrument) -> int:
    """What the client gets of what it asked for: live data where it may have it, frozen after the close.

    Where the account has no right to live data, the delayed kind, if that was asked for (10167), or RequestError 354.
    """
    asked = gateway.subscriptions(client).market_data_type
    closed = gateway.hours.current(gateway.clock.now_ns()) is None
    if instrument.symbol not in gateway.config.delayed_symbols:
        return _FROZEN if closed and asked in {_FROZEN, _DELAYED_FROZEN} else _LIVE
    if asked not in {_DELAYED, _DELAYED_FROZEN}:
        raise RequestError(
            354,
            f"{_NOT_SUBSCRIBED}Delayed market data is available.{instrument.symbol} {instrument.listing}/TOP/ALL",
        )
    client.error(request_id, 10167, f"{_NOT_SUBSCRIBED} Displaying delayed market data.")
    return _DELAYED_FROZEN if closed and asked == _DELAYED_FROZEN else _DELAYED


def cancel_market_data(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    gateway.subscriptions(client).remove_top(request.request_id)


def market_depth(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    """The levels of the one book there is: by the listing exchange's name when they are wanted smart (13), else 12."""
    instrument = find_or_refuse(gateway, request)
    rows = request.integer("rows") or 0
    if rows < 1:
        raise refuse("The number of rows of market depth must be positive.")
    feeds = gateway.subscriptions(client)
    feeds.check_depth(request.request_id)
    if instrument.symbol in gateway.config.delayed_symbols:
        raise RequestError(354, f"{_NOT_SUBSCRIBED}{instrument.symbol} {instrument.listing}/DEEP/ALL")
    gateway.markets.subscribe(instrument.con_id)
    market_maker = instrument.listing if request.flag("isSmart") else None
    stream = DepthStream(request.request_id, rows, market_maker, client.send)
    feeds.add_depth(request.request_id, gateway.broadcast(instrument), stream)


def cancel_market_depth(gateway: Gateway, client: ClientConnection, request: Decoded) -> None:
    gateway.subscriptions(client).remove_depth(request.request_id)


HANDLERS: dict[str, Handler] = {
    "market_data_type": market_data_type,
    "market_data": market_data,
    "cancel_market_data": cancel_market_data,
    "market_depth": market_depth,
    "cancel_market_depth": cancel_market_depth,
}
