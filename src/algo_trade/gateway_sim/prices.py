"""Prices and sizes of a placeOrder, read once: a refusal says what is wrong in the gateway's words."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.wire.values import clean, price_e4, to_decimal

TICK_E4 = 100
MAX_SHARES = 1_000_000_000


def refuse(cause: str) -> RequestError:
    """Error 321 in the gateway's form."""
    return RequestError(321, f"Error validating request.-'bF' : cause - {cause}")


# The same sizes and prices come again and again; a refusal is not kept.
@lru_cache(maxsize=4096)
def read_quantity(text: str, cash: str) -> int:
    quantity = to_decimal(text)
    if quantity is None or quantity == 0:
        if to_decimal(cash):
            raise RequestError(10244, "Cash quantity cannot be used for this order.")
        raise RequestError(434, "The order size cannot be zero.")
    if quantity < 0 or quantity > MAX_SHARES:
        raise refuse(f"Invalid order size {clean(text)}")
    if quantity < 1:
        raise RequestError(388, "Order size is smaller than the minimum requirement.")
    if quantity != int(quantity):
        raise RequestError(10243, "Fractional-sized order cannot be placed via API.")
    return int(quantity)


@lru_cache(maxsize=4096)
def read_price(text: str, name: str) -> int:
    """A price that must be there, in ten-thousandths of a dollar."""
    price = read_optional_price(text, name)
    if price is None:
        raise refuse(f"The {name} price must be set and positive")
    return price


@lru_cache(maxsize=4096)
def read_optional_price(text: str, name: str) -> int | None:
    """A price, None where it is unset or zero."""
    price = to_decimal(text)
    if price is None or price == Decimal(0):
        return None
    if price < 0:
        raise refuse(f"The {name} price must be set and positive")
    in_e4 = price_e4(price)
    if in_e4 is None or in_e4 % TICK_E4:
        raise RequestError(
            110, "The price does not conform to the minimum price variation for this contract."
        )
    return in_e4
