"""Sessions for the tests, written by the real bus at times the test names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from algo_trade.bus import EmbeddedBus
from algo_trade.clock import VIRTUAL_START_NS, Clock, SeededIds, rng, run_virtual, utc
from algo_trade.contracts import (
    AmendmentAction,
    BarDuration,
    BarEvent,
    Direction,
    ExecutionReport,
    ExecutionStatus,
    Fill,
    LatencyMetrics,
    Message,
    OFIEvent,
    OrderAmendment,
    OrderIntent,
    OrderType,
    ReportMetadata,
    SessionEvent,
    SessionEventKind,
    Severity,
    TickEvent,
    TimeInForce,
)

SESSION_ID = "11111111-2222-5333-8444-555555555555"
START = utc(VIRTUAL_START_NS)
_NAMES = UUID("00000000-0000-5000-8000-000000000001")
_MARKET = ("market_events", "ofi_events")
_DRAIN_EVERY = 200


def intent_id(name: str) -> UUID:
    return uuid5(_NAMES, name)


@dataclass
class Writer:
    """Collects messages with their second, then writes them in order of time. `orders` counts the order ids."""

    directory: Path
    entries: list[tuple[float, str, Message | bytes, str, tuple[tuple[str, bytes], ...]]] = field(
        default_factory=list
    )
    record: dict[str, Any] = field(default_factory=dict)
    _sequences: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        at_s: float,
        topic: str,
        message: Message | bytes,
        key: str = "SPY",
        headers: tuple[tuple[str, bytes], ...] = (),
    ) -> None:
        self.entries.append((at_s, topic, message, key, headers))

    def tick(
        self, at_s: float, bid: float, ask: float, sizes: tuple[int, int] = (1, 1), symbol: str = "SPY"
    ) -> None:
        event = TickEvent(
            symbol=symbol,
            timestamp=START + timedelta(seconds=at_s),
            bid=bid,
            ask=ask,
            bid_size=sizes[0],
            ask_size=sizes[1],
        )
        self.add(at_s, "market_events", event, symbol)

    def ofi(self, at_s: float, raw: float, symbol: str = "SPY", z: float = 0.5) -> None:
        moment = START + timedelta(seconds=at_s)
        self.add(at_s, "ofi_events", OFIEvent(symbol=symbol, timestamp=moment, ofi_z=z, ofi_raw=raw), symbol)

    def bar(self, at_s: float, close: float, duration: str = "1m", symbol: str = "SPY") -> None:
        event = BarEvent(
            symbol=symbol,
            timestamp=START + timedelta(seconds=at_s),
            open=close,
            high=close,
            low=close,
            close=close,
            volume=100,
            bar_duration=BarDuration(duration),
        )
        self.add(at_s, "market_events", event, symbol)

    def intent(self, at_s: float, name: str, side: str = "BUY", quantity: int = 10, **more: Any) -> None:
        moment = START + timedelta(seconds=at_s)
        fields: dict[str, Any] = {
            "intent_id": intent_id(name),
            "session_id": SESSION_ID,
            "symbol": "SPY",
            "direction": Direction(side),
            "quantity": quantity,
            "order_type": OrderType.LIMIT,
            "limit_price": 500.0,
            "time_in_force": TimeInForce.IOC,
            "timestamp": moment,
            "valid_until": moment + timedelta(seconds=2),
            "strategy_id": "OFI",
        }
        message = OrderIntent(**(fields | more))
        self.add(at_s, "order_intents", message, message.symbol)

    def report(
        self,
        at_s: float,
        name: str,
        status: str,
        fills: Sequence[Fill] = (),
        *,
        order_id: str = "1",
        side: str = "BUY",
        latency: tuple[float, float, float, float] | None = None,
        **more: Any,
    ) -> None:
        sequence = self._sequences.get(name, 0)
        self._sequences[name] = sequence + 1
        metrics = None
        if latency is not None:
            metrics = LatencyMetrics(
                intent_to_submit_ms=latency[0],
                submit_to_ack_ms=latency[1],
                ack_to_fill_ms=latency[2],
                total_latency_ms=latency[3],
            )
        fields: dict[str, Any] = {
            "report_id": uuid5(_NAMES, f"{name}:{sequence}"),
            "intent_id": intent_id(name),
            "session_id": SESSION_ID,
            "sequence": sequence,
            "order_id": order_id,
            "symbol": "SPY",
            "status": ExecutionStatus(status),
            "timestamp": START + timedelta(seconds=at_s),
            "direction": Direction(side),
            "fills": tuple(fills),
            "latency_metrics": metrics,
            "metadata": ReportMetadata(broker="IBKR", account_id="DSIM001"),
        }
        message = ExecutionReport(**(fields | more))
        self.add(at_s, "exec_reports", message, message.symbol)

    def amend(self, at_s: float, name: str, of: str, action: str, **terms: Any) -> None:
        """An amendment called `name` of the intent called `of`."""
        moment = START + timedelta(seconds=at_s)
        fields: dict[str, Any] = {
            "amendment_id": intent_id(name),
            "intent_id": intent_id(of),
            "session_id": SESSION_ID,
            "symbol": "SPY",
            "strategy_id": "OFI",
            "action": AmendmentAction(action),
            "timestamp": moment,
            "valid_until": moment + timedelta(seconds=2),
        }
        message = OrderAmendment(**(fields | terms))
        self.add(at_s, "order_intents", message, message.symbol)

    def event(
        self, at_s: float, kind: SessionEventKind, text: str = "", code: int | None = None, **data: Any
    ) -> None:
        event = SessionEvent(
            timestamp=START + timedelta(seconds=at_s),
            session_id=SESSION_ID,
            kind=kind,
            severity=Severity.INFO,
            code=code,
            text=text,
            data=data,
        )
        self.add(at_s, "session_events", event, SESSION_ID)

    def check(self, at_s: float, moment: str, held: dict[str, int], **more: Any) -> None:
        data: dict[str, Any] = {
            "moment": moment,
            "position_open": bool(held),
            "positions_ours": held,
            "positions_broker": held,
            "cash_ours": 1000.0,
            "cash_broker": 1000.0,
            "commission_ours": 1.0,
            "commission_broker": 1.0,
            "match": True,
        }
        self.event(at_s, SessionEventKind.BROKER_CHECK, moment, **(data | more))

    def write(self, *, ended_s: float | None = None, kill: bool = False) -> Path:
        """Write session.json and the log; returns the directory. `kill` leaves the bus without closing it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        record: dict[str, Any] = {
            "session_id": SESSION_ID,
            "profile": "dev",
            "clock": "virtual",
            "seed": 7,
            "strategy_id": "OFI",
            "symbols": ["SPY"],
            "settings_fingerprint": "f" * 64,
            "allocated_capital": 10_000.0,
            "planned_s": 3600.0,
            "started": START.isoformat(),
            "log": "log",
        }
        if ended_s is not None:
            record |= {
                "ended": (START + timedelta(seconds=ended_s)).isoformat(),
                "duration_s": ended_s,
                "wall_s": 1.5,
            }
        (self.directory / "session.json").write_text(json.dumps(record | self.record))
        run_virtual(self._program(kill))
        return self.directory

    def _program(self, kill: bool) -> Callable[[Clock], Any]:
        async def program(clock: Clock) -> None:
            bus = EmbeddedBus(self.directory / "log", clock=clock, ids=SeededIds(rng(1, "report tests")))
            await bus.open()
            entries = sorted(self.entries, key=lambda entry: entry[0])
            for number, (at_s, topic, message, key, headers) in enumerate(entries):
                wait_s = at_s - (clock.now_ns() - VIRTUAL_START_NS) / 1e9
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                if topic in _MARKET:
                    bus.append(topic, message, key=key, headers=headers)
                    if number % _DRAIN_EVERY == 0:
                        await bus.drain()
                else:
                    await bus.publish(topic, message, key=key, headers=headers)
            if not kill:
                await bus.close()

        return program


def fill(name: str, quantity: int, price: float, commission: float | None = 1.0, at_s: float = 0) -> Fill:
    moment = START + timedelta(seconds=at_s)
    return Fill(fill_id=name, quantity=quantity, price=price, timestamp=moment, commission=commission)
