"""The checks every order passes before it may be sent, and every change of one. Only their result, `Approved`, can be
sent.

Each check has an id (docs/design.md lists them) and refuses when what it needs is missing: no limit, no mark,
an old mark. An order that only makes a position smaller passes the exposure limits, since refusing it would
keep the larger risk; so does the exit of a bracket, which only takes back what its entry brings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from algo_trade.contracts import ApprovedOrder, OrderIntent
from algo_trade.ibkr.instruments import Instrument
from algo_trade.portfolio import dollars
from algo_trade.risk.exposure import Exposure, Reservation, Worst
from algo_trade.risk.kinds import (
    adaptive_priority,
    broker_tif,
    broker_type,
    exit_objections,
    kind_objections,
    term_objections,
)
from algo_trade.risk.limits import Limits
from algo_trade.risk.marks import Mark
from algo_trade.risk.prices import Market, collar_objections, share_price_micros
from algo_trade.risk.terms import Terms, sign_of


@dataclass(frozen=True, slots=True)
class Approved:
    """`note` says what was changed on the way: an ADAPTIVE order that goes as a plain one."""

    order: ApprovedOrder
    reservation: Reservation
    note: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Every reason, each starting with the id of its check."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Working:
    """An order that is to be changed: `filled` shares of it, `adaptive` as it was sent, and the risk it holds.

    `entry` is what an attached exit still waits for; None once the market's own price counts.
    """

    filled: int
    adaptive: str
    held: Reservation
    entry: Terms | None = None


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
        entry: OrderIntent | None = None,
        not_adaptive: str | None = None,
    ) -> Approved | Refused:
        """`reduce_only` skips the data checks too: a stop must be able to flatten on an old quote.

        `entry` is the intent whose exit this one is. `not_adaptive` says why the symbol takes no algo orders, where
        that is known.
        """
        terms = Terms.of(intent)
        price = share_price_micros(intent, terms, mark, self._limits.price_collar_pct)
        reasons = [*self._instrument(intent, instrument), *kind_objections(intent)]
        reasons += term_objections(intent, terms)
        reasons += self._size(terms.quantity, reduce_only=reduce_only)
        if not reduce_only:
            reasons += self._data(intent, terms, mark, None if entry is None else Terms.of(entry), now_ns)
        if entry is not None:
            reasons += exit_objections(intent, entry)
            reservation = Reservation(intent.symbol, sign_of(intent.direction) * intent.quantity, 0)
        else:
            reservation = Reservation(intent.symbol, sign_of(intent.direction) * intent.quantity, price or 0)
            if reduce_only and not _only_reduces(reservation.signed_quantity, exposure.worst(intent.symbol)):
                reasons.append("KS-02 a flatten order may only make the position smaller, and not cross zero")
            after = exposure.with_order(reservation)
            if after.worst(intent.symbol).largest > exposure.worst(intent.symbol).largest:
                reasons += self._limits_on(intent.symbol, after, price)
        if reasons or instrument is None:
            return Refused(tuple(reasons))
        adaptive, note = adaptive_priority(intent, instrument, not_adaptive)
        order = self._order(intent, terms, instrument, adaptive, reduce_only=reduce_only)
        return Approved(order, reservation, note)

    def check_change(
        self,
        intent: OrderIntent,
        terms: Terms,
        working: Working,
        instrument: Instrument | None,
        mark: Mark | None,
        others: Exposure,
        now_ns: int,
    ) -> Approved | Refused:
        """New terms for an order that works; `others` is the exposure without it.

        Until the broker confirms, either terms may fill: what is checked, and reserved, is the larger of the two.
        """
        symbol, held = intent.symbol, working.held
        price = share_price_micros(intent, terms, mark, self._limits.price_collar_pct)
        reasons = [*self._instrument(intent, instrument), *term_objections(intent, terms)]
        reasons += self._size(terms.quantity, reduce_only=False)
        reasons += self._data(intent, terms, mark, working.entry, now_ns, is_exit=_is_exit(intent))
        shares = max(terms.quantity - working.filled, abs(held.signed_quantity))
        dearer = max(price or 0, held.price_micros)
        reservation = Reservation(symbol, sign_of(intent.direction) * shares, dearer)
        if not _is_exit(intent):
            before, after = others.with_order(held), others.with_order(reservation)
            more_shares = after.worst(symbol).largest > before.worst(symbol).largest
            opens = after.worst(symbol).largest > others.worst(symbol).largest
            if more_shares or (opens and (price is None or dearer > held.price_micros)):
                reasons += self._limits_on(symbol, after, price)
        if reasons or instrument is None:
            return Refused(tuple(reasons))
        alone = Reservation(symbol, sign_of(intent.direction) * (terms.quantity - working.filled), price or 0)
        order = self._order(intent, terms, instrument, working.adaptive, reduce_only=False)
        return Approved(order, alone)

    def _order(
        self,
        intent: OrderIntent,
        terms: Terms,
        instrument: Instrument,
        adaptive: str,
        *,
        reduce_only: bool,
    ) -> ApprovedOrder:
        return ApprovedOrder(
            intent_id=intent.intent_id,
            order_type=broker_type(intent.order_type, terms),
            tif=broker_tif(intent.time_in_force),
            limit_price=terms.limit_price,
            stop_price=terms.stop_price,
            adaptive=adaptive,
            account=self._account,
            order_ref=str(intent.intent_id),
            attached_to=intent.parent_intent_id,
            reduce_only=reduce_only,
            con_id=instrument.con_id,
            symbol=intent.symbol,
            side=intent.direction.value,
            quantity=terms.quantity,
        )

    # -- one check each ----------------------------------------------------------------------------
    def _instrument(self, intent: OrderIntent, instrument: Instrument | None) -> Iterator[str]:
        if instrument is None:
            yield f"PT-11 {intent.symbol} is not an instrument of this session"

    def _size(self, quantity: int, *, reduce_only: bool) -> Iterator[str]:
        most = self._limits.max_order_shares
        if most is None:
            # What is held must be let go of, also under settings that would not have bought it.
            if not reduce_only:
                yield "PT-01 no limit on order size is set"
        elif quantity > most:
            yield f"PT-01 {quantity} shares, at most {most} an order"

    def _data(
        self,
        intent: OrderIntent,
        terms: Terms,
        mark: Mark | None,
        entry: Terms | None,
        now_ns: int,
        *,
        is_exit: bool = False,
    ) -> Iterator[str]:
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
        else:
            market = Market.of(mark) if entry is None else Market.after(entry, mark)
            is_exit = is_exit or entry is not None
            yield from collar_objections(intent, terms, market, collar, is_exit=is_exit)

    def _limits_on(self, symbol: str, after: Exposure, price: int | None) -> Iterator[str]:
        """Of an order that makes the largest possible position larger, or dearer."""
        most = self._limits.max_position_shares
        held = after.worst(symbol).largest
        if most is None:
            yield "PT-04 no position limit is set"
        elif held > most:
            yield f"PT-04 up to {held} shares of {symbol} with working orders, at most {most}"
        if price is None:
            yield "PT-02 no price to value the order by"
        elif unpriced := after.unpriced():
            yield f"PT-05 nothing to value {', '.join(unpriced)} by"
        else:
            yield from self._money(after)

    def _money(self, after: Exposure) -> Iterator[str]:
        for name, amount, most in (
            ("gross", after.gross_micros, self._limits.max_gross_micros),
            ("net", after.net_micros, self._limits.max_net_micros),
        ):
            if most is None:
                yield f"PT-05 no {name} limit is set"
            elif amount > most:
                yield f"PT-05 {name} exposure up to ${dollars(amount):.2f}, at most ${dollars(most):.2f}"


def _is_exit(intent: OrderIntent) -> bool:
    return intent.parent_intent_id is not None


def _only_reduces(signed_quantity: int, worst: Worst) -> bool:
    """Whether an order leaves the position on its side of zero even if every order working against it fills first."""
    if signed_quantity < 0:
        return worst.short + signed_quantity >= 0
    return worst.long + signed_quantity <= 0
