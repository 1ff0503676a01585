"""How an order wants to be handled at the exchange: filled whole or not at all, at least so much, unseen, in slices."""

from __future__ import annotations

from typing import NamedTuple

from algo_trade.gateway_sim.prices import refuse
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.values import clean, to_bool, to_int

_FIELDS = ("allOrNone", "hidden", "displaySize", "minQty")
_NOT_ASKED = frozenset({"", "0", "2147483647"})


class Handling(NamedTuple):
    """`whole`: all or none. `hidden`: nobody sees it. `shown`: so many shares are displayed at a time, 0 for all of
    them. `least`: its first fill is at least that."""

    whole: bool = False
    hidden: bool = False
    shown: int = 0
    least: int = 0


PLAIN = Handling()


def read_handling(request: Decoded, quantity: int) -> Handling:
    """What a placeOrder asks for; raises RequestError."""
    texts = request.texts(_FIELDS)
    if _NOT_ASKED.issuperset(texts):
        return PLAIN
    whole, hidden = to_bool(texts[0]), to_bool(texts[1])
    shown, least = to_int(texts[2]) or 0, to_int(texts[3]) or 0
    if shown < 0:
        raise refuse(f"Invalid display size {clean(texts[2])}")
    if not 0 <= least <= quantity:
        raise refuse(f"Invalid minimum quantity {clean(texts[3])}")
    if shown and (whole or hidden):
        raise refuse("A display size does not go with an all-or-none or a hidden order")
    return Handling(whole, hidden, shown if shown < quantity else 0, least)
