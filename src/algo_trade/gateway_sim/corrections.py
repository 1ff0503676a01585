"""Corrected executions: the same fill, of the same time, at another price, under the same id with a higher last part.

The books are as if it had been that price from the first: the position is built anew from all its fills. Profits that
later fills were told to have realised are not told again.
"""

from __future__ import annotations

from dataclasses import replace

from algo_trade.gateway_sim.account import MICROS_PER_E4, Position
from algo_trade.gateway_sim.booking import Booking
from algo_trade.gateway_sim.orders import SimExecution


def _fill_of(exec_id: str) -> str:
    """What all corrections of a fill have in common."""
    return exec_id.rpartition(".")[0]


def standing(executions: list[SimExecution]) -> list[SimExecution]:
    """The executions that hold, the last correction of each, in the order of the fills."""
    return list({_fill_of(execution.exec_id): execution for execution in executions}.values())


def correct(booking: Booking, exec_id: str, price_e4: int, commission_due_ns: int) -> SimExecution:
    """Book a correction and return its execution; not committed yet."""
    known = {execution.exec_id: execution for execution in booking.executions}
    wrong = known[exec_id]
    fill, _, number = exec_id.rpartition(".")
    new_id = f"{fill}.{int(number) + 1:02d}"
    if new_id in known:
        raise ValueError(f"execution {exec_id} has been corrected already")
    difference = wrong.shares * (price_e4 - wrong.price_e4) * MICROS_PER_E4
    order = booking.orders[wrong.perm_id]
    order.value_micros += difference
    order.last_price_e4 = price_e4
    booking.account.cash_micros -= difference if wrong.is_buy else -difference
    correction = replace(
        wrong,
        exec_id=new_id,
        price_e4=price_e4,
        cumulative_value_micros=wrong.cumulative_value_micros + difference,
        commission_due_ns=commission_due_ns,
    )
    booking.executions.append(correction)
    _rebuild(booking, correction)
    return correction


def _rebuild(booking: Booking, correction: SimExecution) -> None:
    """The position of its contract from all fills; the correction learns what it realised."""
    position = Position(correction.con_id)
    for execution in standing(booking.executions):
        if execution.con_id == correction.con_id:
            shares = execution.shares if execution.is_buy else -execution.shares
            realized = position.fill(shares, execution.price_e4, execution.commission_micros)
            if execution is correction:
                correction.realized_micros = realized
    booking.account.positions[correction.con_id] = position
