"""The exchange's calendar against the days the NYSE itself published for 2024 to 2027."""

from __future__ import annotations

from datetime import date, timedelta

from algo_trade.clock import VIRTUAL_START_NS
from algo_trade.gateway_sim.exchange_calendar import trading_minutes
from algo_trade.gateway_sim.hours import TradingHours

CLOSED = """2024-01-01 2024-01-15 2024-02-19 2024-03-29 2024-05-27 2024-06-19 2024-07-04 2024-09-02 2024-11-28
    2024-12-25 2025-01-01 2025-01-20 2025-02-17 2025-04-18 2025-05-26 2025-06-19 2025-07-04 2025-09-01 2025-11-27
    2025-12-25 2026-01-01 2026-01-19 2026-02-16 2026-04-03 2026-05-25 2026-06-19 2026-07-03 2026-09-07 2026-11-26
    2026-12-25 2027-01-01 2027-01-18 2027-02-15 2027-03-26 2027-05-31 2027-06-18 2027-07-05 2027-09-06 2027-11-25
    2027-12-24"""
SHORT = "2024-07-03 2024-11-29 2024-12-24 2025-07-03 2025-11-28 2025-12-24 2026-11-27 2026-12-24 2027-11-26"


def test_holidays_and_short_days_are_the_published_ones() -> None:
    """Every weekday of four years."""
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(4 * 365 + 1)]
    weekdays = [day for day in days if day.weekday() < 5]
    assert [f"{day}" for day in weekdays if not trading_minutes(day)] == CLOSED.split()
    assert [f"{day}" for day in weekdays if trading_minutes(day) == 210] == SHORT.split()
    assert not any(trading_minutes(day) for day in days if day.weekday() >= 5)


def test_liquid_hours_name_closed_days_and_short_ones() -> None:
    """Over Thanksgiving, from the Tuesday before."""
    tuesday_ns = VIRTUAL_START_NS + 267 * 24 * 3600 * 10**9
    assert TradingHours(tuesday_ns, tuesday_ns).listed(tuesday_ns).split(";") == [
        "20261124:0930-20261124:1600",
        "20261125:0930-20261125:1600",
        "20261126:CLOSED",
        "20261127:0930-20261127:1300",
        "20261128:CLOSED",
        "20261129:CLOSED",
    ]
