"""Runs the faults of `table`: arms them, ends them, and says which are armed.

While nothing is armed the gateway knows of no meddler, every client writes to its own transport, and this module is
not on the way of anything.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from algo_trade.clock import Clock
from algo_trade.gateway_sim.connection import ClientConnection, Stage
from algo_trade.gateway_sim.corrections import standing
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.faults.door import Refused, Unanswered, cut
from algo_trade.gateway_sim.faults.notices import BROKEN, FARMS, LOST, RESTORED, Notice
from algo_trade.gateway_sim.faults.table import (
    ConnectivityLost,
    CorrectExecution,
    DelayAcks,
    Drop,
    DuplicateExecution,
    FarmBroken,
    Fault,
    LoseNext,
    RefuseConnections,
    RejectNext,
    Restart,
    Silent,
)
from algo_trade.gateway_sim.faults.wire import (
    FaultyWire,
    Judge,
    Rule,
    hold_all,
    is_callback,
    without_broker,
    without_history,
    without_market_data,
)
from algo_trade.gateway_sim.gateway import Gateway
from algo_trade.gateway_sim.latency import Latencies
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.values import price_e4

logger = logging.getLogger(__name__)

_NS_PER_MS = 1_000_000
_FOR_THE_BROKER = frozenset({"place_order", "cancel_order", "global_cancel"})

# `restart(seconds, roll_back_ids)` closes the door and opens it again.
RestartGateway = Callable[[float, int], None]


class FaultRefused(ValueError):
    """This fault cannot happen now; the text says why."""


@dataclass(slots=True, eq=False)
class Armed:
    """A fault that is not over. `end` undoes it; `ends_ns` is when that is due, None when nobody knows.

    `rule` is what it does to frames. `greeting` is what clients are told that connect meanwhile.
    """

    fault: Fault
    end: Callable[[], None]
    ends_ns: int | None = None
    timer: asyncio.TimerHandle | None = None
    rule: Rule | None = None
    greeting: Notice | None = None


class Faults:
    """The faults of one simulator."""

    def __init__(self, gateway: Gateway, latencies: Latencies, clock: Clock, restart: RestartGateway) -> None:
        self._gateway = gateway
        self._latencies = latencies
        self._clock = clock
        self._restart = restart
        self._loop = asyncio.get_running_loop()
        self._armed: list[Armed] = []
        self._refusing = 0
        self._unanswered = Unanswered()
        self._waiting: list[tuple[ClientConnection, Decoded]] | None = None

    @property
    def armed(self) -> list[Armed]:
        """What is armed and not over, oldest first."""
        rejecting = [each for each in self._armed if isinstance(each.fault, RejectNext)]
        over = rejecting[: len(rejecting) - len(self._gateway.desk.refusals)]
        self._armed = [each for each in self._armed if each not in over]
        return list(self._armed)

    def new_connection(self) -> asyncio.Protocol:
        """What becomes of a connection: the gateway's, closed at once, or open and never answered."""
        if self._refusing:
            return Refused()
        return self._unanswered.connection() if self._is_silent else self._gateway.new_connection()

    @property
    def _is_silent(self) -> bool:
        """To everybody: clients that have no id yet included."""
        return any(isinstance(each.fault, Silent) and each.fault.client is None for each in self._armed)

    def arm(self, fault: Fault) -> None:
        """Let it happen, or be ready to. Raises FaultRefused when it cannot."""
        logger.info("fault: %s", fault.model_dump_json())
        match fault:
            case Drop():
                self._drop(fault)
            case Silent():
                rule = Rule(hold_all, fault.client)
                self._for_a_time(Armed(fault, lambda: self._speak(rule), rule=rule), fault.seconds)
            case ConnectivityLost():
                self._connectivity_lost(fault)
            case FarmBroken():
                self._farm_broken(fault)
            case DelayAcks():
                self._delay_acks(fault)
            case RejectNext():
                self._reject_next(fault)
            case LoseNext(what=what):
                self._take_next(fault, lambda fields: 0 if is_callback(fields, what) else 1)
            case DuplicateExecution():
                self._take_next(fault, lambda fields: 2 if is_callback(fields, "execution") else 1)
            case CorrectExecution():
                self._correct(fault)
            case Restart():
                self._restart(fault.seconds, fault.roll_back_ids)
            case RefuseConnections():
                self._refusing += 1
                self._for_a_time(Armed(fault, self._let_in), fault.seconds)

    def clear(self) -> None:
        """End everything that is armed, as if its time had come."""
        for armed in self.armed:
            self._end(armed)

    def stop(self) -> None:
        """Nothing that is still due happens any more."""
        for armed in self._armed:
            if armed.timer is not None:
                armed.timer.cancel()
        self._armed.clear()
        self._unanswered.close()

    # -- what the gateway asks ---------------------------------------------------------------------
    def joined(self, connection: ClientConnection) -> None:
        self._apply(connection)
        for armed in self._armed:
            if armed.greeting is not None:
                self._loop.call_soon(connection.error, -1, *armed.greeting)

    def holds(self, connection: ClientConnection, request: Decoded) -> bool:
        if self._waiting is None or request.name not in _FOR_THE_BROKER:
            return False
        self._waiting.append((connection, request))
        return True

    # -- arming and ending -------------------------------------------------------------------------
    def _for_a_time(self, armed: Armed, seconds: float) -> None:
        armed.ends_ns = self._clock.now_ns() + int(seconds * 1e9)
        armed.timer = self._loop.call_later(seconds, self._end, armed)
        self._add(armed)

    def _take_next(self, fault: LoseNext | DuplicateExecution, judge: Judge) -> None:
        rule = Rule(judge, fault.client, left=1)
        self._add(Armed(fault, lambda: self._remove(rule), rule=rule))

    def _add(self, armed: Armed) -> None:
        self._armed.append(armed)
        if armed.rule is not None:
            self._gateway.meddler = self
            for connection in self._gateway.clients:
                self._apply(connection)

    def _end(self, armed: Armed) -> None:
        if armed.timer is not None:
            armed.timer.cancel()
        if armed in self._armed:
            self._armed.remove(armed)
            armed.end()

    def _used_up(self, rule: Rule) -> None:
        """A rule took its last frame. Its wire is in use just now, and taken away after that."""
        for armed in self._armed:
            if armed.rule is rule:
                self._loop.call_soon(self._end, armed)

    # -- rules for frames --------------------------------------------------------------------------
    def _apply(self, connection: ClientConnection) -> None:
        """Put the rules that hold for a client before its transport, or nothing where none does."""
        transport: object = connection.transport
        rules = [each.rule for each in self._armed if each.rule is not None]
        rules = [rule for rule in rules if rule.applies_to(connection.client_id)]
        if transport is None or not (rules or isinstance(transport, FaultyWire)):
            return
        wire = transport if isinstance(transport, FaultyWire) else self._wire(transport)
        wire.rules = rules
        connection.transport = cast(asyncio.Transport, wire) if rules else wire.transport
        wire.hear(not any(rule.judge is hold_all for rule in rules))

    def _wire(self, transport: object) -> FaultyWire:
        return FaultyWire(cast(asyncio.Transport, transport), self._used_up)

    def _remove(self, rule: Rule) -> None:
        """A rule holds no longer; what it held is told."""
        for connection in self._gateway.clients:
            wire: object = connection.transport
            self._apply(connection)
            if isinstance(wire, FaultyWire):
                wire.release(rule)
        if not any(each.rule is not None for each in self._armed):
            self._gateway.meddler = None

    def _speak(self, rule: Rule) -> None:
        self._remove(rule)
        if not self._is_silent:
            self._unanswered.answer(self._gateway.new_connection)

    def _tell(self, notice: Notice) -> None:
        for connection in self._gateway.clients:
            connection.error(-1, *notice)

    # -- the farms and the broker ------------------------------------------------------------------
    def _connectivity_lost(self, fault: ConnectivityLost) -> None:
        if self._waiting is not None:
            raise FaultRefused("connectivity is lost already")
        self._waiting = []
        rule = Rule(without_broker)
        self._tell(LOST)
        self._for_a_time(
            Armed(fault, lambda: self._restored(fault, rule), rule=rule, greeting=BROKEN), fault.seconds
        )

    def _restored(self, fault: ConnectivityLost, rule: Rule) -> None:
        """First the notice, then what was held back, then what the clients wanted meanwhile."""
        waiting, self._waiting = self._waiting or [], None
        self._tell(RESTORED[fault.data])
        for connection in self._gateway.clients if fault.data == "lost" else ():
            self._gateway.subscriptions(connection).close()
        self._remove(rule)
        if fault.data == "maintained":
            self._show_again()
        for connection, request in waiting:
            if connection.stage is Stage.STARTED:
                try:
                    self._gateway.answer(connection, request)
                except RequestError as error:
                    connection.error(request.request_id, error.code, error.text)

    def _show_again(self) -> None:
        for connection in self._gateway.clients:
            self._gateway.subscriptions(connection).show_again(connection.error)

    def _farm_broken(self, fault: FarmBroken) -> None:
        broken, mended = FARMS[fault.farm]
        rule = Rule(without_market_data if fault.farm == "market" else without_history)

        def end() -> None:
            self._remove(rule)
            self._tell(mended)
            if fault.farm == "market":
                self._show_again()

        self._tell(broken)
        self._for_a_time(Armed(fault, end, rule=rule, greeting=broken), fault.seconds)

    def _delay_acks(self, fault: DelayAcks) -> None:
        self._armed = [each for each in self._armed if not isinstance(each.fault, DelayAcks)]
        self._latencies.extra_ack_ns = int(fault.ms * _NS_PER_MS)
        if fault.ms:
            self._add(Armed(fault, lambda: setattr(self._latencies, "extra_ack_ns", 0)))

    def _reject_next(self, fault: RejectNext) -> None:
        refusals = self._gateway.desk.refusals
        refusals.append(fault.reason)
        self._add(Armed(fault, refusals.clear))

    def _correct(self, fault: CorrectExecution) -> None:
        booking = self._gateway.booking
        named = [each for each in standing(booking.executions) if fault.exec_id in {"", each.exec_id}]
        at_e4 = price_e4(fault.price)
        if not named or at_e4 is None:
            raise FaultRefused(f"there is no execution {fault.exec_id} in force".replace("  ", " "))
        self._gateway.desk.correct_execution(named[-1].exec_id, at_e4)

    # -- the door ----------------------------------------------------------------------------------
    def _let_in(self) -> None:
        self._refusing -= 1

    def _drop(self, fault: Drop) -> None:
        for connection in self._gateway.clients:
            if fault.client not in {None, connection.client_id}:
                continue
            if fault.abrupt:
                cut(connection, self._loop)
            else:
                connection.close()
