"""What the broker, beyond the gateway, refuses: error 201 after the acknowledgement delay."""

from __future__ import annotations

from algo_trade.gateway_sim.account import MICROS_PER_E4, Mark
from algo_trade.gateway_sim.auctions import is_too_late
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.catalogue import Instrument
from algo_trade.gateway_sim.commission import order_commission_micros
from algo_trade.gateway_sim.order_types import IMMEDIATE
from algo_trade.gateway_sim.orders import SimOrder
from algo_trade.gateway_sim.wire.layout import Value
from algo_trade.gateway_sim.wire.values import money_text

_MAX_LIVE_ORDERS_A_SIDE = 20
_CENT_MICROS = 10_000


def reason_to_reject(
    order: SimOrder, booking: Booking, mark: Mark, now_ns: int, *, is_open: bool
) -> str | None:
    """Why the broker does not take an order, or new terms of one (it counts among the live ones), or None."""
    if order.tif in IMMEDIATE and not is_open:
        return f"The exchange is closed: an order with time in force {order.tif} cannot be held."
    if is_too_late(order, now_ns):
        return f"The order was submitted after the exchange's cutoff for {order.order_type} orders."
    same_side = [
        other
        for other in booking.live_orders()
        if other.con_id == order.con_id and other.is_buy == order.is_buy
    ]
    if len(same_side) > _MAX_LIVE_ORDERS_A_SIDE:
        return f"The maximum of {_MAX_LIVE_ORDERS_A_SIDE} active orders on the same side of this contract is reached."
    account = booking.account
    position = account.positions.get(order.con_id)
    parent = booking.orders.get(order.parent_perm_id)
    if parent is not None and parent.is_buy != order.is_buy:
        return None
    held = 0 if position is None else position.shares
    if abs(held + order.signed_remaining) <= abs(held):
        return None
    equity = account.equity_micros(mark)
    needed = account.initial_margin_micros(mark, booking.working_shares())
    if needed <= equity:
        return None
    return (
        "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE "
        f"[{_dollars(equity)} USD] MUST EXCEED THE INITIAL MARGIN [{_dollars(needed)} USD]"
    )


def must_locate(order: SimOrder, booking: Booking, instrument: Instrument) -> bool:
    """Whether shares must be borrowed for the order that nobody lends. A child that undoes what its parent did needs
    none."""
    if order.is_buy or not instrument.hard_to_borrow:
        return False
    parent = booking.orders.get(order.parent_perm_id)
    if parent is not None and parent.is_buy:
        return False
    position = booking.account.positions.get(order.con_id)
    return order.remaining > (0 if position is None else position.shares)


def what_if_margins(order: SimOrder, booking: Booking, mark: Mark) -> dict[str, Value]:
    """The margin fields of openOrder for an order that is only asked about."""
    account = booking.account
    equity = account.equity_micros(mark)
    before = account.initial_margin_micros(mark)
    kept = account.maintenance_margin_micros(mark)
    signed = order.signed_remaining
    working = {order.con_id: (signed, -signed)}  # the position it leads to, and no other
    after = account.initial_margin_micros(mark, working)
    kept_after = account.maintenance_margin_micros(mark, working)
    price = mark(order.con_id) if order.limit_e4 is None else order.limit_e4 * MICROS_PER_E4
    commission = order_commission_micros(order.quantity, order.quantity * price)
    return {
        "whatIf": "1",
        "status": "PreSubmitted",
        "initMarginBefore": _dollars(before),
        "maintMarginBefore": _dollars(kept),
        "equityWithLoanBefore": _dollars(equity),
        "initMarginChange": _dollars(after - before),
        "maintMarginChange": _dollars(kept_after - kept),
        "equityWithLoanChange": _dollars(-commission),
        "initMarginAfter": _dollars(after),
        "maintMarginAfter": _dollars(kept_after),
        "equityWithLoanAfter": _dollars(equity - commission),
        "commission": money_text(commission),
        "minCommission": money_text(commission),
        "maxCommission": money_text(commission),
        "commissionCurrency": "USD",
    }


def _dollars(micros: int) -> str:
    return money_text(micros // _CENT_MICROS * _CENT_MICROS)
