"""What the session's comparisons with the broker add up to, judged again from the numbers they recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from algo_trade.clock import from_utc
from algo_trade.contracts import SessionEvent, SessionEventKind

# Moments with a position open at which the books have to agree before "they match" may be said.
LEAST_OPEN_MOMENTS = 3

# Cash and commission agree when they differ by less than a cent: the broker tells cents.
_TOLERANCE_DOLLARS = 0.01


@dataclass(frozen=True, slots=True)
class BrokerCheck:
    """One comparison. `match` is None when the broker gave no answer that could be compared. Money in dollars."""

    at_ns: int
    moment: str
    position_open: bool
    match: bool | None
    claimed: bool | None
    positions_ours: dict[str, int]
    positions_broker: dict[str, int]
    cash_ours: float | None
    cash_broker: float | None
    commission_ours: float | None
    commission_broker: float | None


def broker_checks(events: Iterable[SessionEvent]) -> tuple[BrokerCheck, ...]:
    """All comparisons in the order of the log."""
    return tuple(_read(event) for event in events if event.kind is SessionEventKind.BROKER_CHECK)


def _read(event: SessionEvent) -> BrokerCheck:
    data = event.data
    claimed = data.get("match")
    ours, theirs = _positions(data, "positions_ours"), _positions(data, "positions_broker")
    money = {
        name: _number(data, name)
        for name in ("cash_ours", "cash_broker", "commission_ours", "commission_broker")
    }
    agree: bool | None = None
    if ours is not None and theirs is not None:
        equal = [
            ours == theirs,
            _close(money["cash_ours"], money["cash_broker"]),
            _close(money["commission_ours"], money["commission_broker"]),
        ]
        agree = False if False in equal else None if None in equal else True
    verdicts = (agree, claimed)
    match = False if False in verdicts else True if verdicts == (True, True) else None
    return BrokerCheck(
        at_ns=from_utc(event.timestamp),
        moment=str(data.get("moment", "")),
        position_open=bool(data.get("position_open")),
        match=match,
        claimed=claimed if isinstance(claimed, bool) else None,
        positions_ours=ours or {},
        positions_broker=theirs or {},
        **money,
    )


def _positions(data: Mapping[str, JsonValue], name: str) -> dict[str, int] | None:
    value = data.get(name)
    if not isinstance(value, dict):
        return None
    return {symbol: round(held) for symbol, held in value.items() if isinstance(held, (int, float)) and held}


def _number(data: Mapping[str, JsonValue], name: str) -> float | None:
    value = data.get(name)
    return float(value) if isinstance(value, (int, float)) else None


def _close(ours: float | None, theirs: float | None) -> bool | None:
    if ours is None or theirs is None:
        return None
    return round(abs(ours - theirs), 6) < _TOLERANCE_DOLLARS


def match_broker(checks: Sequence[BrokerCheck], *, finished: bool) -> bool | None:
    """True: no fewer than three comparisons with a position open, and the last one at the end, all agree.

    False: any of them differs. None: not enough was compared to say.
    """
    if any(check.match is False for check in checks):
        return False
    open_moments = sum(check.match is True and check.position_open for check in checks)
    if finished and checks and checks[-1].match is True and open_moments >= LEAST_OPEN_MOMENTS:
        return True
    return None
