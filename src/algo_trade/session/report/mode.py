"""SIM, PAPER or LIVE: what a session's evidence may be taken for.

A simulated session must never pass for a paper one, so everything that is not provably otherwise is SIM. The claim
of the record counts only when the clock was real, the profile fits, every account that appears is the broker's
kind, and nothing bears a simulator's mark: its account's name (DSIM…) or its data farm's (simfarm). This cannot
prove that a gateway is the broker's: that, a person attests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import JsonValue

from algo_trade.session.report.evidence import SessionData

Mode = Literal["SIM", "PAPER", "LIVE"]

_SIMULATED_ACCOUNT = "DSIM"
_SIMULATED_FARM = "simfarm"


def mode_of(data: SessionData) -> Mode:
    """The most that the evidence supports of what the record claims."""
    record = data.record
    accounts = sorted(set(_accounts(data)))
    if record.clock != "real" or not accounts or any(_SIMULATED_FARM in event.text for event in data.events):
        return "SIM"
    if any(account.startswith(_SIMULATED_ACCOUNT) for account in accounts):
        return "SIM"
    paper = [account.startswith("D") for account in accounts]
    if record.mode == "PAPER" and record.profile == "paper" and all(paper):
        return "PAPER"
    if record.mode == "LIVE" and record.profile == "prod" and not any(paper):
        return "LIVE"
    return "SIM"


def _accounts(data: SessionData) -> Iterator[str]:
    for item in data.told:
        metadata = item.report.metadata
        if metadata is not None and metadata.account_id:
            yield metadata.account_id
    for event in data.events:
        for name in ("account", "account_id", "accounts"):
            yield from _texts(event.data.get(name))


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield from (part.strip() for part in value.split(",") if part.strip())
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
