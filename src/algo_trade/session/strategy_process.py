"""The strategy plane in a process of its own: market_events and exec_reports in, intents out. No gateway."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import ClassVar

from algo_trade.session.bulletin import PlaneState
from algo_trade.session.ending import StrategyFault
from algo_trade.session.parts import make_strategy
from algo_trade.session.plane_process import GRACE_S, PlaneProcess
from algo_trade.strategy_plane import StrategyPlane


class StrategyProcess(PlaneProcess):
    """It decides nothing once the session's time is over or the kill switch holds, and reads on until the end."""

    name: ClassVar[str] = "strategy"

    async def begin(self, stack: AsyncExitStack) -> None:
        plan = self.plan
        self._plane: StrategyPlane = make_strategy(
            plan, self.clock, self.bus, plan.strategy.build(plan.limits)
        )
        await self.host.unless_ended(self._plane.start())
        self.host.spawn(self._plane.run())
        self.host.spawn(self._raise_fault())

    async def until_the_end(self) -> BaseException | None:
        ended, told = self.bulletin.session_ended, self.bulletin
        error = await self.host.until_the_end(self.plan.end_ns, ended, told.orders_ending, told.kill_latched)
        self._plane.halt()
        if error is not None or self.host.interrupted:
            return error
        return await self.host.until_the_end(self.plan.end_ns + round(GRACE_S * 1e9), ended)

    async def finish(self, error: BaseException | None) -> None:
        self._plane.halt()
        await self._plane.finish()

    @property
    def last_state(self) -> PlaneState:
        return "at fault" if self._plane.fault is not None else "ended"

    async def _raise_fault(self) -> None:
        await self._plane.faulted.wait()
        raise StrategyFault(f"the strategy is at fault: {self._plane.fault}")
