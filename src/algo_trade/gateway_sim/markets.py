"""All markets of a simulator: made with it, started when first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from algo_trade.clock import Clock
from algo_trade.gateway_sim.catalogue import Catalogue, Instrument
from algo_trade.gateway_sim.config import SimulatorConfig
from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.quote_stream import SeededQuotes
from algo_trade.gateway_sim.quotes import QuoteSource
from algo_trade.gateway_sim.recorded_quotes import load_recorded_quotes

_MICROS_PER_HALF_E4 = 50

OnStarted = Callable[[SymbolMarket], None]


def load_sources(config: SimulatorConfig, catalogue: Catalogue) -> dict[str, QuoteSource]:
    """Where each symbol's quotes come from; raises QuotesFileError for a bad file."""
    sources: dict[str, QuoteSource] = {}
    for symbol in catalogue.by_symbol:
        recorded = config.quotes.get(symbol)
        if recorded is None:
            sources[symbol] = SeededQuotes(config.seed, symbol)
        else:
            sources[symbol] = load_recorded_quotes(recorded) if isinstance(recorded, Path) else recorded
    return sources


class Markets:
    """Markets by contract id. `on_started` hears of a recorded market's first start, to remember it."""

    def __init__(
        self,
        config: SimulatorConfig,
        catalogue: Catalogue,
        sources: dict[str, QuoteSource],
        *,
        clock: Clock,
        origin_ns: int,
        recorded_origins_ns: dict[str, int],
        on_started: OnStarted,
    ) -> None:
        self._on_started = on_started
        self._by_con_id: dict[int, SymbolMarket] = {}
        for symbol, source in sources.items():
            instrument = catalogue.by_symbol[symbol]
            begun = recorded_origins_ns.get(symbol) if source.waits_for_subscriber else origin_ns
            self._by_con_id[instrument.con_id] = SymbolMarket(
                instrument, source, clock=clock, speed=config.speed, origin_ns=begun
            )

    def __iter__(self) -> Iterator[SymbolMarket]:
        return iter(self._by_con_id.values())

    def of(self, instrument: Instrument) -> SymbolMarket:
        return self._by_con_id[instrument.con_id]

    def look(self, con_id: int) -> SymbolMarket:
        """The market, running if it can run without a subscriber."""
        market = self._by_con_id[con_id]
        if market.origin_ns is not None:
            market.start()
        return market

    def subscribe(self, con_id: int) -> SymbolMarket:
        """The market, running: this is a subscription."""
        market = self._by_con_id[con_id]
        first = market.origin_ns is None
        market.start()
        if first:
            self._on_started(market)
        return market

    def mark_micros(self, con_id: int) -> int:
        """What a share is worth now: the mid, or the close before there is one."""
        return self.look(con_id).mark_e4_twice * _MICROS_PER_HALF_E4

    def stop(self) -> None:
        for market in self._by_con_id.values():
            market.stop()
