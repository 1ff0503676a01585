"""Moments of a session for the tests of the terminal."""

from __future__ import annotations

from typing import Any

from algo_trade.clock import VIRTUAL_START_NS
from algo_trade.contracts import Severity
from algo_trade.session.progress import Holding, Money, Note, OrderCounts, State, Status

_S = 1_000_000_000


def note(number: int, text: str, severity: Severity = Severity.WARNING) -> Note:
    return Note(number, VIRTUAL_START_NS + number * _S, severity, text)


def status(**different: Any) -> Status:
    """An ordinary moment, two hours and a bit into a session that trades; and what is different about it."""
    fields: dict[str, Any] = {
        "now_ns": VIRTUAL_START_NS + 8321 * _S,
        "elapsed_s": 8321.0,
        "duration_s": 21600.0,
        "state": State.TRADING,
        "reason": "",
        "mode": "SIM",
        "strategy": "OFI",
        "ticks": 247_157,
        "quote_ages_s": {"SPY": 0.1, "QQQ": 0.24, "IWM": 3.2},
        "orders": OrderCounts(working=1, filled=30, rejected=1),
        "holdings": {"SPY": Holding(1, 574.4)},
        "money": Money(-30.92, -0.92, 30.0, -100.0, 500.0, 0.31),
        "notes": [note(1, "gateway error 201: Order rejected - insufficient margin")],
    }
    return Status(**(fields | different))
