"""The first line of a session's history."""

from __future__ import annotations

from algo_trade.contracts import SessionEventKind
from algo_trade.session.log import SessionLog
from algo_trade.session.plan import SessionPlan


def say_started(log: SessionLog, plan: SessionPlan, *, resumed: bool) -> None:
    """That it has started or goes on, with what."""
    log(
        SessionEventKind.SESSION_RESUMED if resumed else SessionEventKind.SESSION_STARTED,
        f"{plan.settings.profile}, {plan.clock_kind} clock, {plan.strategy.name}, {', '.join(plan.symbols)}",
        data={
            "account_id": plan.settings.ibkr.account_id,
            "seed": plan.seed,
            "settings": plan.settings.fingerprint(),
            "strategy": plan.strategy.identity(),
        },
    )
