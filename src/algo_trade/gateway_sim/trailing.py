"""Trailing stops: a stop price that follows the market at a distance and never goes back.

The distance is an amount, or a percentage of the price that is followed. That price is the one the order's trigger
method looks at (`triggers`), so a trail follows what would trigger it. Prices that are followed come doubled, so that a
mid-point stays whole; the stop price is a whole number of cents, rounded away from the market.
"""

from __future__ import annotations

from typing import NamedTuple

from algo_trade.gateway_sim.prices import TICK_E4, read_optional_price, refuse
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.values import to_decimal

_PERCENT_SCALE = 10_000
_FIELDS = ("auxPrice", "trailingPercent", "trailStopPrice", "lmtPriceOffset", "lmtPrice")


class Trail(NamedTuple):
    """How a stop follows: by `amount_e4`, or where that is 0 by `percent_e4` (ten-thousandths of a percent).

    `offset_e4` is how much worse than the stop price the limit of a TRAIL LIMIT is, None for a TRAIL.
    """

    amount_e4: int
    percent_e4: int
    offset_e4: int | None

    def follow(self, stop_e4: int | None, is_buy: bool, price_twice_e4: int) -> int:
        """The stop price after the market was at a price (given doubled)."""
        percent = price_twice_e4 * self.percent_e4 // (100 * _PERCENT_SCALE)
        distance = 2 * self.amount_e4 or percent
        if is_buy:
            new = -(-(price_twice_e4 + distance) // (2 * TICK_E4)) * TICK_E4
            return new if stop_e4 is None else min(stop_e4, new)
        new = max(TICK_E4, (price_twice_e4 - distance) // (2 * TICK_E4) * TICK_E4)
        return new if stop_e4 is None else max(stop_e4, new)

    def limit_e4(self, stop_e4: int, is_buy: bool) -> int | None:
        """The limit price that goes with a stop price, None for a TRAIL."""
        if self.offset_e4 is None:
            return None
        return stop_e4 + self.offset_e4 if is_buy else max(TICK_E4, stop_e4 - self.offset_e4)


def read_trail(request: Decoded, order_type: str, is_buy: bool) -> tuple[Trail, int | None]:
    """How the stop trails, and where it begins (None: at its distance from the market); raises RequestError."""
    amount_text, percent_text, start_text, offset_text, limit_text = request.texts(_FIELDS)
    amount = read_optional_price(amount_text, "trailing amount as a")
    percent = to_decimal(percent_text) or 0
    scaled = percent * _PERCENT_SCALE
    if bool(amount) == bool(percent):
        raise refuse("A trailing order needs a trailing amount or a trailing percent, not both")
    if not 0 <= percent < 100 or scaled != int(scaled):
        raise refuse("The trailing percent must be between 0 and 100, with four decimals at most")
    start = read_optional_price(start_text, "trailing stop")
    offset = _offset(offset_text, limit_text, start, is_buy) if order_type == "TRAIL LIMIT" else None
    return Trail(amount or 0, int(scaled), offset), start


def _offset(offset_text: str, limit_text: str, start: int | None, is_buy: bool) -> int:
    """The limit's distance from the stop: as such, or from a limit and a stop price to begin with."""
    is_given = to_decimal(offset_text) is not None
    limit = read_optional_price(limit_text, "limit")
    if is_given and limit is None:
        return read_optional_price(offset_text, "limit offset as a") or 0
    if is_given or limit is None or start is None:
        raise refuse(
            "A trailing limit order needs a limit offset, or a limit price and a trailing stop price"
        )
    offset = limit - start if is_buy else start - limit
    if offset < 0:
        raise refuse("The limit price of a trailing limit order must not be better than its stop price")
    return offset
