"""Field order of the long messages, as tables that know when a field came and went.

A layout is a sequence of runs of names and of parts whose length depends on what was read before them. In a
run, `name<177` is there below server version 177 and `name>=158` from 158 on. Walking a layout consumes a
frame to its last field or fails: a frame one field longer than its layout was read wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from algo_trade.ibkr.fields import FieldError, integer, optional_number

MIN_VERSION, MAX_VERSION = 157, 178


@dataclass(frozen=True, slots=True)
class When:
    """`then` follows when the field `name` satisfies `test`; a number means that many fields nobody reads."""

    name: str
    test: Callable[[bytes], bool]
    then: Layout


@dataclass(frozen=True, slots=True)
class Repeat:
    """A count, then that many times `width` fields nobody reads."""

    width: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """A count, conditions whose width depends on their type, then two flags if there were any."""


Layout: TypeAlias = "Sequence[str | int | When | Repeat | Conditions]"
Fields: TypeAlias = dict[str, bytes]

_CONDITION_WIDTHS = {1: 6, 3: 3, 4: 3, 5: 4, 6: 5, 7: 5}  # condition type -> fields after it
_REPEATS_MAX = 10_000


def _filled(field: bytes) -> bool:
    return field != b""


def _set(field: bytes) -> bool:
    return field not in (b"", b"0")


def _positive(field: bytes) -> bool:
    return (optional_number(field) or 0.0) > 0.0


def _pegged_to_benchmark(field: bytes) -> bool:
    return field in (b"PEG BENCH", b"PEGBENCH")


_CONTRACT = (
    "conId symbol secType lastTrade strike right multiplier exchange currency localSymbol tradingClass"
)
_PEG_BEST = "minTradeQty>=170 minCompeteSize>=170 competeOffset>=170 midWhole>=170 midHalf>=170"
_LEGS: Layout = (Repeat(8), Repeat(1), Repeat(2))  # combo legs, their prices, smart routing parameters
_SCALE: Layout = (
    "scaleInit scaleSubs scaleIncrement",
    When("scaleIncrement", _positive, (7,)),
    "hedgeType",
    When("hedgeType", _filled, (1,)),
)
_ALGO: Layout = (
    When("hasDeltaNeutral", _set, (3,)),
    "algoStrategy",
    When("algoStrategy", _filled, (Repeat(2),)),
)

OPEN_ORDER: Layout = (
    f"messageId orderId {_CONTRACT} action quantity orderType limitPrice auxPrice tif ocaGroup account openClose "
    "origin orderRef clientId permId outsideRth hidden discretionary goodAfter ignored faGroup faMethod "
    "faPercentage faProfile<177 modelCode goodTill rule80A percentOffset settlingFirm shortSaleSlot "
    "designatedLocation exemptCode auctionStrategy startingPrice stockRefPrice delta stockLower stockUpper "
    "displaySize blockOrder sweepToFill allOrNone minQty ocaType eTradeOnly firmQuoteOnly nbboCap parentId "
    "triggerMethod volatility volatilityType deltaNeutralType deltaNeutralAux",
    When("deltaNeutralType", _filled, (8,)),
    "continuousUpdate referenceType trailStop trailPercent basisPoints basisType legsDescription",
    *_LEGS,
    *_SCALE,
    "optOutSmart clearingAccount clearingIntent notHeld hasDeltaNeutral",
    *_ALGO,
    "solicited whatIf status initBefore maintBefore equityBefore initChange maintChange equityChange initAfter "
    "maintAfter equityAfter commission minCommission maxCommission commissionCurrency warning randomSize randomPrice",
    When("orderType", _pegged_to_benchmark, (5,)),
    Conditions(),
    "adjustedType trigger trailStop2 limitOffset adjustedStop adjustedStopLimit adjustedTrail trailUnit softName "
    "softValue softDisplay cashQty noAutoHedgePrice isOms discretionaryUpTo priceManagement duration>=158 "
    f"postToAts>=160 autoCancelParent>=162 {_PEG_BEST}",
)

COMPLETED_ORDER: Layout = (
    f"messageId {_CONTRACT} action quantity orderType limitPrice auxPrice tif ocaGroup account openClose origin "
    "orderRef permId outsideRth hidden discretionary goodAfter faGroup faMethod faPercentage faProfile<177 modelCode "
    "goodTill rule80A percentOffset settlingFirm shortSaleSlot designatedLocation exemptCode startingPrice "
    "stockRefPrice delta stockLower stockUpper displaySize sweepToFill allOrNone minQty ocaType triggerMethod "
    "volatility volatilityType deltaNeutralType deltaNeutralAux",
    When("deltaNeutralType", _filled, (4,)),
    "continuousUpdate referenceType trailStop trailPercent legsDescription",
    *_LEGS,
    *_SCALE,
    "clearingAccount clearingIntent notHeld hasDeltaNeutral",
    *_ALGO,
    "solicited status randomSize randomPrice",
    When("orderType", _pegged_to_benchmark, (5,)),
    Conditions(),
    "trailStop2 limitOffset cashQty noAutoHedgePrice isOms autoCancelDate filled refFuturesConId autoCancelParent "
    f"shareholder imbalanceOnly routeToBbo parentPermId completedTime completedStatus {_PEG_BEST}",
)

EXECUTION: Layout = (
    f"messageId reqId orderId {_CONTRACT} execId time account venue side shares price permId clientId liquidation "
    "cumQty avgPrice orderRef evRule evMultiplier modelCode lastLiquidity pendingPriceRevision>=178",
)

ORDER_STATUS: Layout = (
    "messageId orderId status filled remaining avgFillPrice permId parentId lastFillPrice clientId whyHeld "
    "mktCapPrice",
)

POSITION: Layout = (f"messageId version account {_CONTRACT} quantity avgCost",)

COMMISSION: Layout = ("messageId version execId commission currency realizedPnl yield yieldRedemption",)


def walk(layout: Layout, fields: list[bytes], version: int) -> Fields:
    """The named fields of a frame. Raises FieldError when the frame is not exactly as long as its layout."""
    found: Fields = {}
    at = _walk(layout, fields, version, 0, found)
    if at != len(fields):
        raise FieldError(f"{len(fields)} fields instead of {at}")
    return found


def _walk(layout: Layout, fields: list[bytes], version: int, at: int, found: Fields) -> int:
    for part in layout:
        if isinstance(part, str):
            names = _names(part, version)
            values = fields[at : at + len(names)]
            if len(values) < len(names):
                raise FieldError(f"{len(fields)} fields end before {names[len(values)]}")
            found.update(zip(names, values, strict=True))
            at += len(names)
        elif isinstance(part, int):
            at += part
        elif isinstance(part, When):
            if part.test(found[part.name]):
                at = _walk(part.then, fields, version, at, found)
        elif isinstance(part, Repeat):
            at += 1 + _count(fields, at) * part.width
        else:
            at = _skip_conditions(fields, at)
    return at


@lru_cache(maxsize=256)
def _names(run: str, version: int) -> tuple[str, ...]:
    names = []
    for word in run.split():
        name, since, first = word.partition(">=")
        name, until, last = name.partition("<")
        if (not since or version >= int(first)) and (not until or version < int(last)):
            names.append(name)
    return tuple(names)


def _count(fields: list[bytes], at: int) -> int:
    if at >= len(fields):
        raise FieldError(f"{len(fields)} fields end before a count")
    count = integer(fields[at])
    if not 0 <= count <= _REPEATS_MAX:
        raise FieldError(f"a count of {count}")
    return count


def _skip_conditions(fields: list[bytes], at: int) -> int:
    count = _count(fields, at)
    at += 1
    for _ in range(count):
        kind = _count(fields, at)
        if kind not in _CONDITION_WIDTHS:
            raise FieldError(f"unknown condition type {kind}")
        at += 1 + _CONDITION_WIDTHS[kind]
    return at + 2 if count else at
