"""One session, run: the parts are made, wired, watched and ended in order.

    journal → gateway simulator (profile dev) → gateway client → order plane (reconciled) → strategy plane
    (recovered) → quotes → … → quotes end → out of every position → last comparison with the broker → report

The end comes by time, by Ctrl-C, or by the first failure of any part. Whatever it was, what can still be done is
done in the same order: nothing new, orders cancelled, positions flattened, everything written down.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from algo_trade.bus import Bus
from algo_trade.clock import Clock, rng
from algo_trade.contracts import SessionEventKind, Severity
from algo_trade.data_plane import QualityLimits, RealTimeProducer
from algo_trade.ibkr import IBKRHandler, Mode
from algo_trade.order_plane.flatten import Outcome
from algo_trade.order_plane.journal import Journal
from algo_trade.order_plane.outbox import Outbox
from algo_trade.session.ending import Ending, StrategyFault
from algo_trade.session.feeds import fall_silent, listen
from algo_trade.session.gateway_events import note_gateway_events
from algo_trade.session.host import Host
from algo_trade.session.log import SessionLog
from algo_trade.session.parts import (
    Parts,
    make_bars,
    make_orders,
    make_simulator,
    make_strategy,
    open_journal,
)
from algo_trade.session.plan import SessionPlan, write_record
from algo_trade.session.progress import Watcher
from algo_trade.session.started import say_started
from algo_trade.session.watch import compare_with_broker, halt_strategy_on_kill, show
from algo_trade.strategy_plane import Strategy

# A recorded day starts with its subscription, so its last rows come this little after the session's end.
_DRAIN_MAX_S = 5.0
_DRAIN_STEP_S = 0.25


class Session:
    """`run` once. `interrupt` asks for an orderly end from outside, at any time."""

    def __init__(self, plan: SessionPlan, clock: Clock, bus: Bus, watcher: Watcher) -> None:
        self._plan = plan
        self._clock = clock
        self._watcher = watcher
        self._host = Host(clock)
        self._bus = bus
        self._outbox = Outbox(bus)
        self._log = SessionLog(self._outbox, clock, plan.session_id)
        self._parts: Parts | None = None
        self._producing: list[asyncio.Task[Any]] = []

    def interrupt(self) -> None:
        self._host.interrupt()

    def what_is_open(self) -> str:
        """For somebody who leaves at once."""
        return "nothing was traded" if self._parts is None else str(self._parts.orders.flattener.outcome())

    async def run(self) -> Ending:
        """Raises what keeps a session from starting; afterwards every end is an Ending."""
        plan = self._plan
        strategy = plan.strategy.build(plan.limits)
        write_record(plan.directory, plan.record())
        self._host.hear_strays()
        async with AsyncExitStack() as stack:
            journal = open_journal(plan)
            stack.callback(journal.close)
            await self._bus.open()
            stack.push_async_callback(self._bus.close)
            stack.push_async_callback(self._host.end_tasks)
            self._publishing = self._host.spawn(self._outbox.run())
            say_started(self._log, plan, resumed=plan.resumed)
            await self._bus.enforce_retention()
            parts = self._parts = await self._connect(stack, journal, strategy)
            await self._host.unless_ended(self._start(parts))
            return await self._trade_and_end(parts)

    # -- starting ----------------------------------------------------------------------------------
    async def _connect(self, stack: AsyncExitStack, journal: Journal, strategy: Strategy) -> Parts:
        """A gateway that has greeted us and passed the paper lock, and the planes around it."""
        plan, clock, ibkr = self._plan, self._clock, self._plan.settings.ibkr
        simulator = make_simulator(plan, clock)
        if simulator is not None:
            host, port = await simulator.start("127.0.0.1", 0)
            stack.push_async_callback(simulator.stop)
            ibkr = ibkr.model_copy(update={"host": host, "port": port})
        handler = IBKRHandler(ibkr, clock, rng(plan.seed, "ibkr"))
        stack.push_async_callback(handler.close)
        note_gateway_events(handler, self._log)
        await self._host.unless_ended(handler.start())
        self._host.spawn(handler.fatal())
        return Parts(
            simulator,
            handler,
            make_orders(plan, clock, self._bus, handler, journal, self._outbox, self._log),
            make_strategy(plan, clock, self._bus, strategy),
            RealTimeProducer(
                self._bus, clock, handler.market, session_id=plan.session_id, limits=QualityLimits()
            ),
            make_bars(plan, clock, self._bus, handler, strategy.feeds),
            strategy.feeds,
        )

    async def _start(self, parts: Parts) -> None:
        """The order plane first: it notes where the log ends before a strategy can publish."""
        market, symbols = parts.handler.market, self._plan.symbols
        self._host.watch(parts.orders.failure)
        await parts.orders.start({symbol: await market.resolve(symbol) for symbol in symbols})
        await parts.strategy.start()
        if parts.orders.kill_reason is not None:
            parts.strategy.halt()
        self._host.spawn(parts.strategy.run())
        self._producing = [self._host.spawn(parts.producer.run())]
        parts.producer.expect(symbols)
        self._host.spawn(parts.producer.watch())
        if parts.bars is not None:
            self._producing.append(self._host.spawn(parts.bars.run()))
        await listen(self._plan, parts.feeds, market, parts.bars)

    # -- trading and ending ------------------------------------------------------------------------
    async def _trade_and_end(self, parts: Parts) -> Ending:
        self._host.spawn(show(self._plan, self._clock, parts, self._log.notes, self._watcher))
        self._host.spawn(compare_with_broker(self._plan, parts.orders, parts.handler))
        self._host.spawn(halt_strategy_on_kill(parts))
        self._host.spawn(_raise_strategy_fault(parts))
        error = await self._host.until_the_end(self._plan.end_ns)
        interrupted = self._host.interrupted
        reason = (
            "interrupted" if interrupted else f"failed: {error}" if error else "the session's time is over"
        )
        parts.strategy.halt()
        outcome = await parts.orders.get_out(reason)
        if parts.orders.check is not None and parts.handler.connection.connected:
            await parts.orders.check.compare("end")
        mode = parts.handler.mode(self._plan.settings.profile, self._plan.clock_kind)
        try:
            await self._drain(parts)
        except Exception as late:  # noqa: BLE001  # the first failure is the one to tell
            error = error or late
        await self._write_down(parts, reason, outcome, mode, error)
        return Ending(self._clock.now_ns(), interrupted, parts.orders.kill_reason, outcome, mode, error)

    async def _drain(self, parts: Parts) -> None:
        """Quotes that are on their way still count: recorded days end with their last row."""
        loop, market = asyncio.get_running_loop(), parts.handler.market
        until = loop.time() + _DRAIN_MAX_S
        if parts.simulator is not None and not self._host.interrupted:
            while loop.time() < until and not all(map(parts.simulator.quotes_finished, self._plan.quotes)):
                await asyncio.sleep(_DRAIN_STEP_S)
        if parts.handler.connection.connected:
            await fall_silent(self._plan, parts.feeds, market, parts.bars)
        market.close()
        for producing in self._producing:
            await producing
        await parts.strategy.finish()

    async def _write_down(
        self, parts: Parts, reason: str, outcome: Outcome, mode: Mode, error: BaseException | None
    ) -> None:
        """The last events into the log, unless it is the log that broke."""
        self._log(
            SessionEventKind.SESSION_ENDED,
            reason,
            severity=Severity.ERROR if error else Severity.INFO,
            data={"flat": outcome.flat, "open": str(outcome), "mode": mode},
        )
        settled = asyncio.ensure_future(parts.orders.stop())
        await asyncio.wait([settled, self._publishing], return_when=asyncio.FIRST_COMPLETED)
        settled.cancel()


async def _raise_strategy_fault(parts: Parts) -> None:
    await parts.strategy.faulted.wait()
    raise StrategyFault(f"the strategy is at fault: {parts.strategy.fault}")
