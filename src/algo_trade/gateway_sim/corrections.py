"""An execution is corrected: the exchange says afterwards that it was at another price.

The corrected execution has the same id with the next suffix and takes the place of the one before. The account is
counted again from every execution in force, so it is what it would be had the price been right at once.
"""

from __future__ import annotations

from dataclasses import replace

from algo_trade.gateway_sim.account import MICROS_PER_E4, Account
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.callbacks import Callbacks
from algo_trade.gateway_sim.orders import SimExecution


def in_force(executions: list[SimExecution]) -> list[SimExecution]:
    """Every execution once, as it was corrected last, in the order they happened."""
    return list({execution.exec_id.rpartition(".")[0]: execution for execution in executions}.values())


def correct(
    execution: SimExecution, price_e4: int, booking: Booking, callbacks: Callbacks, now_ns: int
) -> SimExecution:
    """Correct one execution in force, and tell whoever hears of its order."""
    prefix, _, suffix = execution.exec_id.rpartition(".")
    change_micros = execution.shares * (price_e4 - execution.price_e4) * MICROS_PER_E4
    corrected = replace(
        execution,
        exec_id=f"{prefix}.{int(suffix) + 1:02d}",
        price_e4=price_e4,
        cumulative_value_micros=execution.cumulative_value_micros + change_micros,
        commission_due_ns=now_ns,
    )
    booking.executions.append(corrected)
    order = booking.orders[execution.perm_id]
    order.value_micros += change_micros
    booking.account.cash_micros -= change_micros if execution.is_buy else -change_micros
    again = Account(booking.account.account_id, 0)
    for each in in_force(booking.executions):
        if each.con_id == execution.con_id:
            signed = each.shares if each.is_buy else -each.shares
            realized = again.fill(each.con_id, signed, each.price_e4, each.commission_micros)
            if each is corrected:
                corrected.realized_micros = realized
    position = again.positions[execution.con_id]
    booking.account.positions[execution.con_id] = position
    booking.commit(order, execution=corrected)
    callbacks.executed(corrected)
    callbacks.position_changed(position)
    callbacks.commission(corrected)
    return corrected
