"""The bands strategy at its desk: where it bids, when it moves and withdraws, how it holds and how it leaves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from tests.strategy_plane.kit import KEYS, LIMITS, report, tick, tuned, window

from algo_trade.bus import Record
from algo_trade.clock import VIRTUAL_START_NS, utc
from algo_trade.contracts import (
    AmendmentAction,
    BarDuration,
    BarEvent,
    Direction,
    ExecutionStatus,
    OrderAmendment,
    OrderIntent,
    OrderType,
    TimeInForce,
)
from algo_trade.strategy_plane import Desk, Feeds, Quotes, StrategyLimits
from algo_trade.strategy_plane.bands import BANDS, Band, BandsStrategy
from algo_trade.strategy_plane.bands_parameters import BandsParameters

START = utc(VIRTUAL_START_NS)
MINUTE = timedelta(minutes=1)
# Four closes, so that 102, 100, 102, 100 have the mean 101 and the deviation 1.
FOUR = BandsParameters(
    window=4,
    entry_k=1.0,
    stop_k=3.0,
    min_edge=0.0,
    reprice_bps=10.0,
    max_rest_bars=5,
    entry_spacing_s=0.0,
    last_entry_before_end_s=600.0,
    flat_before_end_s=300.0,
)
LOW, HIGH = (102.0, 100.0, 102.0, 100.0), (100.0, 102.0, 100.0, 102.0)
Wish = OrderIntent | OrderAmendment


@dataclass
class Watch:
    """A desk fed by hand with bars of a minute, each behind a quote; `minute` counts them."""

    parameters: BandsParameters = FOUR
    limits: StrategyLimits = LIMITS
    duration_s: float = 3600.0
    minute: int = 0
    offset: int = 0
    sequences: dict[UUID, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        strategy = BandsStrategy(self.parameters, self.limits)
        self.desk = Desk(strategy, self.limits, window(self.duration_s))

    @property
    def now(self) -> datetime:
        return START + self.minute * MINUTE

    def quote(self, bid: float, symbol: str = "IWM") -> None:
        quote = tick(symbol, self.now, bid, round(bid + 0.02, 2), 300, 400)
        assert not self.desk.on_tick(self._record(symbol), quote, None)  # it decides on bars only

    def close(self, close: float, symbol: str = "IWM", *, at: datetime | None = None) -> list[Wish]:
        bar = BarEvent(
            symbol=symbol,
            timestamp=at or self.now,
            open=close,
            high=close,
            low=close,
            close=close,
            volume=1,
            bar_duration=BarDuration.M1,
        )
        return list(self.desk.on_bar(self._record(symbol), bar))

    def bar(self, close: float, *, bid: float | None = None, symbol: str = "IWM") -> list[Wish]:
        """A minute passes and its bar closes; the quote stands at `bid`, or at the close."""
        self.minute += 1
        self.quote(close if bid is None else bid, symbol)
        return self.close(close, symbol)

    def bars(self, closes: tuple[float, ...], *, bid: float | None = None, symbol: str = "IWM") -> list[Wish]:
        """What the last of these brings; those before it bring nothing."""
        *before, last = closes
        for close in before:
            assert not self.bar(close, bid=bid, symbol=symbol)
        return self.bar(last, bid=bid, symbol=symbol)

    def _record(self, symbol: str) -> Record:
        self.offset += 1
        return Record("market_events", 0, self.offset, KEYS[symbol], b"", 0)

    def hear(self, intent: OrderIntent, status: ExecutionStatus, filled: int = 0, **present: Any) -> None:
        number = self.sequences.get(intent.intent_id, 0)
        self.sequences[intent.intent_id] = number + 1
        self.desk.on_report(report(intent, number, status, filled, self.now, **present))

    def resting(self, closes: tuple[float, ...] = LOW, *, bid: float = 100.5) -> list[OrderIntent]:
        """A bracket, acknowledged."""
        made = intents(self.bars(closes, bid=bid))
        for intent in made:
            self.hear(intent, ExecutionStatus.ACKNOWLEDGED)
        return made

    def holding(self) -> list[OrderIntent]:
        """A bracket whose entry has filled."""
        made = self.resting()
        self.hear(made[0], ExecutionStatus.FILLED, made[0].quantity)
        return made


def intents(wishes: list[Wish]) -> list[OrderIntent]:
    found = [wish for wish in wishes if isinstance(wish, OrderIntent)]
    assert len(found) == len(wishes)
    return found


def amendments(wishes: list[Wish]) -> list[tuple[AmendmentAction, UUID, float | None]]:
    """What is done to which order, and its new price."""
    found = [wish for wish in wishes if isinstance(wish, OrderAmendment)]
    assert len(found) == len(wishes)
    return [(wish.action, wish.intent_id, wish.limit_price or wish.stop_price) for wish in found]


def test_the_measure_is_mean_and_population_deviation_of_these_closes_alone() -> None:
    assert Band.of(LOW) == Band(101.0, 1.0)
    assert Band.of([0.1] * 7) == Band(0.1, 0.0)


def test_below_the_mean_it_bids_for_the_day_with_its_exits_attached() -> None:
    entry, profit, stop = intents(Watch().bars(LOW, bid=100.5))
    assert (entry.direction, entry.order_type, entry.limit_price) == (Direction.BUY, OrderType.LIMIT, 100.0)
    assert entry.time_in_force is profit.time_in_force is stop.time_in_force is TimeInForce.DAY
    assert (profit.limit_price, stop.stop_price) == (101.0, 98.0)
    assert entry.quantity == 10 and entry.decision_mid == pytest.approx(100.51)


def test_above_the_mean_it_offers_short() -> None:
    entry, profit, stop = intents(Watch().bars(HIGH, bid=101.5))
    assert (entry.direction, entry.limit_price) == (Direction.SELL, 102.0)
    assert (profit.limit_price, stop.stop_price) == (101.0, 104.0)
    assert entry.quantity == 9  # $1000 at 102


def test_it_never_goes_through_the_market() -> None:
    entry, *_ = intents(Watch().bars(LOW, bid=99.5))
    assert entry.limit_price == 99.5  # the bid; the band is at 100
    assert not Watch().bars(LOW, bid=97.9)  # beyond its own stop
    assert not Watch().bars(HIGH, bid=104.1)


def test_a_stop_below_nothing_is_no_stop() -> None:
    assert not Watch().bars((3.0, 1.0, 3.0, 1.0), bid=1.5)


def test_prices_are_whole_cents_on_the_passive_side() -> None:
    closes = (102.0, 100.0, 102.0, 100.01)
    entry, profit, stop = intents(Watch().bars(closes, bid=100.5))
    assert (entry.limit_price, profit.limit_price, stop.stop_price) == (100.0, 101.0, 98.0)


def test_too_few_closes_and_no_quote_are_no_reason_to_trade() -> None:
    assert not Watch().bars(LOW[1:], bid=100.5)
    watch = Watch()
    for close in LOW:
        watch.minute += 1
        assert not watch.close(close)


def test_the_warm_up_fills_the_window_and_causes_nothing() -> None:
    watch = Watch()
    watch.quote(100.5)
    for number, close in enumerate(LOW):
        assert not watch.close(close, at=START - (3 - number) * MINUTE)
    assert intents(watch.bar(100.0, bid=100.4))


def test_bars_of_other_sizes_and_symbols_are_not_its_business() -> None:
    watch = Watch()
    for close in LOW:
        watch.minute += 1
        watch.quote(100.5)
        bar = BarEvent(
            symbol="IWM",
            timestamp=watch.now,
            open=close,
            high=close,
            low=close,
            close=close,
            volume=1,
            bar_duration=BarDuration.M5,
        )
        assert not watch.desk.on_bar(watch._record("IWM"), bar)
    assert not watch.bars(LOW[:3], bid=100.5)


@pytest.mark.parametrize(("min_edge", "bids"), [(5.0, True), (5.01, False)])
def test_what_does_not_pay_its_commission_is_left_alone(min_edge: float, bids: bool) -> None:
    """Ten shares, a dollar each: five round trips of two dollars."""
    assert bool(Watch(tuned(FOUR, min_edge=min_edge)).bars(LOW, bid=100.5)) is bids


def test_it_bids_for_what_the_money_allows() -> None:
    watch = Watch(limits=replace(LIMITS, max_exposure_usd=Decimal(250)))
    entry, *_ = intents(watch.bars(LOW, bid=100.5))
    assert entry.quantity == 2
    assert not watch.bars(LOW, bid=100.5, symbol="SPY")  # $50 are left


def test_a_bid_that_is_a_little_off_stays_and_one_that_is_far_off_moves_with_its_exits() -> None:
    watch = Watch()
    entry, profit, stop = watch.resting()
    assert not watch.bar(101.2, bid=100.5)  # the band is at 99.97: three hundredths of a per cent
    replaced = AmendmentAction.REPLACE
    assert amendments(watch.bar(99.5, bid=100.4)) == [
        (replaced, entry.intent_id, 99.69),
        (replaced, profit.intent_id, 100.67),
        (replaced, stop.intent_id, 97.72),
    ]
    assert not watch.bar(97.0, bid=99.0)  # nothing is known of the amendments yet


def test_an_order_of_unknown_fate_is_left_alone() -> None:
    watch = Watch()
    entry, *_ = watch.resting()
    watch.hear(entry, ExecutionStatus.UNKNOWN)
    assert not watch.bar(99.0, bid=99.0) and watch.desk.fault is None


def withdrawn(watch: Watch, entry: OrderIntent, wishes: list[Wish]) -> bool:
    """Whether the entry alone is cancelled: it takes its exits along."""
    return (
        amendments(wishes) == [(AmendmentAction.CANCEL, entry.intent_id, None)] and watch.desk.fault is None
    )


def test_it_withdraws_when_the_bands_have_become_too_narrow() -> None:
    watch = Watch(tuned(FOUR, min_edge=4.0))
    entry, *_ = watch.resting()
    assert not watch.bar(101.2, bid=100.5)  # ten shares, 83 cents each
    assert withdrawn(watch, entry, watch.bar(100.9, bid=100.5))


def test_it_withdraws_when_the_price_has_gone_over_to_the_other_side() -> None:
    watch = Watch()
    entry, *_ = watch.resting()
    assert not watch.bar(101.2, bid=101.2)  # beyond the mean, by less than half a deviation
    assert withdrawn(watch, entry, watch.bar(102.2, bid=102.2))


def test_it_withdraws_what_has_rested_too_long() -> None:
    watch = Watch(tuned(FOUR, max_rest_bars=3, reprice_bps=100.0))
    entry, *_ = watch.resting()
    assert not watch.bars((101.2, 100.5), bid=100.5)
    assert withdrawn(watch, entry, watch.bar(100.0, bid=100.5))


def test_it_withdraws_when_a_move_would_cost_more_than_is_free() -> None:
    watch = Watch()
    entry, *_ = watch.resting((102.0, 100.0, 102.0, 99.8), bid=100.5)
    assert (entry.quantity, entry.limit_price) == (10, 99.89)
    assert withdrawn(watch, entry, watch.bars((101.1, 101.2), bid=101.0))  # ten shares at 100.23


def test_near_the_end_nothing_rests_and_nothing_new_is_tried() -> None:
    watch = Watch(duration_s=900.0)
    entry, *_ = watch.resting()
    assert watch.minute == 4
    assert withdrawn(watch, entry, watch.bar(100.0, bid=100.5))  # ten minutes before the end
    watch = Watch(duration_s=840.0)
    assert not watch.bars(LOW, bid=100.5)


def test_the_take_profit_follows_the_mean_and_the_stop_stays() -> None:
    watch = Watch()
    _entry, profit, _stop = watch.holding()
    assert not watch.bar(101.9, bid=101.0)
    assert amendments(watch.bar(99.0, bid=99.0)) == [(AmendmentAction.REPLACE, profit.intent_id, 100.72)]


def test_a_position_that_has_lost_its_stop_is_closed() -> None:
    watch = Watch()
    entry, profit, stop = watch.holding()
    watch.hear(stop, ExecutionStatus.REJECTED)
    assert amendments(watch.bar(100.0)) == [(AmendmentAction.CANCEL, profit.intent_id, None)]
    watch.hear(profit, ExecutionStatus.CANCELED)
    (out,) = intents(watch.bar(100.0))
    assert (out.direction, out.quantity, out.target_weight) == (Direction.SELL, entry.quantity, 0.0)
    assert (out.limit_price, out.time_in_force) == (99.98, TimeInForce.IOC)


def test_an_entry_that_filled_in_part_may_fill_on_but_not_for_ever() -> None:
    watch = Watch(tuned(FOUR, max_rest_bars=2, reprice_bps=100.0))
    entry, *_ = watch.resting()
    watch.hear(entry, ExecutionStatus.PARTIAL_FILL, 4)
    assert not watch.bar(102.0, bid=100.5)
    assert withdrawn(watch, entry, watch.bar(100.0, bid=100.5))


def test_at_the_end_what_works_is_cancelled_and_what_is_held_is_sold() -> None:
    watch = Watch(duration_s=1200.0)
    entry, profit, stop = watch.holding()
    watch.minute = 14
    assert amendments(watch.bar(100.0)) == [
        (AmendmentAction.CANCEL, profit.intent_id, None),
        (AmendmentAction.CANCEL, stop.intent_id, None),
    ]
    assert not watch.bar(100.0)  # no answer yet
    for exit_ in (profit, stop):
        watch.hear(exit_, ExecutionStatus.CANCELED)
    (out,) = intents(watch.bar(100.0))
    assert (out.direction, out.quantity) == (Direction.SELL, entry.quantity)
    watch.hear(out, ExecutionStatus.CANCELED, 4)
    (rest,) = intents(watch.bar(99.0))
    assert rest.quantity == entry.quantity - 4
    watch.hear(rest, ExecutionStatus.FILLED, rest.quantity)
    assert not watch.bar(100.0) and watch.desk.ledger.flat


def test_at_the_end_an_entry_takes_its_exits_along() -> None:
    watch = Watch(duration_s=1200.0)
    entry, *_ = watch.resting()
    watch.minute = 14
    assert withdrawn(watch, entry, watch.bar(100.0))


def test_entries_keep_their_distance_and_are_counted() -> None:
    rich = replace(LIMITS, max_exposure_usd=Decimal(5000))
    watch = Watch(tuned(FOUR, entry_spacing_s=360.0), rich)
    watch.resting()
    assert not watch.bars((*LOW, 100.0), bid=100.5, symbol="SPY")  # five minutes after
    assert intents(watch.bar(100.0, bid=100.5, symbol="SPY"))
    assert not Watch(tuned(FOUR, max_entries=0)).bars(LOW, bid=100.5)
    watch = Watch(tuned(FOUR, max_positions=1), rich)
    watch.resting()
    assert not watch.bars(LOW, bid=100.5, symbol="SPY")


def test_a_late_bar_is_remembered_and_not_traded_on() -> None:
    """A gap that was filled: only the newest of its bars decides."""
    watch = Watch()
    watch.minute = 10
    watch.quote(100.5)
    for number, close in enumerate(LOW):
        assert not watch.close(close, at=watch.now - (4 - number) * MINUTE)
    assert intents(watch.close(100.0, at=watch.now - MINUTE + timedelta(seconds=1)))


def test_it_asks_for_bars_and_samples_and_for_a_history_that_holds_its_window() -> None:
    assert BandsStrategy(FOUR, LIMITS).feeds == Feeds(
        quotes=Quotes.TOP_OF_BOOK, bars=(BarDuration.M1,), history="2 D"
    )
    assert BandsParameters(window=391).history == "3 D"
    assert BandsParameters(
        bar_size="1h", window=120, flat_before_end_s=14_400, last_entry_before_end_s=14_400
    ).history


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"stop_k": 1.0}, "stop_k=1 must be above entry_k=1"),
        ({"bar_size": "5m"}, "less than 4 bars of 5m"),
        ({"last_entry_before_end_s": 60.0}, "last_entry_before_end_s=60 is less than"),
        ({"bar_size": "2m"}, "bar_size"),
        ({"window": 1}, "window"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        tuned(FOUR, **wrong)


def test_the_plug_in_is_this_strategy() -> None:
    strategy = BANDS.build(BandsParameters(), LIMITS)
    assert (
        strategy.strategy_id == BANDS.strategy_id == "BANDS" and BANDS.notes(BandsParameters(), LIMITS) == {}
    )
