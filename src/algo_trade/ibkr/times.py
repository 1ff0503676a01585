"""Times as gateways write them.

Three forms are in the wild: `20260413 15:27:04 US/Eastern` (an IANA name), the same with the name Windows has
for the zone, and `20230224  12:04:56` without any, which means the zone of the machine the gateway runs on
(it tells that one in the handshake). What cannot be understood is None: a fill must never be lost over the
spelling of its time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

# From the Unicode CLDR table windowsZones.xml, territory 001.
WINDOWS_ZONES = {
    "AUS Eastern Standard Time": "Australia/Sydney",
    "Alaskan Standard Time": "America/Anchorage",
    "Arabian Standard Time": "Asia/Dubai",
    "Argentina Standard Time": "America/Buenos_Aires",
    "Atlantic Standard Time": "America/Halifax",
    "Canada Central Standard Time": "America/Regina",
    "Central America Standard Time": "America/Guatemala",
    "Central Europe Standard Time": "Europe/Budapest",
    "Central European Standard Time": "Europe/Warsaw",
    "Central Standard Time": "America/Chicago",
    "Central Standard Time (Mexico)": "America/Mexico_City",
    "China Standard Time": "Asia/Shanghai",
    "Coordinated Universal Time": "UTC",
    "E. Australia Standard Time": "Australia/Brisbane",
    "E. Europe Standard Time": "Europe/Chisinau",
    "E. South America Standard Time": "America/Sao_Paulo",
    "Eastern Standard Time": "America/New_York",
    "FLE Standard Time": "Europe/Kiev",
    "GMT Standard Time": "Europe/London",
    "GTB Standard Time": "Europe/Bucharest",
    "Greenwich Standard Time": "Atlantic/Reykjavik",
    "Hawaiian Standard Time": "Pacific/Honolulu",
    "India Standard Time": "Asia/Calcutta",
    "Israel Standard Time": "Asia/Jerusalem",
    "Japan Standard Time": "Asia/Tokyo",
    "Korea Standard Time": "Asia/Seoul",
    "Mountain Standard Time": "America/Denver",
    "New Zealand Standard Time": "Pacific/Auckland",
    "Newfoundland Standard Time": "America/St_Johns",
    "Pacific Standard Time": "America/Los_Angeles",
    "Romance Standard Time": "Europe/Paris",
    "Russian Standard Time": "Europe/Moscow",
    "SA Pacific Standard Time": "America/Bogota",
    "SE Asia Standard Time": "Asia/Bangkok",
    "Singapore Standard Time": "Asia/Singapore",
    "South Africa Standard Time": "Africa/Johannesburg",
    "Taipei Standard Time": "Asia/Taipei",
    "Tokyo Standard Time": "Asia/Tokyo",
    "Turkey Standard Time": "Europe/Istanbul",
    "US Eastern Standard Time": "America/Indianapolis",
    "US Mountain Standard Time": "America/Phoenix",
    "UTC": "UTC",
    "W. Australia Standard Time": "Australia/Perth",
    "W. Europe Standard Time": "Europe/Berlin",
}

_DIGITS = frozenset("0123456789")


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA or Windows name, also in the form `EST (Eastern Standard Time)`; None if unknown."""
    name = name.strip()
    if name.endswith(")") and " (" in name:
        short, _, long = name[:-1].partition(" (")
        return zone(long) or zone(short)
    key = WINDOWS_ZONES.get(name, name)
    try:
        return ZoneInfo(key) if key else None
    except (ValueError, KeyError, OSError):  # a malformed key, an unknown one, the name of a folder
        return None


def parse_time(written: str, naive_zone: ZoneInfo | None) -> datetime | None:
    """The instant in UTC; None when it is not one of the known forms or its zone is unknown."""
    if len(written) in range(9, 12) and _DIGITS.issuperset(written):
        return datetime.fromtimestamp(int(written), UTC)
    date, clock, rest = written[:8], written[8:].lstrip(" -")[:8], written[8:].lstrip(" -")[8:]
    where = UTC if written[8:9] == "-" and not rest else (zone(rest) if rest.strip() else naive_zone)
    if where is None or not (_DIGITS.issuperset(date) and clock[2:3] == clock[5:6] == ":"):
        return None
    try:
        parts = (date[:4], date[4:6], date[6:], clock[:2], clock[3:5], clock[6:8])
        year, month, day, hour, minute, second = map(int, parts)
        return datetime(year, month, day, hour, minute, second, tzinfo=where).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def zone_of_handshake(connection_time: str) -> ZoneInfo | None:
    """The gateway's own zone from the second field of its first answer (`20260405 23:49:26 <zone>`)."""
    parts = connection_time.split(None, 2)
    return zone(parts[2]) if len(parts) == 3 else None
