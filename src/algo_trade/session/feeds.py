"""What a session listens to: the quotes of its symbols, and the bars its strategy asked for beside them."""

from __future__ import annotations

from algo_trade.contracts import BarDuration
from algo_trade.data_plane import BarFeed
from algo_trade.ibkr import Source
from algo_trade.ibkr.market_client import IBKRMarketClient
from algo_trade.session.plan import SessionPlan
from algo_trade.strategy_plane import Feeds, Quotes

_SOURCES = {Quotes.TICK_BY_TICK: Source.TICK_BY_TICK, Quotes.TOP_OF_BOOK: Source.TOP_OF_BOOK}


def wanted_bars(plan: SessionPlan, feeds: Feeds) -> tuple[BarDuration, ...]:
    """The sizes the strategy asked for, and those the settings want recorded beside them."""
    recorded = tuple(BarDuration(size) for size in plan.settings.market_data.bar_sizes)
    return tuple(dict.fromkeys((*feeds.bars, *recorded)))


async def listen(plan: SessionPlan, feeds: Feeds, market: IBKRMarketClient, bars: BarFeed | None) -> None:
    """Quotes of every symbol first, because the risk checks need them; then trades and bars. Raises IBKRError."""
    for symbol in plan.symbols:
        await market.subscribe_rt(symbol, source=_SOURCES[feeds.quotes])
    if feeds.trades:
        for symbol in plan.symbols:
            await market.subscribe_trades(symbol)
    if bars is not None:
        history = feeds.history or plan.settings.market_data.history
        for symbol in plan.symbols:
            await bars.start(symbol, wanted_bars(plan, feeds), history)


async def fall_silent(
    plan: SessionPlan, feeds: Feeds, market: IBKRMarketClient, bars: BarFeed | None
) -> None:
    """The other way round. Raises NotConnected."""
    for symbol in plan.symbols:
        if bars is not None:
            await bars.stop(symbol)
        if feeds.trades:
            await market.unsubscribe_trades(symbol)
        await market.unsubscribe_rt(symbol)
