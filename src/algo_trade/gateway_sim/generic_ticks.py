"""The generic ticks a subscription may name by number: the legal ones, as a real gateway lists them for stocks."""

from __future__ import annotations

from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.wire.values import clean

# Those that `top_of_book` serves; the others are taken and never come, as where there is no such data.
LEGAL = {
    "100": "Option Volume",
    "101": "Option Open Interest",
    "104": "Historical Volatility",
    "105": "Average Option Volume",
    "106": "Option Implied Volatility",
    "165": "Misc. Stats",
    "221": "Mark Price",
    "225": "Auction Values",
    "232": "Mark Price",
    "233": "RTVolume",
    "236": "Shortable",
    "256": "Inventory",
    "258": "Fundamental Ratios",
    "291": "Close Calculation",
    "292": "Wide News",
    "293": "TradeCount",
    "294": "TradeRate",
    "295": "VolumeRate",
    "318": "LastRTHTrade",
    "370": "Participation Monitor",
    "375": "RTTrdVolume",
    "377": "CttTickTag",
    "381": "IB Rate",
    "384": "RfqTickRespTag",
    "387": "DMM",
    "388": "Issuer Fundamentals",
    "391": "IBWarrantImpVolCompeteTick",
    "407": "FuturesMargins",
    "411": "RT Historical Volatility",
    "428": "Monetary Close Price",
    "439": "MonitorTickTag",
    "456": "IB Dividends",
    "459": "RTCLOSE",
    "460": "Bond Factor Multiplier",
    "499": "Fee and Rebate Rate",
    "506": "midptiv",
    "511": "hvolrt10",
    "512": "hvolrt30",
    "513": "hvolrt50",
    "514": "hvolrt75",
    "515": "hvolrt100",
    "516": "hvolrt150",
    "517": "hvolrt200",
    "521": "fzmidptiv",
    "545": "vsiv",
    "576": "EtfNavLast",
    "577": "EtfNavFrozenLast",
    "578": "EtfNavClose",
    "588": "Futures Open Interest",
    "595": "Short-Term Volume X Mins",
    "614": "EtfNavMisc",
    "619": "Creditman Slow Mark Price",
    "623": "EtfFrozenNavLast",
}
# "Only what is named": no default ticks. Told to be legal; the defaults come all the same.
_ALONE = "mdoff"


def parse_generic_ticks(text: str) -> frozenset[str]:
    """The numbers in a list such as `233,236` or `mdoff,292:BRFG`; raises RequestError 321 for one nobody knows."""
    named = {part.strip().split(":")[0] for part in text.split(",")} - {"", _ALONE}
    if not named <= LEGAL.keys():
        legal = ",".join(f"{number}({name})" for number, name in LEGAL.items())
        raise RequestError(
            321,
            f"Error validating request.-'bN' : cause - Incorrect generic tick list of {clean(text)}.  Legal ones for "
            f"(STK) are: {legal}",
        )
    return frozenset(named)
