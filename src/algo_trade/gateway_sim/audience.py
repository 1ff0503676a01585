"""Who is told what happens to orders: the gateway, which tells its clients."""

from __future__ import annotations

from typing import Protocol

from algo_trade.gateway_sim.account import Position
from algo_trade.gateway_sim.orders import SimExecution, SimOrder


class Audience(Protocol):
    """Who is told. Order messages go to the client that placed the order, if it is connected."""

    def order_opened(self, order: SimOrder) -> None:
        """openOrder, then orderStatus."""

    def order_status(self, order: SimOrder) -> None:
        """orderStatus alone."""

    def executed(self, execution: SimExecution) -> None: ...

    def commission(self, execution: SimExecution) -> None: ...

    def position_changed(self, position: Position) -> None: ...

    def order_error(self, order: SimOrder, code: int, text: str) -> None: ...

    def held(self, order: SimOrder) -> None:
        """The order waits for the exchange to open (399)."""
