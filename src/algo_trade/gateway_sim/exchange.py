"""The exchange of one symbol: orders that have arrived there, and stops waiting for its prices.

It trades while the exchange is open and the symbol is not halted. What was displayed before it closed or was halted
is void: everything is tried against the first quote after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from algo_trade.gateway_sim.auctions import closing_price_e4
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.handling import PLAIN
from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.matching import Book, Claim, Liquidity
from algo_trade.gateway_sim.order_types import MIDPRICE
from algo_trade.gateway_sim.orders import SimOrder
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.gateway_sim.triggers import follow, is_triggered, looked_at

OnFill = Callable[[SimOrder, int, int, Liquidity], None]
OnStop = Callable[[SimOrder], None]
NowNs = Callable[[], int]


@dataclass(slots=True, eq=False)
class _Working(Claim):
    """The claim of an order."""

    order: SimOrder = field(kw_only=True)


class Exchange:
    """Closed until `open`. `on_fill(order, shares, price_e4, liquidity)` books what an order gets, `on_trigger(order)`
    hears that the market has reached a stop, `on_trail(order)` that a stop has followed the market."""

    def __init__(
        self, market: SymbolMarket, on_fill: OnFill, on_trigger: OnStop, on_trail: OnStop, now_ns: NowNs
    ) -> None:
        self._market = market
        self._on_fill = on_fill
        self._on_trigger = on_trigger
        self._on_trail = on_trail
        self._now_ns = now_ns
        self._book: Book[_Working] = Book(self._filled)
        self._book.pause()
        self._claims: dict[int, _Working] = {}
        self._stops: dict[int, SimOrder] = {}
        self._is_open = False
        self._is_halted = market.halted
        self._quote: Quote | None = None
        self._shown_ns = 0
        self._last_e4 = 0
        market.listen(self._on_quote)
        market.listen_halt(self._on_halt)

    @property
    def is_trading(self) -> bool:
        return self._is_open and not self._is_halted

    @property
    def instrument(self) -> Instrument:
        return self._market.instrument

    def closing_price_e4(self) -> int:
        """What a closing auction held now would trade at, 0 when none can be held."""
        return closing_price_e4(self._last_e4, self._quote) if self.is_trading else 0

    # -- orders ------------------------------------------------------------------------------------
    def enter(self, order: SimOrder, shares: int, *, pegged: bool = False) -> None:
        """An order arrives for so many shares, in place of what it has here; it is tried at once.

        `pegged` lets it rest at the best price of its own side until `take`.
        """
        self.remove(order)
        claim = _claim(order, shares, pegged)
        self._claims[order.perm_id] = claim
        self._book.enter(claim)

    def can_fill(self, order: SimOrder, shares: int) -> bool:
        """Whether so many shares of the order would be filled at once."""
        return self._book.can_fill(_claim(order, shares, pegged=False))

    def take(self, order: SimOrder) -> None:
        """A pegged order has waited long enough: it takes what it may."""
        claim = self._claims.get(order.perm_id)
        if claim is not None and claim.pegged:
            self._book.unpeg(claim)

    def shares_of(self, order: SimOrder) -> int:
        """How many shares the order is here for."""
        claim = self._claims.get(order.perm_id)
        return 0 if claim is None else claim.shares

    def shrink(self, order: SimOrder, shares: int) -> None:
        """An order is here for so many shares at most from now on; it keeps its place."""
        claim = self._claims.get(order.perm_id)
        if claim is None or shares >= claim.shares:
            return
        if shares:
            self._book.shrink(claim, shares)
        else:
            del self._claims[order.perm_id]
            self._book.leave(claim)

    def watch(self, order: SimOrder) -> None:
        """Wait until the market reaches the order's stop price, which it may have done already."""
        self._stops[order.perm_id] = order
        self._check_stops()

    def remove(self, order: SimOrder) -> None:
        """Take an order away, if it is here."""
        self._stops.pop(order.perm_id, None)
        claim = self._claims.pop(order.perm_id, None)
        if claim is not None:
            self._book.leave(claim)

    def _filled(self, claim: _Working, shares: int, price_e4: int, liquidity: Liquidity) -> None:
        if not claim.shares:
            del self._claims[claim.order.perm_id]
        self._on_fill(claim.order, shares, price_e4, liquidity)

    # -- hours and halts ---------------------------------------------------------------------------
    def open(self, since_ns: int) -> None:
        """The exchange is open since then; what was shown before then is not traded against."""
        if self._is_open:
            return
        self._is_open = True
        if self._shown_ns < since_ns:
            self._quote = None
            self._book.pause()
        self._go_on()

    def close(self) -> None:
        """The exchange is closed; orders that are here stay until they are taken away."""
        self._is_open = False
        self._stand_still()

    def _on_halt(self, halted: bool) -> None:
        self._is_halted = halted
        if halted:
            self._stand_still()
        else:
            self._go_on()

    def _stand_still(self) -> None:
        self._quote = None
        self._last_e4 = 0
        self._book.pause()

    def _go_on(self) -> None:
        if self.is_trading:
            self._book.resume()
            self._check_stops()

    # -- the market --------------------------------------------------------------------------------
    def _on_quote(self, quote: Quote) -> None:
        self._quote = quote
        self._book.show(quote)
        if not self.is_trading:
            self._shown_ns = self._now_ns()
            return
        if quote.trade_size > 0:
            self._last_e4 = quote.trade_e4
        if self._stops:
            self._check_stops()

    def _check_stops(self) -> None:
        quote = self._quote
        if quote is None or not self.is_trading:
            return
        has_trades = self._market.has_trades
        for order in list(self._stops.values()):
            prices = looked_at(order, quote, self._last_e4, has_trades=has_trades)
            if is_triggered(order, prices):
                del self._stops[order.perm_id]
                self._on_trigger(order)
            elif order.trail is not None and follow(order, prices):
                self._on_trail(order)


def _claim(order: SimOrder, shares: int, pegged: bool) -> _Working:
    """What the order asks of the market now."""
    claim = _Working(order.is_buy, shares, order.limit_e4, pegged, order=order)
    if order.handling is not PLAIN:
        claim.whole, claim.hidden, claim.shown, claim.least = order.handling
        if order.filled:
            claim.least = 0
    if order.order_type == MIDPRICE:
        claim.pegged = claim.at_mid = claim.hidden = True
    return claim
