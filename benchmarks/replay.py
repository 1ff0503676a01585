"""A day without a wire: quotes through validation, order flow, strategy, risk and simulated fills, event by event.

Every part is the one a session uses; what is left out is what joins them (sockets, logs, journal, tasks). An order
reaches the book a fixed time after the quote it was decided on, as at the simulator, and is tried once: it takes
strategies of immediate orders, as `ofi` is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from algo_trade.bus import DataPlaneValidator, Invalid, Record
from algo_trade.clock import VIRTUAL_START_NS, utc
from algo_trade.contracts import (
    Direction,
    ExecutionReport,
    ExecutionStatus,
    Fill,
    OrderIntent,
    TickEvent,
    TimeInForce,
)
from algo_trade.gateway_sim.commission import order_commission_micros
from algo_trade.gateway_sim.matching import Book, Claim, Liquidity
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.ibkr.instruments import Instrument
from algo_trade.portfolio import Portfolio, dollars
from algo_trade.risk import Approved, Exposure, KillSwitch, Limits, Marks, PreTradeCheck
from algo_trade.session.configuration import configure
from algo_trade.settings import read_settings
from algo_trade.strategy_plane import Desk, OfiState, SessionWindow, StrategyLimits

ACCOUNT, SESSION = "DSIM001", "replay"
DELAY_NS = 60_000_000
_NAMESPACE = UUID("0a0d9e0c-4a9e-5d0b-9a55-0e5f5a0d6a10")
_E4, _MICROS_PER_E4 = 10_000, 100


@dataclass(slots=True, eq=False)
class _Working(Claim):
    """The claim of one intent, and what it got."""

    intent: OrderIntent = field(kw_only=True)
    got: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Counts:
    events: int = 0
    dead_letters: int = 0
    intents: int = 0
    refused: int = 0
    fills: int = 0


class Replay:
    """One symbol's day. `run` once; `counts` and `portfolio` say what came of it."""

    def __init__(self, symbol: str, strategy: str = "ofi", parameters: dict[str, str] | None = None) -> None:
        chosen = configure(
            read_settings("dev", env={}, dotenv=None, strategy=strategy, parameters=parameters)
        )
        settings = chosen.settings
        limits = StrategyLimits.from_settings(settings, (symbol,))
        traded = chosen.strategy.build(limits)
        bins = traded.feeds.ofi
        assert bins is not None, "this replay is of strategies of order flow"
        window = SessionWindow(SESSION, VIRTUAL_START_NS, VIRTUAL_START_NS + 24 * 3_600 * 10**9)
        self.counts = Counts()
        self.portfolio = Portfolio()
        self._symbol = symbol
        self._desk = Desk(traded, limits, window)
        self._flow = OfiState(symbol, interval_s=bins.interval_s, window=bins.window)
        self._validator = DataPlaneValidator()
        self._risk = PreTradeCheck(Limits.from_settings(settings), ACCOUNT)
        self._switch = KillSwitch(Limits.from_settings(settings))
        self._marks = Marks()
        self._book: Book[_Working] = Book(_filled)
        self._instrument = _instrument(symbol)
        self._waiting: deque[tuple[int, _Working]] = deque()
        self._halted = False

    def run(self, quotes: Iterable[Quote]) -> None:
        for quote in quotes:
            self._take(quote)

    def _take(self, quote: Quote) -> None:
        counts, offset = self.counts, self.counts.events
        counts.events = offset + 1
        now_ns = VIRTUAL_START_NS + quote.offset_ns
        if self._waiting:
            self._arrive(now_ns)
        self._book.show(quote)
        fields = {
            "symbol": self._symbol,
            "timestamp": utc(now_ns),
            "bid": quote.bid_e4 / _E4,
            "ask": quote.ask_e4 / _E4,
            "bid_size": quote.bid_size,
            "ask_size": quote.ask_size,
        }
        try:
            tick = self._validator.build(TickEvent, fields)
        except Invalid:
            counts.dead_letters += 1
            return
        self._marks.update(tick)
        if self.portfolio.position(self._symbol):
            self._observe(tick.symbol)
        closed = self._flow.add(tick.timestamp, tick.bid, tick.bid_size, tick.ask, tick.ask_size, offset)
        record = Record("market_events", 0, offset, self._symbol, b"", now_ns)
        for wish in self._desk.on_tick(record, tick, closed[-1] if closed else None):
            assert isinstance(wish, OrderIntent) and wish.time_in_force is TimeInForce.IOC
            self._check(wish, now_ns)

    def _check(self, intent: OrderIntent, now_ns: int) -> None:
        self.counts.intents += 1
        positions = self.portfolio.positions()
        mids = self._marks.mids_micros([*positions, intent.symbol])
        verdict = self._risk.check(
            intent,
            self._instrument,
            self._marks.get(intent.symbol),
            Exposure(positions, (), mids),
            now_ns,
        )
        if self._halted or not isinstance(verdict, Approved):
            self.counts.refused += 1
            self._report(intent, ExecutionStatus.REJECTED, now_ns, 0, ())
            return
        limit = intent.limit_price
        claim = _Working(
            is_buy=intent.direction is Direction.BUY,
            shares=intent.quantity,
            limit_e4=None if limit is None else round(limit * _E4),
            intent=intent,
        )
        self._waiting.append((now_ns + DELAY_NS, claim))

    def _arrive(self, now_ns: int) -> None:
        """Orders that reached the book before this quote did met the one before."""
        while self._waiting and self._waiting[0][0] <= now_ns:
            due_ns, claim = self._waiting.popleft()
            self._book.enter(claim)
            self._book.leave(claim)
            shares = sum(got for got, _ in claim.got)
            status = ExecutionStatus.FILLED if shares == claim.intent.quantity else ExecutionStatus.CANCELED
            fills = tuple(
                Fill(
                    fill_id=f"{claim.intent.intent_id}.{number}.01",
                    quantity=got,
                    price=price_e4 / _E4,
                    timestamp=utc(due_ns),
                    commission=dollars(
                        order_commission_micros(shares, shares * price_e4 * _MICROS_PER_E4)
                        if number == 0
                        else 0
                    ),
                )
                for number, (got, price_e4) in enumerate(claim.got)
            )
            self.counts.fills += len(fills)
            self._report(claim.intent, status, due_ns, 1, fills)

    def _report(
        self,
        intent: OrderIntent,
        status: ExecutionStatus,
        now_ns: int,
        order_id: int,
        fills: tuple[Fill, ...],
    ) -> None:
        report = ExecutionReport(
            report_id=uuid5(_NAMESPACE, str(intent.intent_id)),
            intent_id=intent.intent_id,
            session_id=SESSION,
            sequence=0,
            order_id=str(order_id) if order_id else "",
            symbol=intent.symbol,
            status=status,
            timestamp=utc(now_ns),
            strategy_id=intent.strategy_id,
            direction=intent.direction,
            requested_quantity=intent.quantity,
            filled_quantity=sum(fill.quantity for fill in fills),
            fills=fills,
        )
        self.portfolio.apply(report)
        self._desk.on_report(report)
        self._observe(None)

    def _observe(self, quoted: str | None) -> None:
        positions = self.portfolio.positions()
        pnl = self.portfolio.pnl(self._marks.mids_micros(list(positions)))
        if not self._halted and self._switch.observe(pnl, quoted=quoted, held=positions) is not None:
            self._halted = True
            self._desk.halt()


def _filled(claim: _Working, shares: int, price_e4: int, _liquidity: Liquidity) -> None:
    claim.got.append((shares, price_e4))


def _instrument(symbol: str) -> Instrument:
    return Instrument(
        con_id=1,
        symbol=symbol,
        primary_exchange="NASDAQ",
        currency="USD",
        min_tick=0.01,
        long_name=symbol,
        time_zone="US/Eastern",
        liquid_hours=(),
    )
