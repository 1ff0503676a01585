"""What a session listens to: the quotes of its symbols, and the bars its strategy asked for beside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from algo_trade.bus import Bus
from algo_trade.clock import Clock
from algo_trade.contracts import BarDuration, SessionEventKind, Severity
from algo_trade.data_plane import HistoricalProducer
from algo_trade.ibkr.market_client import IBKRMarketClient, Source
from algo_trade.session.log import SessionLog
from algo_trade.session.plan import SessionPlan
from algo_trade.strategy_plane import Feeds, Quotes, StrategyRefused

_SOURCES = {Quotes.TICK_BY_TICK: Source.TICK_BY_TICK, Quotes.TOP_OF_BOOK: Source.TOP_OF_BOOK}


class BarFeed(Protocol):
    """Where bars come from: BarEvents on market_events, each when it has closed, once and in order."""

    async def start(self, symbol: str, sizes: Iterable[str], history_duration: str) -> None:
        """Bars of a symbol from now on, those of `history_duration` (an IBKR duration) first."""
        ...

    async def run(self) -> None:
        """Publish what closes, until cancelled."""
        ...


class HistoricalBars:
    """Bars that had closed when the session started. What cannot be had is told, not taken for none."""

    def __init__(self, bus: Bus, clock: Clock, market: IBKRMarketClient, log: SessionLog) -> None:
        self._producer = HistoricalProducer(bus, clock, market)
        self._log = log

    async def start(self, symbol: str, sizes: Iterable[str], history_duration: str) -> None:
        for size in sizes:
            made = await self._producer.backfill(symbol, size=BarDuration(size), duration=history_duration)
            if made.unknown is not None:
                self._log(
                    SessionEventKind.DATA_QUALITY,
                    f"{symbol}: no bars of {size} for {history_duration}: {made.unknown}",
                    severity=Severity.WARNING,
                    symbol=symbol,
                )

    async def run(self) -> None:
        """Nothing is published after the start."""


def wanted_bars(plan: SessionPlan, feeds: Feeds) -> tuple[BarDuration, ...]:
    """The sizes the strategy asked for, and those the settings want recorded beside them."""
    recorded = tuple(BarDuration(size) for size in plan.settings.market_data.bar_sizes)
    return tuple(dict.fromkeys((*feeds.bars, *recorded)))


async def listen(plan: SessionPlan, feeds: Feeds, market: IBKRMarketClient, bars: BarFeed | None) -> None:
    """Quotes of every symbol first, because the risk checks need them; then bars. Raises IBKRError, StrategyRefused."""
    if feeds.trades:
        raise StrategyRefused(
            f"strategy {plan.strategy.name} asks for trades, and no session subscribes to them yet"
        )
    for symbol in plan.symbols:
        await market.subscribe_rt(symbol, source=_SOURCES[feeds.quotes])
    if bars is not None:
        history = feeds.history or plan.settings.market_data.history
        for symbol in plan.symbols:
            await bars.start(symbol, wanted_bars(plan, feeds), history)
