"""The checks every order passes before it may be sent. Only their result, `Approved`, can be sent.

Each check has an id (docs/design.md lists them) and refuses when what it needs is missing: no limit, no mark,
an old mark. An order that only makes a position smaller passes the exposure limits, since refusing it would
keep the larger risk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from algo_trade.contracts import ApprovedOrder, Direction, OrderIntent, OrderType, TimeInForce
from algo_trade.ibkr.instruments import Instrument
from algo_trade.portfolio import dollars, micros
from algo_trade.risk.exposure import Exposure, Reservation, Worst
from algo_trade.risk.limits import Limits
from algo_trade.risk.marks import Mark

_BROKER_ORDER_TYPES = {OrderType.MARKET: "MKT", OrderType.LIMIT: "LMT"}
_BROKER_TIFS = {None: "DAY", TimeInForce.DAY: "DAY", TimeInForce.IOC: "IOC"}


@dataclass(frozen=True, slots=True)
class Approved:
    order: ApprovedOrder
    reservation: Reservation


@dataclass(frozen=True, slots=True)
class Refused:
    """Every reason, each starting with the id of its check."""

    reasons: tuple[str, ...]


class PreTradeCheck:
    """Pure: the same facts give the same answer."""

    def __init__(self, limits: Limits, account: str) -> None:
        self._limits = limits
        self._account = account

    def check(
        self,
        intent: OrderIntent,
        instrument: Instrument | None,
        mark: Mark | None,
        exposure: Exposure,
        now_ns: int,
        *,
        reduce_only: bool = False,
    ) -> Approved | Refused:
        """`reduce_only` skips the data checks too: a stop must be able to flatten on an old quote."""
        price = _price_per_share(intent, mark, self._limits)
        reasons = [*self._instrument(intent, instrument), *self._order(intent, reduce_only=reduce_only)]
        if not reduce_only:
            reasons += self._data(intent, mark, now_ns)
        reservation = Reservation(intent.symbol, _signed(intent), price or 0)
        before = exposure.worst(intent.symbol).largest
        after = exposure.with_order(reservation)
        if reduce_only and not _only_reduces(reservation.signed_quantity, exposure.worst(intent.symbol)):
            reasons.append("KS-02 a flatten order may only make the position smaller, and not cross zero")
        if after.worst(intent.symbol).largest > before:
            reasons += self._position(intent, after)
            reasons += self._money(after) if price is not None else ["PT-02 no price to value the order by"]
        if reasons or instrument is None:
            return Refused(tuple(reasons))
        order = ApprovedOrder(
            intent_id=intent.intent_id,
            order_type=_BROKER_ORDER_TYPES[intent.order_type],
            tif=_BROKER_TIFS[intent.time_in_force],
            limit_price=intent.limit_price,
            account=self._account,
            order_ref=str(intent.intent_id),
            reduce_only=reduce_only,
            con_id=instrument.con_id,
            symbol=intent.symbol,
            side=intent.direction.value,
            quantity=intent.quantity,
        )
        return Approved(order, reservation)

    def _instrument(self, intent: OrderIntent, instrument: Instrument | None) -> Iterator[str]:
        if instrument is None:
            yield f"PT-11 {intent.symbol} is not an instrument of this session"

    def _order(self, intent: OrderIntent, *, reduce_only: bool) -> Iterator[str]:
        most = self._limits.max_order_shares
        if most is None:
            if (
                not reduce_only
            ):  # what is held must be let go of, also under settings that would not have bought it
                yield "PT-01 no limit on order size is set"
        elif intent.quantity > most:
            yield f"PT-01 {intent.quantity} shares, at most {most} an order"
        if intent.order_type not in _BROKER_ORDER_TYPES:
            yield f"PT-11 order type {intent.order_type.value} is not traded yet"
        if intent.time_in_force not in _BROKER_TIFS:
            yield f"PT-11 time in force {intent.time_in_force} is not traded yet"

    def _data(self, intent: OrderIntent, mark: Mark | None, now_ns: int) -> Iterator[str]:
        oldest = self._limits.max_data_age_ns
        collar = self._limits.price_collar_pct
        if mark is None:
            yield f"PT-12 no quote of {intent.symbol} yet"
            return
        age_ns = now_ns - mark.arrival_ns
        if oldest is None:
            yield "PT-12 no limit on data age is set"
        elif age_ns > oldest:
            yield f"PT-12 the last quote of {intent.symbol} is {age_ns / 1e9:.3f} s old, at most {oldest / 1e9:g} s"
        if collar is None:
            yield "PT-03 no price collar is set"
        elif intent.limit_price is not None:
            away_pct = abs(micros(intent.limit_price) - mark.mid_micros) / mark.mid_micros * 100
            if away_pct > collar:
                yield f"PT-03 limit {intent.limit_price} is {away_pct:.2f} % from the mid, at most {collar:g} %"

    def _position(self, intent: OrderIntent, after: Exposure) -> Iterator[str]:
        most = self._limits.max_position_shares
        held = after.worst(intent.symbol).largest
        if most is None:
            yield "PT-04 no position limit is set"
        elif held > most:
            yield f"PT-04 up to {held} shares of {intent.symbol} with working orders, at most {most}"

    def _money(self, after: Exposure) -> Iterator[str]:
        unpriced = after.unpriced()
        if unpriced:
            yield f"PT-05 nothing to value {', '.join(unpriced)} by"
            return
        for name, amount, most in (
            ("gross", after.gross_micros, self._limits.max_gross_micros),
            ("net", after.net_micros, self._limits.max_net_micros),
        ):
            if most is None:
                yield f"PT-05 no {name} limit is set"
            elif amount > most:
                yield f"PT-05 {name} exposure up to ${dollars(amount):.2f}, at most ${dollars(most):.2f}"


def _signed(intent: OrderIntent) -> int:
    return intent.quantity if intent.direction is Direction.BUY else -intent.quantity


def _only_reduces(signed_quantity: int, worst: Worst) -> bool:
    """Whether an order leaves the position on its side of zero even if every order working against it fills first."""
    if signed_quantity < 0:
        return worst.short + signed_quantity >= 0
    return worst.long + signed_quantity <= 0


def _price_per_share(intent: OrderIntent, mark: Mark | None, limits: Limits) -> int | None:
    """What a share may cost: its limit, or for a market order the ask plus the collar. None: nobody can say."""
    if intent.limit_price is not None:
        return micros(intent.limit_price)
    if mark is None or limits.price_collar_pct is None:
        return None
    return int(mark.ask_micros * (1 + limits.price_collar_pct / 100))
