"""One session, run: the parts are made, wired, watched and ended in order.

    journal → gateway simulator (profile dev) → gateway client → order plane (reconciled) → strategy plane
    (recovered) → quotes → … → quotes end → out of every position → last comparison with the broker → report

The end comes by time, by Ctrl-C, or by the first failure of any part. Whatever it was, what can still be done is
done in the same order: nothing new, orders cancelled, positions flattened, everything written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, ClassVar

from algo_trade.bus import EmbeddedBus
from algo_trade.clock import Clock, IdSource, rng
from algo_trade.contracts import SessionEventKind, Severity
from algo_trade.data_plane import QualityLimits, RealTimeProducer
from algo_trade.exit_codes import ExitCode
from algo_trade.ibkr import IBKRHandler, Mode
from algo_trade.ibkr.events import GatewayMessage, LinkChanged
from algo_trade.order_plane.flatten import Outcome
from algo_trade.order_plane.journal import Journal
from algo_trade.order_plane.outbox import Outbox
from algo_trade.session.ending import Ending
from algo_trade.session.feeds import fall_silent, listen
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
from algo_trade.session.watch import compare_with_broker, halt_strategy_on_kill, show
from algo_trade.strategy_plane import Strategy

# A recorded day starts with its subscription, so its last rows come this little after the session's end.
_DRAIN_MAX_S = 5.0
_DRAIN_STEP_S = 0.25
# Warnings in the gateway's own list, and 202: that an order is cancelled, as somebody asked.
_NOTICES = frozenset({*range(2100, 2200), 202})


class Interrupted(Exception):
    """The user stopped the session before it traded."""

    exit_code: ClassVar[ExitCode] = ExitCode.INTERRUPTED


class StrategyFault(Exception):
    """The strategy's own code failed; its positions were closed and the session ended."""

    exit_code: ClassVar[ExitCode] = ExitCode.GATE_FAILED


class Session:
    """`run` once. `interrupt` asks for an orderly end from outside, at any time."""

    def __init__(
        self, plan: SessionPlan, clock: Clock, ids: IdSource, watcher: Watcher, *, hand_over: bool = True
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._watcher = watcher
        loop = asyncio.get_running_loop()
        self._interrupted: asyncio.Future[None] = loop.create_future()
        self._failed: asyncio.Future[None] = loop.create_future()
        self._tasks: list[asyncio.Task[Any]] = []
        self._bus = EmbeddedBus(
            plan.log_directory,
            clock=clock,
            ids=ids,
            hand_over=hand_over,
            power_safe=plan.settings.journal.synchronous == "full",
        )
        self._outbox = Outbox(self._bus)
        self._log = SessionLog(self._outbox, clock, plan.session_id)
        self._parts: Parts | None = None
        self._producing: list[asyncio.Task[Any]] = []

    def interrupt(self) -> None:
        if not self._interrupted.done():
            self._interrupted.set_result(None)

    def what_is_open(self) -> str:
        """For somebody who leaves at once."""
        return "nothing was traded" if self._parts is None else str(self._parts.orders.flattener.outcome())

    async def run(self) -> Ending:
        """Raises what keeps a session from starting; afterwards every end is an Ending."""
        plan = self._plan
        strategy = plan.strategy.build(plan.limits)
        write_record(plan.directory, plan.record())
        # What a callback raises reaches the loop only; without this the session would go on without the part.
        asyncio.get_running_loop().set_exception_handler(self._on_stray_error)
        async with AsyncExitStack() as stack:
            journal = open_journal(plan)
            stack.callback(journal.close)
            await self._bus.open()
            stack.push_async_callback(self._bus.close)
            stack.push_async_callback(self._end_tasks)
            self._spawn(self._outbox.run())
            self._say_started()
            await self._bus.enforce_retention()
            parts = self._parts = await self._connect(stack, journal, strategy)
            await self._unless_ended(self._start(parts))
            return await self._trade_and_end(parts)

    # -- starting ----------------------------------------------------------------------------------
    def _say_started(self) -> None:
        plan = self._plan
        self._log(
            SessionEventKind.SESSION_RESUMED if plan.resumed else SessionEventKind.SESSION_STARTED,
            f"{plan.settings.profile}, {plan.clock_kind} clock, {plan.strategy.name}, {', '.join(plan.symbols)}",
            data={
                "account_id": plan.settings.ibkr.account_id,
                "seed": plan.seed,
                "settings": plan.settings.fingerprint(),
                "strategy": plan.strategy.identity(),
            },
        )

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
        handler.listen(GatewayMessage, self._on_gateway_message)
        handler.listen(LinkChanged, self._on_link)
        await self._unless_ended(handler.start())
        self._spawn(handler.fatal())
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
        self._watch(parts.orders.failure)
        await parts.orders.start({symbol: await market.resolve(symbol) for symbol in symbols})
        await parts.strategy.start()
        if parts.orders.kill_reason is not None:
            parts.strategy.halt()
        self._spawn(parts.strategy.run())
        self._producing = [self._spawn(parts.producer.run())]
        parts.producer.expect(symbols)
        self._spawn(parts.producer.watch())
        if parts.bars is not None:
            self._producing.append(self._spawn(parts.bars.run()))
        await listen(self._plan, parts.feeds, market, parts.bars)

    # -- trading and ending ------------------------------------------------------------------------
    async def _trade_and_end(self, parts: Parts) -> Ending:
        self._spawn(show(self._plan, self._clock, parts, self._log.notes, self._watcher))
        self._spawn(compare_with_broker(self._plan, parts))
        self._spawn(halt_strategy_on_kill(parts))
        self._spawn(_raise_strategy_fault(parts))
        error = await self._until_the_end()
        interrupted = self._interrupted.done()
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

    async def _until_the_end(self) -> BaseException | None:
        """By time, by interrupt, or by the first failure, which is returned."""
        left_s = (self._plan.end_ns - self._clock.now_ns()) / 1e9
        timer = asyncio.ensure_future(asyncio.sleep(max(0.0, left_s)))
        waiting: list[asyncio.Future[Any]] = [timer, self._interrupted, self._failed]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        return self._failed.exception() if self._failed.done() else None

    async def _drain(self, parts: Parts) -> None:
        """Quotes that are on their way still count: recorded days end with their last row."""
        loop, market = asyncio.get_running_loop(), parts.handler.market
        until = loop.time() + _DRAIN_MAX_S
        if parts.simulator is not None and not self._interrupted.done():
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
        outbox = self._tasks[0]
        await asyncio.wait([settled, outbox], return_when=asyncio.FIRST_COMPLETED)
        settled.cancel()

    # -- what the gateway says ---------------------------------------------------------------------
    def _on_gateway_message(self, event: GatewayMessage) -> None:
        self._log(
            SessionEventKind.GATEWAY_ERROR,
            event.text,
            severity=Severity.INFO if event.code in _NOTICES else Severity.WARNING,
            code=event.code,
            data={"request": event.req_id},
        )

    def _on_link(self, event: LinkChanged) -> None:
        self._log(SessionEventKind.GATEWAY_STATE, event.reason, data={"state": event.state})

    # -- tasks -------------------------------------------------------------------------------------
    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.append(task)
        self._watch(task)
        return task

    def _watch(self, future: asyncio.Future[Any]) -> None:
        future.add_done_callback(self._part_ended)

    def _part_ended(self, future: asyncio.Future[Any]) -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self._fail(error)

    def _on_stray_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception):
            self._fail(error)
        else:
            loop.default_exception_handler(context)

    def _fail(self, error: BaseException) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)
            self._failed.exception()  # looked at where the session waits; not a second time by the loop

    async def _unless_ended(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for a step of the start, or for what makes it pointless: a failure, or the user."""
        step = asyncio.ensure_future(work)
        waiting: list[asyncio.Future[Any]] = [step, self._failed, self._interrupted]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not step.done():
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)
            failure = self._failed.exception() if self._failed.done() else None
            raise failure or Interrupted("interrupted before the session traded")
        await step

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _raise_strategy_fault(parts: Parts) -> None:
    await parts.strategy.faulted.wait()
    raise StrategyFault(f"the strategy is at fault: {parts.strategy.fault}")
