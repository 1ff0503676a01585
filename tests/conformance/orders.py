"""Orders every client places, and what its user must see: one table for all of them.

The market is `known_market`'s: asks of 500.00 and 500.01, bids of 499.97 and 499.98, 100 shares each, trades at 499.99.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """An order and its end: the status it comes to, how many shares it gets by then, why it is held."""

    name: str
    order: dict[str, Any]
    status: str | None  # None: refused by the gateway before it was an order
    filled: int = 0
    why: str = ""
    code: int | None = None

    @property
    def until(self) -> str:
        """What a driver waits for."""
        return "refused" if self.code is not None and self.status is None else str(self.status)


def _order(kind: str, tif: str, action: str = "BUY", quantity: int = 100, **fields: Any) -> dict[str, Any]:
    return {"orderType": kind, "tif": tif, "action": action, "totalQuantity": quantity, **fields}


HIGH, LOW = 510.0, 490.0

_FILLED = [
    Row("MKT DAY", _order("MKT", "DAY"), "Filled", 100),
    Row("MKT GTC", _order("MKT", "GTC"), "Filled", 100),
    Row("MKT IOC", _order("MKT", "IOC"), "Filled", 100),
    Row("MKT FOK", _order("MKT", "FOK", "SELL"), "Filled", 100),
    Row("MKT in parts", _order("MKT", "DAY", "SELL", 250), "Filled", 250),
    Row("LMT DAY", _order("LMT", "DAY", lmtPrice=HIGH), "Filled", 100),
    Row("LMT GTC", _order("LMT", "GTC", "SELL", lmtPrice=LOW), "Filled", 100),
    Row("LMT IOC", _order("LMT", "IOC", lmtPrice=HIGH), "Filled", 100),
    Row("LMT FOK", _order("LMT", "FOK", "SELL", lmtPrice=LOW), "Filled", 100),
    Row("LMT outside hours", _order("LMT", "DAY", lmtPrice=HIGH, outsideRth=True), "Filled", 100),
    Row("LMT GTD", _order("LMT", "GTD", lmtPrice=HIGH, goodTillDate="20991231-20:00:00"), "Filled", 100),
    Row("LMT all or none", _order("LMT", "DAY", "SELL", lmtPrice=LOW, allOrNone=True), "Filled", 100),
    Row("LMT hidden", _order("LMT", "DAY", lmtPrice=HIGH, hidden=True), "Filled", 100),
    Row("LMT iceberg", _order("LMT", "DAY", "SELL", 300, lmtPrice=LOW, displaySize=100), "Filled", 300),
    Row("STP DAY through", _order("STP", "DAY", auxPrice=LOW), "Filled", 100),
    Row("STP GTC through", _order("STP", "GTC", "SELL", auxPrice=HIGH), "Filled", 100),
    Row("STP LMT through", _order("STP LMT", "DAY", auxPrice=LOW, lmtPrice=HIGH), "Filled", 100),
    Row(
        "Adaptive urgent",
        _order("MKT", "DAY", "SELL", algoStrategy="Adaptive", algoParams=[("adaptivePriority", "Urgent")]),
        "Filled",
        100,
    ),
    Row("MIDPRICE", _order("MIDPRICE", "DAY", quantity=2, lmtPrice=HIGH), "Filled", 2),
]

_WAITING = [
    Row("LMT DAY away", _order("LMT", "DAY", lmtPrice=LOW), "Submitted"),
    Row("LMT GTC away", _order("LMT", "GTC", "SELL", lmtPrice=HIGH), "Submitted"),
    Row("LMT GTD away", _order("LMT", "GTD", lmtPrice=LOW, goodTillDate="20991231-20:00:00"), "Submitted"),
    Row(
        "LMT all or none away", _order("LMT", "DAY", quantity=400, lmtPrice=HIGH, allOrNone=True), "Submitted"
    ),
    Row("STP DAY", _order("STP", "DAY", auxPrice=HIGH), "PreSubmitted", why="trigger"),
    Row("STP GTC", _order("STP", "GTC", "SELL", auxPrice=LOW), "PreSubmitted", why="trigger"),
    Row(
        "STP LMT",
        _order("STP LMT", "GTC", "SELL", auxPrice=LOW, lmtPrice=489.0),
        "PreSubmitted",
        why="trigger",
    ),
    Row("TRAIL", _order("TRAIL", "DAY", "SELL", auxPrice=5.0), "PreSubmitted", why="trigger"),
    Row("TRAIL percent", _order("TRAIL", "GTC", "SELL", trailingPercent=1.0), "PreSubmitted", why="trigger"),
    Row("MOC", _order("MOC", "DAY"), "PreSubmitted"),
    Row("LOC", _order("LOC", "DAY", lmtPrice=HIGH), "PreSubmitted"),
    Row(
        "Adaptive patient",
        _order(
            "LMT", "DAY", lmtPrice=LOW, algoStrategy="Adaptive", algoParams=[("adaptivePriority", "Patient")]
        ),
        "Submitted",
    ),
]

_ENDED = [
    Row("LMT IOC away", _order("LMT", "IOC", lmtPrice=LOW), "Cancelled"),
    Row("LMT IOC in part", _order("LMT", "IOC", quantity=400, lmtPrice=HIGH), "Cancelled", 100),
    Row("LMT FOK away", _order("LMT", "FOK", lmtPrice=LOW), "Cancelled"),
    Row("LMT FOK too large", _order("LMT", "FOK", quantity=400, lmtPrice=HIGH), "Cancelled"),
    Row("too large for the account", _order("MKT", "DAY", quantity=900_000), "Inactive", code=201),
]

_REFUSED = [
    Row("off the tick", _order("LMT", "DAY", lmtPrice=499.999), None, code=110),
    Row("no such type", _order("PEG MID", "DAY"), None, code=387),
    Row("nonsense type", _order("NONSENSE", "DAY"), None, code=321),
    Row("nonsense time in force", _order("LMT", "XYZ", lmtPrice=LOW), None, code=321),
    Row("no shares", _order("LMT", "DAY", quantity=0, lmtPrice=LOW), None, code=434),
]

ROWS = _FILLED + _WAITING + _ENDED + _REFUSED
