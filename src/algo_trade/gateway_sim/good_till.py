"""Good-till dates: `yyyymmdd hh:mm:ss zone` (New York without one) or `yyyymmdd-hh:mm:ss`, which is UTC."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from algo_trade.clock import from_utc
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.hours import ZONE
from algo_trade.gateway_sim.prices import refuse

GTD = "GTD"
_FORM = re.compile(r"(\d{8})(?:-(\d\d:\d\d:\d\d)| {1,2}(\d\d:\d\d:\d\d)(?: ([A-Za-z0-9_+/-]{1,40}))?)")
_MALFORMED = (
    "The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss xx/xxxx where "
    "xx/xxxx is a time-zone, or yyyymmdd-hh:mm:ss in UTC."
)


def read_good_till(text: str, tif: str, now_ns: int) -> int:
    """When an order expires by its good-till date (UTC epoch), 0 for one without; raises RequestError."""
    if tif != GTD:
        if text:
            raise refuse("A good-till date goes with time in force GTD")
        return 0
    at_ns = _moment_ns(text)
    if at_ns <= now_ns:
        raise refuse("The good-till date is in the past")
    return at_ns


@lru_cache(maxsize=256)
def _moment_ns(text: str) -> int:
    match = _FORM.fullmatch(text)
    if match is None:
        raise RequestError(343, _MALFORMED)
    day, utc_time, local_time, zone = match.groups()
    try:
        known = ZoneInfo("UTC" if utc_time else zone or ZONE)
        moment = datetime.strptime(f"{day} {utc_time or local_time} +0000", "%Y%m%d %H:%M:%S %z")
        return from_utc(moment.replace(tzinfo=known))
    except (ValueError, OSError, OverflowError, ZoneInfoNotFoundError):
        raise RequestError(343, _MALFORMED) from None
