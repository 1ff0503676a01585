"""What a strategy sees of its session: the time, the quotes, its orders, its limits. Read-only for the strategy."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from algo_trade.contracts import TickEvent
from algo_trade.strategy_plane.ledger import Ledger
from algo_trade.strategy_plane.limits import StrategyLimits
from algo_trade.strategy_plane.orders import WorkingOrder
from algo_trade.strategy_plane.sizing import exact


class SessionView:
    """The session at the time of the newest event.

    The plane moves time and quotes; everything about orders comes from the ledger. `limits` are dollars and shares.
    """

    def __init__(self, ledger: Ledger, *, start: datetime, end: datetime, limits: StrategyLimits) -> None:
        self.orders = ledger
        self.start = start
        self.end = end
        self.limits = limits
        self.now = start  # of the newest market event; never goes back
        self._quotes: dict[str, TickEvent] = {}

    def see(self, tick: TickEvent) -> None:
        """A new best quote (the plane's call)."""
        if tick.timestamp > self.now:
            self.now = tick.timestamp
        self._quotes[tick.symbol] = tick

    def advance(self, at: datetime) -> None:
        """It is at least that late (the plane's call)."""
        if at > self.now:
            self.now = at

    @property
    def time_left_s(self) -> float:
        """Seconds until the session ends; negative after it."""
        return (self.end - self.now).total_seconds()

    def since(self, moment: datetime) -> timedelta:
        return self.now - moment

    def quote(self, symbol: str) -> TickEvent | None:
        """The newest best quote of a symbol, whatever its age."""
        return self._quotes.get(symbol)

    def position(self, symbol: str) -> int:
        """Shares held, signed."""
        return self.orders.position(symbol)

    def unresolved(self, symbol: str) -> bool:
        """Whether an intent of that symbol has no end yet: until then no other order may be decided."""
        return self.orders.unresolved(symbol)

    def working(self, symbol: str) -> tuple[WorkingOrder, ...]:
        """The strategy's own orders of that symbol without an end, oldest first; attached exits follow their entry."""
        return self.orders.working(symbol)

    def exposure_usd(self) -> Decimal:
        """Gross dollars at work: positions at the dearer of their ask and their last price, open entries at limit."""
        total = Decimal(0)
        for symbol in self.orders.exposed_symbols():
            quote = self._quotes.get(symbol)
            price = max(self.orders.last_price(symbol), exact(quote.ask) if quote else Decimal(0))
            total += abs(self.position(symbol)) * price + self.orders.open_entry_usd(symbol)
        return total

    def unreserved_usd(self) -> Decimal:
        """Dollars still free under the limit on exposure; never negative."""
        return max(Decimal(0), self.limits.max_exposure_usd - self.exposure_usd())
