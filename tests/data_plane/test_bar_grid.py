"""Where bars begin and end: by the exchange's clock, at the open and the close, as the gateway cuts its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algo_trade.clock import VIRTUAL_START_NS
from algo_trade.contracts import BarDuration
from algo_trade.data_plane.bar_grid import LENGTHS_S, BarGrid, Interval
from algo_trade.ibkr.instruments import Hours, Instrument, parse_hours

START_S = VIRTUAL_START_NS // 1_000_000_000
INTRADAY = [size for size in BarDuration if size is not BarDuration.D1]


def grid(hours: str = "20260302:0930-20260302:1600;20260303:0930-20260303:1300") -> BarGrid:
    return BarGrid(
        Instrument(
            756733, "SPY", "ARCA", "USD", 0.01, "a fund", "US/Eastern", parse_hours(hours, "US/Eastern")
        )
    )


def at(text: str) -> int:
    """New York in winter, as epoch seconds."""
    return int((datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(hours=5)).timestamp())


@pytest.mark.parametrize(
    ("size", "moment", "start", "end"),
    [
        (BarDuration.S5, "2026-03-02T09:30:07", "2026-03-02T09:30:05", "2026-03-02T09:30:10"),
        (BarDuration.M1, "2026-03-02T09:30:59", "2026-03-02T09:30:00", "2026-03-02T09:31:00"),
        (BarDuration.H1, "2026-03-02T09:45:00", "2026-03-02T09:30:00", "2026-03-02T10:00:00"),
        (BarDuration.H1, "2026-03-02T15:59:59", "2026-03-02T15:00:00", "2026-03-02T16:00:00"),
        (BarDuration.H4, "2026-03-02T09:30:00", "2026-03-02T09:30:00", "2026-03-02T12:00:00"),
        (BarDuration.H4, "2026-03-02T12:00:00", "2026-03-02T12:00:00", "2026-03-02T16:00:00"),
        (BarDuration.H4, "2026-03-03T12:30:00", "2026-03-03T12:00:00", "2026-03-03T13:00:00"),  # a half day
        (BarDuration.H4, "2026-02-27T12:30:00", "2026-02-27T12:00:00", "2026-02-27T16:00:00"),  # not listed
        (BarDuration.H1, "2026-02-27T09:30:00", "2026-02-27T09:00:00", "2026-02-27T10:00:00"),
    ],
)
def test_an_interval(size: BarDuration, moment: str, start: str, end: str) -> None:
    assert grid().interval(size, at(moment)) == Interval(at(start), at(end))


@pytest.mark.parametrize(
    ("starts", "size", "close"),
    [
        ("20260302", BarDuration.D1, "2026-03-02T16:00:00"),
        ("20260303", BarDuration.D1, "2026-03-03T13:00:00"),
        ("20260227", BarDuration.D1, "2026-02-27T16:00:00"),
        ("20260702", BarDuration.D1, "2026-07-02T15:00:00"),  # 16:00 in summer time
        (str(START_S), BarDuration.S5, "2026-03-02T09:30:05"),
        (str(START_S), BarDuration.H4, "2026-03-02T12:00:00"),
        (str(START_S - 3 * 86_400), BarDuration.H4, "2026-02-27T12:00:00"),
    ],
)
def test_when_a_bar_of_the_gateway_closes(starts: str, size: BarDuration, close: str) -> None:
    assert grid().close_s(starts, size) == at(close)


@pytest.mark.parametrize("size", list(BarDuration))
def test_every_size_closes_sometime(size: BarDuration) -> None:
    assert grid().close_s("20260302", size) > 0


@pytest.mark.parametrize(
    ("starts", "size"),
    [
        ("", BarDuration.M1),
        ("9" * 30, BarDuration.M1),
        ("-9999999999999", BarDuration.M1),
        ("20261302", BarDuration.D1),
        ("1772461800", BarDuration.D1),
    ],
)
def test_a_start_that_is_no_time_is_refused(starts: str, size: BarDuration) -> None:
    with pytest.raises(ValueError, match="starts"):
        grid().close_s(starts, size)


def test_slots_are_those_of_trading() -> None:
    """From one session to the next, none after the last that is known."""
    bars = grid()
    assert bars.slot(at("2026-03-02T08:00:00")) == START_S
    assert bars.slot(START_S + 1) == START_S + 5
    assert bars.slot(at("2026-03-02T15:59:56")) == at("2026-03-03T09:30:00")
    assert bars.slot(at("2026-03-03T13:00:00")) is None
    opens = datetime(2026, 3, 4, 14, 30, tzinfo=UTC)
    bars.learn((Hours(opens, opens + timedelta(hours=1)),))
    assert bars.slot(at("2026-03-03T13:00:00")) == opens.timestamp()
    assert bars.close_after(at("2026-03-03T13:00:00")) == opens.timestamp() + 3_600


@given(
    st.sampled_from(INTRADAY),
    st.integers(START_S - 400 * 86_400, START_S + 400 * 86_400),
    st.sampled_from(
        ["", "20260302:0930-20260302:1600", "20260302:0937-20260303:0937;20260303:0937-20260304:0937"]
    ),
)
def test_intervals_tile_the_day(size: BarDuration, moment: int, hours: str) -> None:
    """Each moment is in one bar, which is in one session, and the next begins where it ends; summer time or not."""
    bars = grid(hours)
    interval = bars.interval(size, moment)
    assert interval.start_s <= moment < interval.end_s
    assert interval.end_s - interval.start_s <= LENGTHS_S[size]
    assert bars.interval(size, interval.start_s) == interval == bars.interval(size, interval.end_s - 1)
    assert bars.interval(size, interval.end_s).start_s == interval.end_s
    session = bars.session(moment)
    if session is not None:
        assert session.start_s <= interval.start_s and interval.end_s <= session.end_s
