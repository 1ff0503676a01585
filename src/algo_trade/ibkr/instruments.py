"""What a symbol is: the contract behind it, its price grid and the hours in which it trades.

"Open" always means the gateway's own liquidHours. A calendar of ours would be right until the first half day
somebody forgot.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ib_async import ContractDetails

from algo_trade.ibkr.answers import Answer, Unknown
from algo_trade.ibkr.errors import InstrumentRefused, NotConnected
from algo_trade.ibkr.times import zone

_HOURS_FORMAT = "%Y%m%d:%H%M"
_HOURS_WIDTH = len("20260105:0930")


@dataclass(frozen=True, slots=True)
class Hours:
    """One session: from `opens` up to, not including, `closes`. Aware UTC."""

    opens: datetime
    closes: datetime

    def contains(self, moment: datetime) -> bool:
        return self.opens <= moment < self.closes


@dataclass(frozen=True, slots=True)
class Instrument:
    """A stock or ETF as the gateway describes it. Prices are multiples of `min_tick`."""

    con_id: int
    symbol: str
    primary_exchange: str
    currency: str
    min_tick: float
    long_name: str
    time_zone: str
    liquid_hours: tuple[Hours, ...]
    order_types: frozenset[str] = frozenset()  # what orders in it may be and have, in the gateway's words

    @property
    def offers_algos(self) -> bool:
        """Whether the gateway takes algo orders in it."""
        return "ALGO" in self.order_types

    def is_open(self, moment: datetime) -> bool:
        """Whether the gateway's liquidHours contain the moment."""
        return any(hours.contains(moment) for hours in self.liquid_hours)


def parse_hours(written: str, zone_name: str) -> tuple[Hours, ...]:
    """`20260105:0930-20260105:1600;20260106:CLOSED` in the named zone. Raises InstrumentRefused.

    The older form `20260105:0930-1600` closes on the day it opens.
    """
    where = zone(zone_name)
    if where is None:
        raise InstrumentRefused(f"unknown time zone {zone_name!r}")
    sessions = [part.strip() for part in written.split(";")]
    return tuple(_hours(part, where) for part in sessions if part and not part.endswith(":CLOSED"))


def _hours(session: str, where: ZoneInfo) -> Hours:
    opens, _, closes = session.partition("-")
    if ":" not in closes:
        closes = f"{opens[:8]}:{closes}"
    if not len(opens) == len(closes) == _HOURS_WIDTH:  # strptime alone would read 99 as 09:09
        raise InstrumentRefused(f"trading hours {session!r} cannot be read")
    try:
        first, last = (
            datetime.strptime(moment, _HOURS_FORMAT).replace(tzinfo=where).astimezone(UTC)
            for moment in (opens, closes)
        )
    except ValueError as error:
        raise InstrumentRefused(f"trading hours {session!r} cannot be read") from error
    return Hours(first, last)


def the_instrument(symbol: str, answer: Answer[ContractDetails]) -> Instrument:
    """The one contract an answer is about.

    Raises InstrumentRefused when there is none or more than one, NotConnected when nothing is known (retry).
    """
    if isinstance(answer, Unknown):
        if answer.code is not None:
            raise InstrumentRefused(f"{symbol}: {answer.reason}")
        raise NotConnected(f"{symbol}: {answer.reason}")
    if len(answer.rows) != 1:
        raise InstrumentRefused(f"{symbol} names {len(answer.rows)} contracts instead of one")
    details = answer.rows[0]
    contract = details.contract
    if contract is None or contract.conId <= 0 or not details.minTick > 0:
        raise InstrumentRefused(f"{symbol}: the gateway's description lacks a contract id or a price grid")
    return Instrument(
        con_id=contract.conId,
        symbol=contract.symbol,
        primary_exchange=contract.primaryExchange,
        currency=contract.currency,
        min_tick=details.minTick,
        long_name=details.longName,
        time_zone=details.timeZoneId,
        liquid_hours=parse_hours(details.liquidHours, details.timeZoneId),
        order_types=frozenset(details.orderTypes.split(",")),
    )
