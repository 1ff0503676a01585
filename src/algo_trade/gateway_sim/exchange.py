"""The exchange: orders that have arrived there, tried against the displayed quote."""

from __future__ import annotations

from collections.abc import Callable

from algo_trade.gateway_sim.market import SymbolMarket
from algo_trade.gateway_sim.matching import by_priority
from algo_trade.gateway_sim.orders import SimOrder
from algo_trade.gateway_sim.quotes import Quote

OnFill = Callable[[SimOrder, int, int], None]


class Exchange:
    """Resting orders of one symbol. `on_fill(order, shares, price_e4)` books what they get."""

    def __init__(self, market: SymbolMarket, on_fill: OnFill) -> None:
        self._market = market
        self._on_fill = on_fill
        self._resting: list[SimOrder] = []
        market.listen(self._on_quote)

    def enter(self, order: SimOrder) -> None:
        """An order arrives and is tried at once, after those with a better claim."""
        assert order not in self._resting, "an order arrives once"
        self._resting.append(order)
        self.match()

    def remove(self, order: SimOrder) -> None:
        """Take an order away, if it is here."""
        self._resting = [resting for resting in self._resting if resting is not order]

    def match(self) -> None:
        """Give what is displayed to those who take it, best claim first."""
        displayed = self._market.displayed
        for order in by_priority(self._resting):
            shares, price_e4 = displayed.take(order.is_buy, order.limit_e4, order.remaining)
            if shares:
                self._on_fill(order, shares, price_e4)
                if order.remaining == 0:
                    self.remove(order)

    def _on_quote(self, _quote: Quote) -> None:
        if self._resting:
            self.match()
