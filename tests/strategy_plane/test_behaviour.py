"""What every strategy of the house promises, held over markets nobody chose: no breach, no surprise, out at the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategy_plane.exchange import BarMaker, Exchange
from tests.strategy_plane.kit import KEYS, LIMITS, QUICK, QUICK_BANDS, SYMBOLS, Market, window

from algo_trade.bus import Record
from algo_trade.clock import VIRTUAL_START_NS, utc
from algo_trade.contracts import ExecutionReport, OrderAmendment, OrderIntent, TickEvent
from algo_trade.strategy_plane import Desk, OfiBin, OfiState, Strategy
from algo_trade.strategy_plane.bands import BandsStrategy
from algo_trade.strategy_plane.ofi_strategy import OfiStrategy

DURATION_S = 240.0
STRATEGIES: dict[str, Callable[[], Strategy]] = {
    "ofi": lambda: OfiStrategy(QUICK, LIMITS),
    "bands": lambda: BandsStrategy(QUICK_BANDS, LIMITS),
}
every_strategy = pytest.mark.parametrize("name", list(STRATEGIES))


@dataclass
class Session:
    """What one strategy did at a desk, and what the broker holds of it."""

    desk: Desk
    exchange: Exchange
    wishes: list[OrderIntent | OrderAmendment] = field(default_factory=list)
    most_usd: Decimal = Decimal(0)


def trade(name: str, seed: int, *, delay: int, refuses_every: int = 5, partial_every: int = 4) -> Session:
    """A session of a strategy, quote by quote; the broker's answers come `delay` quotes late."""
    strategy = STRATEGIES[name]()
    desk = Desk(strategy, LIMITS, window(DURATION_S))
    session = Session(desk, Exchange(refuses_every=refuses_every, partial_every=partial_every))
    bins, bars = strategy.feeds.ofi, BarMaker(utc(VIRTUAL_START_NS))
    flows = {
        symbol: OfiState(symbol, interval_s=bins.interval_s, window=bins.window)
        for symbol in (SYMBOLS if bins else ())
        if bins
    }
    due: deque[tuple[int, ExecutionReport]] = deque()
    offset = 0
    for number, quote in enumerate(Market(seed, step_cents=5).stream(VIRTUAL_START_NS, DURATION_S, 2.0)):
        due += ((number + delay, news) for news in session.exchange.quoted(quote))
        while due and due[0][0] <= number:
            desk.on_report(due.popleft()[1])
        closed = _bin(flows, quote, offset)
        wishes = list(desk.on_tick(_record(offset, quote.symbol), quote, closed))
        offset += 1
        if (bar := bars.quoted(quote)) is not None:
            wishes += desk.on_bar(_record(offset, bar.symbol), bar)
            offset += 1
        session.wishes += wishes
        for wish in wishes:
            due += ((number + delay, news) for news in session.exchange.answer(wish, quote.timestamp))
        session.most_usd = max(session.most_usd, _at_work_usd(desk))
    while due:
        desk.on_report(due.popleft()[1])
    return session


def _record(offset: int, symbol: str) -> Record:
    return Record("market_events", 0, offset, KEYS[symbol], b"", 0)


def _bin(flows: dict[str, OfiState], quote: TickEvent, offset: int) -> OfiBin | None:
    if quote.symbol not in flows:
        return None
    closed = flows[quote.symbol].add(
        quote.timestamp, quote.bid, quote.bid_size, quote.ask, quote.ask_size, offset
    )
    return closed[-1] if closed else None


def _at_work_usd(desk: Desk) -> Decimal:
    """Held at the last price asked, and what entries may still take."""
    ledger = desk.ledger
    return sum(
        (abs(ledger.position(s)) * ledger.last_price(s) + ledger.open_entry_usd(s) for s in SYMBOLS),
        Decimal(0),
    )


@every_strategy
@given(
    seed=st.integers(0, 10_000), delay=st.integers(0, 6), refuses=st.integers(1, 6), partial=st.integers(1, 6)
)
@settings(deadline=None, max_examples=12)
def test_no_decision_breaks_a_promise_whatever_the_market_does(
    name: str, seed: int, delay: int, refuses: int, partial: int
) -> None:
    """The desk stops a strategy that breaks one; the broker's own count of shares agrees; the limits hold."""
    session = trade(name, seed, delay=delay, refuses_every=refuses, partial_every=partial)
    assert session.desk.fault is None
    held = {symbol: shares for symbol, shares in session.exchange.held.items() if shares}
    assert session.desk.ledger.positions == held
    assert session.most_usd <= LIMITS.max_exposure_usd * Decimal("1.01")  # shares held since a dearer price
    assert all(abs(shares) <= LIMITS.max_shares for shares in held.values())


@every_strategy
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_trades_and_is_out_of_everything_before_the_end(name: str, seed: int) -> None:
    session = trade(name, seed, delay=2)
    assert len([wish for wish in session.wishes if isinstance(wish, OrderIntent)]) >= 6
    assert session.desk.ledger.flat and session.desk.fault is None


@every_strategy
def test_the_same_log_gives_the_same_decisions(name: str) -> None:
    first, second = trade(name, 4, delay=1), trade(name, 4, delay=1)
    assert [wish.encode() for wish in first.wishes] == [wish.encode() for wish in second.wishes]
    assert len({wish.intent_id for wish in first.wishes if isinstance(wish, OrderIntent)}) == len(
        [wish for wish in first.wishes if isinstance(wish, OrderIntent)]
    )


def test_bands_uses_what_the_interface_has() -> None:
    """Brackets, replaced and cancelled orders, and exits by hand: else it would prove nothing."""
    wishes = [wish for seed in range(5) for wish in trade("bands", seed, delay=2).wishes]
    amendments = [wish for wish in wishes if isinstance(wish, OrderAmendment)]
    intents = [wish for wish in wishes if isinstance(wish, OrderIntent)]
    assert {wish.action.value for wish in amendments} == {"CANCEL", "REPLACE"}
    assert {wish.order_type.value for wish in intents} == {"LIMIT", "STOP"}
    assert any(wish.attached_exits == 2 for wish in intents)
    assert any(wish.target_weight == 0 and wish.parent_intent_id is None for wish in intents)
