"""All markets of a simulator: made with it, started when first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from algo_trade.clock import Clock
from algo_trade.gateway_sim.book_market import FLAT, SeededQuotes
from algo_trade.gateway_sim.catalogue import Catalogue, Instrument
from algo_trade.gateway_sim.config import SimulatorConfig
from algo_trade.gateway_sim.days import market_days
from algo_trade.gateway_sim.depth import Ladder
from algo_trade.gateway_sim.halts import PriceBand
from algo_trade.gateway_sim.hours import TradingHours
from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.quotes import QuoteSource
from algo_trade.gateway_sim.recorded_quotes import RecordedQuotes, load_recorded_quotes
from algo_trade.gateway_sim.recording import Recorder
from algo_trade.gateway_sim.tape import Happening, Tape

_MICROS_PER_HALF_E4 = 50

OnStarted = Callable[[SymbolMarket], None]


def load_recorded(config: SimulatorConfig) -> dict[str, RecordedQuotes]:
    """The recorded days by symbol; raises QuotesFileError for a bad file."""
    return {
        symbol: load_recorded_quotes(given) if isinstance(given, Path) else given
        for symbol, given in config.quotes.items()
    }


class Markets:
    """Markets by contract id. `on_started` hears of a recorded market's first start, to remember it; a `recorder` of
    all that happens in them."""

    def __init__(
        self,
        config: SimulatorConfig,
        catalogue: Catalogue,
        recorded: dict[str, RecordedQuotes],
        *,
        clock: Clock,
        hours: TradingHours,
        origin_ns: int,
        recorded_origins_ns: dict[str, int],
        on_started: OnStarted,
        recorder: Recorder | None = None,
    ) -> None:
        self._config = config
        self._hours = hours
        self._origin_ns = origin_ns
        self._on_started = on_started
        self._by_con_id: dict[int, SymbolMarket] = {}
        for symbol, instrument in catalogue.by_symbol.items():
            day = recorded.get(symbol)
            replayed = None if config.replay is None else config.replay.tapes.get(symbol)
            source: QuoteSource
            happenings: Iterator[Happening]
            levels: Callable[[], Ladder] = Ladder  # files know nothing behind the best
            if replayed is not None:
                source, happenings = replayed, replayed.happenings()
            elif day is not None:
                source, happenings = day, day.quotes()
            else:
                source, happenings = self._seeded(instrument, catalogue)
                levels = source.levels
            if recorder is not None:
                happenings = recorder.tape(symbol, source, happenings)
            waits = source.waits_for_subscriber
            self._by_con_id[instrument.con_id] = SymbolMarket(
                instrument,
                source,
                happenings,
                clock=clock,
                speed=config.speed,
                origin_ns=recorded_origins_ns.get(symbol) if waits else origin_ns,
                levels=levels,
            )

    def _seeded(
        self, instrument: Instrument, catalogue: Catalogue
    ) -> tuple[SeededQuotes, Iterator[Happening]]:
        config, symbol = self._config, instrument.symbol
        halts = tuple(halt for halt in config.halts if halt.symbol == symbol)
        days = market_days(self._hours, self._origin_ns, config.speed, halts)
        pattern = catalogue.pattern(instrument) if self._hours.regular else FLAT
        source = SeededQuotes(config.seed, symbol, instrument, pattern, days)
        band = PriceBand(instrument.price_band_pct / 100)
        return source, iter(Tape(source.quotes(), days, band))

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
