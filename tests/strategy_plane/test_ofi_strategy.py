"""The strategy at its desk: when it enters and leaves, for how much, and how it spreads its orders over a session."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from tests.strategy_plane.kit import (
    FULL,
    KEYS,
    LIMITS,
    QUICK,
    SYMBOLS,
    Broker,
    Market,
    orders,
    report,
    tick,
    tuned,
    window,
)

from algo_trade.bus import Record
from algo_trade.clock import VIRTUAL_START_NS, utc
from algo_trade.contracts import (
    Direction,
    ExecutionReport,
    ExecutionStatus,
    OrderIntent,
    TimeInForce,
)
from algo_trade.strategy_plane import Desk, OfiBin, OfiState, Phase, StrategyLimits
from algo_trade.strategy_plane.ofi_parameters import OfiParameters
from algo_trade.strategy_plane.ofi_strategy import OfiStrategy

START = utc(VIRTUAL_START_NS)
HOUR_S = 3600.0


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@dataclass
class Trading:
    """A desk fed by hand: `see` a quote, `close` a bin with a z, `fill` what was asked for."""

    parameters: OfiParameters = QUICK
    duration_s: float = 600.0
    limits: StrategyLimits = LIMITS
    intents: list[OrderIntent] = field(default_factory=list)
    offset: int = 0

    def __post_init__(self) -> None:
        self.desk = Desk(OfiStrategy(self.parameters, self.limits), self.limits, window(self.duration_s))

    def see(
        self, second: float, symbol: str = "IWM", *, z: float | None = None, bid: float = 210.44
    ) -> list[OrderIntent]:
        quote = tick(symbol, at(second), bid, round(bid + 0.02, 2), 300, 400)
        closed = None if z is None else OfiBin(symbol, at(second), 1000, z, 0.0, 500.0, self.offset)
        record = Record("market_events", 0, self.offset, KEYS[symbol], b"", 0)
        self.offset += 1
        made = orders(self.desk.on_tick(record, quote, closed))
        self.intents += made
        return made

    def answer(self, second: float, filled: int, status: ExecutionStatus, *, order_id: str = "17") -> None:
        self.desk.on_report(report(self.intents[-1], 0, status, filled, at(second), order_id=order_id))

    def fill(self, second: float) -> None:
        self.answer(second, self.intents[-1].quantity, ExecutionStatus.FILLED)

    def enter(self, second: float, z: float = 2.0) -> OrderIntent:
        (intent,) = self.see(second, z=z)
        self.fill(second + 0.1)
        return intent


def test_buying_pressure_is_bought() -> None:
    (intent,) = Trading().see(20, z=1.0)
    assert (intent.direction, intent.limit_price, intent.time_in_force) == (
        Direction.BUY,
        210.51,  # the ask of 210.46 and 2 bps, up to the next cent
        TimeInForce.IOC,
    )
    assert intent.quantity == 4  # what $1000 buys at 210.51
    assert intent.timestamp == at(20) and intent.valid_until == at(25)
    assert intent.decision_mid == pytest.approx(210.45) and intent.signal_strength == 0.25


def test_selling_pressure_is_sold_short() -> None:
    (intent,) = Trading().see(20, z=-1.0)
    assert (intent.direction, intent.limit_price, intent.quantity) == (Direction.SELL, 210.39, 4)


def test_a_usual_flow_is_let_pass() -> None:
    trading = Trading()
    assert not trading.see(20, z=0.99) and not trading.see(21, z=-0.99) and not trading.see(22)


def test_too_few_bins_give_no_signal() -> None:
    trading = Trading()
    quote = tick("IWM", at(20), 210.0, 210.02, 1, 1)
    closed = OfiBin("IWM", at(20), 10_000, None, None, None, 0)
    assert not trading.desk.on_tick(Record("market_events", 0, 0, "1", b"", 0), quote, closed)


@pytest.mark.parametrize(("entry_z", "reverted_z", "still_z"), [(2.0, 0.3, 0.31), (-2.0, -0.3, -0.31)])
def test_it_leaves_when_the_flow_is_usual_again(entry_z: float, reverted_z: float, still_z: float) -> None:
    trading = Trading()
    entry = trading.enter(20, z=entry_z)
    assert not trading.see(21, z=still_z)
    (exit_,) = trading.see(22, z=reverted_z)
    assert exit_.direction is not entry.direction and exit_.quantity == entry.quantity
    assert exit_.target_weight == 0.0 and entry.target_weight != 0.0


def test_it_leaves_when_it_has_held_long_enough() -> None:
    trading = Trading()
    trading.enter(20)
    assert not trading.see(26)  # filled at 20.1, so it is held for 5.9 s
    (exit_,) = trading.see(26.1)
    assert exit_.direction is Direction.SELL and exit_.limit_price == 210.39


def test_it_is_flat_before_the_session_ends_and_enters_no_more() -> None:
    trading = Trading(tuned(QUICK, max_hold_s=100.0), duration_s=200.0)
    trading.enter(94)
    assert not trading.see(194.9)[1:]
    late = Trading(tuned(QUICK, max_hold_s=100.0), duration_s=200.0)
    assert not late.see(95, z=3.0)  # it could not be held as long as it may be
    trading = Trading(tuned(QUICK, max_hold_s=100.0), duration_s=200.0)
    trading.see(94, z=3.0)
    trading.fill(94.1)
    assert not trading.see(194, z=3.0)
    (exit_,) = trading.see(195, z=3.0)
    assert exit_.direction is Direction.SELL


def test_one_intent_of_a_symbol_at_a_time() -> None:
    trading = Trading(tuned(QUICK, entry_spacing_s=0.0, cooldown_s=0.0))
    assert trading.see(20, z=2.0)
    assert not trading.see(30, z=2.0) and not trading.see(40, z=-2.0)
    trading.answer(41, 0, ExecutionStatus.UNKNOWN)
    assert not trading.see(50, z=2.0)  # its fate is not known: the symbol is frozen
    assert not trading.desk.ledger.flat


def test_an_exit_that_failed_is_tried_again_at_a_fresh_price_ever_more_slowly() -> None:
    trading = Trading()
    trading.enter(20)
    assert trading.see(30, z=0.0)
    tries, second = [], 30.0
    while second < 60:
        trading.answer(second, 0, ExecutionStatus.CANCELED)
        bid = 210.44 - (second - 30) / 100
        while not (made := trading.see(second, bid=round(bid, 2))):
            second += 0.25
        tries.append((second, made[0].limit_price))
    pauses = [later - earlier for earlier, later in pairwise([30.0, *(second for second, _ in tries)])]
    assert pauses == [1, 2, 4, 8, 16]
    prices = [price or 0.0 for _, price in tries]
    assert prices == sorted(set(prices), reverse=True)


def test_what_a_partial_exit_left_is_sold_at_once() -> None:
    trading = Trading()
    entry = trading.enter(20)
    (exit_,) = trading.see(30, z=0.0)
    trading.answer(30.1, 1, ExecutionStatus.CANCELED)
    (rest,) = trading.see(30.2, z=3.0)  # whatever the flow says now: an exit begun is finished
    assert rest.quantity == entry.quantity - 1 and rest.intent_id != exit_.intent_id
    trading.fill(30.3)
    assert trading.desk.ledger.flat


def test_a_symbol_rests_after_its_orders_and_entries_keep_their_distance() -> None:
    parameters = tuned(QUICK, cooldown_s=50.0, entry_spacing_s=20.0)
    trading = Trading(parameters, limits=replace(LIMITS, max_shares=1))
    trading.enter(20)
    assert trading.see(30, z=0.0)
    trading.fill(30)
    assert not trading.see(39, "SPY", z=2.0)  # 20 s after the entry before, not sooner
    assert trading.see(40, "SPY", z=2.0)
    trading.fill(40)
    assert not trading.see(79, z=2.0)  # the symbol rests until 80
    assert trading.see(80, z=2.0)


def test_an_entry_that_got_nothing_does_not_hold_up_the_next() -> None:
    trading = Trading(tuned(QUICK, cooldown_s=5.0, entry_spacing_s=300.0))
    assert trading.see(20, z=2.0)
    trading.answer(20.1, 0, ExecutionStatus.CANCELED)
    assert not trading.see(25, z=2.0)
    assert trading.see(25.1, z=2.0)
    trading.fill(25.2)
    assert not trading.see(100, "SPY", z=2.0)


def test_money_reserved_for_one_symbol_is_not_spent_on_another() -> None:
    trading = Trading(tuned(QUICK, entry_spacing_s=0.0), limits=replace(LIMITS, max_shares=2))
    (first,) = trading.see(20, "IWM", z=2.0)  # 2 at 210.51, unresolved
    (second,) = trading.see(20, "SPY", z=2.0, bid=500.0)  # $578.98 are left
    assert (first.quantity, second.quantity) == (2, 1)
    assert not trading.see(20, "QQQ", z=2.0, bid=100.0)  # $78.86 are left
    trading.answer(21, 0, ExecutionStatus.REJECTED)  # the SPY order never was one
    assert trading.see(21, "QQQ", z=2.0, bid=100.0)[0].quantity == 2


def test_no_share_that_does_not_fit() -> None:
    assert not Trading(limits=replace(LIMITS, max_exposure_usd=Decimal(210))).see(20, z=2.0)
    assert not Trading(limits=replace(LIMITS, max_shares=0)).see(20, z=2.0)


def test_no_more_symbols_at_once_than_allowed() -> None:
    trading = Trading(
        tuned(QUICK, max_positions=1, entry_spacing_s=0.0), limits=replace(LIMITS, max_shares=1)
    )
    trading.enter(20)
    assert not trading.see(21, "SPY", z=2.0)


def test_the_budget_of_orders_keeps_an_exit_for_each_entry() -> None:
    trading = Trading(tuned(QUICK, max_entries=3, entry_spacing_s=0.0, cooldown_s=0.0))  # six orders
    second = 20.0
    for _ in range(5):  # five entries that got nothing leave one order
        assert trading.see(second, z=2.0) or second > 23
        if not trading.desk.ledger.flat:
            trading.answer(second, 0, ExecutionStatus.CANCELED)
        second += 1
    assert not trading.see(30, z=2.0)
    assert trading.desk.ledger.orders == 5


def test_intents_that_never_became_orders_do_not_use_the_budget_up() -> None:
    trading = Trading(tuned(QUICK, max_entries=1, entry_spacing_s=0.0, cooldown_s=0.0))
    for second in range(20, 30):
        assert trading.see(second, z=2.0)
        trading.answer(second, 0, ExecutionStatus.REJECTED, order_id="")
    assert trading.desk.ledger.orders == 0


def test_after_halt_nothing_is_decided_not_even_an_exit() -> None:
    trading = Trading()
    trading.enter(20)
    trading.desk.halt()
    assert not trading.see(40, z=0.0)
    trading.desk.stop_strategy("too late to say so")
    assert trading.desk.phase is Phase.HALTED and not trading.see(41)


@dataclass
class Day:
    """A whole session at the desk, against a broker that takes 100 ms."""

    orders: int
    filled_orders: int
    entries: list[datetime]
    flat_at: datetime
    most_exposed_usd: Decimal


def trade_a_day(seed: int, parameters: OfiParameters, *, duration_s: float, broker: Broker) -> Day:
    desk = Desk(OfiStrategy(parameters, LIMITS), LIMITS, window(duration_s))
    flows = {
        symbol: OfiState(symbol, interval_s=parameters.interval_s, window=parameters.window)
        for symbol in SYMBOLS
    }
    waiting: deque[tuple[datetime, ExecutionReport]] = deque()
    filled, entries, flat_at, most = 0, [], START, Decimal(0)
    for offset, quote in enumerate(Market(seed).stream(VIRTUAL_START_NS, duration_s, 2.0)):
        while waiting and waiting[0][0] <= quote.timestamp:
            answer = waiting.popleft()[1]
            desk.on_report(answer)
            filled += answer.sequence == 1 and bool(answer.filled_quantity)
            flat_at = answer.timestamp
        closed = flows[quote.symbol].add(
            quote.timestamp, quote.bid, quote.bid_size, quote.ask, quote.ask_size, offset
        )
        record = Record("market_events", 0, offset, KEYS[quote.symbol], b"", 0)
        for intent in orders(desk.on_tick(record, quote, closed[-1] if closed else None)):
            if intent.target_weight != 0.0:
                entries.append(intent.timestamp)
                reserved = Decimal(str(intent.limit_price)) * intent.quantity
                most = max(most, reserved + _held_usd(desk, intent))
            later = intent.timestamp + timedelta(milliseconds=100)
            waiting += ((later, answer) for answer in broker.answer(intent, later))
    assert desk.fault is None and desk.ledger.flat and not any(broker.held.values())
    return Day(desk.ledger.orders, filled, entries, flat_at, most)


def _held_usd(desk: Desk, but: OrderIntent) -> Decimal:
    others = [s for s in desk.ledger.exposed_symbols() if s != but.symbol]
    return sum((abs(desk.ledger.position(s)) * desk.ledger.last_price(s) for s in others), Decimal(0))


@pytest.mark.parametrize("seed", [1, 7, 8])
def test_six_hours_use_the_budget_and_no_more(seed: int) -> None:
    broker = Broker(unfilled_every=10, partial_every=13)
    day = trade_a_day(seed, FULL, duration_s=6 * HOUR_S, broker=broker)
    assert day.orders <= 75
    assert 60 <= day.filled_orders <= 75
    assert day.flat_at <= at(6 * HOUR_S - FULL.flat_before_end_s + 60)
    assert max(day.entries) > at(4.5 * HOUR_S)  # spread over the session, not spent in its first hours
    assert day.most_exposed_usd <= 1000


def test_an_hour_trades_as_the_first_of_six() -> None:
    day = trade_a_day(7, FULL, duration_s=HOUR_S, broker=Broker(unfilled_every=10_000, partial_every=10_000))
    assert 5 <= len(day.entries) <= 7
    gaps = [later - earlier for earlier, later in pairwise(day.entries)]
    assert min(gaps) >= timedelta(seconds=FULL.entry_spacing_s)


def test_a_market_that_fills_nothing_costs_few_orders() -> None:
    day = trade_a_day(7, FULL, duration_s=2 * HOUR_S, broker=Broker(unfilled_every=1))
    assert day.orders <= 75 and day.filled_orders == 0


def test_the_same_quotes_give_the_same_intents() -> None:
    days = [
        trade_a_day(3, QUICK, duration_s=300, broker=Broker()),
        trade_a_day(3, QUICK, duration_s=300, broker=Broker()),
    ]
    assert days[0] == days[1] and days[0].orders > 10
