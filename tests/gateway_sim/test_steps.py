"""An order's steps happen in the order they were asked for, whatever their delays."""

from __future__ import annotations

import asyncio

from tests.gateway_sim.test_layouts import an_order

from algo_trade.clock import Clock, run_virtual
from algo_trade.gateway_sim.orders import SimOrder
from algo_trade.gateway_sim.steps import Steps

MS = 1_000_000


def test_a_step_never_overtakes_the_one_before_it() -> None:
    """Steps of other orders may; and after the stop there are none."""

    async def main(clock: Clock) -> None:
        steps, done = Steps(clock), []
        one, other = an_order(perm_id=1), an_order(perm_id=2)

        def step(name: str, order: SimOrder, delay_ms: int) -> None:
            steps.later(order, delay_ms * MS, lambda _: done.append(name))

        step("first", one, 10)
        step("second", one, 1)
        step("third", one, 0)
        step("another order's", other, 5)
        assert steps.pending(one)
        await asyncio.sleep(0.02)
        assert done == ["another order's", "first", "second", "third"]
        assert not steps.pending(one)
        step("late", one, 10)
        steps.stop()
        await asyncio.sleep(0.02)
        assert len(done) == 4

    run_virtual(main)
