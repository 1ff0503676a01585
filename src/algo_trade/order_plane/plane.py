"""The order plane: the one place that trades, assembled from its parts.

Start: the end of an unknown log is noted → what the log has not heard yet is published again → gateway events →
reconciliation (the gate opens) → intents are read from where the journal stopped. Then the tasks run: intents, broker
events, quotes, and the watch over gate and silent orders. A failure in any of them ends the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from math import inf
from typing import Any

from algo_trade.bus import Bus, Latest, Subscription
from algo_trade.clock import Clock
from algo_trade.contracts import ExecutionReport, SessionEventKind, Severity
from algo_trade.ibkr import IBKRHandler
from algo_trade.ibkr.errors import IBKRError
from algo_trade.ibkr.instruments import Instrument
from algo_trade.order_plane.amending import Amender
from algo_trade.order_plane.broker_check import BrokerCheck, read_cash_micros
from algo_trade.order_plane.broker_events import BrokerEvents
from algo_trade.order_plane.cancelling import Canceller
from algo_trade.order_plane.flatten import PATIENCE_S, Flattener, Outcome
from algo_trade.order_plane.hearing import Hearing
from algo_trade.order_plane.intake import Intake
from algo_trade.order_plane.journal import Journal
from algo_trade.order_plane.ledger import Ledger
from algo_trade.order_plane.log_repair import INTENTS, REPORTS, tell_the_log, where_to_read
from algo_trade.order_plane.monitor import Monitor
from algo_trade.order_plane.notify import Notify
from algo_trade.order_plane.outbox import Outbox
from algo_trade.order_plane.placing import Placer
from algo_trade.order_plane.reconcile import Reconciler
from algo_trade.portfolio import Pnl
from algo_trade.risk import KillSwitch, Limits, Marks, PreTradeCheck, Trip

QUOTES = "market_events"
_ASK_AGAIN_S = 2.0
_LAST_INTENTS_S = 5.0
_LOOK_S = 0.05


class OrderPlane:
    """`kill_reason` is set once the latch is; `failure` ends with the exception that must end the session."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        handler: IBKRHandler,
        journal: Journal,
        outbox: Outbox,
        notify: Notify,
        limits: Limits,
        *,
        account: str,
        client_id: int,
        session_id: str,
        patience_s: float,
    ) -> None:
        self._bus, self._clock, self._handler = bus, clock, handler
        self._journal, self._outbox, self._notify = journal, outbox, notify
        self._session_id, self.account = session_id, account
        self._instruments: dict[str, Instrument] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        self._subscriptions: list[Subscription] = []
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        latched = journal.latched()
        self.kill_reason = None if latched is None else latched.text
        self.check: BrokerCheck | None = None
        self.marks = Marks()
        self.ledger = ledger = Ledger(journal, clock, account, session_id, self._on_report)
        self.events = BrokerEvents(ledger, client_id, notify)
        switch = KillSwitch(limits, journal.peak_micros(session_id))
        self.monitor = Monitor(ledger, self.marks, switch, self._on_trip, self._on_peak)
        self.monitor.tripped = latched is not None
        self.reconciler = Reconciler(handler, ledger, self.events, account, notify)
        self.canceller = Canceller(clock, ledger, handler.orders, notify)
        self.hearing = Hearing(
            handler,
            clock,
            ledger,
            self.events,
            self.reconciler,
            self.canceller,
            notify,
            round(patience_s * 1e9),
        )
        self.placer, self.intake = self._way_out(PreTradeCheck(limits, account))
        self.flattener = Flattener(
            clock,
            ledger,
            self.placer,
            self.canceller,
            handler,
            account,
            session_id,
            limits.max_order_shares,
            notify,
        )

    def _way_out(self, check: PreTradeCheck) -> tuple[Placer, Intake]:
        """The path of an intent or an amendment: intake → placer or amender → gateway."""
        clock, ledger, session_id = self._clock, self.ledger, self._session_id
        orders = self._handler.orders
        placer = Placer(
            clock,
            ledger,
            check,
            orders,
            self.marks,
            self._instruments,
            session_id,
            lambda intent: self._outbox.put(INTENTS, intent, self._key(intent.symbol)),
        )
        amender = Amender(
            clock,
            ledger,
            check,
            orders,
            self.canceller,
            self.marks,
            self._instruments,
            session_id,
            lambda: placer.halted,
        )
        return placer, Intake(self._bus, clock, self._journal, ledger, placer, amender)

    # -- starting ----------------------------------------------------------------------------------
    async def start(self, instruments: dict[str, Instrument]) -> None:
        """Returns when orders may leave: reconciled, and every unanswered intent of the log taken up."""
        start = await where_to_read(self._bus, self._journal)
        self._instruments.update(instruments)
        self._handler.orders.order_id_floor = self.ledger.highest_order_id
        if self.kill_reason is not None:
            self.intake.halt(self.kill_reason)
        await tell_the_log(self._bus, self._journal, self.ledger, self._outbox, self._session_id, self._key)
        self._spawn(self.hearing.run())
        await self.reconciler.reconcile()
        await self._check_baseline()
        await self._know_what_is_held()
        await self._withdraw_what_is_old()
        intents = await self._bus.subscribe([INTENTS], start=start)
        quotes = await self._bus.subscribe([QUOTES], start=Latest())
        self._subscriptions = [intents, quotes]
        self._reading = self._spawn(self.intake.run(intents))
        self._spawn(self.monitor.run(quotes))
        self._spawn(self.hearing.watch())
        if self.kill_reason is not None:
            self._spawn(self.flattener.get_out(self.kill_reason, patience_s=inf))

    async def _check_baseline(self) -> None:
        baseline = self._journal.baseline(self._session_id)
        if baseline is None:
            while (cash := await read_cash_micros(self._handler.snapshots)) is None:
                await asyncio.sleep(_ASK_AGAIN_S)
            baseline = {"cash_micros": cash}
            self._journal.set_baseline(self._session_id, self._clock.now_ns(), baseline)
        cash_micros = baseline["cash_micros"]
        assert isinstance(cash_micros, int)
        self.check = BrokerCheck(
            self._handler.snapshots, self.ledger, self.events, self.account, cash_micros, self._notify
        )

    async def _know_what_is_held(self) -> None:
        """A position of an earlier session may be in a symbol this one does not trade: it has to be got out of."""
        for symbol in self.ledger.account_positions():
            if symbol not in self._instruments:
                try:
                    self._instruments[symbol] = await self._handler.market.resolve(symbol)
                except IBKRError as error:
                    text = f"{symbol} is held and cannot be traded: {error}"
                    self._notify(SessionEventKind.ORDER_ALARM, text, severity=Severity.ERROR, symbol=symbol)

    async def _withdraw_what_is_old(self) -> None:
        """Cancels of an earlier process whose end was not heard, and orders of earlier sessions: nobody minds them.

        A GTC order outlives its session. As long as it works it keeps its risk and its symbol.
        """
        await self.canceller.again()
        for order in self.ledger.unresolved():
            if order.session_id != self._session_id:
                await self.canceller.withdraw(order, f"it is of session {order.session_id}")

    # -- stopping ----------------------------------------------------------------------------------
    def _on_trip(self, trip: Trip) -> None:
        """Latch first: nothing that follows may be forgotten by a crash."""
        text = f"{trip.control} {trip.text}"
        self._journal.latch(self._clock.now_ns(), self._session_id, text)
        self.kill_reason = text
        self.intake.halt(text)
        self._notify(SessionEventKind.KILL_LATCHED, text, severity=Severity.ERROR)
        self._spawn(self.flattener.get_out(text, patience_s=inf))
        self.ledger.touch()

    def _on_peak(self, peak_micros: int) -> None:
        self._journal.set_peak(self._session_id, peak_micros)

    async def get_out(self, reason: str, *, patience_s: float = PATIENCE_S) -> Outcome:
        """Halt, cancel, flatten; what is left when flat or out of patience. The intake stays closed.

        Where another order plane has taken the account over, its orders and positions are no longer ours to end.
        """
        if not self._journal.holds_lease:
            self.intake.halt(reason)
            return self.flattener.outcome()
        return await self.flattener.get_out(reason, patience_s=patience_s)

    async def stop(self) -> None:
        """Answer what was asked, end the tasks; reports made so far are in the log when it returns, if there is one."""
        self.intake.halt("the session is over")
        await self._last_intents()
        for subscription in self._subscriptions:
            await subscription.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._outbox.settled()

    async def _last_intents(self) -> None:
        """An intent of the last moment gets its refusal: after the end nobody would answer it."""
        until = asyncio.get_running_loop().time() + _LAST_INTENTS_S
        while self._subscriptions and not self._reading.done() and not await self.intake.caught_up():
            if asyncio.get_running_loop().time() >= until:
                return
            await asyncio.sleep(_LOOK_S)

    def pnl(self) -> Pnl:
        return self.monitor.pnl()

    # -- helpers -----------------------------------------------------------------------------------
    def _on_report(self, report: ExecutionReport) -> None:
        self._outbox.put(REPORTS, report, self._key(report.symbol))
        self.monitor.observe()

    def _key(self, symbol: str) -> str:
        """What the log orders a symbol's records by: its contract id, or its name where there is no contract."""
        instrument = self._instruments.get(symbol)
        return symbol if instrument is None else str(instrument.con_id)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._task_ended)
        self._tasks.append(task)
        return task

    def _task_ended(self, task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.failure.done():
            self.failure.set_exception(error)
