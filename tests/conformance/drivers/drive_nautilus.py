"""A live node of NautilusTrader with its own Interactive Brokers adapter, and what its strategy saw as JSON lines.

Usage: drive_nautilus.py PORT PLAN.json trade|resume; it has its own orders, not the plan's. Imports nothing of ours.
"""

import asyncio
import json
import os
import sys
from datetime import timedelta
from decimal import Decimal

from nautilus_trader.adapters.interactive_brokers.common import IB
from nautilus_trader.adapters.interactive_brokers.config import (
    InteractiveBrokersDataClientConfig,
    InteractiveBrokersExecClientConfig,
    InteractiveBrokersInstrumentProviderConfig,
)
from nautilus_trader.adapters.interactive_brokers.factories import (
    InteractiveBrokersLiveDataClientFactory,
    InteractiveBrokersLiveExecClientFactory,
)
from nautilus_trader.config import LiveExecEngineConfig, LoggingConfig, RoutingConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import OrderSide, OrderType, TimeInForce, TrailingOffsetType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

AAPL = InstrumentId.from_str("AAPL.NASDAQ")
SPY = InstrumentId.from_str("SPY.ARCA")
LIVE_BARS = BarType.from_str("AAPL.NASDAQ-5-SECOND-LAST-EXTERNAL")
KEPT_BARS = BarType.from_str("SPY.ARCA-1-MINUTE-LAST-EXTERNAL")
PAST_BARS = BarType.from_str("SPY.ARCA-1-HOUR-LAST-EXTERNAL")


def tell(about, **what):
    print(json.dumps({"about": about, **what}), flush=True)


async def until(what, name, seconds=30):
    try:
        async with asyncio.timeout(seconds):
            while not what():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise SystemExit(f"waited in vain for {name}") from None


class Cable:
    """What lies between the node and the gateway, and can be cut."""

    def __init__(self, port):
        self.port, self.open = port, []

    async def start(self):
        server = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        return server.sockets[0].getsockname()[1]

    async def carry(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.open += [writer, far_writer]
        await asyncio.gather(self.copy(reader, far_writer), self.copy(far_reader, writer))

    async def copy(self, reader, writer):
        try:
            while data := await reader.read(4000):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    def cut(self):
        for writer in self.open:
            writer.transport.abort()
        self.open.clear()


class Watcher(Strategy):
    """Notes everything it is told."""

    def __init__(self):
        super().__init__()
        self.quotes, self.trades, self.bars, self.kept, self.past = [], [], [], [], []
        self.events, self.moves = {}, []

    def on_start(self):
        self.subscribe_quote_ticks(AAPL)
        self.subscribe_trade_ticks(AAPL)
        self.subscribe_bars(LIVE_BARS)
        self.subscribe_bars(KEPT_BARS)

    def on_quote_tick(self, tick):
        self.quotes.append(tick)

    def on_trade_tick(self, tick):
        self.trades.append(tick)

    def on_bar(self, bar):
        (self.bars if bar.bar_type == LIVE_BARS else self.kept).append(bar)

    def on_historical_data(self, data):
        self.past.append(data)

    def on_order_event(self, event):
        self.events.setdefault(event.client_order_id, []).append(event)

    def on_position_event(self, event):
        self.moves.append([type(event).__name__, str(event.signed_qty), event.instrument_id.value])


def node_of(port, watcher):
    provider = InteractiveBrokersInstrumentProviderConfig(load_ids=frozenset({AAPL.value, SPY.value}))
    node = TradingNode(
        config=TradingNodeConfig(
            trader_id="TESTER-001",
            logging=LoggingConfig(log_level="WARNING", log_colors=False),
            data_clients={
                IB: InteractiveBrokersDataClientConfig(
                    ibg_port=port,
                    ibg_client_id=21,
                    use_regular_trading_hours=False,
                    instrument_provider=provider,
                )
            },
            exec_clients={
                IB: InteractiveBrokersExecClientConfig(
                    ibg_port=port,
                    ibg_client_id=21,
                    account_id="DSIM001",
                    instrument_provider=provider,
                    routing=RoutingConfig(default=True),
                )
            },
            exec_engine=LiveExecEngineConfig(reconciliation=True, reconciliation_startup_delay_secs=0.0),
            timeout_connection=30.0,
            timeout_reconciliation=20.0,
            timeout_disconnection=5.0,
            timeout_post_stop=1.0,
        )
    )
    node.trader.add_strategy(watcher)
    node.add_data_client_factory(IB, InteractiveBrokersLiveDataClientFactory)
    node.add_exec_client_factory(IB, InteractiveBrokersLiveExecClientFactory)
    node.build()
    return node


def names(watcher, order):
    """The events of an order, repeats of the same kind as one."""
    seen = [
        type(event).__name__.removeprefix("Order") for event in watcher.events.get(order.client_order_id, [])
    ]
    return [name for at, name in enumerate(seen) if at == 0 or name != seen[at - 1]]


def held(node):
    return {str(each.instrument_id): str(each.signed_decimal_qty()) for each in node.cache.positions_open()}


def orders_of(watcher, instrument):
    """The order types and times in force a strategy asks for: name, order."""
    make, qty, price = watcher.order_factory, instrument.make_qty, instrument.make_price
    buy, sell = OrderSide.BUY, OrderSide.SELL
    high, low = price(510), price(490)
    ahead = watcher.clock.utc_now() + timedelta(hours=1)
    yield "MKT DAY", make.market(AAPL, buy, qty(100), time_in_force=TimeInForce.DAY)
    yield "LMT DAY", make.limit(AAPL, buy, qty(100), high, time_in_force=TimeInForce.DAY)
    yield "LMT GTC resting", make.limit(AAPL, buy, qty(100), low)
    yield "LMT IOC", make.limit(AAPL, buy, qty(100), low, time_in_force=TimeInForce.IOC)
    yield "LMT IOC partial", make.limit(AAPL, buy, qty(400), high, time_in_force=TimeInForce.IOC)
    yield "LMT FOK", make.limit(AAPL, sell, qty(100), low, time_in_force=TimeInForce.FOK)
    yield "LMT FOK killed", make.limit(AAPL, buy, qty(400), high, time_in_force=TimeInForce.FOK)
    yield (
        "LMT GTD resting",
        make.limit(AAPL, buy, qty(100), low, time_in_force=TimeInForce.GTD, expire_time=ahead),
    )
    yield "STP waiting", make.stop_market(AAPL, buy, qty(100), high, time_in_force=TimeInForce.DAY)
    yield "STP triggered", make.stop_market(AAPL, sell, qty(100), high, time_in_force=TimeInForce.GTC)
    yield (
        "STP LMT waiting",
        make.stop_limit(AAPL, sell, qty(100), price(489), low, time_in_force=TimeInForce.DAY),
    )
    yield "STP LMT triggered", make.stop_limit(AAPL, buy, qty(100), high, low, time_in_force=TimeInForce.DAY)
    yield (
        "TRAIL waiting",
        make.trailing_stop_market(
            AAPL, sell, qty(100), trailing_offset=Decimal(5), trailing_offset_type=TrailingOffsetType.PRICE,
            trigger_price=low, time_in_force=TimeInForce.DAY,
        ),
    )  # fmt: skip
    yield "MOC waiting", make.market(AAPL, buy, qty(100), time_in_force=TimeInForce.AT_THE_CLOSE)
    yield "LOC waiting", make.limit(AAPL, buy, qty(100), high, time_in_force=TimeInForce.AT_THE_CLOSE)
    yield "too large", make.market(AAPL, buy, qty(900000), time_in_force=TimeInForce.DAY)


async def settle(watcher, order, name):
    """Until the order's last event, which for one that rests is its cancel."""
    if name.endswith(("resting", "waiting")):
        await until(lambda: order.is_open and "Accepted" in names(watcher, order), name)
        watcher.cancel_order(order)
    if name.endswith(
        "partial"
    ):  # its fill is told at its commission, which is later than the cancel and opens it again
        await until(lambda: order.filled_qty > 0 and "Canceled" in names(watcher, order), name)
    else:
        await until(lambda: order.is_closed, name)


async def table(watcher, instrument):
    for name, order in orders_of(watcher, instrument):
        watcher.submit_order(order)
        await settle(watcher, order, name)
        tell(
            "order",
            name=name,
            events=names(watcher, order),
            filled=str(order.filled_qty),
            status=order.status_string(),
        )


async def changes(watcher, instrument):
    order = watcher.order_factory.limit(
        AAPL,
        OrderSide.BUY,
        instrument.make_qty(100),
        instrument.make_price(490),
        time_in_force=TimeInForce.DAY,
    )
    watcher.submit_order(order)
    await until(lambda: order.is_open, "modify: accepted")
    watcher.modify_order(order, quantity=instrument.make_qty(200), price=instrument.make_price(491))
    await until(lambda: order.price == instrument.make_price(491), "modify: updated")
    tell("modify", price=str(order.price), quantity=str(order.quantity), events=names(watcher, order))
    watcher.modify_order(order, price=instrument.make_price(510))
    await until(lambda: order.is_closed, "modify: filled")
    tell(
        "modified to fill",
        filled=str(order.filled_qty),
        fills=len(order.trade_ids),
        events=names(watcher, order),
    )


async def bracket(watcher, instrument):
    orders = watcher.order_factory.bracket(
        AAPL,
        OrderSide.BUY,
        instrument.make_qty(100),
        entry_price=instrument.make_price(510),
        entry_order_type=OrderType.LIMIT,
        tp_price=instrument.make_price(520),
        tp_post_only=False,
        sl_trigger_price=instrument.make_price(480),
        time_in_force=TimeInForce.DAY,
    )
    entry, stop, profit = orders.orders
    watcher.submit_order_list(orders)
    await until(lambda: entry.is_closed and stop.is_open and profit.is_open, "bracket entered")
    watcher.modify_order(profit, price=instrument.make_price(490))
    await until(lambda: stop.is_closed and profit.is_closed, "bracket left")
    tell("bracket", entry=entry.status_string(), stop=stop.status_string(), profit=profit.status_string())


async def main(port, what):
    cable, watcher = Cable(port), Watcher()
    node = node_of(await cable.start(), watcher)
    running = asyncio.ensure_future(node.run_async())  # noqa: F841, RUF006
    await until(lambda: watcher.is_running, "the start", 60)
    await (trade if what == "trade" else resume)(node, watcher, cable)
    tell("end")
    os._exit(0)  # a node that stops takes its time, and nothing of it is asked here


async def data(node, watcher):
    instrument = node.cache.instrument(AAPL)
    tell(
        "instrument", tick=str(instrument.price_increment), lot=str(instrument.lot_size), isin=instrument.isin
    )
    [account] = node.cache.accounts()
    tell("account", id=str(account.id), total=str(account.balance_total(account.currencies()[0])))
    await until(lambda: len(watcher.quotes) > 9 and len(watcher.trades) > 2, "quotes and trades")
    tell(
        "quotes",
        bids=sorted({str(each.bid_price) for each in watcher.quotes}),
        sizes=sorted({str(each.ask_size) for each in watcher.quotes}),
    )
    tell("trades", prices=sorted({str(each.price) for each in watcher.trades}))
    await until(lambda: len(watcher.bars) > 0, "5 s bars")
    bar = watcher.bars[-1]
    tell("live bars", close=str(bar.close), step_ns=bar.ts_event % 5_000_000_000)
    ended = []
    watcher.request_bars(
        PAST_BARS, start=watcher.clock.utc_now() - timedelta(days=3), callback=lambda each: ended.append(each)
    )
    await until(lambda: ended, "historical bars")
    tell("past bars", count=len(watcher.past))


async def trade(node, watcher, cable):
    await data(node, watcher)
    instrument = node.cache.instrument(AAPL)
    await table(watcher, instrument)
    await changes(watcher, instrument)
    await bracket(watcher, instrument)
    tell("positions", held=held(node), kinds=sorted({kind for kind, *_ in watcher.moves}))
    resting = watcher.order_factory.limit(
        AAPL, OrderSide.BUY, instrument.make_qty(100), instrument.make_price(490)
    )
    watcher.submit_order(resting)
    await until(lambda: resting.is_open, "an order before the cut")
    cable.cut()
    before = len(watcher.quotes)
    await until(lambda: len(watcher.quotes) > before + 50, "quotes after the cut", 60)
    watcher.cancel_order(resting)
    await until(lambda: resting.is_closed, "the cancel after the cut")
    after = watcher.order_factory.market(
        AAPL, OrderSide.SELL, instrument.make_qty(100), time_in_force=TimeInForce.DAY
    )
    watcher.submit_order(after)
    await until(lambda: after.is_closed, "an order after the cut")
    tell("reconnect", resting=resting.status_string(), after=after.status_string(), held=held(node))
    left = watcher.order_factory.limit(
        AAPL, OrderSide.BUY, instrument.make_qty(100), instrument.make_price(490)
    )
    watcher.submit_order(left)
    await until(lambda: left.is_open, "the order left behind")
    tell("left", held=held(node), order=left.client_order_id.value)


async def resume(node, watcher, cable):
    tell(
        "resumed",
        held=held(node),
        orders=[[each.client_order_id.value, each.status_string()] for each in node.cache.orders_open()],
    )


loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
loop.run_until_complete(main(int(sys.argv[1]), sys.argv[3]))
