"""What the gateway does with each request: one function a request, found by the name `request_tables` gives it."""

from __future__ import annotations

from algo_trade.gateway_sim.gateway import Handler
from algo_trade.gateway_sim.handlers import (
    absent,
    accounts,
    contracts,
    general,
    history,
    market_data,
    orders,
    ticks,
)

HANDLERS: dict[str, Handler] = {
    **general.HANDLERS,
    **contracts.HANDLERS,
    **market_data.HANDLERS,
    **ticks.HANDLERS,
    **history.HANDLERS,
    **orders.HANDLERS,
    **accounts.HANDLERS,
    **absent.HANDLERS,
}
