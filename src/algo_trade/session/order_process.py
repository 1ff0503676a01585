"""The order plane in a process of its own: the only one that trades, and the one that ends the session."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, ClassVar

from algo_trade.contracts import SessionEventKind, Severity
from algo_trade.order_plane.plane import OrderPlane
from algo_trade.session.bulletin import say
from algo_trade.session.ending import Ending, StrategyFault
from algo_trade.session.parts import make_orders, open_journal
from algo_trade.session.plane_process import PlaneProcess
from algo_trade.session.started import say_started
from algo_trade.session.watch import compare_with_broker

# The others stop when they hear that the session has ended; their last records belong to its evidence.
_OTHERS_S = 20.0


class OrderProcess(PlaneProcess):
    """`ending` is there once `run` has returned, unless the plane broke in its end."""

    name: ClassVar[str] = "order"
    ending: Ending | None = None

    async def run(self) -> BaseException | None:
        """The journal first: where another order plane trades this account, nothing else is done."""
        self._journal = open_journal(self.plan)
        try:
            return await super().run()
        finally:
            self._journal.close()

    async def begin(self, stack: AsyncExitStack) -> None:
        plan = self.plan
        # Whoever of the three planes came first made the directory; what has begun is what the journal knows.
        say_started(self.log, plan, resumed=self._journal.baseline(plan.session_id) is not None)
        handler = self._handler = await self.connect(stack, plan.settings.ibkr)
        self._orders: OrderPlane = make_orders(
            plan, self.clock, self.bus, handler, self._journal, self.outbox, self.log
        )
        self.host.watch(self._orders.failure)
        await self.host.unless_ended(self._start())
        self.host.spawn(compare_with_broker(plan, self._orders, handler))

    async def _start(self) -> None:
        market = self._handler.market
        await self._orders.start({symbol: await market.resolve(symbol) for symbol in self.plan.symbols})

    async def until_the_end(self) -> BaseException | None:
        error = await self.host.until_the_end(self.plan.end_ns, self.bulletin.strategy_fault)
        if error is None and self.bulletin.strategy_fault.done():
            error = StrategyFault(f"the strategy is at fault: {self.bulletin.strategy_fault.result()}")
        return error

    async def finish(self, error: BaseException | None) -> None:
        if not self._journal.holds_lease:
            return  # the session is the other order plane's, and goes on
        interrupted, orders = self.host.interrupted, self._orders
        reason = (
            "interrupted" if interrupted else f"failed: {error}" if error else "the session's time is over"
        )
        say(self.log, self.name, "ending", reason)
        outcome = await orders.get_out(reason)
        if orders.check is not None and self._handler.connection.connected:
            await orders.check.compare("end")
        mode = self._handler.mode(self.plan.settings.profile, self.plan.clock_kind)
        self.ending = Ending(self.clock.now_ns(), interrupted, orders.kill_reason, outcome, mode, error)
        self.log(
            SessionEventKind.SESSION_ENDED,
            reason,
            severity=Severity.ERROR if error else Severity.INFO,
            data={"flat": outcome.flat, "open": str(outcome), "mode": mode},
        )
        others: asyncio.Future[Any] = asyncio.ensure_future(self.bulletin.until_ended("data", "strategy"))
        await asyncio.wait([others], timeout=_OTHERS_S)
        others.cancel()
        # Only now: until the strategy has ended it may ask for something, and every intent has its answer.
        stopping: asyncio.Future[Any] = asyncio.ensure_future(orders.stop())
        await asyncio.wait([stopping], timeout=_OTHERS_S)
        stopping.cancel()
