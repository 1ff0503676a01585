"""What a simulator is told when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from algo_trade.gateway_sim.errors import QuotesFileError
from algo_trade.gateway_sim.halts import ScheduledHalt
from algo_trade.gateway_sim.recorded_quotes import RecordedQuotes
from algo_trade.gateway_sim.recording import Recording

DEFAULT_SYMBOLS = ("SPY", "QQQ", "IWM")
# What else decides about the bytes a client gets, beside the tapes.
_RECORDED = (
    "seed", "account_id", "ack_ms", "fill_ms", "history_ms", "lines", "speed", "market_open_ns", "regular_hours",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """The whole configuration; the same one with the same seed gives the same market and the same bytes.

    `quotes` are recorded days by symbol, as paths or already loaded; a symbol given quotes need not be in
    `symbols`. `ack_ms` and `fill_ms` are the mean delays until the gateway acknowledges an order and until it
    meets the market after that. `lines` is the number of market data lines; half of it (at least 50) is the
    number of messages allowed a second, a twentieth (at least 5) the number of tick-by-tick subscriptions, a hundredth
    (3 to 60) the number of books. `delayed_symbols` are those the account has no right to live data of.
    `speed` multiplies the pace of the quotes, recorded and seeded. `market_open_ns` (UTC epoch) opens a regular
    trading day there and on every weekday after; `regular_hours` keeps the hours of the clock's own weekdays; with
    neither the exchange is open round the clock. `catalogue` is a file of instruments beside the shipped ones,
    `halts` are times at which seeded symbols do not trade. `state_path` keeps the account across restarts;
    `wire_log` is where every placeOrder and cancelOrder frame that arrives is noted. The client `master_client_id`
    hears of every client's orders, as TWS's setting of that name has it. `record` is a file for
    all that the market does, `replay` such a file, read: its symbols, and best its other settings too (`of_recording`).
    """

    seed: int = 1
    symbols: tuple[str, ...] = DEFAULT_SYMBOLS
    quotes: Mapping[str, Path | RecordedQuotes] = field(default_factory=dict)
    account_id: str = "DSIM001"
    ack_ms: float = 20.0
    fill_ms: float = 40.0
    history_ms: float = 100.0
    lines: int = 100
    delayed_symbols: frozenset[str] = frozenset()
    speed: float = 1.0
    market_open_ns: int | None = None
    regular_hours: bool = False
    catalogue: Path | None = None
    halts: tuple[ScheduledHalt, ...] = ()
    state_path: Path | None = None
    wire_log: Path | None = None
    master_client_id: int | None = None
    record: Path | None = None
    replay: Recording | None = None
    starting_cash: Decimal = Decimal(1_000_000)

    def __post_init__(self) -> None:
        if not self.account_id.startswith("D"):
            raise ValueError("account_id must start with D: the simulator only has paper accounts")
        if self.ack_ms < 0 or self.fill_ms < 0 or self.history_ms < 0:
            raise ValueError("ack_ms, fill_ms and history_ms must not be negative")
        if self.lines < 1:
            raise ValueError("lines must be at least 1")
        if not self.speed > 0:
            raise ValueError("speed must be positive")
        if unserved := self.delayed_symbols.difference(self.all_symbols()):
            raise ValueError(f"delayed_symbols have no market: {', '.join(sorted(unserved))}")
        if self.regular_hours and self.market_open_ns is not None:
            raise ValueError("regular_hours and market_open_ns both say when the exchange opens")

    @classmethod
    def of_recording(cls, recording: Recording, **more: Any) -> SimulatorConfig:
        """The configuration of the simulator that was recorded, playing what it served."""
        recorded = recording.settings
        try:
            known = {name: recorded[name] for name in _RECORDED}
            return cls(
                symbols=(),
                replay=recording,
                starting_cash=Decimal(recorded["starting_cash"]),
                delayed_symbols=frozenset(recorded["delayed_symbols"]),
                **known,
                **more,
            )
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise QuotesFileError(
                f"{recording.path}: its settings are not those of a simulator: {error}"
            ) from None

    @property
    def recorded_settings(self) -> dict[str, Any]:
        """What a recording needs to know of this configuration."""
        known = {name: getattr(self, name) for name in _RECORDED}
        return {
            **known,
            "starting_cash": str(self.starting_cash),
            "delayed_symbols": sorted(self.delayed_symbols),
        }

    @property
    def starting_cash_micros(self) -> int:
        return int(self.starting_cash * 1_000_000)

    @property
    def closes(self) -> bool:
        """Whether the exchange keeps hours."""
        return self.regular_hours or self.market_open_ns is not None

    @property
    def messages_per_s(self) -> int:
        """No real account has fewer than 100 lines, so none is allowed fewer than 50 messages a second."""
        return max(50, self.lines // 2)

    @property
    def tick_by_tick_limit(self) -> int:
        return max(5, self.lines // 20)

    @property
    def depth_limit(self) -> int:
        return min(60, max(3, self.lines // 100))

    def all_symbols(self) -> tuple[str, ...]:
        """Symbols that have a market, without repeats, in order."""
        replayed = () if self.replay is None else self.replay.tapes
        return tuple(dict.fromkeys((*self.symbols, *self.quotes, *replayed)))
