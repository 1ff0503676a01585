"""A small market, a broker that answers, and the plane between them on a real bus."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, TypeVar

from algo_trade.bus import EmbeddedBus, OrderPlaneValidator, Record
from algo_trade.clock import VIRTUAL_START_NS, Clock, SeededIds, ns_from_seconds, rng, utc
from algo_trade.contracts import (
    BarEvent,
    DataQuality,
    DataSource,
    Direction,
    ExecutionReport,
    ExecutionStatus,
    Fill,
    Message,
    Metadata,
    OFIEvent,
    OrderAmendment,
    OrderIntent,
    TickEvent,
)
from algo_trade.strategy_plane import (
    SessionWindow,
    Strategy,
    StrategyLimits,
    StrategyParameters,
    StrategyPlane,
    quote_flow,
)
from algo_trade.strategy_plane.bands_parameters import BandsParameters
from algo_trade.strategy_plane.desk import Wishes
from algo_trade.strategy_plane.ofi_parameters import OfiParameters
from algo_trade.strategy_plane.ofi_strategy import OfiStrategy

P = TypeVar("P", bound=StrategyParameters)

SESSION = "a-session"
KEYS = {"SPY": "756733", "QQQ": "320227571", "IWM": "9579970"}
SYMBOLS = tuple(KEYS)
_PRICES_CENTS = {"SPY": 60_012, "QQQ": 52_030, "IWM": 21_044}

# What the settings allow by default.
LIMITS = StrategyLimits(SYMBOLS, max_shares=10, max_exposure_usd=Decimal(1000))

# A whole session in a minute: one-second bins, a dozen of them, and an order every few seconds.
QUICK = OfiParameters(
    interval_s=1.0,
    window=20,
    entry_z=1.0,
    exit_z=0.3,
    max_hold_s=6.0,
    cooldown_s=2.0,
    max_entries=12,
    entry_spacing_s=3.0,
    flat_before_end_s=5.0,
)
# Bars of five seconds, six of them, and a bracket that is tended at every one.
QUICK_BANDS = BandsParameters(
    bar_size="5s",
    window=6,
    entry_k=1.0,
    stop_k=3.0,
    min_edge=0.0,
    reprice_bps=0.2,
    max_rest_bars=6,
    max_entries=100,
    entry_spacing_s=0.0,
    last_entry_before_end_s=30.0,
    flat_before_end_s=30.0,
)
# As the defaults, but for what the pacing needs.
FULL = OfiParameters(
    entry_z=1.5,
    exit_z=0.5,
    max_hold_s=180.0,
    cooldown_s=60.0,
    max_entries=36,
    entry_spacing_s=520.0,
    flat_before_end_s=120.0,
)


def tuned(parameters: P, **changes: object) -> P:
    """The same parameters but for these."""
    return type(parameters).model_validate({**parameters.model_dump(), **changes})


def ofi(parameters: OfiParameters = QUICK) -> OfiStrategy:
    return OfiStrategy(parameters, LIMITS)


def orders(wishes: Wishes) -> list[OrderIntent]:
    """What was decided, where nothing but orders can have been."""
    found = [wish for wish in wishes if isinstance(wish, OrderIntent)]
    assert len(found) == len(wishes)
    return found


def window(duration_s: float, start_ns: int = VIRTUAL_START_NS) -> SessionWindow:
    return SessionWindow(SESSION, start_ns, start_ns + ns_from_seconds(duration_s))


def tick(symbol: str, at: datetime, bid: float, ask: float, bid_size: float, ask_size: float) -> TickEvent:
    return TickEvent(
        symbol=symbol,
        timestamp=at,
        bid=bid,
        ask=ask,
        bid_size=bid_size,
        ask_size=ask_size,
        data_quality=DataQuality(completeness_score=1.0, source=DataSource.SYNTHETIC),
        metadata=Metadata(producer_id="test", sequence_number=0),
    )


@dataclass
class _Book:
    bid_cents: int
    bid_size: int = 200
    ask_size: int = 200


class Market:
    """Best quotes that wander: sizes come and go, and a side that is used up moves the price by `step_cents`."""

    def __init__(self, seed: int, *, step_cents: int = 1) -> None:
        self._random = rng(seed, "test", "market")
        self._step_cents = step_cents
        self._books = {symbol: _Book(_PRICES_CENTS[symbol]) for symbol in SYMBOLS}

    def quote(self, symbol: str, at: datetime) -> TickEvent:
        book, draw = self._books[symbol], self._random
        change = 10 * draw.randrange(-12, 13)
        if draw.random() < 0.5:
            book.bid_size += change
        else:
            book.ask_size += change
        if book.bid_size <= 0 or book.ask_size <= 0:
            book.bid_cents += -self._step_cents if book.bid_size <= 0 else self._step_cents
            book.bid_size, book.ask_size = 10 * draw.randrange(5, 40), 10 * draw.randrange(5, 40)
        bid = book.bid_cents / 100
        return tick(symbol, at, bid, (book.bid_cents + 1) / 100, book.bid_size, book.ask_size)

    def stream(self, start_ns: int, duration_s: float, per_second: float) -> Iterator[TickEvent]:
        """Symbols in turn, `per_second` quotes of each."""
        step_ns = ns_from_seconds(1 / (per_second * len(self._books)))
        symbols = list(self._books)
        for number in range(int(duration_s * per_second * len(symbols))):
            yield self.quote(symbols[number % len(symbols)], utc(start_ns + number * step_ns))


def report(
    intent: OrderIntent,
    sequence: int,
    status: ExecutionStatus,
    filled: int,
    at: datetime,
    *,
    order_id: str = "17",
    **present: Any,
) -> ExecutionReport:
    """`present` are terms that an amendment changed, and the amendment that is answered."""
    price = intent.limit_price or intent.stop_price or 1.0
    fills = (
        (Fill(fill_id=f"x.{intent.intent_id}", quantity=filled, price=price, timestamp=at),) if filled else ()
    )
    fields = {
        "requested_quantity": intent.quantity,
        "limit_price": intent.limit_price,
        "stop_price": intent.stop_price,
    }
    return ExecutionReport(
        report_id=uuid.uuid5(intent.intent_id, str(sequence)),
        intent_id=intent.intent_id,
        session_id=intent.session_id,
        sequence=sequence,
        order_id=order_id,
        symbol=intent.symbol,
        status=status,
        timestamp=at,
        strategy_id=intent.strategy_id,
        direction=intent.direction,
        filled_quantity=filled,
        fills=fills,
        **{**fields, **present},
    )


class Broker:
    """Answers intents by their number: mostly filled, now and then in part, now and then not at all."""

    def __init__(self, *, unfilled_every: int = 7, partial_every: int = 5) -> None:
        self._unfilled_every = unfilled_every
        self._partial_every = partial_every
        self.seen = 0
        self.held: dict[str, int] = {}

    def quoted(self, _quote: TickEvent) -> list[ExecutionReport]:
        """Nothing rests here."""
        return []

    def answer(self, intent: OrderIntent | OrderAmendment, at: datetime) -> list[ExecutionReport]:
        assert isinstance(intent, OrderIntent)
        self.seen += 1
        filled, status = intent.quantity, ExecutionStatus.FILLED
        if self.seen % self._unfilled_every == 0:
            filled, status = 0, ExecutionStatus.CANCELED
        elif self.seen % self._partial_every == 0 and intent.quantity > 1:
            filled, status = intent.quantity // 2, ExecutionStatus.CANCELED
        sign = 1 if intent.direction is Direction.BUY else -1
        self.held[intent.symbol] = self.held.get(intent.symbol, 0) + sign * filled
        return [
            report(intent, 0, ExecutionStatus.ACKNOWLEDGED, 0, at),
            report(intent, 1, status, filled, at),
        ]


STEP_S = 0.05
_WISHES = OrderPlaneValidator()


class Answering(Protocol):
    """A broker."""

    def answer(self, wish: OrderIntent | OrderAmendment, at: datetime) -> list[ExecutionReport]: ...

    def quoted(self, quote: TickEvent) -> list[ExecutionReport]: ...


class World:
    """Quotes go onto the bus one at a time; what is wished is answered `delay` quotes after it was made."""

    def __init__(
        self,
        bus: EmbeddedBus,
        clock: Clock,
        *,
        delay: int = 0,
        broker: Answering | None = None,
        bars: Callable[[TickEvent], BarEvent | None] = lambda quote: None,
        market: Market | None = None,
        step_s: float = STEP_S,
    ) -> None:
        self.bus = bus
        self._start_ns = clock.now_ns()
        self._market, self._broker, self._bars = market or Market(5), broker or Broker(), bars
        self._step_s, self._delay = step_s, delay
        self._next_intent = 0
        self._due: deque[tuple[int, ExecutionReport]] = deque()
        self.quotes = 0

    async def live(self, seconds: float) -> None:
        await self.tick(round(seconds / self._step_s))

    async def tick(self, quotes: int) -> None:
        for _ in range(quotes):
            await self.quote(SYMBOLS[self.quotes % len(SYMBOLS)])

    async def quote(self, symbol: str) -> None:
        event = self._market.quote(symbol, self._now())
        self.bus.append("market_events", event, key=KEYS[symbol])
        bar = self._bars(event)
        if bar is not None:
            self.bus.append("market_events", bar, key=KEYS[symbol])
        self._due += ((self.quotes + self._delay, answer) for answer in self._broker.quoted(event))
        self.quotes += 1
        await asyncio.sleep(self._step_s)
        await self._answer()

    def _now(self) -> datetime:
        """Counted in quotes: the clock's last digits depend on how many other timers there were."""
        return utc(self._start_ns + self.quotes * ns_from_seconds(self._step_s))

    async def _answer(self) -> None:
        now = self._now()
        if (await self.bus.head("order_intents"))[0] > self._next_intent:
            async for record in self.bus.replay("order_intents", from_offset=self._next_intent):
                self._next_intent += 1
                wish = _WISHES.validate_any(record)
                assert isinstance(wish, OrderIntent | OrderAmendment)
                answers = self._broker.answer(wish, now)
                self._due += ((self.quotes + self._delay, answer) for answer in answers)
        while self._due and self._due[0][0] <= self.quotes:
            answer = self._due.popleft()[1]
            await self.bus.publish("exec_reports", answer, key=KEYS[answer.symbol])


@asynccontextmanager
async def open_bus(directory: Path, clock: Clock, *, hand_over: bool = True) -> AsyncIterator[EmbeddedBus]:
    bus = EmbeddedBus(directory, clock=clock, ids=SeededIds(rng(1, "ids")), hand_over=hand_over)
    await bus.open()
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def running(
    bus: EmbeddedBus,
    clock: Clock,
    strategy: Strategy,
    *,
    duration_s: float,
    limits: StrategyLimits = LIMITS,
) -> AsyncIterator[StrategyPlane]:
    """A plane in its task; left by `finish`, or killed when the block is left without."""
    plane = StrategyPlane(bus, clock, strategy, limits, window=window(duration_s))
    await plane.start()
    task = asyncio.get_running_loop().create_task(plane.run())
    try:
        yield plane
    finally:
        if not task.done():
            await asyncio.sleep(0)
        if not task.done():
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled():
        task.result()


async def everything(bus: EmbeddedBus, topic: str) -> list[Record]:
    return [record async for record in bus.replay(topic)]


async def messages(bus: EmbeddedBus, topic: str, model: type[Message]) -> list[Message]:
    return [model.decode(record.value) for record in await everything(bus, topic)]


async def flow_of(bus: EmbeddedBus) -> tuple[dict[str, float], dict[str, float]]:
    """Sums by symbol: of e_n over market_events, and of ofi_raw over ofi_events."""
    quotes: dict[str, TickEvent] = {}
    expected: dict[str, float] = {}
    for record in await everything(bus, "market_events"):
        now = TickEvent.decode(record.value)
        before = quotes.get(now.symbol)
        if before is not None:
            e_n = quote_flow(
                before.bid,
                before.bid_size,
                before.ask,
                before.ask_size,
                now.bid,
                now.bid_size,
                now.ask,
                now.ask_size,
            )
            expected[now.symbol] = expected.get(now.symbol, 0) + e_n
        quotes[now.symbol] = now
    logged: dict[str, float] = {}
    for record in await everything(bus, "ofi_events"):
        event = OFIEvent.decode(record.value)
        logged[event.symbol] = logged.get(event.symbol, 0) + (event.ofi_raw or 0)
    return expected, logged
