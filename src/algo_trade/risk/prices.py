"""What a share may cost, and which prices are too far away to be meant.

The collar is a distance from what the market says now, in per cent. An order that can trade at once has to keep within
one collar. A price the market must first come to, of a stop or of an attached exit, may be up to five away: waiting
there loses nothing, and a protective stop two daily deviations off (2 to 4 % for a large share) has to pass at the
default collar of 1 %, while a slipped decimal point or the price of another share does not. The limit of a stop limit
order is what it will trade at, so it keeps within one collar of its stop.

A stop has to lie beyond the market: one the market has passed already is a market order by mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from algo_trade.contracts import OrderIntent
from algo_trade.portfolio import micros
from algo_trade.risk.marks import Mark
from algo_trade.risk.terms import Terms, sign_of

WAITING_COLLARS = 5


@dataclass(frozen=True, slots=True)
class Market:
    """Where the market is, or for an exit whose entry has not filled, where it will be then. Micro-dollars."""

    bid_micros: int
    ask_micros: int
    is_what: str = "the mid"

    @property
    def mid_micros(self) -> int:
        return (self.bid_micros + self.ask_micros) // 2

    @classmethod
    def of(cls, mark: Mark) -> Market:
        return cls(mark.bid_micros, mark.ask_micros)

    @classmethod
    def after(cls, entry: Terms, mark: Mark) -> Market:
        """An exit begins to work at the price its entry filled at: its limit, else its stop, else the market's."""
        price = entry.limit_price if entry.limit_price is not None else entry.stop_price
        return cls.of(mark) if price is None else cls(micros(price), micros(price), "its entry's price")


def share_price_micros(
    intent: OrderIntent, terms: Terms, mark: Mark | None, collar_pct: float | None
) -> int | None:
    """What a share may cost: its limit; else a sell stop's stop, a buy stop's with the collar on top; else the ask
    with the collar. None: nobody can say.
    """
    if terms.limit_price is not None:
        return micros(terms.limit_price)
    if terms.stop_price is not None and sign_of(intent.direction) < 0:
        return micros(terms.stop_price)
    if collar_pct is None or (terms.stop_price is None and mark is None):
        return None
    base = mark.ask_micros if mark is not None else 0
    if terms.stop_price is not None:
        base = micros(terms.stop_price)
    return int(base * (1 + collar_pct / 100))


def collar_objections(
    intent: OrderIntent, terms: Terms, market: Market, collar_pct: float, *, is_exit: bool
) -> Iterator[str]:
    """PT-03: every price that is too far away, or on the wrong side."""
    sign, mid, from_what = sign_of(intent.direction), market.mid_micros, market.is_what
    if terms.stop_price is not None:
        stop = micros(terms.stop_price)
        beyond = stop > market.ask_micros if sign > 0 else stop < market.bid_micros
        if not beyond:
            yield f"PT-03 stop {terms.stop_price} would trigger at once: the market is there"
        yield from _too_far(f"stop {terms.stop_price}", stop, mid, from_what, collar_pct * WAITING_COLLARS)
        mid, from_what = stop, "its stop"
    if terms.limit_price is not None:
        limit = micros(terms.limit_price)
        waits = is_exit and terms.stop_price is None and (mid - limit) * sign > 0
        most_pct = collar_pct * WAITING_COLLARS if waits else collar_pct
        yield from _too_far(f"limit {terms.limit_price}", limit, mid, from_what, most_pct)


def _too_far(what: str, price: int, from_micros: int, from_what: str, most_pct: float) -> Iterator[str]:
    away_pct = abs(price - from_micros) / from_micros * 100
    if away_pct > most_pct:
        yield f"PT-03 {what} is {away_pct:.2f} % from {from_what}, at most {most_pct:g} %"
