"""Getting out: halt, cancel, confirm, flatten, verify flat, and not give up when the way is blocked.

Nothing here depends on the strategy or on the bus. A flatten order is reduce-only: it is never larger than
the position the broker reported after the cancels were confirmed, nor than what our own fills explain, and it
goes through the same journal and the same checks as any other. A symbol with an UNKNOWN order is left alone
and said so: whatever that order does would come on top.

Orders only leave through an open gate, so without a connection, or before it is reconciled, getting out waits. The stop
has all the time there is; the end of a session is patient for a minute, and then says what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from uuid import UUID, uuid5

from algo_trade.clock import Clock, utc
from algo_trade.contracts import (
    Direction,
    OrderIntent,
    OrderType,
    SessionEventKind,
    Severity,
    TimeInForce,
    Urgency,
)
from algo_trade.ibkr import IBKRHandler, Known
from algo_trade.ibkr.errors import IBKRError
from algo_trade.order_plane.cancelling import Canceller
from algo_trade.order_plane.journal import JournalStop
from algo_trade.order_plane.ledger import Ledger
from algo_trade.order_plane.lifecycle import OrderState
from algo_trade.order_plane.notify import Notify
from algo_trade.order_plane.order import Order, OrderKind
from algo_trade.order_plane.placing import Placer

FLATTEN_STRATEGY_ID = "FLATTEN"
PATIENCE_S = 60.0
_NAMESPACE = UUID("0d8f2b64-7a0e-5a55-8f43-1f0f8a5b6c02")
_CONFIRM_S = 15.0
_VALID_S = 30
_GATE_POLL_S = 0.5
_RETRY_S = 1.0
_RETRY_MAX_S = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left: signed shares by symbol, and order ids that were not confirmed gone."""

    positions: dict[str, int]
    open_orders: tuple[int, ...]

    @property
    def flat(self) -> bool:
        return not self.positions and not self.open_orders

    def __str__(self) -> str:
        if self.flat:
            return "flat, no order open"
        held = ", ".join(f"{quantity:+d} {symbol}" for symbol, quantity in self.positions.items())
        orders = ", ".join(str(order_id) for order_id in self.open_orders)
        return f"open positions: {held or 'none'}; orders not confirmed gone: {orders or 'none'}"


class Flattener:
    """One getting-out at a time; a second caller makes the first hurry, and goes on where it stopped."""

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        placer: Placer,
        canceller: Canceller,
        handler: IBKRHandler,
        account: str,
        session_id: str,
        max_order_shares: int | None,
        notify: Notify,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._placer = placer
        self._canceller = canceller
        self._handler = handler
        self._exec = handler.orders
        self._account = account
        self._session_id = session_id
        self._max_order_shares = max_order_shares
        self._notify = notify
        self._turn = asyncio.Lock()
        self._until = inf
        self._hurry = asyncio.Event()

    async def get_out(self, reason: str, *, patience_s: float = PATIENCE_S) -> Outcome:
        """Halts strategies for good, then cancels and flattens until flat or out of patience (seconds, may be inf)."""
        self._placer.halt(reason)
        until = asyncio.get_running_loop().time() + patience_s
        if self._turn.locked():
            self._until = min(self._until, until)
            self._hurry.set()
        async with self._turn:
            self._until = until
            self._hurry.clear()
            try:
                await self._until_flat()
            except JournalStop as error:
                self._alarm(f"nothing more can be sent: {error}")
            outcome = self.outcome()
        if not outcome.flat:
            self._alarm(str(outcome))
        return outcome

    def outcome(self) -> Outcome:
        """As the ledger knows it now."""
        working = [order.order_id for order in self._ledger.unresolved() if order.state.may_fill]
        return Outcome(self._ledger.account_positions(), tuple(working))

    async def cancel_all(self) -> None:
        """Ask for every order's end and wait for each to be confirmed, within limits; an UNKNOWN one never is."""
        for order in self._ledger.unresolved():
            if order.state.may_fill:
                try:
                    await self._canceller.ask(order)
                except IBKRError as error:
                    self._alarm(f"cancel of {order.order_id}: {error}", order.symbol)
        await self._until_resolved(lambda order: order.state is not OrderState.UNKNOWN)

    async def _until_flat(self) -> None:
        loop = asyncio.get_running_loop()
        told, wait_s, alarm_at = False, _RETRY_S, loop.time() + PATIENCE_S
        while True:
            filled = False
            if self._handler.connection.connected:
                await self.cancel_all()
            if open_gate := self._exec.gate.reason is None:
                filled = await self._flatten_once()
            outcome = self.outcome()
            if (
                outcome.flat
                or loop.time() >= self._until
                or (self._until < inf and self._only_unknown(outcome))
            ):
                break
            if loop.time() >= alarm_at and not told:
                told = True
                self._alarm(f"not out yet: {outcome}; {self._exec.gate.reason or 'trying on'}")
            wait_s = _RETRY_S if filled or not open_gate else min(2 * wait_s, _RETRY_MAX_S)
            await self._pause(wait_s if open_gate else _GATE_POLL_S)
        if self._handler.connection.connected and any(
            o.kind is OrderKind.FLATTEN for o in self._ledger.unresolved()
        ):
            await self.cancel_all()  # out of time: nothing of ours may go on working unattended

    def _only_unknown(self, outcome: Outcome) -> bool:
        """Whether all that is left is what we may not touch: only evidence from the broker can move it."""
        doubtful = {o.symbol for o in self._ledger.unresolved() if o.state is OrderState.UNKNOWN}
        working = [o for o in self._ledger.unresolved() if o.symbol not in doubtful]
        return not working and set(outcome.positions) <= doubtful

    async def _flatten_once(self) -> bool:
        """One reduce-only order for each open symbol; whether anything filled."""
        ours = self._ledger.account_positions()
        if not ours:
            return False
        answer = await self._handler.snapshots.positions()
        if not isinstance(answer, Known):
            self._alarm(f"positions unknown: {answer.reason}")
            return False
        theirs = {row.symbol: round(row.quantity) for row in answer.rows if row.account == self._account}
        placed: list[Order] = []
        for symbol, recorded in ours.items():
            held = theirs.get(symbol, 0)
            if self._ledger.unresolved(symbol) or held * recorded <= 0:
                continue  # in doubt, or the broker says there is nothing to close
            quantity = min(abs(held), abs(recorded), self._max_order_shares or abs(held))
            side = Direction.SELL if held > 0 else Direction.BUY
            placed.append(await self._placer.place_flatten(self._intent(symbol, side, quantity)))
        mine = {order.intent_id for order in placed}
        await self._until_resolved(lambda order: order.intent_id in mine)
        return any(order.filled for order in placed)

    def _intent(self, symbol: str, side: Direction, quantity: int) -> OrderIntent:
        now = utc(self._clock.now_ns())
        before = [o for o in self._ledger.of_session() if o.kind is OrderKind.FLATTEN and o.symbol == symbol]
        return OrderIntent(
            intent_id=uuid5(_NAMESPACE, f"{self._session_id}:{symbol}:{len(before)}"),
            symbol=symbol,
            direction=side,
            quantity=quantity,
            order_type=OrderType.MARKET,
            time_in_force=TimeInForce.DAY,
            urgency=Urgency.URGENT,
            timestamp=now,
            valid_until=now + timedelta(seconds=_VALID_S),
            session_id=self._session_id,
            strategy_id=FLATTEN_STRATEGY_ID,
        )

    async def _until_resolved(self, concerns: Callable[[Order], bool]) -> None:
        """Until every order that matters is over, or has become UNKNOWN, or the time for confirmations is up."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _CONFIRM_S
        while any(concerns(o) and o.state is not OrderState.UNKNOWN for o in self._ledger.unresolved()):
            left = until - loop.time()
            if left <= 0 or not await self._ledger.changed(left):
                return

    async def _pause(self, seconds: float) -> None:
        left = min(seconds, self._until - asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(max(left, 0.0)):
                await self._hurry.wait()
        except TimeoutError:
            return
        self._hurry.clear()

    def _alarm(self, text: str, symbol: str | None = None) -> None:
        self._notify(SessionEventKind.ORDER_ALARM, text, severity=Severity.ERROR, symbol=symbol)
