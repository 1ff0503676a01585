"""The Adaptive algorithm, as far as anybody outside IBKR knows it: it tries for the better side first.

Chosen: an urgent order takes at once. The others rest at the best price of their own side, moving with it but never
past their limit, for as long as their priority says, and then take what is displayed, within their limit.
"""

from __future__ import annotations

from algo_trade.gateway_sim.orders import SimOrder

STRATEGY = "Adaptive"
PRIORITY_TAG = "adaptivePriority"
DEFAULT_PRIORITY = "Normal"
_NS = 1_000_000_000

# How long an order of each priority rests before it takes.
REST_NS = {"Urgent": 0, "Normal": 10 * _NS, "Patient": 30 * _NS}


def rest_ns(order: SimOrder) -> int:
    """How long the order tries to be filled on its own side first."""
    return REST_NS[order.adaptive] if order.adaptive else 0
