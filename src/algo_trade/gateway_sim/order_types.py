"""The order types there are, as a table: which prices each needs, and which times in force it may have.

Where a type waits is told by the sets below it: for a trigger at the broker (STOPS), for the closing auction
(AT_CLOSE). Everything else goes straight to the exchange.
"""

from __future__ import annotations

from typing import NamedTuple

IMMEDIATE = frozenset({"IOC", "FOK"})
_LASTING = frozenset({"DAY", "GTC", "GTD"})
TIFS = _LASTING | IMMEDIATE


class OrderType(NamedTuple):
    """`limit` and `stop`: it needs that price. `capped`: it may have a limit price. `trails`: its stop follows the
    market. `touched`: its stop price is reached from the other side, where the order would gain."""

    limit: bool = False
    stop: bool = False
    capped: bool = False
    trails: bool = False
    touched: bool = False
    tifs: frozenset[str] = TIFS


TYPES: dict[str, OrderType] = {
    "MKT": OrderType(),
    "LMT": OrderType(limit=True),
    "STP": OrderType(stop=True),
    "STP LMT": OrderType(limit=True, stop=True),
    "TRAIL": OrderType(trails=True, tifs=_LASTING),
    "TRAIL LIMIT": OrderType(trails=True, tifs=_LASTING),
    "MIT": OrderType(stop=True, touched=True),
    "LIT": OrderType(limit=True, stop=True, touched=True),
    "MIDPRICE": OrderType(capped=True, tifs=_LASTING),
    "MOC": OrderType(tifs=frozenset({"DAY"})),
    "LOC": OrderType(limit=True, tifs=frozenset({"DAY"})),
}
STOPS = frozenset(name for name, kind in TYPES.items() if kind.stop or kind.trails)
TRAILS = frozenset(name for name, kind in TYPES.items() if kind.trails)
TOUCHED = frozenset(name for name, kind in TYPES.items() if kind.touched)
AT_CLOSE = frozenset({"MOC", "LOC"})
MIDPRICE = "MIDPRICE"

# What a real gateway knows and the simulator has not.
OTHER_TYPES = frozenset(
    {
        *(
            "REL",
            "PEG MID",
            "PEG BEST",
            "PEG BENCH",
            "PEG MKT",
            "PASSV REL",
            "SNAP MKT",
            "SNAP MID",
            "SNAP PRIM",
        ),
        *(
            "MTL",
            "MKT PRT",
            "STP PRT",
            "BOX TOP",
            "VOL",
            "REL + MKT",
            "REL + LMT",
            "LMT + MKT",
            "AUC",
            "LOO",
            "MOO",
        ),
    }
)
