"""Halts and openings: what the public sees of a market's path, and that the path itself knows nothing of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway_sim.measures import NS

from algo_trade.clock import VIRTUAL_START_NS, new_york
from algo_trade.gateway_sim.days import Days, MarketDay, Span, market_days
from algo_trade.gateway_sim.errors import HaltError
from algo_trade.gateway_sim.halts import PriceBand, ScheduledHalt, check_halts, parse_halt
from algo_trade.gateway_sim.hours import TradingHours
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.gateway_sim.tape import Halting, Happening, Opening, Tape

MINUTE_NS = 60 * NS
DAY_NS = 24 * 60 * MINUTE_NS
WIDE = 10.0


def quote(offset_ns: int, price_e4: int = 1_000_000, trade_e4: int = 0) -> Quote:
    """A market a cent wide."""
    return Quote(offset_ns, price_e4, price_e4 + 100, 100, 100, trade_e4, 10 if trade_e4 else 0)


def days_of(*days: MarketDay) -> Days:
    """These days, and empty ones after them."""

    def run() -> Iterator[MarketDay]:
        yield from days
        for number in itertools.count(1):
            opening = days[-1].open_ns + number * DAY_NS
            yield MarketDay(opening, opening + 1)

    return run


def play(quotes: list[Quote], *days: MarketDay, width: float = WIDE) -> list[Happening]:
    return list(Tape(iter(quotes), days_of(*days), PriceBand(width)))


# -- writing them --------------------------------------------------------------------------------------
WRITTEN = {
    "SPY=11:00+5m": ScheduledHalt("SPY", 660, 300 * NS),
    " brk b=09:30+90s ": ScheduledHalt("BRK B", 570, 90 * NS),
    "X=0:05+2h": ScheduledHalt("X", 5, 7200 * NS),
}


@pytest.mark.parametrize(("text", "halt"), WRITTEN.items())
def test_a_halt_is_read(text: str, halt: ScheduledHalt) -> None:
    """Symbol, minute of the New York day, how long."""
    assert parse_halt(text) == halt


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SPY",
        "SPY=11:00",
        "SPY=11+5m",
        "SPY=24:00+5m",
        "SPY=11:60+5m",
        "SPY=11:00+0s",
        "SPY=11:00+24h",
        "=11:00+5m",
    ],
)
def test_what_is_no_halt_is_refused(text: str) -> None:
    """With the text in the answer."""
    with pytest.raises(HaltError) as refused:
        parse_halt(text)
    assert repr(text) in str(refused.value)


def test_halts_that_cannot_be_are_told_together() -> None:
    """A recorded day is the truth, an unknown symbol is a slip, and a closed exchange cannot halt."""
    halts = [parse_halt(f"{name}=11:00+5m") for name in ("SPY", "AAPL", "ZZZ")] + [parse_halt("SPY=16:00+5m")]
    with pytest.raises(HaltError) as refused:
        check_halts(halts, {"SPY", "AAPL"}, {"AAPL"}, regular=True)
    assert "SPY at 16:00" in str(refused.value)
    assert "AAPL is recorded" in str(refused.value)
    assert "ZZZ has no market" in str(refused.value)
    check_halts(halts[:1] + halts[3:], {"SPY"}, set(), regular=False)


def test_scheduled_halts_come_every_day_at_their_new_york_time() -> None:
    """Also after the clocks have changed (8 March 2026), and not on days without trading."""
    hours = TradingHours(VIRTUAL_START_NS, VIRTUAL_START_NS)
    days = market_days(hours, VIRTUAL_START_NS, 1.0, (parse_halt("SPY=11:00+5m"), parse_halt("SPY=10:00+1m")))
    for day in itertools.islice(days(), 8):
        early, late = day.halts
        assert f"{new_york(VIRTUAL_START_NS + early.start_ns):%H:%M}" == "10:00"
        assert f"{new_york(VIRTUAL_START_NS + late.start_ns):%H:%M}" == "11:00"
        assert new_york(VIRTUAL_START_NS + late.start_ns).weekday() < 5
        assert late.end_ns - late.start_ns == 5 * MINUTE_NS


def test_an_exchange_that_never_closes_halts_once_in_every_24_hours() -> None:
    """Whichever date its windows begin on."""
    hours = TradingHours(VIRTUAL_START_NS + 5 * 3600 * NS, None)
    days = market_days(hours, VIRTUAL_START_NS, 1.0, (parse_halt("SPY=09:31+5m"),))
    starts = [day.halts[0].start_ns for day in itertools.islice(days(), 3)]
    assert starts == [MINUTE_NS + n * DAY_NS for n in (1, 2, 3)]


def test_market_time_runs_at_its_speed() -> None:
    """Ten times as fast: hours ten times as long, counted from the origin. What was before it was no faster."""
    hours = TradingHours(VIRTUAL_START_NS, VIRTUAL_START_NS)
    first = next(market_days(hours, VIRTUAL_START_NS + 60 * NS, 10.0, (parse_halt("SPY=09:32+1m"),))())
    assert first == MarketDay(-60 * NS, 233_400 * NS, (Span(600 * NS, 1200 * NS),))


# -- the tape ------------------------------------------------------------------------------------------
def test_a_halt_hides_the_path_and_shows_where_it_stands_after() -> None:
    """The last hidden quote, at the moment of the reopening, without its trade."""
    path = [quote(n * MINUTE_NS, 1_000_000 + n * 100, 1_000_000 + n * 100) for n in range(6)]
    day = MarketDay(0, DAY_NS, (Span(90 * NS, 200 * NS),))
    assert play(path, day) == [
        *path[:2],
        Halting(90 * NS, True),
        Halting(200 * NS, False),
        path[3]._replace(offset_ns=200 * NS, trade_e4=0, trade_size=0),
        *path[4:],
    ]


def test_halts_that_meet_are_one() -> None:
    """Until the later end."""
    path = [quote(n * MINUTE_NS) for n in range(10)]
    day = MarketDay(0, DAY_NS, (Span(30 * NS, 200 * NS), Span(100 * NS, 150 * NS), Span(190 * NS, 400 * NS)))
    halts = [event for event in play(path, day) if isinstance(event, Halting)]
    assert halts == [Halting(30 * NS, True), Halting(400 * NS, False)]


def test_a_halt_that_reaches_the_close_lasts_until_the_next_opening() -> None:
    """No quote in between, and the new day's own quote comes first."""
    path = [quote(0), quote(80 * NS), quote(DAY_NS, 2_000_000)]
    days = (MarketDay(0, 100 * NS, (Span(50 * NS, 300 * NS),)), MarketDay(DAY_NS, DAY_NS + 100 * NS))
    assert play(path, *days) == [
        path[0],
        Halting(50 * NS, True),
        Halting(DAY_NS, False),
        Opening(DAY_NS, 1_000_050),
        path[2],
    ]


def test_a_day_opens_with_the_last_trade_before_it_as_its_close() -> None:
    """The mid where there never was one."""
    days = (MarketDay(0, 100 * NS), MarketDay(DAY_NS, DAY_NS + 100 * NS), MarketDay(2 * DAY_NS, 3 * DAY_NS))
    path = [quote(0), quote(DAY_NS, 900_000, 900_100), quote(DAY_NS + 1, 800_000), quote(2 * DAY_NS)]
    openings = [event for event in play(path, *days) if isinstance(event, Opening)]
    assert openings == [Opening(DAY_NS, 1_000_050), Opening(2 * DAY_NS, 900_100)]


def test_a_trade_outside_the_band_does_not_happen_and_pauses_the_symbol() -> None:
    """5 % from the mean of five minutes; the reopening is where the path stands, and a new reference."""
    path = [
        quote(0, trade_e4=1_000_000),
        quote(60 * NS, trade_e4=1_020_000),
        quote(61 * NS, 1_060_000, 1_060_600),
        quote(90 * NS, 1_200_000, 1_200_000),
        quote(400 * NS, 1_300_000, 1_300_000),
        quote(401 * NS, 1_310_000, 1_310_000),
    ]
    happened = play(path, MarketDay(0, DAY_NS), width=0.05)
    assert happened == [
        *path[:2],
        Halting(61 * NS, True),
        Halting(361 * NS, False),
        path[3]._replace(offset_ns=361 * NS, trade_e4=0, trade_size=0),
        *path[4:],
    ]


def test_the_band_forgets_trades_of_more_than_five_minutes_ago() -> None:
    """A slow rise of 4 % every five minutes is nobody's business."""
    band = PriceBand(0.05)
    price = 1_000_000.0
    for minute in range(0, 200, 5):
        assert band.allows(minute * MINUTE_NS, round(price))
        price *= 1.04
    assert not band.allows(196 * MINUTE_NS, round(price * 1.05))
    assert band.allows(500 * MINUTE_NS, 1)


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 50), st.integers(-300, 300), st.booleans()), min_size=2, max_size=60
    ),
    halts=st.lists(st.tuples(st.integers(0, 1500), st.integers(1, 300)), max_size=4),
    width=st.sampled_from([0.02, 1.0]),
    closes=st.integers(1, 1500),
)
def test_whatever_is_halted_the_path_is_the_same(
    steps: list[tuple[int, int, bool]], halts: list[tuple[int, int]], width: float, closes: int
) -> None:
    """What is shown is the path outside halts, plus one quote where a halt ended; halts alternate, time goes on."""
    path, at_ns, price = [], 0, 10_000
    for seconds, move, traded in steps:
        at_ns, price = at_ns + seconds * NS, max(1000, price + move)
        if at_ns < closes * NS:
            path.append(quote(at_ns, price * 100, price * 100 if traded else 0))
    path.append(quote(DAY_NS, price * 100))
    spans = tuple(sorted(Span(s * NS, (s + n) * NS) for s, n in halts if s < closes))
    happened = play(path, MarketDay(0, closes * NS, spans), MarketDay(DAY_NS, 2 * DAY_NS), width=width)
    assert [event.offset_ns for event in happened] == sorted(event.offset_ns for event in happened)
    states = [event.halted for event in happened if isinstance(event, Halting)]
    assert states == [n % 2 == 0 for n in range(len(states))]
    assert not states or not states[-1]
    halted, passed = False, 0
    for event in happened:
        if isinstance(event, Halting):
            halted = event.halted
        elif isinstance(event, Quote):
            assert not halted
            at = next((n for n in range(passed, len(path)) if path[n] == event), None)
            if at is not None:
                passed = at + 1
                continue
            standing = [before for before in path if before.offset_ns < event.offset_ns][-1]
            assert event == standing._replace(offset_ns=event.offset_ns, trade_e4=0, trade_size=0)
    for span in spans:
        assert not [e for e in happened if isinstance(e, Quote) and span.start_ns < e.offset_ns < span.end_ns]
